"""Put a new folder in the place of an old one by renames, and mend that after a death."""

from __future__ import annotations

import shutil
import tempfile
import time
from itertools import chain, count
from pathlib import Path

from redux_tui.files import sync_folder

# beside the place, in the moment of a swap: to be removed, or to be kept
_NEW, _OLD, _KEPT = ".clone-", ".old-", ".kept-"


def new_folder(place: Path) -> Path:
    """A folder in which to make what is to stand in `place`."""
    fresh = Path(tempfile.mkdtemp(prefix=f".{place.name}{_NEW}", dir=place.parent))
    fresh.chmod(0o755)
    return fresh


def swap(fresh: Path, place: Path, *, keep: bool) -> Path | None:
    """Make `fresh` be `place`. With `keep`, return where the old one is now; else it is removed."""
    old = fresh.with_name(fresh.name.replace(_NEW, _KEPT if keep else _OLD))
    had_one = place.exists()
    if had_one:
        place.rename(old)
    try:
        fresh.rename(place)
    except OSError:
        if had_one:
            old.rename(place)
        raise
    sync_folder(place.parent)
    if keep and had_one:
        return _aside(old, place)
    shutil.rmtree(old, ignore_errors=True)
    return None


def tidy(place: Path) -> None:
    """Mend or remove what a killed process left beside `place`: an old one that has no successor
    yet comes back."""
    for each in left_behind(place):
        is_new = each.name.startswith(f".{place.name}{_NEW}")
        if not is_new and not place.exists():
            each.rename(place)
        elif each.name.startswith(f".{place.name}{_KEPT}"):
            _aside(each, place)
        else:
            shutil.rmtree(each)


def left_behind(place: Path) -> list[Path]:
    """Folders of a swap that has not ended."""
    begins = tuple(f".{place.name}{kind}" for kind in (_NEW, _OLD, _KEPT))
    try:
        return [each for each in place.parent.iterdir() if each.name.startswith(begins)]
    except OSError:
        return []


def _aside(old: Path, place: Path) -> Path:
    name = f"{place.name}.before-{time.strftime('%Y-%m-%dT%H-%M-%S')}"
    names = (f"{name}{suffix}" for suffix in chain([""], (f"-{n}" for n in count(2))))
    free = next(each for each in map(place.with_name, names) if not each.exists())
    return old.rename(free)
