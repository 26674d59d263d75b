"""Files derived from the journal, in MLE-bench's formats; any of them can be made again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from redux_tui.files import write_json
from redux_tui.grading.report import aggregate
from redux_tui.models import Result
from redux_tui.runner.state import AttemptState, GroupState


def write_derived_files(state: GroupState, created_at: str) -> None:
    """metadata.json and grading_report.json; they list the runs' result attempts only."""
    results = list(state.results().values())
    write_json(
        state.folder / "metadata.json",
        {
            "run_group": state.folder.name,
            "created_at": created_at,
            "sandbox": state.sandbox,
            "runs": {each.id: describe(each) for each in results},
        },
    )
    reports = [each.report for each in results if each.report is not None]
    write_json(state.folder / "grading_report.json", aggregate(reports))


def describe(attempt: AttemptState) -> dict[str, Any]:
    """An attempt as metadata.json and `run --json` show it; `success` is MLE-bench's word."""
    return {
        "success": attempt.result is Result.SCORED,
        "competition": attempt.run.competition,
        "task": attempt.run.task,
        "seed": attempt.run.seed,
        "attempt": attempt.number,
        "cause": attempt.cause,
        "ended": attempt.ended,
        "result": attempt.result,
        "commit": (attempt.started or {}).get("commit"),  # of MLE-bench
        "notes": attempt.notes,
        "reason": explain(attempt),
        "exit_code": attempt.exit_code,
        "seconds": seconds_by_phase(attempt),
    }


def explain(attempt: AttemptState) -> str:
    """How it ended and what grading found, in one or two sentences."""
    return " ".join(filter(None, (attempt.reason, attempt.result_reason)))


def seconds_by_phase(attempt: AttemptState) -> dict[str, float]:
    times = {phase: attempt.seconds(phase) for phase in attempt.since if phase != "finished"}
    return {str(phase): round(time, 3) for phase, time in times.items() if time is not None}


def link_newest(work_dir: Path, attempt: AttemptState) -> None:
    """Point `workdir/<competition>` at the attempt that holds its newest result.

    A failure takes the place of nothing that scored, and what is no link is a person's own.
    """
    link = work_dir / attempt.run.competition
    if attempt.report is None or (link.exists() and not link.is_symlink()):
        return
    if attempt.score is None and link.exists():
        return
    temporary = work_dir / f".{attempt.id}.link"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(os.path.relpath(attempt.folder, work_dir))
    temporary.replace(link)
