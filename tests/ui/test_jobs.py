"""Background jobs: they outlive screens, tell how far they are, and can be stopped and retried."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from redux_tui.bench.progress import Progress, Say, Tell
from redux_tui.models import ReduxError
from redux_tui.ui.app import ReduxApp
from redux_tui.ui.bars import draw, overall, size
from redux_tui.ui.jobs import MOST_LINES, Bar, Job, JobError, Jobs, JobState
from tests.ui.conftest import HOSTILE, SIZES, OpenApp, no_jobs, screen_text, sees, until
from tests.ui.test_hostile import assert_harmless

KEEPS = "What was downloaded is kept."


def nothing(_: Job) -> None:
    """Whoever looks at the job itself needs no call."""


class Held:
    """Work that goes on until it is let go; fails with `error` the first time if there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.go = asyncio.Event()
        self.was_cancelled = False

    async def __call__(self, say: Say, tell: Tell) -> None:
        say("It begins.")
        tell(Progress("toy-alpha: download", 43_000_000, 100_000_000))
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        error, self.error = self.error, None
        if error is not None:
            raise error


def app_of(pilot: Pilot[None]) -> ReduxApp:
    assert isinstance(pilot.app, ReduxApp)
    return pilot.app


def start(pilot: Pilot[None], work: Held, title: str = "Data of toy-alpha") -> Job:
    job = Job("data", title, work, KEEPS)
    app_of(pilot).start_job(job)
    return job


async def test_of_many_reports_the_last_counts_and_lines_are_bounded() -> None:
    async def work(say: Say, tell: Tell) -> None:
        def report() -> None:
            for n in range(5000):
                tell(Progress("a", n + 1, 10_000))
                say(f"line {n}")

        await asyncio.gather(*(asyncio.to_thread(report) for _ in range(4)))

    jobs = Jobs(nothing)
    job = jobs.start(Job("data", "a", work, KEEPS))
    assert job.task is not None
    await job.task
    assert job.state is JobState.DONE and job.fraction == 0.5
    assert len(job.lines) == MOST_LINES and job.lines[-1] == "line 4999"


async def test_a_fault_of_ours_is_shown_whole_and_takes_nothing_with_it() -> None:
    async def work(say: Say, tell: Tell) -> None:
        raise KeyError("what is missing")

    job = Jobs(nothing).start(Job("data", "a", work, KEEPS))
    assert job.task is not None
    await job.task
    assert job.state is JobState.FAILED and "what is missing" in job.error
    assert any("test_jobs.py" in line for line in job.lines)


async def test_a_retry_does_what_the_failure_left() -> None:
    done: list[str] = []

    async def rest(say: Say, tell: Tell) -> None:
        done.append("rest")

    async def work(say: Say, tell: Tell) -> None:
        raise JobError("One failed.", ["https://example.org"], rest)

    jobs = Jobs(nothing)
    job = jobs.start(Job("data", "a", work, KEEPS))
    assert job.task is not None
    await job.task
    assert job.pages == ("https://example.org",)
    jobs.retry(job)
    await job.task
    assert done == ["rest"] and job.state is JobState.DONE and job.error == ""


async def test_what_says_that_it_was_stopped_was_cancelled() -> None:
    async def work(say: Say, tell: Tell) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ReduxError("It was stopped.") from None

    jobs = Jobs(nothing)
    job = jobs.start(Job("data", "a", work, KEEPS))
    await asyncio.sleep(0)
    jobs.cancel(job)
    await jobs.stop()
    assert job.task is not None
    await job.task
    assert job.state is JobState.CANCELLED and job.error == ""


def downloading() -> Job:
    """A download that is through, one that goes on, both as one bar, and an extraction."""
    job = Job("data", "Data", Held(), KEEPS)
    for what, done, total in (
        ("toy-alpha: download", 10, 10),
        ("toy-beta: download", 20, 90),
        ("all downloads", 30, 100),
        ("toy-alpha: extract", 9, 10),
    ):
        bar = job.bars[what] = Bar(Progress(what, done * 10**6, total * 10**6))
        bar.speed.add(0, 0.0)
        bar.speed.add(done * 10**6, 10.0)
    return job


def test_what_is_downloaded_counts_once() -> None:
    job = downloading()
    assert job.fraction == 0.3
    assert overall(job, 80).plain.endswith(" 30 % · 30.0 MB of 100.0 MB · 3.0 MB/s · 0:23 left")


def test_what_failed_is_not_a_hundred_percent() -> None:
    job = Job("data", "Data", Held(), KEEPS, state=JobState.FAILED)
    job.bars["toy-alpha: download"] = Bar(Progress("toy-alpha: download", 10, 10))
    assert job.fraction is None
    assert "%" not in overall(job, 80).plain


