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

from redux_tui.models import InfrastructureError


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
