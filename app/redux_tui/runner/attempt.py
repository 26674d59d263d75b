"""One attempt's life: queued, preparing, running, grading, finished.

Each step goes on from what the journal says, so the same code leads a fresh attempt and one that
a dead supervisor left behind.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from redux_tui import __version__
from redux_tui.bench.data.prepare import prepare
from redux_tui.bench.data.use import using_data
from redux_tui.bench.repository.clone import find_clone
from redux_tui.bench.repository.use import using_clone
from redux_tui.catalog import Catalog
from redux_tui.catalog.mle_bench_agents import is_obfuscated
from redux_tui.config import Settings
from redux_tui.files import write_json
from redux_tui.grading.graders import Graders
from redux_tui.grading.report import Report, grade_submission
from redux_tui.models import (
    Competition,
    Ended,
    InfrastructureError,
    Limits,
    Phase,
    ReduxError,
    Result,
    SandboxKind,
)
from redux_tui.runner.ending import judge, verdict
from redux_tui.runner.furnish import furnish
from redux_tui.runner.services import Services, checker
from redux_tui.runner.slots import Gpus, Slots
from redux_tui.runner.stage import Cast, Stage
from redux_tui.runner.state import AttemptState
from redux_tui.sandbox.protocol import PORTS, Exit, Handle, Launch, Sandbox

T = TypeVar("T")
STOP_GRACE = 10.0  # seconds between SIGTERM and SIGKILL
_LOOK_EVERY = 0.25  # seconds between two looks at the limits
_GRADING_TRIES = 2
_LOG_GONE = "its log file was removed or renamed while it ran"


class Record(Protocol):
    """Writes an event to the journal, and has it in the state when it returns."""

    def __call__(self, type_: str, attempt: str = "", **data: Any) -> None: ...


class Cancelled(Exception):
    """A person cancelled the attempt before its agent began."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all attempts of a group share."""

    group: Path
    settings: Settings
    catalog: Catalog
    stage: Stage
    limits: Limits
    obfuscated: bool
    threads: int  # for OMP_NUM_THREADS: cores by parallel attempts
    graders: Graders
    checkers: Graders  # for validation alone: no agent's many checks delay a grading
    slots: Slots
    record: Record


