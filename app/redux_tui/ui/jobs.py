"""Long work that belongs to the app, never to a screen: clones, installations, downloads.

No Textual here. Work may report from any thread, thousands of times a second; the app takes in
what was reported a few times a second, with `Jobs.take_in`.
"""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from redux_tui.bench.data.overall import WHAT as ALL_DOWNLOADS
from redux_tui.bench.progress import Progress, Say, Speed, Tell
from redux_tui.models import ReduxError

MOST_LINES = 500
Work = Callable[[Say, Tell], Awaitable[None]]


class JobState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobError(ReduxError):
    """A failure with what belongs to it: pages to open, and what is left for a retry to do."""

    def __init__(self, text: str, pages: Iterable[str] = (), again: Work | None = None) -> None:
        super().__init__(text)
        self.pages = tuple(pages)
        self.again = again


@dataclass(slots=True)
class Bar:
    """One thing's progress, and how fast it is."""

    progress: Progress
    speed: Speed = field(default_factory=Speed)

    @property
    def fraction(self) -> float | None:
        """From 0 to 1; None where the total is not known."""
        total = self.progress.total
        if total is None:
            return None
        return min(1.0, self.progress.done / total) if total > 0 else 1.0

    @property
    def is_done(self) -> bool:
        return self.fraction == 1.0


@dataclass(eq=False)
class Job:
    """One piece of work. All but `say` and `tell` is for the event loop's thread only."""

    kind: str  # clone, environment, data
    title: str
    work: Work
    keeps: str  # what stopping it leaves behind, as a sentence
    names: frozenset[str] = frozenset()  # the competitions that it works on
    then: Callable[[], None] | None = None  # called when it is done
    id: int = 0
    state: JobState = JobState.RUNNING
    error: str = ""
    pages: tuple[str, ...] = ()  # to be opened in a browser before a retry
    left_out: frozenset[str] = frozenset()  # of `names`: those that wait for that
    is_stopping: bool = False
    bars: dict[str, Bar] = field(default_factory=dict)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    task: asyncio.Task[None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _new_bars: dict[str, Progress] = field(default_factory=dict)
    _new_lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))

    @property
    def is_running(self) -> bool:
        return self.state is JobState.RUNNING

    @property
    def can_retry(self) -> bool:
        return self.state in (JobState.FAILED, JobState.CANCELLED)

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.began

    @property
    def measure(self) -> list[Bar]:
        """What goes on, counted once: all downloads as one bar, else bytes, else what there is."""
        going = [bar for bar in self.bars.values() if bar.progress.total and not bar.is_done]
        whole = [bar for bar in going if bar.progress.what == ALL_DOWNLOADS]
        return whole or [bar for bar in going if bar.progress.unit == "bytes"] or going

    @property
    def fraction(self) -> float | None:
        """How far what goes on is; None where nothing that goes on can be counted."""
        bars = self.measure
        total = sum(bar.progress.total or 0 for bar in bars)
        return sum(bar.progress.done for bar in bars) / total if total else None

    def say(self, line: str) -> None:
        """Takes a line, from any thread."""
        with self._lock:
            self._new_lines.append(line)

    def tell(self, progress: Progress) -> None:
        """Takes progress, from any thread; of what comes between two looks, the last counts."""
        with self._lock:
            self._new_bars[progress.what] = progress

    def take_in(self) -> bool:
        """Make what was reported visible; whether there was anything."""
        with self._lock:
            lines, self._new_lines = self._new_lines, deque(maxlen=MOST_LINES)
            progresses, self._new_bars = self._new_bars, {}
        self.lines.extend(lines)
        for what, progress in progresses.items():
            bar = self.bars.setdefault(what, Bar(progress))
            bar.progress = progress
            bar.speed.add(progress.done)
        return bool(lines or progresses)


class Jobs:
    """All jobs since the start, oldest first. `ended` is called with each that comes to its end."""

    def __init__(self, ended: Callable[[Job], None]) -> None:
        self.all: list[Job] = []
        self._ended = ended

    @property
    def running(self) -> list[Job]:
        return [job for job in self.all if job.is_running]

    def latest(self, *kinds: str) -> Job | None:
        """The newest job of one of these kinds."""
        return next((job for job in reversed(self.all) if job.kind in kinds), None)

    def working_on(self) -> frozenset[str]:
        """The competitions whose data is being got."""
        return frozenset().union(*(job.names - job.left_out for job in self.running))

    def start(self, job: Job) -> Job:
        job.id = len(self.all) + 1
        self.all.append(job)
        self._run(job)
        return job

    def cancel(self, job: Job) -> None:
        """Have it stop; it has, once it is no longer running."""
        if job.task is not None and job.is_running:
            job.is_stopping = True
            job.task.cancel()

    def retry(self, job: Job) -> None:
        """Do again what failed or was cancelled."""
        if not job.can_retry:
            return
        job.state, job.error, job.pages, job.is_stopping = JobState.RUNNING, "", (), False
        job.left_out = frozenset()
        job.bars.clear()
        job.began, job.ended = time.monotonic(), None
        self._run(job)

    async def stop(self) -> None:
        """Cancel all, and wait until they have stopped."""
        running = self.running
        for job in running:
            self.cancel(job)
        await asyncio.gather(*(job.task for job in running if job.task), return_exceptions=True)

    def take_in(self) -> bool:
        """Make visible what running jobs reported; whether there was anything."""
        news = [job.take_in() for job in self.running]  # of all of them, so not lazily
        return any(news)

    def headline(self) -> str:
        """A few words for the bar of screens; "" where nothing runs."""
        running = self.running
        if not running:
            return ""
        known = [each for each in (job.fraction for job in running) if each is not None]
        percent = f" {int(sum(known) / len(known) * 100)} %" if known else ""
        return f"⟳ {len(running)} job{'s' if len(running) > 1 else ''}{percent}"

    def _run(self, job: Job) -> None:
        job.task = asyncio.get_running_loop().create_task(self._guarded(job))

    async def _guarded(self, job: Job) -> None:
        try:
            await job.work(job.say, job.tell)
            state = JobState.DONE
        except asyncio.CancelledError:
            state = JobState.CANCELLED
        except JobError as error:
            job.error, job.pages, job.work = str(error), error.pages, error.again or job.work
            state = JobState.FAILED
        except (ReduxError, OSError) as error:
            job.error = str(error)
            state = JobState.FAILED
        # a fault in one job is shown in full, and takes neither the others nor the app with it
        except Exception as error:  # noqa: BLE001
            job.error = f"This is a fault in redux-tui: {error!r}. The lines below say where."
            for line in "".join(traceback.format_exception(error)).splitlines():
                job.say(line)
            state = JobState.FAILED
        if state is JobState.FAILED and job.is_stopping:
            state, job.error = JobState.CANCELLED, ""  # it was asked to stop, and said so
        job.take_in()
        job.state, job.ended = state, time.monotonic()
        if state is JobState.DONE and job.then is not None:
            job.then()
        self._ended(job)
