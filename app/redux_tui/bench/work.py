"""Long work in threads: it ends when its task is cancelled, and tells how far it is."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TypeVar

from redux_tui.bench.progress import Progress, Tell, ignore

_Result = TypeVar("_Result")
_FEW = 1000  # files and folders
_OFTEN = 0.1  # seconds between two reports: more is seen by nobody


class StoppedError(Exception):
    """Work in a thread was asked to stop, and has."""


async def in_thread(work: Callable[[threading.Event], _Result]) -> _Result:
    """Run `work` in a thread. Its event is set when the task is cancelled.

    Returns or raises only when the thread has ended: what it held is free then.
    """
    cancelled = threading.Event()
    task = asyncio.ensure_future(asyncio.to_thread(work, cancelled))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        cancelled.set()
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue  # the thread hears of it only once
        task.exception()  # the cancellation is what happened; this is its echo
        raise


async def aside(work: Callable[[], _Result]) -> _Result:
    """Run `work`, which may take a while and can't be stopped halfway, in a thread."""
    return await in_thread(lambda cancelled: work())


def settle(folder: Path) -> None:
    """Have all below `folder` on the disk: a rename must not survive a power cut that it doesn't.

    Few files are written one by one; where there are many, the whole disk is faster.
    """
    files = [file for file in islice(folder.rglob("*"), _FEW) if file.is_file()]
    if len(files) >= _FEW // 2:
        return os.sync()
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Counter:
    """Counts what is done, reports it now and then, and stops the work when asked to."""

    def __init__(
        self,
        what: str,
        total: int | None,
        tell: Tell = ignore,
        cancelled: threading.Event | None = None,
        unit: str = "bytes",
    ) -> None:
        self.done = 0
        self._what, self._total, self._unit = what, total, unit
        self._tell, self._cancelled = tell, cancelled
        self._told = 0.0

    def add(self, amount: int) -> None:
        """Raises StoppedError when the work is to stop."""
        if self._cancelled is not None and self._cancelled.is_set():
            raise StoppedError(self._what)
        self.done += amount
        now = time.monotonic()
        if now >= self._told + _OFTEN:
            self._told = now
            self._report(self._total)

    def end(self) -> None:
        """The last report, with which the bar ends."""
        self._report(self.done)

    def _report(self, total: int | None) -> None:
        self._tell(Progress(self._what, self.done, total, self._unit))
