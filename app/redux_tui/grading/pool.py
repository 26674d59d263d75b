"""A few grading workers of one interpreter: warm ones first, more only where that pays."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path
from typing import Any

from redux_tui.grading.client import GradingWorker, Interpreter
from redux_tui.models import Competition

_BIG = 40_000_000  # bytes that take longer to grade than another worker takes to start
_PATIENCE = 10.0  # seconds a small one waits for a worker that has, or loads, what it needs


class Pool:
    """At most `size` workers, started one by one. Each does one request at a time."""

    def __init__(
        self,
        interpreter: Interpreter,
        size: int,
        memory: int,
        timeout: float,
        log: Path | None = None,
    ) -> None:
        self._interpreter = interpreter
        self._size = size
        self._memory = memory
        self._timeout = timeout
        self._log = log
        self._workers: list[GradingWorker] = []
        self._idle: list[GradingWorker] = []
        self._waiting: deque[asyncio.Future[GradingWorker]] = deque()
        self._load = 0  # bytes that are being graded or wait for it

    async def start(self) -> None:
        """Start the first worker."""
        if not self._workers:
            worker = self._add()
            try:
                await worker.start()
            finally:
                self._give_back(worker)

    async def ask(
        self,
        competition: Competition,
        request: dict[str, Any],
        size: int,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """One worker's answer about a submission of `size` bytes. Raises InfrastructureError."""
        self._load += size
        try:
            worker = await self._take(competition.id)
            try:
                return await worker.ask(competition, request, timeout)
            finally:
                self._give_back(worker)
        finally:
            self._load -= size

    async def close(self) -> None:
        for worker in self._workers:
            await worker.close()

    def _add(self) -> GradingWorker:
        worker = GradingWorker(self._interpreter, self._memory, self._timeout, self._log)
        self._workers.append(worker)
        return worker

    async def _take(self, name: str) -> GradingWorker:
        if self._idle:
            warm = (each for each in self._idle if name in each.warm)
            worker = next(warm, self._idle[-1])
            self._idle.remove(worker)
            return worker
        working = len(self._workers)
        if working == 0 or (working < self._size and self._load > _BIG * working):
            return self._add()
        turn: asyncio.Future[GradingWorker] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait({turn}, timeout=_PATIENCE)
            if not turn.done() and len(self._workers) < self._size:
                turn.cancel()
                return self._add()
            return await turn
        except asyncio.CancelledError:
            if not turn.cancel() and not turn.cancelled():  # it has a worker since this moment
                self._give_back(turn.result())
            raise

    def _give_back(self, worker: GradingWorker) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                return turn.set_result(worker)
        self._idle.append(worker)
