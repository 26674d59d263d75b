"""Splits: named lists of competitions, one id a line, with comments and blank lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from redux_tui.models import ReduxError


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
