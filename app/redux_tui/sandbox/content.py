"""The content hash of an agent's folder: the same files give the same hash on every machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

SKIPPED = frozenset({"__pycache__", ".git"})


def names_in(folder: Path) -> list[str]:
    """All files and links beneath `folder` that count, relative to it and sorted."""
    found: list[str] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED]
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        found += [os.path.relpath(Path(parent) / name, folder) for name in [*files, *links]]
    return sorted(found)


def content_hash(folder: Path, names: Iterable[str], *others: str) -> str:
    """sha256 (hex) over names, the executable bit and contents, and then `others`.

    Owners, times and the other mode bits do not count: they differ between two checkouts.
    """
    digest = hashlib.sha256()
    for name in names:
        path = folder / name
        if path.is_symlink():
            kind, content = "link", os.fsencode(path.readlink())
        elif path.is_file():
            kind, content = _kind(path), path.read_bytes()
        else:
            continue  # a socket or a fifo can be no part of an agent
        digest.update(f"{kind}\0{name}\0{len(content)}\0".encode())
        digest.update(content)
    for other in others:
        digest.update(f"other\0{len(other)}\0{other}".encode())
    return digest.hexdigest()


def is_executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def _kind(path: Path) -> str:
    return "program" if is_executable(path) else "file"
