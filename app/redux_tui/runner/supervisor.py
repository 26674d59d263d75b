"""The supervisor: drives one run group, holds its lock and is its journal's only writer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import resource
import signal
import socket
import time
import uuid
from pathlib import Path
from typing import Any

from redux_tui import __version__
from redux_tui.catalog import Catalog
from redux_tui.config import Settings
from redux_tui.files import locked
from redux_tui.grading.graders import Graders
from redux_tui.models import Ended, InfrastructureError, ReduxError, Result, Run, SandboxKind
from redux_tui.runner.attempt import AttemptLife, Surroundings
from redux_tui.runner.control import ControlSocket
from redux_tui.runner.derived import link_newest, write_derived_files
from redux_tui.runner.group import LOCK, read_group_file, read_request
from redux_tui.runner.journal import Reader, Writer
from redux_tui.runner.slots import Slots, deal_gpus
from redux_tui.runner.stage import Stage
from redux_tui.runner.state import AttemptState, GroupState
from redux_tui.sandbox.choose import Choice

_FILES = 65_536  # open at a time
_log = logging.getLogger(__name__)


class SupervisedElsewhereError(ReduxError):
    """Another supervisor holds the group's lock."""


def supervise(folder: Path, settings: Settings, message: dict[str, Any] | None = None) -> None:
    """Drive the group in `folder` until nothing is left to do.

    Raises SupervisedElsewhereError if another one drives it, NewerJournalError if its journal is
    a newer version's.
    """
    try:
        with locked(folder / LOCK, wait=False):
            _allow_many_files()
            asyncio.run(Supervisor(folder, settings).run(message))
    except BlockingIOError:
        raise SupervisedElsewhereError(
            f"{folder.name} is driven by another supervisor already."
        ) from None


