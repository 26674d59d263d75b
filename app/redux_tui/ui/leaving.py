"""What is asked before the dashboard is left while something goes on."""

from __future__ import annotations

from redux_tui.ui.jobs import Job

Choice = tuple[str, str, str]


def question(attempts: int, jobs: list[Job], command: str) -> tuple[str, list[Choice]]:
    """The text, and the answers: keep (attempts go on, jobs stop), stop, stay."""
    sentences, stay = [], ("s", "Stay here", "stay")
    if attempts:
        noun = "attempt is" if attempts == 1 else "attempts are"
        sentences.append(
            f"{attempts} {noun} not finished. They go on without this window, and you can come back"
            f" to them with: {command}"
        )
    if jobs:
        sentences.append(_about(jobs))
    if not attempts:
        return " ".join(sentences), [("x", "Stop and quit", "keep"), stay]
    keep = "Keep the attempts" if jobs else "Keep running"
    return " ".join(sentences), [("k", keep, "keep"), ("x", "Stop all", "stop"), stay]


def _about(jobs: list[Job]) -> str:
    """Jobs belong to this window; what each leaves behind is said once."""
    names = ", ".join(job.title for job in jobs[:3]) + (", …" if len(jobs) > 3 else "")
    stops = "job stops" if len(jobs) == 1 else "jobs stop"
    keeps = " ".join(dict.fromkeys(job.keeps for job in jobs))
    return f"{len(jobs)} {stops} with this window ({names}). {keeps}"
