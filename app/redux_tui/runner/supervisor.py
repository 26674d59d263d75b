"""The supervisor: drives one run group, holds its lock and is its journal's only writer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import socket
import uuid
from pathlib import Path
from typing import Any

from redux_tui import __version__
from redux_tui.catalog import Catalog
from redux_tui.catalog.agents import resolve
from redux_tui.config import Settings, secrets
from redux_tui.files import locked
from redux_tui.grading.client import GradingWorker
from redux_tui.models import Ended, InfrastructureError, Phase, ReduxError, Result, Run, SandboxKind
from redux_tui.runner.attempt import AttemptLife, Surroundings
from redux_tui.runner.control import control_socket
from redux_tui.runner.derived import link_newest, write_derived_files
from redux_tui.runner.group import LOCK, read_group_file, read_request
from redux_tui.runner.journal import Reader, Writer
from redux_tui.runner.slots import Slots, deal_gpus
from redux_tui.runner.state import AttemptState, GroupState
from redux_tui.sandbox.choose import choose

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
            asyncio.run(Supervisor(folder, settings).run(message))
    except BlockingIOError:
        raise SupervisedElsewhereError(
            f"{folder.name} is driven by another supervisor already."
        ) from None


class Supervisor:
    """See the module; make one only while holding the group's lock."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._request = read_request(folder)
        self._created_at = read_group_file(folder)["created_at"]
        self._catalog = Catalog(settings.content_dirs)
        reader = Reader(folder)
        events = reader.read()
        self._journal = Writer(folder, events, reader.offset)
        self.state = GroupState(folder)
        self.state.apply(events)
        self._lives: dict[str, AttemptLife] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._around: Surroundings | None = None
        self._choosing: asyncio.Task[Surroundings] | None = None
        self._closing = False
        self._terminated = False

    async def run(self, message: dict[str, Any] | None = None) -> None:
        """Lead every attempt to its end, serving the control socket meanwhile."""
        main = asyncio.current_task()
        assert main is not None

        def terminate() -> None:
            self._terminated = True
            main.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
        reason = "done"
        async with control_socket(self.answer) as path:
            self._record(
                "supervisor_started",
                pid=os.getpid(),
                host=socket.gethostname(),
                socket=path,
                version=__version__,
            )
            try:
                self._queue_missing()
                if message is not None:
                    self.answer(message)
                await self._drive()
            except asyncio.CancelledError:
                reason = "terminated; its attempts go on, and the next supervisor adopts them"
            except ReduxError as error:
                reason = str(error)
                raise
            finally:
                self._record("supervisor_stopped", reason=reason)
                self._journal.close()

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
                return {"attempts": [self._rerun(_read_run(run)) for run in runs]}
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

    def _rerun(self, run: Run) -> str:
        tries = self.state.runs().get(run)
        if tries is None:
            raise ReduxError(f"{run.label} is not a run of {self._folder.name}.")
        last = tries[-1]
        if not last.is_finished:
            raise ReduxError(f"{run.label} has not finished yet.")
        if last.result is Result.UNGRADED:
            self._record("attempt_grading", last.id)  # the agent has done its work
        else:
            last = self._queue(run, "rerun")
        if self._around is not None:
            self._lead(last)
        return last.id

    def _cancel(self, attempt_id: str | None) -> list[str]:
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
        open_attempts = (each for each in self.state.attempts.values() if not each.is_finished)
        if self._choosing is not None and all(each.cancel_requested for each in open_attempts):
            self._choosing.cancel()  # nobody waits for the image any more
        return [each.id for each in chosen]

    # driving

    async def _drive(self) -> None:
        grader = GradingWorker(self._settings.data_dir, log=self._folder / "grading.log")
        self._choosing = asyncio.create_task(self._surroundings(grader))
        try:
            self._around = await self._choosing
        except InfrastructureError as error:
            self._give_up(Ended.INFRASTRUCTURE, str(error))
            return
        except asyncio.CancelledError:
            if not self._choosing.cancelled() or self._terminated:
                raise
            self._give_up(Ended.CANCELLED, "It was cancelled before its agent began.")
            return
        finally:
            self._choosing = None
        try:
            # those that run already first: their slots are taken
            for attempt in sorted(self.state.attempts.values(), key=lambda a: a.started is None):
                if not attempt.is_finished:
                    self._lead(attempt)
            while self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._closing = True
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await grader.close()
            await self._around.sandbox.close()

    async def _surroundings(self, grader: GradingWorker) -> Surroundings:
        """Choose the sandbox and have the image built; once for all attempts."""
        settings, request = self._settings, self._request
        agent = resolve(
            self._catalog.agent(request.agent),
            settings.agents.get(request.agent.partition("/")[0], {}),
            settings.placeholders,
            secrets(settings),
        )
        # a group never mixes sandboxes: what was chosen once stays
        wish = SandboxKind(self.state.sandbox) if self.state.sandbox else request.sandbox
        choice = await choose(
            wish,
            agent,
            docker_host=settings.docker.host,
            base_image=settings.base_image(),
            say=self._say_build,
        )
        self._record(
            "sandbox_chosen",
            sandbox=str(choice.sandbox.kind),
            image=choice.image.reference,
            digest=choice.image.digest,
            reason=choice.reason,
        )
        slots = Slots(deal_gpus(request.gpus, request.jobs))
        threads = max(1, (os.cpu_count() or 1) // request.jobs)
        return Surroundings(
            group=self._folder,
            agent=agent,
            sandbox=choice.sandbox,
            image=choice.image,
            limits=request.limits,
            data_dir=settings.data_dir,
            threads=threads,
            grader=grader,
            slots=slots,
            record=self._record,
        )

    def _lead(self, attempt: AttemptState, delay: float = 0.0) -> None:
        task = asyncio.create_task(self._lead_to_end(attempt, delay))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lead_to_end(self, attempt: AttemptState, delay: float) -> None:
        assert self._around is not None
        try:
            competition = self._catalog.competition(attempt.run.competition)
        except ReduxError as error:
            self._fail(attempt, str(error))
            return
        life = self._lives[attempt.id] = AttemptLife(self._around, attempt, competition)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await life.cancelled.wait()
            await life.run()
        except Exception as error:  # noqa: BLE001 - our fault must not take other attempts with it
            _log.exception("attempt %s", attempt.id)
            self._fail(attempt, f"redux-tui itself failed: {type(error).__name__}: {error}")
        finally:
            del self._lives[attempt.id]
        self._after(attempt)

    def _after(self, attempt: AttemptState) -> None:
        write_derived_files(self.state, self._created_at)
        link_newest(self._settings.work_dir, attempt)
        tries = self.state.runs()[attempt.run]
        retries = len(list(itertools.takewhile(lambda a: a.cause == "retry", reversed(tries))))
        # an agent that has begun is never started again by itself: it may have cost money
        may_retry = attempt.ended is Ended.INFRASTRUCTURE and attempt.started is None
        delays = self._settings.retry_after
        if may_retry and attempt is tries[-1] and retries < len(delays):
            self._lead(self._queue(attempt.run, "retry"), delays[retries])

    def _give_up(self, ended: Ended, reason: str) -> None:
        """No sandbox, so no attempt can begin; those that run are left to the next supervisor."""
        self._closing = True
        for attempt in list(self.state.attempts.values()):
            if attempt.phase in (Phase.QUEUED, Phase.PREPARING):
                self._fail(attempt, reason, ended)
        write_derived_files(self.state, self._created_at)

    def _fail(
        self, attempt: AttemptState, reason: str, ended: Ended = Ended.INFRASTRUCTURE
    ) -> None:
        """End an attempt for which nothing more can be done."""
        if attempt.ended is None:
            self._record("attempt_ended", attempt.id, ended=ended, reason=reason)
        if attempt.result is None:
            result = Result.NONE if attempt.started is None else Result.UNGRADED
            self._record("attempt_graded", attempt.id, result=result, reason="")
        if not attempt.is_finished:
            self._record("attempt_finished", attempt.id)

    # writing

    def _record(self, type_: str, attempt: str = "", **data: Any) -> None:
        self.state.apply([self._journal.append(type_, attempt, **data)])

    def _say_build(self, line: str) -> None:
        with (self._folder / "build.log").open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _read_run(data: Any) -> Run:
    try:
        return Run(data["competition"], int(data["seed"]), data.get("task"))
    except (KeyError, TypeError, ValueError) as error:
        raise ReduxError(f"{data!r} is not a run.") from error
