"""Progress on stderr: bars with speed and time left on a terminal, else a line now and then."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, TextIO

from redux_tui.bench.progress import Progress, Speed
from redux_tui.logs.sanitize import plain

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_SELDOM = 10.0  # seconds between two lines about the same work, where there is no terminal
_STEPS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


class Bars:
    """A Tell. Any number of bars, told apart by `what`; may be called from any thread.

    `close` takes them away.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lock = threading.Lock()
        self._speeds: dict[str, Speed] = {}
        self._written: dict[str, float] = {}  # when a line about it was written last
        self._tasks: dict[str, TaskID] = {}
        self._display: RichProgress | None = None
        # on a terminal that can't move its cursor, rich shows nothing at all
        can_draw = os.environ.get("TERM", "") not in ("dumb", "unknown")
        self._is_terminal = self._stream.isatty() and can_draw

    def __call__(self, progress: Progress) -> None:
        with self._lock:
            speed = self._speeds.setdefault(progress.what, Speed())
            speed.add(progress.done)
            is_over = progress.done == progress.total
            if self._is_terminal:
                self._draw(progress, speed, is_over)
            else:
                self._write(progress, speed, is_over)
            if is_over:
                del self._speeds[progress.what]

    def say(self, line: str) -> None:
        """Write a line, above the bars if there are any."""
        with self._lock:
            if self._display is not None:
                from rich.text import Text

                self._display.console.print(Text(plain(line)), soft_wrap=True)
            else:
                self._stream.write(plain(line) + "\n")
                self._stream.flush()

    def close(self) -> None:
        with self._lock:
            if self._display is not None:
                self._display.stop()
                self._display = None
            self._tasks.clear()

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _draw(self, progress: Progress, speed: Speed, is_over: bool) -> None:
        display = self._shown()
        task = self._tasks.get(progress.what)
        if task is None:
            task = self._tasks[progress.what] = display.add_task(plain(progress.what), facts="")
        facts = describe(progress, speed)
        display.update(task, completed=progress.done, total=progress.total, facts=facts)
        if is_over:
            display.remove_task(self._tasks.pop(progress.what))

    def _shown(self) -> RichProgress:
        if self._display is None:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as RichProgress

            self._display = RichProgress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[facts]}", markup=False),
                console=Console(file=self._stream),
                refresh_per_second=5,  # enough, and kind to a slow line
                transient=True,
            )
            self._display.start()
        return self._display

    def _write(self, progress: Progress, speed: Speed, is_over: bool) -> None:
        now = time.monotonic()
        written = self._written.get(progress.what)
        if written is not None and not is_over and now < written + _SELDOM:
            return
        self._written[progress.what] = now
        self._stream.write(f"{plain(progress.what)}: {describe(progress, speed)}\n")
        self._stream.flush()


def describe(progress: Progress, speed: Speed) -> str:
    """ "12.3 of 300.0 MB, 4.5 MB/s, 1:04 left", as far as it is known."""
    parts = [_amounts(progress)]
    if progress.unit == "bytes" and progress.done != progress.total:
        if rate := speed.per_second:
            scale, unit = _scale(rate)
            parts.append(f"{rate / scale:.1f} {unit}/s")
        left = speed.left(progress.total)
        if left is not None:
            parts.append(f"{_duration(left)} left")
    return ", ".join(parts)


def _amounts(progress: Progress) -> str:
    done, total = progress.done, progress.total
    if progress.unit != "bytes":
        of = "" if total is None else f" of {total:,}"
        return f"{done:,}{of} {progress.unit}"
    scale, unit = _scale(done if total is None else total)
    of = "" if total is None else f" of {total / scale:.1f}"
    return f"{done / scale:.1f}{of} {unit}"


def _scale(amount: float) -> tuple[float, str]:
    return next(((scale, unit) for scale, unit in _STEPS if amount >= scale), (1.0, "bytes"))


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
