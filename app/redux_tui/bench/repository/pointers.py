"""Git LFS without git-lfs: pointers, the store of objects beside them, putting one in place."""

from __future__ import annotations

import errno
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from redux_tui.bench.repository.folder import common_dir, git_dir
from redux_tui.files import is_lfs_pointer, sync_folder, write_atomically

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n"
    rb"size (\d+)\n?"
)
_LARGEST = 1024  # bytes; a pointer never has more


@dataclass(frozen=True, slots=True)
class Pointer:
    """What stands in place of a file: the SHA-256 of its bytes, and how many they are."""

    oid: str
    size: int


def parse_pointer(content: bytes) -> Pointer | None:
    match = _POINTER.fullmatch(content) if len(content) <= _LARGEST else None
    return Pointer(match[1].decode(), int(match[2])) if match else None


def read_pointer(file: Path) -> Pointer | None:
    """The pointer that `file` is; None if it is a real file, or none."""
    return parse_pointer(file.read_bytes()) if is_lfs_pointer(file) else None


def boards(folder: Path) -> list[Path]:
    """All files of a clone whose content we have use for and that LFS may keep."""
    found = sorted((folder / "mlebench" / "competitions").glob("*/leaderboard.csv"))
    categories = folder / "experiments" / "competition_categories.csv"
    return [*found, categories] if categories.is_file() else found


def store(folder: Path) -> Path:
    """Where the clone in `folder` keeps LFS objects."""
    git = git_dir(folder)
    assert git is not None
    return common_dir(git) / "lfs" / "objects"


def place_in(store: Path, oid: str) -> Path:
    return store / oid[:2] / oid[2:4] / oid


def keep(store: Path, file: Path) -> None:
    """Put a copy of the real `file` into the store, under its own hash."""
    content = file.read_bytes()
    target = place_in(store, hashlib.sha256(content).hexdigest())
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, content)


def put(store: Path, file: Path) -> bool:
    """Replace the pointer `file` by what it points at, if the store has it whole.

    Returns whether the file is real then. It is replaced in one step: half a board would give
    wrong medals.
    """
    pointer = read_pointer(file)
    if pointer is None:
        return not is_lfs_pointer(file)
    stored = place_in(store, pointer.oid)
    try:
        content = stored.read_bytes()
    except OSError:
        return False
    if hashlib.sha256(content).hexdigest() != pointer.oid:
        stored.unlink()  # damaged; git-lfs would take it for the real thing
        return False
    _replace(file, content, store / "redux-tui.tmp")
    return True


def _replace(file: Path, content: bytes, temporary: Path) -> None:
    """In one step, with nothing left in the work tree by a death: it would pass for a person's.

    Its caller holds the clone's lock, so that one name for `temporary` does.
    """
    try:
        write_atomically(temporary, content)
        temporary.replace(file)
    except OSError as error:
        if error.errno != errno.EXDEV:  # a work tree on another disk than its repository
            raise
        write_atomically(file, content)
    sync_folder(file.parent)
