"""Waits for any number of containers with one question to the engine every quarter of a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from redux_tui.models import InfrastructureError

POLL = 0.25
PATIENCE = 60.0  # seconds that an engine may be away, as for its upgrade
RUNNING = frozenset({"running", "paused", "restarting"})

States = dict[str, str]
"""Container id -> its state: "running", "exited", ..."""


class Watch:
    """Tells when containers stop running; asks only while somebody waits."""

    def __init__(self, list_states: Callable[[], Awaitable[States]]) -> None:
        self._list_states = list_states
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def ended(self, container: str) -> None:
        """Return once `container` runs no more, or is not there any more.

        Raises InfrastructureError if the engine did not answer for a minute.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(container, []).append(future)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ask())
        try:
            await future
        finally:
            futures = self._waiting.get(container, [])
            if future in futures:
                futures.remove(future)
            if not futures:
                self._waiting.pop(container, None)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _ask(self) -> None:
        last_answer = time.monotonic()
        pause = POLL
        while self._waiting:
            asked = set(self._waiting)
            try:
                states = await self._list_states()
            except InfrastructureError as error:
                if time.monotonic() - last_answer > PATIENCE:
                    self._tell(asked, error)
                pause = min(pause * 2, 5.0)
            else:
                last_answer, pause = time.monotonic(), POLL
                self._tell({name for name in asked if states.get(name) not in RUNNING}, None)
            if self._waiting:
                await asyncio.sleep(pause)

    def _tell(self, containers: set[str], error: InfrastructureError | None) -> None:
        for name in containers:
            for future in self._waiting.pop(name, []):
                if future.done():
                    continue
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)
