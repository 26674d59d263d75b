"""A clone that is being used stays as it is: who moves or replaces it waits for that to end."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redux_tui.bench.process import alone
from redux_tui.bench.progress import Say


@asynccontextmanager
async def using_clone(folder: Path, say: Say) -> AsyncIterator[None]:
    """Have the clone stay at its commit, from a run to its grading."""
    place = Path(os.path.realpath(folder))
    if not os.access(place.parent, os.W_OK):  # then it is not replaced either
        yield
        return
    async with alone(_lock(place), say, f"Waiting until {folder} is changed.", shared=True):
        yield


@asynccontextmanager
async def changing_clone(folder: Path, say: Say) -> AsyncIterator[None]:
    """Be alone with the clone. Never to be entered by who is `using_clone`."""
    waiting = (
        f"MLE-bench in {folder} is about to change; waiting until the runs that use it have ended."
    )
    async with alone(_lock(Path(os.path.realpath(folder))), say, waiting):
        yield


def _lock(place: Path) -> Path:
    return place.with_name(f".{place.name}.use.lock")