class AttemptLife:
    """Leads one attempt to its end. `cancelled` may be set at any time."""

    def __init__(self, around: Surroundings, attempt: AttemptState) -> None:
        self._around = around
        self._attempt = attempt
        uploads = around.group / f".upload-{attempt.id}"
        apps = {PORTS[5000]: checker(around.checkers, self._competition, uploads)}
        self._services = Services(attempt.services, apps, self._note)
        self._kept = AsyncExitStack()
        self.cancelled = asyncio.Event()
        if attempt.cancel_requested:
            self.cancelled.set()

    async def run(self) -> None:
        """From whatever phase the attempt is in to `finished`."""
        async with self._kept:
            if self._attempt.started is not None:  # found again
                with suppress(InfrastructureError):  # its grading will say what is missing
                    await self._keep(self._note)
            await self._run()

    async def _run(self) -> None:
        attempt = self._attempt
        if attempt.phase in (Phase.QUEUED, Phase.PREPARING, Phase.RUNNING):
            wanted = tuple(attempt.started["gpus"]) if attempt.started else None
            try:
                gpus = await self._unless_cancelled(self._around.slots.take(wanted))
            except Cancelled:
                self._end(Ended.CANCELLED, "It was cancelled before its agent began.")
            else:
                try:
                    await self._execute(gpus)
                finally:
                    await self._around.slots.give_back(gpus)
        if attempt.phase is Phase.GRADING:
            await self._collect()
            await self._grade()
        if attempt.phase is not Phase.FINISHED:
            self._record("attempt_finished")

    async def abandon(self) -> None:
        """After a failure of ours: what was started must not go on without anybody watching."""
        if self._attempt.started is None or self._attempt.ended is not None:
            return
        sandbox = await self._sandbox()
        await sandbox.stop(self._attempt.started["handle"], STOP_GRACE)
        await sandbox.collect(self._attempt.started["handle"], self._attempt.folder)

    async def _execute(self, gpus: Gpus) -> None:
        try:
            if self._attempt.started is None:
                # once its start was tried, the agent may have begun: found again, then cancelled
                prepared = self._prepare()
                wary = self._attempt.start_tried
                cast = await (prepared if wary else self._unless_cancelled(prepared))
                await self._start(cast, gpus)
        except Cancelled:
            self._end(Ended.CANCELLED, "It was cancelled before its agent began.")
        except ReduxError as error:
            self._end(Ended.INFRASTRUCTURE, str(error), passing=error.is_passing)
        else:
            await self._watch()
        finally:
            await self._services.close()

    async def _prepare(self) -> Cast:
        self._record("attempt_preparing")
        competition = self._competition()
        log = self._around.group / f"prepare-{competition.id}.log"

        def say(line: str) -> None:
            with log.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

        await prepare(competition, self._around.settings, say)
        await self._keep(say)
        return await self._around.stage.ready()

    async def _keep(self, say: Callable[[str], None]) -> None:
        """Nobody replaces data or clone before it is graded, by the same answers and grader."""
        competition = self._competition()
        data_dir = self._around.settings.data_dir
        await self._kept.enter_async_context(using_data(competition, data_dir, say))
        if competition.repo is not None:
            await self._kept.enter_async_context(using_clone(competition.repo, say))

    async def _start(self, cast: Cast, gpus: Gpus) -> None:
        around, folder = self._around, self._attempt.folder
        competition = self._competition()
        obfuscated = around.obfuscated or is_obfuscated(cast.agent)
        data_dir, limits = around.settings.data_dir, around.limits
        data = furnish(folder, cast, competition, data_dir, limits, obfuscated=obfuscated)
        launch = Launch(
            attempt=self._attempt.id,
            group=around.group.name,
            agent=cast.agent,
            folder=folder,
            data=data,
            environment={**self._environment(), **cast.agent.env_vars},
            limits=around.limits,
            gpus=gpus,
            services=await self._services.start(),
        )
        self._record("attempt_starting", services=str(launch.services))
        handle = await cast.sandbox.start(launch, cast.image)
        self._record(
            "attempt_started",
            sandbox=str(cast.sandbox.kind),
            image=cast.image.reference,
            digest=cast.image.digest,
            agent_version=cast.agent.version,
            version=__version__,
            commit=self._commit(competition),
            obfuscated=obfuscated,
            limits=asdict(around.limits),
            gpus=list(gpus),
            handle=handle,
        )

    def _environment(self) -> dict[str, str]:
        return {
            "COMPETITION_ID": self._attempt.run.competition,
            "TIME_LIMIT_SECS": str(int(self._around.limits.timeout)),
            "SEED": str(self._attempt.run.seed),
            # parallel attempts that each use all cores slow each other down many times over
            "OMP_NUM_THREADS": str(self._around.threads),
        }

    def _commit(self, competition: Competition) -> str | None:
        """MLE-bench's, for what is of it."""
        clone = find_clone(competition.repo) if competition.repo else None
        return clone.commit if clone else None

    def _competition(self) -> Competition:
        try:
            return self._around.catalog.competition(self._attempt.run.competition)
        except ReduxError as error:
            raise InfrastructureError(str(error)) from error

    async def _sandbox(self) -> Sandbox:
        """Where it executes; only for an attempt that has begun."""
        assert self._attempt.started is not None
        return await self._around.stage.sandbox(SandboxKind(self._attempt.started["sandbox"]))

    async def _watch(self) -> None:
        """Until the end, stopping the attempt at a limit or when it is cancelled."""
        assert self._attempt.started is not None
        handle: Handle = self._attempt.started["handle"]
        try:
            sandbox = await self._sandbox()
        except InfrastructureError as error:
            self._end(Ended.INFRASTRUCTURE, str(error))
            return
        running = (datetime.now(UTC) - self._attempt.since[Phase.RUNNING]).total_seconds()
        began = asyncio.get_running_loop().time() - max(0.0, running)
        log_limit = self._around.limits.log_bytes or _default_log_limit(self._attempt.folder)
        waiting = asyncio.create_task(sandbox.wait(handle))
        stopped: tuple[Ended, str] | None = None
        try:
            while True:
                await self._services.keep()
                await asyncio.wait({waiting}, timeout=_LOOK_EVERY)
                if waiting.done():
                    break
                elapsed = asyncio.get_running_loop().time() - began
                found = verdict(
                    self._around.limits,
                    elapsed,
                    self._log_size(),
                    log_limit,
                    self.cancelled.is_set(),
                )
                if found is not None:
                    stopped = stopped or found
                    await self._stop(sandbox, handle)
        finally:
            waiting.cancel()
        elapsed = asyncio.get_running_loop().time() - began
        self._ended(waiting.result(), stopped, elapsed)

    def _log_size(self) -> int:
        try:
            return self._attempt.log.stat().st_size
        except FileNotFoundError:
            if _LOG_GONE not in self._attempt.notes:
                self._record("attempt_noted", note=_LOG_GONE)
            return 0

    async def _stop(self, sandbox: Sandbox, handle: Handle) -> None:
        try:
            await sandbox.stop(handle, STOP_GRACE)
        except InfrastructureError as error:
            self._record("attempt_noted", note=f"could not be stopped at once: {error}")
            await asyncio.sleep(5)

    def _ended(self, exit_: Exit, stopped: tuple[Ended, str] | None, elapsed: float) -> None:
        ended, reason = stopped or judge(exit_, self._around.limits, elapsed)
        if exit_.out_of_memory and ended is not Ended.OUT_OF_MEMORY:
            self._record("attempt_noted", note="a process of it was killed for want of memory")
        self._end(
            ended,
            reason,
            exit_code=exit_.exit_code,
            cpu_seconds=exit_.cpu_seconds,
            peak_memory=exit_.peak_memory,
        )

    async def _collect(self) -> None:
        self._services.remove()
        if self._attempt.started is None:
            return
        try:
            sandbox = await self._sandbox()
            await sandbox.collect(self._attempt.started["handle"], self._attempt.folder)
        except InfrastructureError as error:
            self._record("attempt_noted", note=f"could not be cleaned up: {error}")

    async def _grade(self) -> None:
        if self._attempt.started is None:
            reason = "Its agent never began, so there is no submission."
            self._record("attempt_graded", result=Result.NONE, reason=reason)
            return
        try:
            report = await self._report()
        except InfrastructureError as error:
            self._record("attempt_graded", result=Result.UNGRADED, reason=str(error))
            return
        if report["score"] is not None:
            result = Result.SCORED
        else:
            result = Result.INVALID if report["submission_exists"] else Result.NONE
        write_json(self._attempt.folder / "report.json", report)
        self._record("attempt_graded", result=result, reason=report["reason"] or "", report=report)

    async def _report(self) -> Report:
        assert self._attempt.started is not None
        for last in range(_GRADING_TRIES):
            try:
                return await grade_submission(
                    self._around.graders,
                    self._competition(),
                    self._attempt.folder,
                    "submission/submission.csv",
                    self._attempt.started["sandbox"],
                )
            except InfrastructureError:
                if last == _GRADING_TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")

    def _note(self, note: str) -> None:
        self._record("attempt_noted", note=note)

    def _end(self, ended: Ended, reason: str, **data: Any) -> None:
        self._record("attempt_ended", ended=ended, reason=reason, **data)

    def _record(self, type_: str, **data: Any) -> None:
        self._around.record(type_, self._attempt.id, **data)

    async def _unless_cancelled(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work`; give it up and raise Cancelled as soon as the attempt is cancelled."""
        working = asyncio.create_task(work)
        cancelling = asyncio.create_task(self.cancelled.wait())
        try:
            await asyncio.wait({working, cancelling}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Cancelled
            return working.result()
        finally:
            cancelling.cancel()
            working.cancel()


def _default_log_limit(folder: Path) -> int:
    """20 GiB or 10 % of the free disk, in bytes."""
    status = os.statvfs(folder)
    return min(20 << 30, status.f_bavail * status.f_frsize // 10)
