"""Files written whole or not at all, locks that die with their holder, room on the disk."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redux_tui.models import InfrastructureError

_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"


def write_atomically(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Replace `path` by `content`: temporary file, fsync, rename. A reader sees old or new."""
    data = content.encode() if isinstance(content, str) else content
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, to_json(value) + "\n")


def to_json(value: Any, default: Callable[[Any], object] | None = None) -> str:
    """`value` as indented JSON that every reader takes. Raises ValueError for NaN and infinity."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=default)
    # a file name that is no UTF-8 holds lone surrogates; in JSON, too, they are written \udc80
    return text.encode(errors="backslashreplace").decode()


def sync_folder(folder: Path) -> None:
    """Make a rename or a new file in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on the file `path` (made if absent); it dies with its holder.

    Raises BlockingIOError if `wait` is false and someone else holds it, and goes on doing so for
    half a second: `is_locked` holds it for a moment while it looks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if wait:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            _lock_soon(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock_soon(descriptor: int, seconds: float = 0.5) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def is_locked(path: Path) -> bool:
    """Whether some living process holds the lock on `path`."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def is_lfs_pointer(path: Path) -> bool:
    """Whether `path` stands for a file that Git LFS has not fetched; it then is a few lines."""
    try:
        with path.open("rb") as file:
            return file.read(len(_LFS_POINTER)) == _LFS_POINTER
    except OSError:
        return False


def require_free_space(folder: Path, needed: int, what: str) -> None:
    """Raise InfrastructureError if the disk of `folder` has fewer than `needed` bytes free."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    status = os.statvfs(existing)
    free = status.f_bavail * status.f_frsize
    if free < needed:
        raise InfrastructureError(
            f"{what} needs about {needed / 1e6:,.0f} MB, but only {free / 1e6:,.0f} MB are free"
            f" on the disk of {folder}. Free some space, or set data_dir or work_dir in the"
            " config to another disk."
        )
