"""Search in a log by regular expression, a slice at a time, so that nothing waits for it."""

from __future__ import annotations

import re
import time
from array import array
from bisect import bisect_left, bisect_right

from redux_tui.logs.file import LogFile
from redux_tui.logs.sanitize import plain
from redux_tui.models import ReduxError

MOST = 1_000_000
"""Lines that are remembered as matching; the search ends there."""

_SLICE = 1000  # lines at a time


class Search:
    """The lines of `log` that match. A pattern without capitals ignores case."""

    def __init__(self, log: LogFile, pattern: str) -> None:
        """Raises ReduxError if `pattern` is not a regular expression."""
        self.log = log
        self.pattern, self._folded = compile_pattern(pattern)
        """The first to be marked with, ignoring case if the search does."""
        self.found = array("q")
        self._shrunk = log.shrunk
        self._next: int | None = None  # the line to go on with; None before the first

    @property
    def is_full(self) -> bool:
        return len(self.found) >= MOST

    @property
    def is_done(self) -> bool:
        """Whether every line that is known now has been looked at."""
        return self.is_full or (self.log.is_complete and self._next == self.log.end)

    def advance(self, budget: float = 0.01) -> bool:
        """Search on for about `budget` seconds; whether more was found. Waits for the index."""
        if self.log.shrunk != self._shrunk:
            self.found, self._next, self._shrunk = array("q"), None, self.log.shrunk
        if not self.log.is_complete:
            return False
        before = len(self.found)
        deadline = time.perf_counter() + budget
        self._look_again_at_last()
        while not self.is_done:
            self._search_slice()
            if time.perf_counter() > deadline:
                break
        return len(self.found) != before

    def after(self, line: int) -> int | None:
        """The next match below `line`, from the top again after the last; None without any."""
        if not self.found:
            return None
        return self.found[bisect_right(self.found, line) % len(self.found)]

    def before(self, line: int) -> int | None:
        """The next match above `line`, from the bottom again after the first."""
        if not self.found:
            return None
        return self.found[bisect_left(self.found, line) - 1]

    def place(self, line: int) -> int:
        """How many matches there are down to `line`."""
        return bisect_right(self.found, line)

    def _look_again_at_last(self) -> None:
        """The last line may have grown since."""
        if self._next is None:
            self._next = self.log.first
        elif self._next < self.log.end and self._next > self.log.first:
            self._next -= 1
            if self.found and self.found[-1] == self._next:
                self.found.pop()

    def _search_slice(self) -> None:
        assert self._next is not None
        lines = self.log.lines(self._next, _SLICE)
        if not lines:
            self._next = self.log.end
            return
        text = plain(b"\n".join(lines))
        line, seen = self._next, 0
        if self._folded is None:
            matches = self.pattern.finditer(text)
        else:
            matches = self._folded.finditer(text.lower())
        for match in matches:
            line += text.count("\n", seen, match.start())
            seen = match.start()
            if not self.found or self.found[-1] != line:
                self.found.append(line)
        self._next += len(lines)


def compile_pattern(pattern: str) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
    """The pattern; if it has no capitals, ignoring case, and as it is for lower-case text.

    The latter finds the same ten times faster. Raises ReduxError.
    """
    has_capitals = re.sub(r"\\.", "", pattern) != re.sub(r"\\.", "", pattern).lower()
    try:
        as_it_is = re.compile(pattern, re.MULTILINE)
        if has_capitals:
            return as_it_is, None
        return re.compile(pattern, re.MULTILINE | re.IGNORECASE), as_it_is
    except re.error as error:
        raise ReduxError(f"{pattern!r} is not a regular expression: {error}.") from error
