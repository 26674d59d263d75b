"""Medals by Kaggle's progression rules, as MLE-bench computes them from a leaderboard.

Source: kaggle.com/progression, and `rank_score` in MLE-bench's `mlebench/grade_helpers.py`.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redux_tui.files import is_lfs_pointer
from redux_tui.models import Competition, InfrastructureError

_PAGE = 20  # rows that Kaggle shows at once: such a board is but the top of one


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The score at each medal's last place, the board's median, and which way is better."""

    gold: float
    silver: float
    bronze: float
    median: float
    lower_is_better: bool

    def reaches(self, score: float, threshold: float) -> bool:
        return score <= threshold if self.lower_is_better else score >= threshold

    def beats_median(self, score: float) -> bool:
        return score < self.median if self.lower_is_better else score > self.median


def require_whole_board(competition: Competition) -> None:
    """Raise InfrastructureError for a board by which medals would be wrong, or none be told."""
    path = competition.leaderboard
    if is_lfs_pointer(path):
        raise InfrastructureError(
            f"The leaderboard of {competition.id} is a Git LFS file that was not fetched, so no"
            f" medal can be told. Run `redux-tui prepare -c {competition.id}`, which fetches it."
        )
    if competition.source != "mle-bench":
        read_leaderboard(path)
    elif _rows(path) == _PAGE:
        raise InfrastructureError(
            f"The leaderboard {path} has {_PAGE} rows: that is the first page of the real one, and"
            " its medals would be wrong. Run `redux-tui clone --rebuild` to have MLE-bench's own."
        )


def read_leaderboard(path: Path) -> list[float]:
    """The `score` column, best first as on the board. Raises InfrastructureError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            scores = [float(row["score"]) for row in csv.DictReader(file)]
        if not all(map(math.isfinite, scores)):
            raise ValueError("a score is not finite")
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise InfrastructureError(
            f"The leaderboard {path} can't be read ({error!r}): it must be a CSV file with a number"
            " in the column `score` of every row."
        ) from error
    if not scores:
        raise InfrastructureError(f"The leaderboard {path} has no rows, so no medal can be told.")
    return scores


def _rows(path: Path) -> int:
    """Rows below the header; as many as are needed to tell a page are read."""
    try:
        with path.open("rb") as file:
            return sum(1 for _ in zip(file, range(_PAGE + 2), strict=False)) - 1
    except OSError as error:
        raise InfrastructureError(
            f"The leaderboard {path} can't be read: {error.strerror}. Run `redux-tui clone`, which"
            " restores it."
        ) from error


def thresholds(scores: Sequence[float]) -> Thresholds:
    """Thresholds of a board given best first; its direction is read off its first and last row."""
    teams = len(scores)
    if teams < 100:
        places = (max(1, int(teams * 0.1)), max(1, int(teams * 0.2)), max(1, int(teams * 0.4)))
    elif teams < 250:
        places = (10, max(1, int(teams * 0.2)), max(1, int(teams * 0.4)))
    elif teams < 1000:
        places = (10 + int(teams * 0.002), 50, 100)
    else:
        places = (10 + int(teams * 0.002), int(teams * 0.05), int(teams * 0.1))
    gold, silver, bronze = (scores[place - 1] for place in places)
    return Thresholds(gold, silver, bronze, statistics.median(scores), scores[0] < scores[-1])
