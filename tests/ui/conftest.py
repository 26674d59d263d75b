"""A work folder with real journals and logs, and the app opened on it at a given size."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from redux_tui.bench.progress import Say
from redux_tui.config import Settings
from redux_tui.models import Limits, Request, Run, SandboxKind
from redux_tui.runner.group import Group, create_group
from redux_tui.runner.journal import Reader, Writer
from redux_tui.ui.app import ReduxApp
from redux_tui.ui.jobs import Job
from tests.support.kaggle_server import FakeKaggle
from tests.support.mle_bench import TOYS, git, make_mle_bench, toy_settings, toy_zip

_LOOK_EVERY = 0.05  # seconds; looking means to render a screen
SIZES = [(80, 24), (200, 50)]
HOSTILE = "[/x/y][@click=app.bell]no[/] \x1b]52;c;aGk=\x07\x1bc\x9b2J\x1b[2J\x1b[?1049l"


@dataclass
class AskedClient:
    """Notes what it is asked; nothing is started."""

    asked: list[tuple[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # said at a launch

    async def launch(self, settings: Settings, request: Request, say: Say) -> Group:
        self.asked.append(("launch", request))
        for line in self.warnings:
            say(line)
        return Group(create_group(settings, request))

    async def rerun(self, group: Group, runs: Any) -> None:
        self.asked.append(("rerun", [run.label for run in runs]))

    async def cancel(self, group: Group, attempt: str | None = None) -> None:
        self.asked.append(("cancel", attempt))

    async def resume(self, group: Group) -> None:
        self.asked.append(("resume", group.name))


class Story:
    """Writes a run group as a supervisor would."""

    def __init__(self, work_dir: Path, request: Request) -> None:
        self.folder = create_group(Settings(work_dir=work_dir), request)
        self.request = request
        reader = Reader(self.folder)
        self.journal = Writer(self.folder, reader.read(), reader.offset)
        self.journal.append(
            "supervisor_started", pid=1, host="here", socket="/nowhere", version="0"
        )
        self.journal.append(
            "sandbox_chosen", sandbox="process", image="", digest="", reason="It was asked for."
        )
        self._numbers: dict[Run, int] = {}

    def queue(self, run: Run, cause: str = "first") -> str:
        number = self._numbers[run] = self._numbers.get(run, 0) + 1
        attempt = f"{run.competition}_{run.seed}{number:07x}"
        (self.folder / attempt).mkdir()
        self.journal.append(
            "attempt_queued",
            attempt,
            competition=run.competition,
            seed=run.seed,
            number=number,
            cause=cause,
        )
        return attempt

    def start(self, attempt: str, log: bytes = b"", **more: Any) -> None:
        self.journal.append("attempt_preparing", attempt)
        self.journal.append(
            "attempt_started",
            attempt,
            sandbox="process",
            image="",
            digest="",
            agent_version="1",
            version="0",
            limits={"timeout": 3600.0},
            gpus=[],
            handle={},
            **more,
        )
        self.print(attempt, log)

    def print(self, attempt: str, log: bytes) -> None:
        with (self.folder / attempt / "container.log").open("ab") as file:
            file.write(log)

    def end(self, attempt: str, ended: str = "completed", reason: str = "", **more: Any) -> None:
        self.journal.append("attempt_ended", attempt, ended=ended, reason=reason, **more)

    def grade(self, attempt: str, result: str, reason: str = "", **report: Any) -> None:
        full = {**REPORT, **report} if report else None
        self.journal.append("attempt_graded", attempt, result=result, reason=reason, report=full)
        self.journal.append("attempt_finished", attempt)


REPORT = {
    "competition_id": "titanic-survival",
    "score": 0.79425,
    "gold_threshold": 0.83,
    "silver_threshold": 0.81,
    "bronze_threshold": 0.79,
    "median_threshold": 0.77,
    "any_medal": True,
    "gold_medal": False,
    "silver_medal": False,
    "bronze_medal": True,
    "above_median": True,
    "submission_exists": True,
    "valid_submission": True,
    "is_lower_better": False,
}
NAMES = [
    "bike-demand",
    "caravan-insurance",
    "diamond-prices",
    "optical-digits",
    "review-sentiment",
    "seattle-weather",
    "titanic-survival",
]


@pytest.fixture(autouse=True)
def only_the_app_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each key, Textual waits up to 2 s for the whole process to use no CPU.

    That is until a job's threads are through; what belongs to the app runs in this thread.
    """
    monkeypatch.setattr("textual._wait.process_time", time.thread_time)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config that keeps everything below `tmp_path`."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "mle-bench-config.yaml"
    path.write_text("agent: baseline\nwork_dir: work\ndata_dir: data\n")
    return path


