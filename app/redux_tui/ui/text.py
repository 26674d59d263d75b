"""How states, times and scores are written: an icon and a word each, never colour alone."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from redux_tui.logs.sanitize import one_line
from redux_tui.models import Ended, Medal, Phase, Result, SandboxKind
from redux_tui.runner.state import AttemptState

GOOD, BAD, WARN, BUSY, DIM = "green", "red", "yellow", "cyan", "dim"

_PHASES = {
    Phase.QUEUED: ("○", "queued", DIM),
    Phase.PREPARING: ("◔", "preparing", BUSY),
    Phase.RUNNING: ("▶", "running", BUSY),
    Phase.GRADING: ("◕", "grading", BUSY),
}
_RESULTS = {
    Result.SCORED: ("✓", "scored", GOOD),
    Result.INVALID: ("✗", "invalid", BAD),
    Result.NONE: ("✗", "no submission", BAD),
    Result.NOT_APPLICABLE: ("–", "not applicable", DIM),
    Result.UNGRADED: ("!", "ungraded", WARN),
}
_ENDED = {
    Ended.COMPLETED: "completed",
    Ended.EXIT_NONZERO: "agent failed",
    Ended.TIMED_OUT: "timed out",
    Ended.OUT_OF_MEMORY: "out of memory",
    Ended.BUDGET: "budget used up",
    Ended.LOG_LIMIT: "log too long",
    Ended.CANCELLED: "cancelled",
    Ended.INFRASTRUCTURE: "infrastructure",
}
_MEDALS = {Medal.GOLD: "yellow", Medal.SILVER: "white", Medal.BRONZE: "dark_orange"}


def safe(text: object, style: str = "") -> Text:
    """A foreign text on one line, with nothing in it that a terminal or markup would obey."""
    return Text(one_line(str(text)), style, no_wrap=True, overflow="ellipsis", end="")


def state_of(attempt: AttemptState) -> Text:
    """Where an attempt is, or what became of it."""
    if attempt.is_finished:
        return result_of(attempt)
    icon, word, style = _PHASES[attempt.phase]
    if attempt.cancel_requested:
        icon, word, style = "■", "stopping", WARN
    return Text(f"{icon} {word}", style)


def result_of(attempt: AttemptState) -> Text:
    """The result; where there is no submission, how the attempt ended says more."""
    if attempt.result is None:
        return state_of(attempt) if not attempt.is_finished else Text("! no result", WARN)
    icon, word, style = _RESULTS[attempt.result]
    if attempt.result is Result.NONE and attempt.ended not in (None, Ended.COMPLETED):
        if attempt.ended is Ended.CANCELLED:
            icon, style = "■", WARN
        word = _ENDED[attempt.ended]
    return Text(f"{icon} {word}", style)


def ended_of(attempt: AttemptState) -> Text:
    if attempt.ended is None:
        return Text("–", DIM)
    word = _ENDED[attempt.ended]
    if attempt.ended is Ended.EXIT_NONZERO and attempt.exit_code is not None:
        word = f"exit code {attempt.exit_code}"
    return Text(word, "" if attempt.ended is Ended.COMPLETED else WARN)


def medal_of(attempt: AttemptState) -> Text:
    if attempt.medal is Medal.NONE:
        return Text("– none" if attempt.report else "–", DIM)
    return Text(f"◆ {attempt.medal}", _MEDALS[attempt.medal])


def number(value: float | None) -> str:
    """A score or threshold, rounded as MLE-bench rounds: to five places."""
    if value is None:
        return "–"
    short = f"{value:.5f}".rstrip("0").rstrip(".")
    return short if len(short) <= 12 else f"{value:.6g}"


def clock(seconds: float | None) -> str:
    """Seconds as a stopwatch shows them: 1:05, 2:03:10."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def span(seconds: float) -> str:
    """Seconds as one says them: 40 s, 5 min, 1 h 30 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def elapsed(attempt: AttemptState, now: datetime) -> Text:
    """The time in the present phase, and what the agent may take at most."""
    if attempt.phase is Phase.QUEUED:
        return Text("–", DIM)
    phase = Phase.RUNNING if Phase.RUNNING in attempt.since else attempt.phase
    text = clock(attempt.seconds(phase, now))
    if attempt.phase is Phase.RUNNING and attempt.timeout:
        text += f" / {clock(attempt.timeout)}"
    return Text(text)


def sandbox_word(sandbox: str) -> str:
    """The sandbox with what one must know about it; "" while it is not chosen."""
    return "process (not isolated)" if sandbox == SandboxKind.PROCESS else sandbox


def count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