@pytest.mark.parametrize("width", [40, 62, 78, 120])
def test_a_bar_fits_its_line(width: int) -> None:
    bar = Bar(Progress("jigsaw-toxic-comment-classification-challenge: download", 5 * 10**8, 10**9))
    bar.speed.add(4 * 10**8, 0.0)
    bar.speed.add(5 * 10**8, 1.0)
    line = draw(bar, width).plain
    assert "500.0 MB of 1.0 GB" in line and "100.0 MB/s" in line and "0:05" in line
    assert width < 78 or len(line) <= width
    assert [size(n) for n in (5, 2000, 3.5e6)] == ["5 B", "2 kB", "3.5 MB"]


@pytest.mark.parametrize("at", SIZES)
async def test_it_survives_screens_and_every_screen_shows_it(
    open_app: OpenApp, at: tuple[int, int]
) -> None:
    async with open_app(at) as pilot:
        work = Held()
        job = start(pilot, work)
        for key in "12345":
            await pilot.press(key)
            await sees(pilot, "⟳ 1 job 43 %")
        await sees(pilot, "43.0 MB of 100.0 MB")
        await sees(pilot, "It begins.")
        work.go.set()
        await no_jobs(pilot)
        await sees(pilot, "✓ done")
        assert job.state is JobState.DONE
        await sees(pilot, "5 Jobs")


async def test_reports_are_drawn_a_few_times_a_second(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app() as pilot:
        app, over = app_of(pilot), threading.Event()
        drawn = 0
        real = app._jobs_changed

        def counted(ended: bool = False) -> None:
            nonlocal drawn
            drawn += 1
            real(ended)

        async def work(say: Say, tell: Tell) -> None:
            def report() -> None:
                n = 0
                while not over.wait(0.0001):
                    tell(Progress("a", n := n + 1, 10**9))

            await asyncio.to_thread(report)

        monkeypatch.setattr(app, "_jobs_changed", counted)
        app.start_job(Job("data", "a", work, KEEPS))
        await pilot.press("5")
        began, before = time.monotonic(), drawn
        await asyncio.sleep(2)
        most = 8 * (time.monotonic() - began) + 1
        over.set()
        assert 2 <= drawn - before <= most, "at most eight times a second"
        await no_jobs(pilot)


async def test_a_failure_is_said_anywhere_and_kept(open_app: OpenApp) -> None:
    async with open_app() as pilot:
        work = Held(ReduxError("The disk is full.\nFree some space."))
        start(pilot, work)
        work.go.set()
        await sees(pilot, "Data of toy-alpha failed: The disk is full.")
        await pilot.press("5")
        await sees(pilot, "Free some space.")
        await pilot.press("r")
        await no_jobs(pilot)
        await sees(pilot, "✓ done")


async def test_cancelling_asks_first(open_app: OpenApp) -> None:
    async with open_app() as pilot:
        work = Held()
        job = start(pilot, work)
        await pilot.press("5", "c")
        await sees(pilot, KEEPS)
        await pilot.press("n")
        await pilot.pause()
        assert job.is_running
        await pilot.press("c", "y")
        await no_jobs(pilot)
        assert job.state is JobState.CANCELLED and work.was_cancelled
        await sees(pilot, "■ cancelled")
        work.go.set()
        await pilot.press("r")
        await until(pilot, lambda: job.state is JobState.DONE)


async def test_quitting_asks_and_stops_what_runs(open_app: OpenApp) -> None:
    async with open_app() as pilot:
        work = Held()
        start(pilot, work)
        await pilot.press("q")
        await sees(pilot, "1 job stops with this window (Data of toy-alpha)")
        await sees(pilot, KEEPS)
        await pilot.press("s", "q", "x")
        await until(pilot, lambda: not pilot.app.is_running)
        assert work.was_cancelled


def hostile(text: str) -> Callable[[Say, Tell], object]:
    async def work(say: Say, tell: Tell) -> None:
        say(text)
        tell(Progress(text, 1, 3, text))
        raise JobError(f"{text}\nsecond {text}", [f"https://example.org/{text}"])

    return work


async def test_hostile_lines_titles_and_errors(open_app: OpenApp, config: Path) -> None:
    async with open_app() as pilot:
        app = app_of(pilot)
        app.start_job(Job("data", HOSTILE, hostile(HOSTILE), HOSTILE))  # type: ignore[arg-type]
        await no_jobs(pilot)
        for key in ("5", "y", "enter", "q"):
            await pilot.press(key)
            await pilot.pause(0.2)
            assert_harmless(screen_text(pilot))
            assert key != "5" or "[/x/y]" in screen_text(pilot)