@pytest.fixture(scope="session")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository of MLE-bench's shape, to be cloned over file://."""
    return make_mle_bench(tmp_path_factory.mktemp("remote"))


@pytest.fixture
def toy_config(config: Path, remote: Path) -> Path:
    """MLE-bench is the toy one, not cloned yet; this interpreter is its environment."""
    with config.open("a") as file:
        file.write(f"repo_url: file://{remote}\n")
        file.write(toy_settings(config.parent / "mle-bench"))
    return config


@pytest.fixture
def cloned(toy_config: Path, remote: Path) -> Path:
    """The toy MLE-bench is cloned."""
    git(toy_config.parent, "clone", "--quiet", f"file://{remote}", "mle-bench")
    return toy_config.parent / "mle-bench"


@pytest.fixture
def kaggle(config: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKaggle]:
    """A Kaggle with the toy competitions, and this machine's account known to it."""
    with FakeKaggle() as server:
        for name in TOYS:
            server.add(name, toy_zip(name))
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def story(config: Path) -> Story:
    """Seven runs: finished well and badly, running, preparing, queued."""
    request = Request(
        "baseline",
        tuple(NAMES),
        sandbox=SandboxKind.PROCESS,
        jobs=2,
        limits=Limits(timeout=3600.0),
    )
    story = Story(config.parent / "work", request)
    ids = [story.queue(run) for run in request.runs()]
    story.start(ids[0], b"\x1b[32mINFO\x1b[0m reading data\nepoch 1/2\repoch 2/2\ndone\n")
    story.end(ids[0], exit_code=0, reason="The agent ended by itself.", cpu_seconds=12.0)
    story.grade(ids[0], "scored", gold_medal=True, bronze_medal=False, score=31.4159)
    story.start(ids[1], b"Traceback (most recent call last):\n  boom\n")
    story.end(ids[1], "exit_nonzero", "The agent ended with exit code 3.", exit_code=3)
    story.grade(ids[1], "none", "There is no submission.csv.")
    story.start(ids[2], b"ok\n")
    story.end(ids[2], exit_code=0, reason="The agent ended by itself.")
    story.grade(ids[2], "invalid", "The submission lacks the column 'price'.")
    story.start(ids[3], b"".join(b"line %d of many\n" % n for n in range(1000)))
    story.start(ids[4])
    story.journal.append("attempt_preparing", ids[5])
    (story.folder / "build.log").write_text("Step 1/9: FROM python\nStep 2/9: RUN pip\n")
    return story


@pytest.fixture
def client() -> AskedClient:
    return AskedClient()


OpenApp = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


@pytest.fixture
def open_app(config: Path, client: AskedClient) -> OpenApp:
    """`async with open_app((80, 24)) as pilot`: the app, past its loading screen."""

    @asynccontextmanager
    async def opened(
        size: tuple[int, int] = (80, 24), **options: Any
    ) -> AsyncIterator[Pilot[None]]:
        app = ReduxApp(options.pop("config", config), client=client, **options)
        app.NOTES_STAY = app.ERRORS_STAY = 1.5  # they hide what a test waits for
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda: app.screen.id != "_default")
            await app.workers.wait_for_complete()
            await pilot.pause()
            yield pilot

    return opened


async def until(pilot: Pilot[None], is_so: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until `is_so`; fail after `seconds`."""
    for _ in range(int(seconds / _LOOK_EVERY)):
        await pilot.pause(_LOOK_EVERY)
        if is_so():
            return
    raise AssertionError(f"it did not come true within {seconds} s: {screen_text(pilot)}")


async def no_jobs(pilot: Pilot[None], seconds: float = 60) -> list[Job]:
    """Wait until no job runs; all that there were."""
    app = pilot.app
    assert isinstance(app, ReduxApp)
    await until(pilot, lambda: not app.jobs.running, seconds)
    return app.jobs.all


async def sees(pilot: Pilot[None], text: str) -> None:
    """Wait until `text` is on the screen, whatever lines and boxes it is broken into."""
    await until(pilot, lambda: text in flowing(pilot))


def flowing(pilot: Pilot[None]) -> str:
    """What is on the screen as one line, without the edges of boxes and notifications."""
    text = screen_text(pilot)
    boxed = re.findall(r"│(.*)│", text)  # of a dialog, what is inside it only
    return " ".join(re.sub("[▌▐]", " ", "\n".join(boxed) or text).split())


def screen_text(pilot: Pilot[None]) -> str:
    """What is on the screen, as text."""
    screen = pilot.app.screen
    width, height = pilot.app.size
    strips = screen._compositor.render_strips()
    return "\n".join(strip.text[:width] for strip in strips[:height])
