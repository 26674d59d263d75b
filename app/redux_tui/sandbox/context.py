"""The files that an image is built from: a folder's, some of them replaced or added to."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from redux_tui.sandbox.content import content_hash, is_executable, names_in

TIME = 315532800  # 1980-01-01: the same for all files, and what zip can still express


@dataclass(frozen=True, slots=True)
class Context:
    """`names` are the files of `folder` that count; `added` has contents of others, or instead."""

    folder: Path
    names: list[str]
    added: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, recipe: str, added: Mapping[str, bytes] | None = None) -> Context:
        """All of `folder` that its .dockerignore leaves; `recipe` is its Dockerfile's name."""
        return cls(folder, _names(folder, recipe), added or {})

    def content(self, *others: str) -> str:
        """sha256 (hex) of all files, and `others`."""
        names = [name for name in self.names if name not in self.added]
        texts = [f"{name}\0{data.decode('latin-1')}" for name, data in sorted(self.added.items())]
        return content_hash(self.folder, names, *texts, *others)

    def pack(self, target: IO[bytes]) -> None:
        """Write a tar that depends on contents only, and that any user of a container can read."""
        with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name in self.names:
                if name not in self.added:
                    _add(archive, name, self.folder / name)
            for name, data in self.added.items():
                _add_data(archive, _info(name), data, 0o644)


def _names(folder: Path, recipe: str) -> list[str]:
    from docker.utils.build import exclude_paths

    names = names_in(folder)
    ignore = folder / ".dockerignore"
    if not ignore.is_file():
        return names
    lines = [line.strip() for line in ignore.read_text("utf-8").splitlines()]
    patterns = [line for line in lines if line and not line.startswith("#")]
    kept = exclude_paths(str(folder), patterns, dockerfile=recipe)
    return [name for name in names if name in kept]


def _add(archive: tarfile.TarFile, name: str, path: Path) -> None:
    info = _info(name)
    if path.is_symlink():
        info.type, info.linkname = tarfile.SYMTYPE, os.fspath(path.readlink())
        archive.addfile(info)
    elif path.is_file():
        _add_data(archive, info, path.read_bytes(), 0o755 if is_executable(path) else 0o644)


def _add_data(archive: tarfile.TarFile, info: tarfile.TarInfo, data: bytes, mode: int) -> None:
    info.size, info.mode = len(data), mode
    archive.addfile(info, io.BytesIO(data))


def _info(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mtime = TIME
    return info
