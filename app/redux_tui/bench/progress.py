"""How far long work is: what it reports, and the speed and time left that follow from it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

Say = Callable[[str], None]
"""Takes one line (no newline) of what is printed or happens, from any thread."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One bar's new state. Bars are told apart by `what`; `done == total` ends one."""

    what: str  # "MLE-bench: receiving", "spaceship-titanic: download"
    done: int
    total: int | None  # None: not known
    unit: str = "bytes"  # or "objects", "files", "packages"


Tell = Callable[[Progress], None]
"""Takes progress, from any thread, many times a second."""


def ignore(progress: Progress) -> None:
    """A Tell for those who don't look."""


def quiet(line: str) -> None:
    """A Say for those who don't listen."""


class Speed:
    """Units a second over the last ten seconds, and the seconds left."""

    def __init__(self, window: float = 10.0) -> None:
        self._window = window
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, done: int, now: float | None = None) -> None:
        now = time.monotonic() if now is None else now
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()  # it began anew
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[0][0] < now - self._window:
            self._seen.popleft()

    @property
    def per_second(self) -> float | None:
        if len(self._seen) < 2:
            return None
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        return (after - before) / (last - first) if last > first else None

    def left(self, total: int | None) -> float | None:
        """Seconds until `total`, None where that can't be told."""
        speed = self.per_second
        if total is None or not speed:
            return None
        return max(0.0, (total - self._seen[-1][1]) / speed)
