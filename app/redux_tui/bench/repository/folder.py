"""What the files of a git repository say without git: its commit, its URL, what is half done."""

from __future__ import annotations

import re
from pathlib import Path

MOVING = "redux-tui-moving.json"  # in .git while the files are of two commits
OURS = "redux-tui.json"  # in .git of a clone that redux-tui made

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SECRET = re.compile(r"(\w://)[^/\s]+@")  # up to the last @: a password may hold one
_LINKS = 5  # symbolic refs that are followed


def is_mle_bench(folder: Path) -> bool:
    package = folder / "mlebench"
    return (package / "registry.py").is_file() and (package / "competitions").is_dir()


def git_dir(folder: Path) -> Path | None:
    """The repository's own folder: `.git`, or where a work tree's file `.git` points."""
    place = folder / ".git"
    if place.is_dir():
        return place
    try:
        key, _, target = place.read_text().partition(":")
    except (OSError, ValueError):
        return None
    return folder / target.strip() if key == "gitdir" else None


def common_dir(git: Path) -> Path:
    """What work trees share: refs, config, LFS objects."""
    try:
        return git / (git / "commondir").read_text().strip()
    except OSError:
        return git


def head(git: Path) -> str | None:
    """The commit that is checked out, in full."""
    name = "HEAD"
    for _ in range(_LINKS):
        value = _read_ref(git, name)
        if value is None or _HASH.fullmatch(value):
            return value
        name = value.removeprefix("ref:").strip()
        if ".." in name or name.startswith("/"):
            return None
    return None


def origin(git: Path) -> str:
    """The URL of the remote `origin`, without the login in it; empty if there is none."""
    try:
        text = (common_dir(git) / "config").read_text(errors="replace")
    except OSError:
        return ""
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line
        key, is_value, value = line.partition("=")
        if section == '[remote "origin"]' and is_value and key.strip().lower() == "url":
            return without_login(value.strip().strip('"'))
    return ""


def without_login(text: str) -> str:
    """The text with no password or token in the web addresses that it holds."""
    return _SECRET.sub(r"\1", text)


def _read_ref(git: Path, name: str) -> str | None:
    for place in (git, common_dir(git)):
        try:
            return (place / name).read_text().strip()
        except (OSError, ValueError):
            continue
    try:
        packed = (common_dir(git) / "packed-refs").read_text(errors="replace")
    except OSError:
        return None
    for line in packed.splitlines():
        value, _, packed_name = line.partition(" ")
        if packed_name == name:
            return value
    return None
