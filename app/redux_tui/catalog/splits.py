"""Splits: named lists of competitions, one id a line, with comments and blank lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redux_tui.models import ReduxError

LEVELS = ("low", "medium", "high")
"""MLE-bench's splits by complexity, which no competition shares."""

MLE_BENCH = (*LEVELS, "split75", "dev")
"""The splits that ship with us as MLE-bench defines them."""

ALIASES = {"lite": "low"}
"""Other names that MLE-bench has for them."""

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Split:
    name: str
    competitions: tuple[str, ...]


def read_split(path: Path) -> Split:
    """The split in the text file `path`; its name is the file's without `.txt`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReduxError(f"The split {path} can't be read as text: {error}.") from error
    ids = (line.partition("#")[0].strip() for line in lines)
    return Split(path.stem, tuple(dict.fromkeys(each for each in ids if each)))


def require_same(ours: Split, theirs: Path) -> None:
    """Raise ReduxError with the ids in which our split differs from the clone's file `theirs`."""
    if not theirs.is_file():
        return
    there = read_split(theirs).competitions
    missing = [each for each in there if each not in ours.competitions]
    extra = [each for each in ours.competitions if each not in there]
    parts = [
        f"{enumerated(ids)} {'is' if len(ids) == 1 else 'are'} in {place} only"
        for ids, place in ((missing, theirs), (extra, "ours"))
        if ids
    ]
    if parts:
        raise ReduxError(
            f"The split {ours.name} is not the one of this version of MLE-bench: "
            f"{', and '.join(parts)}. Ours is used."
        )


def enumerated(ids: Sequence[str]) -> str:
    """The first few of `ids` in words, and how many more there are."""
    more = len(ids) - _SHOWN
    return ", ".join(ids[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
