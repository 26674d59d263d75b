"""Prepared data that is being used stays as it is: who replaces it waits for those who use it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redux_tui.bench.process import alone
from redux_tui.bench.progress import Say
from redux_tui.models import Competition


@asynccontextmanager
async def using_data(competition: Competition, data_dir: Path, say: Say) -> AsyncIterator[None]:
    """Have the data that `prepare` has found or made stay as it is, from a run to its grading.

    Else a forced preparation, or one after the clone moved, would pull it from under an agent, or
    have its submission graded by the answers of another division.
    """
    folder = data_dir / competition.id
    if not os.access(folder, os.W_OK):  # then it is not replaced either
        yield
        return
    async with alone(_lock(folder), say, f"Waiting until {folder} is replaced.", shared=True):
        yield


@asynccontextmanager
async def replacing_data(competition: Competition, data_dir: Path, say: Say) -> AsyncIterator[None]:
    """Be alone with the prepared data. Never to be entered by who is `using_data`."""
    waiting = (
        f"The data of {competition.id} is prepared anew; waiting to put it in place until the runs"
        " that use the old one have ended."
    )
    async with alone(_lock(data_dir / competition.id), say, waiting):
        yield


def _lock(folder: Path) -> Path:
    return folder / ".use.lock"
