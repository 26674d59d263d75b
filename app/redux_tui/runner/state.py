"""What the journal says, folded: the attempts of a group, as any screen or command shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redux_tui.models import Ended, Medal, Phase, Result, Run
from redux_tui.runner.journal import Event


@dataclass(slots=True)
class AttemptState:
    """One attempt as of now. Times are UTC; `report` has MLE-bench's field names."""

    id: str
    folder: Path
    run: Run
    number: int  # 1 for the run's first attempt
    cause: str  # first, retry, rerun
    phase: Phase = Phase.QUEUED
    since: dict[Phase, datetime] = field(default_factory=dict)
    ended: Ended | None = None
    result: Result | None = None
    reason: str = ""  # one plain sentence
    is_passing: bool = True  # an end by infrastructure: whether trying again may help
    exit_code: int | None = None
    notes: list[str] = field(default_factory=list)
    report: dict[str, Any] | None = None
    started: dict[str, Any] | None = None  # the fields of attempt_started
    start_tried: bool = False  # its agent may have begun, though `started` is not there yet
    services: Path | None = None  # the folder with the sockets on which it is served
    cancel_requested: bool = False
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    result_reason: str = ""

    @property
    def log(self) -> Path:
        return self.folder / "container.log"

    @property
    def score(self) -> float | None:
        return self.report["score"] if self.report else None

    @property
    def medal(self) -> Medal:
        for medal in (Medal.GOLD, Medal.SILVER, Medal.BRONZE):
            if self.report and self.report[f"{medal}_medal"]:
                return medal
        return Medal.NONE

    @property
    def is_finished(self) -> bool:
        return self.phase is Phase.FINISHED

    @property
    def timeout(self) -> float | None:
        """The limit it was started with, in seconds."""
        return float(self.started["limits"]["timeout"]) if self.started else None

    def seconds(self, phase: Phase, now: datetime | None = None) -> float | None:
        """How long the phase took, or has taken by now; None if it has not begun."""
        begin = self.since.get(phase)
        if begin is None:
            return None
        later = [time for other, time in self.since.items() if _ORDER[other] > _ORDER[phase]]
        end = min(later, default=now or datetime.now(UTC))
        return max(0.0, (end - begin).total_seconds())


_ORDER = {phase: order for order, phase in enumerate(Phase)}


@dataclass(slots=True)
class GroupState:
    """A run group as of now: its attempts in the order in which they were queued."""

    folder: Path
    attempts: dict[str, AttemptState] = field(default_factory=dict)
    sandbox: str = ""  # "" until it is chosen
    sandbox_reason: str = ""
    image: str = ""
    digest: str = ""
    supervisor: int = 0  # pid of the newest supervisor
    socket: str = ""  # its control socket
    supervisors: int = 0  # how many there were
    stopped: str | None = None  # why the newest supervisor stopped; None while it should be alive
    skipped: list[str] = field(default_factory=list)  # events that we do not understand

    def apply(self, events: Iterable[Event]) -> None:
        for event in events:
            try:
                self._apply(event)
            except (KeyError, ValueError, TypeError) as error:
                # of a newer version, or changed by hand: the rest can still be looked at
                self.skipped.append(f"event {event.seq}, {event.type}: {error!r}")

    def runs(self) -> dict[Run, list[AttemptState]]:
        """Each run with its attempts, oldest first."""
        runs: dict[Run, list[AttemptState]] = {}
        for attempt in self.attempts.values():
            runs.setdefault(attempt.run, []).append(attempt)
        return runs

    def shown(self) -> dict[Run, AttemptState]:
        """Each run's result attempt, or, to have something to show, its newest."""
        return {run: result_attempt(tries) or tries[-1] for run, tries in self.runs().items()}

    def results(self) -> dict[Run, AttemptState]:
        """The result attempts, of those runs that have one: all that figures are made of."""
        found = {run: result_attempt(tries) for run, tries in self.runs().items()}
        return {run: attempt for run, attempt in found.items() if attempt is not None}

    def failed_runs(self) -> list[Run]:
        """What `R` reruns: the newest attempt is finished, and failed or counts for nothing."""
        with_result = self.results()
        return [
            run
            for run, tries in self.runs().items()
            if tries[-1].is_finished
            and (run not in with_result or tries[-1].result is None or tries[-1].result.is_failure)
        ]

    @property
    def is_finished(self) -> bool:
        return bool(self.attempts) and all(a.is_finished for a in self.attempts.values())

    def _queue(self, event: Event) -> None:
        data = event.data
        run = Run(data["competition"], data["seed"], data.get("task"))
        self.attempts[event.attempt] = AttemptState(
            id=event.attempt,
            folder=self.folder / event.attempt,
            run=run,
            number=data["number"],
            cause=data["cause"],
            since={Phase.QUEUED: event.time},
        )

    def _apply(self, event: Event) -> None:
        if event.type == "attempt_queued":
            self._queue(event)
        elif event.attempt in self.attempts:
            _apply(self.attempts[event.attempt], event)
        elif event.type == "supervisor_started":
            self.supervisor, self.socket = event.data["pid"], event.data["socket"]
            self.supervisors += 1
            self.stopped = None
        elif event.type == "supervisor_stopped":
            self.stopped = event.data["reason"]
        elif event.type == "control_moved":
            self.socket = event.data["socket"]
        elif event.type == "sandbox_chosen":
            self.sandbox, self.sandbox_reason = event.data["sandbox"], event.data["reason"]
            self.image, self.digest = event.data["image"], event.data["digest"]


def counts(attempt: AttemptState) -> bool:
    """Whether an attempt may be its run's result: not one that the harness or a person ended."""
    return attempt.is_finished and attempt.ended not in (Ended.INFRASTRUCTURE, Ended.CANCELLED)


def result_attempt(attempts: list[AttemptState]) -> AttemptState | None:
    """A run's result: its first attempt that ended other than infrastructure or cancelled.

    Later ones are reruns: counting them would report pass@k as pass@1. A run that has only
    infrastructure failures or cancellations has no result.
    """
    return next((each for each in attempts if counts(each)), None)


def _apply(attempt: AttemptState, event: Event) -> None:
    data = event.data
    match event.type:
        case "attempt_preparing":
            _enter(attempt, Phase.PREPARING, event)
        case "attempt_starting":
            attempt.start_tried = True
            attempt.services = Path(data["services"]) if data.get("services") else None
        case "attempt_started":
            attempt.started = dict(data)
            _enter(attempt, Phase.RUNNING, event)
        case "attempt_ended":
            attempt.ended, attempt.reason = Ended(data["ended"]), data["reason"]
            attempt.exit_code = data.get("exit_code")
            attempt.is_passing = data.get("passing", True)
            attempt.cpu_seconds = data.get("cpu_seconds")
            attempt.peak_memory = data.get("peak_memory")
            _enter(attempt, Phase.GRADING, event)
        case "attempt_grading":
            _enter(attempt, Phase.GRADING, event)
            attempt.since.pop(Phase.FINISHED, None)
        case "attempt_graded":
            attempt.result, attempt.result_reason = Result(data["result"]), data["reason"]
            attempt.report = data.get("report")
        case "attempt_noted":
            attempt.notes.append(data["note"])
        case "attempt_finished":
            _enter(attempt, Phase.FINISHED, event)
        case "cancel_requested":
            attempt.cancel_requested = True


def _enter(attempt: AttemptState, phase: Phase, event: Event) -> None:
    attempt.phase = phase
    attempt.since[phase] = event.time
