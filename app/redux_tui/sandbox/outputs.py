"""Makes what an agent wrote belong to us, without ever following one of its links."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

OUTPUTS = ("submission", "code", "logs")
DEEPEST = 200  # folders in folders; each open level holds a file descriptor


def give(folder: Path, uid: int, gid: int) -> None:
    """Before the start: the (empty) output folders and the log belong to the agent's user."""
    for name in (*OUTPUTS, "container.log"):
        os.chown(folder / name, uid, gid, follow_symlinks=False)


def take_back(folder: Path) -> None:
    """After the end: all outputs belong to us, and we may read and list them.

    What lies deeper than 200 folders, which no person wrote, is left as it is.
    """
    for name in (*OUTPUTS, "container.log"):
        if os.path.lexists(folder / name):
            _take(os.open(folder, os.O_RDONLY | os.O_DIRECTORY), name, 0)


def remove_tree(folder: Path) -> None:
    """Remove a folder of the agent, even if it took our permissions to do so away."""
    if not os.path.lexists(folder):
        return
    _take(os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY), folder.name, 0)
    shutil.rmtree(folder)


def _take(parent: int, name: str, depth: int) -> None:
    """Take over the entry `name` of the open folder `parent`, which is closed afterwards."""
    try:
        folder = _take_entry(parent, name)
    finally:
        os.close(parent)
    if folder is None:
        return
    try:
        names = os.listdir(folder) if depth < DEEPEST else []  # noqa: PTH208
        for child in names:
            _take(os.dup(folder), child, depth + 1)
    finally:
        os.close(folder)


def _take_entry(parent: int, name: str) -> int | None:
    """Own one entry and make it readable; a folder is returned open."""
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
        os.chown(name, 0, 0, dir_fd=parent, follow_symlinks=False)
    wanted = 0o700 if stat.S_ISDIR(status.st_mode) else 0o600
    plain = stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)
    if plain and status.st_mode & wanted != wanted:
        # chmod follows links, but this is none, and those that could swap it are dead by now
        os.chmod(name, stat.S_IMODE(status.st_mode) & 0o777 | wanted, dir_fd=parent)
    if not stat.S_ISDIR(status.st_mode):
        return None
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