def _allow_many_files() -> None:
    """All that the system lets us have: each attempt's sockets may have many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Supervisor:
    """See the module; make one only while holding the group's lock."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._request = read_request(folder)
        self._created_at = read_group_file(folder)["created_at"]
        reader = Reader(folder)
        events = reader.read()
        self._journal = Writer(folder, events, reader.offset)
        self.state = GroupState(folder)
        self.state.apply(events)
        self._control = ControlSocket(self.answer)
        workers = min(self._request.jobs, os.cpu_count() or 1)  # started as they are needed
        self._graders = Graders(settings, workers=workers, log=folder / "grading.log")
        self._checkers = Graders(settings, log=folder / "checking.log")
        self._around = self._surroundings()
        self._lives: dict[str, AttemptLife] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._derived_at = 0.0

    async def run(self, message: dict[str, Any] | None = None) -> None:
        """Lead every attempt to its end, serving the control socket meanwhile."""
        main = asyncio.current_task()
        assert main is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main.cancel)
        self._record(
            "supervisor_started",
            pid=os.getpid(),
            host=socket.gethostname(),
            socket=await self._control.open(),
            version=__version__,
        )
        reason = "done"
        try:
            self._queue_missing()
            # those that run already first: their slots are taken
            for attempt in sorted(self.state.attempts.values(), key=lambda a: a.started is None):
                if not attempt.is_finished:
                    self._lead(attempt)
            if message is not None:
                self.answer(message)
            while self._tasks:
                await asyncio.wait(self._tasks, timeout=2, return_when=asyncio.FIRST_COMPLETED)
                if self._control.is_gone:
                    self._record("control_moved", socket=await self._control.open())
        except asyncio.CancelledError:
            reason = "terminated; its attempts go on, and the next supervisor adopts them"
        except Exception as error:
            _log.exception("the supervisor of %s", self._folder.name)
            reason = f"{type(error).__name__}: {error}"
            raise
        finally:
            await self._close()
            self._record("supervisor_stopped", reason=reason)
            self._journal.close()

    async def _close(self) -> None:
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._write_derived_files()
        await self._control.close()
        await self._graders.close()
        await self._checkers.close()
        await self._around.stage.close()

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """What a client asks through the control socket.

        Raises ReduxError for nonsense, ConnectionError when it is too late: a new supervisor is
        to be asked.
        """
        if self._closing:
            raise ConnectionAbortedError
        match message:
            case {"command": "ping"}:
                return {"pid": os.getpid()}
            case {"command": "cancel", "attempt": attempt}:
                return {"cancelled": self._cancel(attempt)}
            case {"command": "rerun", "runs": list(runs)}:
                return {"queued": self._rerun([_read_run(run) for run in runs])}
        raise ReduxError(f"The supervisor does not know the command {message.get('command')!r}.")

    # attempts

    def _queue_missing(self) -> None:
        """The plan: one attempt a run; what an earlier supervisor has queued is there already."""
        queued = self.state.runs()
        for run in self._request.runs():
            if run not in queued:
                self._queue(run, "first")

    def _queue(self, run: Run, cause: str) -> AttemptState:
        number = len(self.state.runs().get(run, [])) + 1
        attempt = f"{run.competition}_{uuid.uuid4()}"
        self._record(
            "attempt_queued",
            attempt,
            competition=run.competition,
            task=run.task,
            seed=run.seed,
            number=number,
            cause=cause,
        )
        return self.state.attempts[attempt]

    def _rerun(self, runs: list[Run]) -> int:
        """Add an attempt to each run; one that has not finished needs none. How many it were."""
        tries = self.state.runs()
        for run in runs:
            if run not in tries:
                raise ReduxError(f"{run.label} is not a run of {self._folder.name}.")
        finished = [run for run in runs if tries[run][-1].is_finished]
        for run in finished:
            last = tries[run][-1]
            if last.result is Result.UNGRADED and last.ended is not Ended.INFRASTRUCTURE:
                self._record("attempt_grading", last.id)  # the agent has done its work
                self._lead(last)
            else:
                self._lead(self._queue(run, "rerun"))
        return len(finished)

    def _cancel(self, attempt_id: str | None) -> int:
        """Cancel one attempt or all; how many it were."""
        if attempt_id is not None and attempt_id not in self.state.attempts:
            raise ReduxError(f"There is no attempt {attempt_id} in {self._folder.name}.")
        chosen = [
            each
            for each in self.state.attempts.values()
            if not each.is_finished and attempt_id in (None, each.id)
        ]
        for attempt in chosen:
            if not attempt.cancel_requested:
                self._record("cancel_requested", attempt.id)
            if attempt.id in self._lives:
                self._lives[attempt.id].cancelled.set()
        return len(chosen)

    # driving

    def _surroundings(self) -> Surroundings:
        settings, request = self._settings, self._request
        catalog = Catalog.of(settings)
        stage = Stage(settings, request, catalog, self._say_build, self._record_choice)
        if self.state.sandbox:
            stage.wish = SandboxKind(self.state.sandbox)  # what was chosen once stays
        return Surroundings(
            group=self._folder,
            settings=settings,
            catalog=catalog,
            stage=stage,
            limits=request.limits,
            obfuscated=request.obfuscated,
            threads=max(1, (os.cpu_count() or 1) // request.jobs),
            graders=self._graders,
            checkers=self._checkers,
            slots=Slots(deal_gpus(request.gpus, request.jobs)),
            record=self._record,
        )

    def _lead(self, attempt: AttemptState, delay: float = 0.0) -> None:
        task = asyncio.create_task(self._lead_to_end(attempt, delay))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lead_to_end(self, attempt: AttemptState, delay: float) -> None:
        life = self._lives[attempt.id] = AttemptLife(self._around, attempt)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await life.cancelled.wait()
            await life.run()
        except Exception as error:  # noqa: BLE001 - our fault must not take other attempts with it
            await self._fail(life, attempt, error)
        finally:
            del self._lives[attempt.id]
        self._retry_if_it_may(attempt)
        try:
            link_newest(self._folder.parent.parent, attempt)
        except OSError:
            _log.exception("the link to the newest result of %s", attempt.run.competition)
        if time.monotonic() > self._derived_at + 1:
            self._write_derived_files()

    def _write_derived_files(self) -> None:
        """As attempts end, but once a second at most: each time, all of them are written."""
        try:
            write_derived_files(self.state, self._created_at)
        except OSError:
            _log.exception("derived files: they are written again when the next attempt ends")
        self._derived_at = time.monotonic()

    def _retry_if_it_may(self, attempt: AttemptState) -> None:
        tries = self.state.runs()[attempt.run]
        retries = len(list(itertools.takewhile(lambda a: a.cause == "retry", reversed(tries))))
        # an agent that has begun is never started again by itself: it may have cost money
        is_passing = attempt.ended is Ended.INFRASTRUCTURE and attempt.is_passing
        may_retry = is_passing and not attempt.start_tried
        delays = self._settings.retry_after
        if may_retry and attempt is tries[-1] and retries < len(delays):
            self._lead(self._queue(attempt.run, "retry"), delays[retries])

    async def _fail(self, life: AttemptLife, attempt: AttemptState, error: Exception) -> None:
        """End an attempt on which our own code failed."""
        _log.error("attempt %s", attempt.id, exc_info=error)
        try:
            await life.abandon()
        except InfrastructureError as trouble:
            self._record("attempt_noted", attempt.id, note=f"may still run: {trouble}")
        reason = f"redux-tui itself failed: {type(error).__name__}: {error}"
        if attempt.ended is None:
            self._record("attempt_ended", attempt.id, ended=Ended.INFRASTRUCTURE, reason=reason)
        if attempt.result is None:
            result = Result.UNGRADED if attempt.started else Result.NONE
            self._record("attempt_graded", attempt.id, result=result, reason=reason)
        if not attempt.is_finished:
            self._record("attempt_finished", attempt.id)

    # writing

    def _record(self, type_: str, attempt: str = "", **data: Any) -> None:
        self.state.apply([self._journal.append(type_, attempt, **data)])

    def _record_choice(self, choice: Choice) -> None:
        self._record(
            "sandbox_chosen",
            sandbox=str(choice.sandbox.kind),
            image=choice.image.reference,
            digest=choice.image.digest,
            reason=choice.reason,
        )

    def _say_build(self, line: str) -> None:
        with (self._folder / "build.log").open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _read_run(data: Any) -> Run:
    try:
        return Run(data["competition"], int(data["seed"]), data.get("task"))
    except (KeyError, TypeError, ValueError) as error:
        raise ReduxError(f"{data!r} is not a run.") from error
