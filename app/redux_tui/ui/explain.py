"""Which file to show for an attempt, and what to say where there is nothing in it yet."""

from __future__ import annotations

from pathlib import Path

from redux_tui.models import Phase, Request
from redux_tui.runner.state import AttemptState
from redux_tui.ui.text import count, span


def log_to_show(attempt: AttemptState, group: Path) -> Path:
    """The attempt's log; until it holds something, the newest of what prepares the attempt."""
    if attempt.phase in (Phase.QUEUED, Phase.PREPARING) and not _size(attempt.log):
        others = (group / f"prepare-{attempt.run.competition}.log", group / "build.log")
        written = [path for path in others if _size(path)]
        if attempt.phase is Phase.PREPARING and written:
            return max(written, key=lambda path: path.stat().st_mtime)
    return attempt.log


def why_empty(attempt: AttemptState, request: Request) -> str:
    """A sentence or two to show instead of an empty log."""
    match attempt.phase:
        case Phase.QUEUED if attempt.cancel_requested:
            return "Cancelled before it began."
        case Phase.QUEUED:
            jobs = count(request.jobs, "attempt")
            return f"Waiting for a free slot… ({jobs} at a time; more with a higher “jobs”.)"
        case Phase.PREPARING:
            return "Preparing: the data and the agent's image or environment are being made ready…"
        case Phase.RUNNING:
            running = span(attempt.seconds(Phase.RUNNING) or 0)
            return f"The agent has been running for {running} and has printed nothing yet."
        case Phase.GRADING:
            return "The agent printed nothing. Its submission is being graded…"
        case Phase.FINISHED if Phase.RUNNING not in attempt.since:
            return f"The agent never began. {attempt.reason}"
        case _:
            return f"The agent printed nothing. {attempt.reason}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
