"""All downloads as one bar: how much of what several competitions need has arrived."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from redux_tui.bench.progress import Progress, Tell

WHAT = "all downloads"
_DOWNLOAD = ": download"


class Overall:
    """A Tell between downloads and whoever looks: passes all on, and adds the sum of downloads.

    `expected` is each competition's size in bytes, None where it is not known; it is corrected
    when its download says what it is.
    """

    def __init__(self, tell: Tell, expected: Mapping[str, int | None]) -> None:
        self._tell = tell
        self._totals = dict(expected)
        self._done = dict.fromkeys(expected, 0)
        self._lock = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        self._tell(progress)
        slug = progress.what.removesuffix(_DOWNLOAD)
        if slug in self._done and slug != progress.what:
            with self._lock:
                self._done[slug] = progress.done
                self._totals[slug] = progress.total or self._totals[slug]
                self._tell(self._sum())

    def leave_out(self, slug: str) -> None:
        """It failed, or is over: what it still lacks is not waited for."""
        with self._lock:
            if slug in self._done:
                self._totals[slug] = self._done[slug]
                self._tell(self._sum())

    def _sum(self) -> Progress:
        known = [total for total in self._totals.values() if total is not None]
        total = sum(known) if len(known) == len(self._totals) else None
        return Progress(WHAT, sum(self._done.values()), total)
