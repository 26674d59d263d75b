"""Reports in MLE-bench's formats: one of a submission, and the aggregate of many."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from redux_tui.catalog.boards import require_whole_board
from redux_tui.grading.client import Grade
from redux_tui.grading.graders import Graders
from redux_tui.grading.medals import Thresholds, read_leaderboard, thresholds
from redux_tui.models import Competition

Report = dict[str, Any]
"""The fields of MLE-bench's CompetitionReport, then ours: `reason` (why invalid), `sandbox`."""


async def grade_submission(
    graders: Graders,
    competition: Competition,
    root: Path,
    relative: str,
    sandbox: str = "",
    path: Path | None = None,
) -> Report:
    """Grade the file `relative` beneath `root`, which the report calls `path`.

    MLE-bench's competitions get MLE-bench's own report, bundled and users' ones the same fields
    from us. Raises InfrastructureError.
    """
    path = path or root / relative
    require_whole_board(competition)
    is_ours = competition.source != "mle-bench"
    # before the costly part: it may be broken
    board = thresholds(read_leaderboard(competition.leaderboard)) if is_ours else None
    grade = await graders.grade(competition, root, relative, path)
    report = grade.report or {}
    if board is not None:
        report = _report(competition, board, grade, path)
    return {**report, "reason": grade.reason, "sandbox": sandbox}


def _report(competition: Competition, board: Thresholds, grade: Grade, path: Path) -> Report:
    score = grade.score
    gold = score is not None and board.reaches(score, board.gold)
    silver = score is not None and not gold and board.reaches(score, board.silver)
    bronze = score is not None and not (gold or silver) and board.reaches(score, board.bronze)
    return {
        "competition_id": competition.id,
        "score": score,
        "gold_threshold": board.gold,
        "silver_threshold": board.silver,
        "bronze_threshold": board.bronze,
        "median_threshold": board.median,
        "any_medal": gold or silver or bronze,
        "gold_medal": gold,
        "silver_medal": silver,
        "bronze_medal": bronze,
        "above_median": score is not None and board.beats_median(score),
        "submission_exists": grade.exists,
        "valid_submission": score is not None,
        "is_lower_better": board.lower_is_better,
        "created_at": datetime.now().isoformat(),
        "submission_path": str(path),
    }


def aggregate(reports: Iterable[Report]) -> dict[str, Any]:
    """MLE-bench's summary of many reports, field for field (`mlebench/grade.py`)."""
    rows = list(reports)

    def count(field: str) -> int:
        return sum(bool(row[field]) for row in rows)

    medals = {f"total_{medal}_medals": count(f"{medal}_medal") for medal in _MEDALS}
    return {
        "total_runs": len(rows),
        "total_runs_with_submissions": count("submission_exists"),
        "total_valid_submissions": count("valid_submission"),
        "total_medals": sum(medals.values()),
        **medals,
        "total_above_median": count("above_median"),
        "competition_reports": rows,
    }


_MEDALS = ("gold", "silver", "bronze")
