"""How an attempt ended: when it must be stopped, and what its exit means, in one sentence each."""

from __future__ import annotations

import signal

from redux_tui.models import Ended, Limits
from redux_tui.sandbox.protocol import Exit


def verdict(
    limits: Limits, elapsed: float, log_size: int, log_limit: int, cancelled: bool
) -> tuple[Ended, str] | None:
    """Whether a running attempt must be stopped now, and why. Seconds and bytes."""
    if cancelled:
        return Ended.CANCELLED, "It was cancelled."
    if elapsed >= limits.timeout + limits.grace:
        return Ended.TIMED_OUT, (
            f"It was stopped {limits.grace:.0f} s after its time limit of {limits.timeout:.0f} s."
        )
    if log_size > log_limit:
        return Ended.LOG_LIMIT, (
            f"It was stopped because its log grew over {log_limit / 1e6:,.0f} MB"
            " (limits.log_bytes in the config)."
        )
    return None


def judge(exit_: Exit, limits: Limits, elapsed: float) -> tuple[Ended, str]:
    """What an exit that we did not bring about means."""
    if exit_.lost is not None:
        return Ended.INFRASTRUCTURE, exit_.lost
    code = exit_.exit_code
    if exit_.out_of_memory and code != 0:
        return Ended.OUT_OF_MEMORY, (
            "It, or a process that it had started, was killed because it used more memory than"
            f" {_megabytes(limits.memory)}."
        )
    if elapsed >= limits.timeout:
        return Ended.TIMED_OUT, f"It reached its time limit of {limits.timeout:.0f} s."
    if code == 0:
        return Ended.COMPLETED, ""
    return Ended.EXIT_NONZERO, f"The agent ended with exit code {code}{_signal_name(code)}."


def _megabytes(memory: int | None) -> str:
    return f"its limit of {memory / 1e6:,.0f} MB" if memory else "the machine has to give"


def _signal_name(code: int | None) -> str:
    """Shells and containers report a signal N as exit code 128 + N, Python as -N."""
    number = -code if code is not None and code < 0 else (code or 0) - 128
    try:
        return f" (signal {signal.Signals(number).name})"
    except ValueError:
        return ""
