"""MD5 checksums of archives and prepared data, compared as MLE-bench compares them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redux_tui.bench.progress import Tell, ignore
from redux_tui.bench.work import Counter
from redux_tui.models import ReduxError
from redux_tui.yaml_file import read_yaml_mapping

_CHUNK = 1 << 20  # bytes
_CHECKED = ("csv", "json", "jsonl", "parquet", "bson")  # by their names' end, as in MLE-bench


@dataclass(frozen=True, slots=True)
class Checksums:
    """What a competition's checksums.yaml holds; file names to MD5 sums."""

    zip: str | None = None
    public: Mapping[str, str] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)


def read_checksums(file: Path) -> Checksums | None:
    """The sums in `file`; None where there is none. Raises ReduxError for a broken one."""
    if not file.is_file():
        return None
    data = read_yaml_mapping(file)
    parts: dict[str, Any] = {part: data.get(part) or {} for part in ("public", "private")}
    if not all(isinstance(part, dict) for part in parts.values()):
        raise ReduxError(
            f"{file} does not hold the checksums of files under `public` and `private`. Fetch"
            " MLE-bench anew with `redux-tui clone --rebuild`."
        )
    archive = data.get("zip")
    return Checksums(
        None if archive is None else str(archive),
        **{part: {str(name): str(sum_) for name, sum_ in parts[part].items()} for part in parts},
    )


def md5(
    file: Path,
    tell: Tell = ignore,
    cancelled: threading.Event | None = None,
    what: str = "",
) -> str:
    """The MD5 sum of `file`. Raises StoppedError when `cancelled` is set."""
    counter = Counter(what or file.name, file.stat().st_size, tell, cancelled)
    digest = _md5_of(file, counter)
    counter.end()
    return digest


def differences(
    expected: Checksums,
    public: Path,
    private: Path,
    tell: Tell = ignore,
    cancelled: threading.Event | None = None,
    what: str = "",
) -> list[str]:
    """Which prepared files are not as expected: "public/train.csv differs", "… is missing"."""
    files = {
        f"{part}/{file.name}": file
        for part, folder in (("public", public), ("private", private))
        for file in checked_files(folder)
    }
    wanted = {f"public/{name}": sum_ for name, sum_ in expected.public.items()}
    wanted |= {f"private/{name}": sum_ for name, sum_ in expected.private.items()}
    total = sum(file.stat().st_size for file in files.values())
    counter = Counter(what or "checksums", total, tell, cancelled)
    found = []
    for name in sorted(files.keys() | wanted.keys()):
        if name not in files:
            found.append(f"{name} is missing")
        elif name not in wanted:
            found.append(f"{name} is not expected")
        elif _md5_of(files[name], counter) != wanted[name]:
            found.append(f"{name} differs")
    counter.end()
    return found


def checked_files(folder: Path) -> list[Path]:
    """The files directly in `folder` that have checksums."""
    endings = tuple(f".{ending}" for ending in _CHECKED)
    return [
        file for file in sorted(folder.iterdir()) if file.name.endswith(endings) and file.is_file()
    ]


def _md5_of(file: Path, counter: Counter) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)
            counter.add(len(chunk))
    return digest.hexdigest()
