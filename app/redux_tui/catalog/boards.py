"""Which way a competition's metric goes, read off both ends of its leaderboard."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import BinaryIO, Literal

from redux_tui.models import Competition

_END = 4096  # bytes: no line of a board is longer
Direction = Literal["lower", "higher"]


def direction(competition: Competition) -> Direction | None:
    """Whether lower or higher scores are better; None without a leaderboard that says so.

    MLE-bench's own rule: lower, where the first row's score is below the last one's.
    """
    try:
        first, last = _scores(competition.leaderboard)
    except (OSError, ValueError, csv.Error):
        return None  # not fetched yet (an LFS pointer), or broken: whoever grades by it says so
    return "lower" if first < last else "higher"


def _scores(board: Path) -> tuple[float, float]:
    """The scores of the first and the last row. Raises ValueError where there are none."""
    with board.open("rb") as file:
        columns, first = _cells(file.readline(_END)), _cells(file.readline(_END))
        last = _cells(_last_line(file))
    score = columns.index("score")
    if not len(columns) == len(first) == len(last):
        raise ValueError("a name of several lines, or no table")
    return float(first[score]), float(last[score])


def _last_line(file: BinaryIO) -> bytes:
    """The last one that is not empty."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END))
    lines = file.read().split(b"\n")
    return next((line for line in reversed(lines) if line.strip()), b"")


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode("utf-8-sig")]))
