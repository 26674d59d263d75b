"""How far a run group is, and how long it may still take."""

from __future__ import annotations

from datetime import datetime

from redux_tui.models import Phase, Request
from redux_tui.runner.state import AttemptState, GroupState
from redux_tui.ui.text import count, sandbox_word, span

_ACTIVE = (Phase.PREPARING, Phase.RUNNING, Phase.GRADING)


def seconds_left(state: GroupState, request: Request, now: datetime) -> tuple[float, bool] | None:
    """Seconds until all is finished, and whether that is a guess from what finished already.

    Before the first attempt finished, it is the longest that it can take. None once it is over.
    """
    attempts = list(state.attempts.values())
    open_ones = [each for each in attempts if not each.is_finished]
    if not open_ones:
        return None
    known = [_lasted(each, now) for each in attempts if each.is_finished and each.started]
    is_guess = bool(known)
    usual = sum(known) / len(known) if known else request.limits.timeout
    work = sum(_expected(usual, _lasted(each, now)) for each in open_ones)
    return work / max(1, min(request.jobs, len(open_ones))), is_guess


def headline(state: GroupState) -> str:
    """A few words for the header and the terminal's title."""
    attempts = state.attempts.values()
    done = sum(each.is_finished for each in attempts)
    if not attempts:
        return ""
    if done == len(attempts):
        return f"✓ {done}/{len(attempts)} finished"
    active = sum(each.phase in _ACTIVE for each in attempts)
    return f"▶ {active} running  {done}/{len(attempts)}"


def describe(state: GroupState, request: Request, now: datetime, is_alive: bool) -> str:
    """One line: what, where, how far, how long; that only while a supervisor lives."""
    attempts = state.attempts.values()
    done = sum(each.is_finished for each in attempts)
    active = sum(each.phase in _ACTIVE for each in attempts)
    queued = sum(each.phase is Phase.QUEUED for each in attempts)
    parts = [request.agent]
    if state.sandbox:
        parts.append(sandbox_word(state.sandbox))
    if request.obfuscated:
        parts.append("obfuscated")
    if not attempts:
        return " · ".join([*parts, f"{count(len(request.runs()), 'run')} about to be queued"])
    parts.append(f"{done} of {count(len(attempts), 'attempt')} finished")
    if active:
        parts.append(f"{active} running")
    if queued:
        parts.append(f"{queued} queued")
    left = seconds_left(state, request, now) if is_alive else None
    if left is not None:
        seconds, is_guess = left
        parts.append(f"about {span(seconds)} left" if is_guess else f"at most {span(seconds)} left")
    return " · ".join(parts)


def _expected(usual: float, lasted: float) -> float:
    """Seconds still to come; what takes longer than usual will take some more of that."""
    return max(usual - lasted, 0.2 * lasted)


def _lasted(attempt: AttemptState, now: datetime) -> float:
    return sum(attempt.seconds(phase, now) or 0.0 for phase in _ACTIVE)
