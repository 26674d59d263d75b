"""What a leaderboard tells before it is read whole: its direction, and that it is whole."""

from __future__ import annotations

import csv
import os
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal

from redux_tui.files import is_lfs_pointer
from redux_tui.models import Competition, InfrastructureError

_PAGE = 20  # rows that Kaggle shows at once: such a board is but the top of one
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


def require_whole_board(competition: Competition) -> None:
    """Raise InfrastructureError for a board by which medals would be wrong, or none be told."""
    path = competition.leaderboard
    if is_lfs_pointer(path):
        raise InfrastructureError(
            f"The leaderboard of {competition.id} is a Git LFS file that was not fetched, so no"
            f" medal can be told. Run `redux-tui prepare -c {competition.id}`, which fetches it."
        )
    # `mlebench dev download-leaderboard` fetches one page, and forks have committed such boards
    if competition.source == "mle-bench" and _rows(path) == _PAGE:
        raise InfrastructureError(
            f"The leaderboard {path} has {_PAGE} rows: that is the first page of the real one, and"
            " its medals would be wrong. Run `redux-tui clone --rebuild` to have MLE-bench's own."
        )


def _rows(path: Path) -> int:
    """Rows below the header; as many as are needed to tell a page are read."""
    try:
        with path.open("rb") as file:
            return sum(1 for _ in islice(filter(bytes.strip, file), _PAGE + 2)) - 1
    except OSError as error:
        raise InfrastructureError(
            f"The leaderboard {path} can't be read: {error.strerror}. Run `redux-tui clone"
            " --rebuild` if it is gone."
        ) from error


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
