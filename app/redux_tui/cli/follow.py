"""Following a run group on the command line: progress lines, or a bar where there is a terminal."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from enum import Enum, auto

from redux_tui.cli.output import say
from redux_tui.logs.sanitize import plain
from redux_tui.models import Phase
from redux_tui.runner.client import cancel
from redux_tui.runner.derived import explain
from redux_tui.runner.group import Group
from redux_tui.runner.state import AttemptState

_LOOK_EVERY = 0.1  # seconds
_PATIENCE = 5.0  # seconds without a supervisor until we believe that there is none

_QUESTION = (
    "Interrupted. The run belongs to its supervisor and goes on: Enter leaves it running,"
    " w + Enter goes on watching, Ctrl-C once more cancels everything."
)
_NO_QUESTION = "Interrupted: the run goes on. Interrupt once more to cancel everything."


class Followed(Enum):
    """How following ended."""

    FINISHED = auto()
    CANCELLED = auto()  # a person interrupted twice
    LEFT = auto()  # it goes on without us
    STOPPED = auto()  # its supervisor is gone before the end


async def follow(group: Group, interruptions: Interruptions) -> Followed:
    """Show the group's progress until everything in it has finished."""
    show = _Bar() if sys.stderr.isatty() else _Lines()
    seen_alive = time.monotonic()
    interruptions.watch(group)
    try:
        while not interruptions.leave:
            group.refresh()
            show(group)
            if group.is_alive:
                seen_alive = time.monotonic()
            elif group.state.is_finished:
                return Followed.CANCELLED if interruptions.cancelled else Followed.FINISHED
            elif group.state.stopped or time.monotonic() - seen_alive > _PATIENCE:
                return Followed.STOPPED
            await asyncio.sleep(_LOOK_EVERY)
        return Followed.LEFT
    finally:
        interruptions.close()
        show.close()


class Interruptions:
    """Ctrl-C: the first asks, the second cancels, the third leaves. Counts from when it is made."""

    def __init__(self) -> None:
        self.cancelled = False
        self.leave = False
        self._group: Group | None = None
        self._asked = False
        self._cancelling: asyncio.Task[None] | None = None
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupt)

    def watch(self, group: Group) -> None:
        """From now on there is something to ask about."""
        self._group = group
        if self._asked:
            self._asked = False
            self._interrupt()

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGINT)
        if sys.stdin.isatty():
            loop.remove_reader(sys.stdin)

    def _interrupt(self) -> None:
        if self._group is None:
            self._asked = True  # it is just being launched: ask when it is there
        elif self.cancelled:
            self.leave = True
        elif self._asked:
            say("Cancelling all attempts; what they have submitted is still graded.")
            self.cancelled = True
            self._cancelling = asyncio.create_task(cancel(self._group))
            self._cancelling.add_done_callback(self._cancel_answered)
        else:
            self._asked = True
            say(_QUESTION if sys.stdin.isatty() else _NO_QUESTION)
            if sys.stdin.isatty():
                asyncio.get_running_loop().add_reader(sys.stdin, self._answer)

    def _answer(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin)
        self._asked = False
        self.leave = not self.cancelled and not sys.stdin.readline().strip()

    def _cancel_answered(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            say(f"Cancelling failed. {error} Interrupt again to leave.")


class _Lines:
    """A line for each change, for logs and pipes."""

    def __init__(self, write: Callable[[str], None] = say, ends_only: bool = False) -> None:
        self._write = write
        self._ends_only = ends_only
        self._told: dict[str, Phase] = {}
        self._sandbox = ""

    def __call__(self, group: Group) -> None:
        if group.state.sandbox and group.state.sandbox_reason != self._sandbox:
            self._sandbox = group.state.sandbox_reason
            self._write(plain(f"Sandbox: {self._sandbox}"))
        attempts = group.state.attempts
        done = sum(each.is_finished for each in attempts.values())
        for each in attempts.values():
            if self._told.get(each.id, Phase.QUEUED) is each.phase:
                continue
            self._told[each.id] = each.phase
            if self._ends_only and not each.is_finished:
                continue
            self._write(f"[{done}/{len(attempts)}] {_sentence(each)}")

    def close(self) -> None:
        """Nothing to clear."""


class _Bar:
    """A progress bar with an estimate of the time left, and finished attempts above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=None)
        console = self._progress.console
        self._lines = _Lines(lambda line: console.print(line, markup=False), ends_only=True)
        self._progress.start()

    def __call__(self, group: Group) -> None:
        self._lines(group)
        attempts = group.state.attempts.values()
        running = [each.run.label for each in attempts if each.phase is Phase.RUNNING]
        text = ", ".join(running[:2]) + (f" +{len(running) - 2}" if len(running) > 2 else "")
        self._progress.update(
            self._task,
            total=len(attempts) or None,
            completed=sum(each.is_finished for each in attempts),
            description=text or "waiting",
        )

    def close(self) -> None:
        self._progress.stop()


def _sentence(attempt: AttemptState) -> str:
    label = attempt.run.label + (f" (attempt {attempt.number})" if attempt.number > 1 else "")
    if not attempt.is_finished:
        return f"{label}: {attempt.phase}"
    seconds = attempt.seconds(Phase.RUNNING)
    took = f" in {seconds:.1f} s" if seconds is not None else ""
    if attempt.score is None:
        return f"{label}: {attempt.ended}, {attempt.result}{took}. {plain(explain(attempt))}"
    medal = "no medal" if attempt.medal == "none" else str(attempt.medal)
    ended = "" if attempt.ended == "completed" else f", {attempt.ended}"
    return f"{label}: {attempt.score:.5f}, {medal}{ended}{took}"
