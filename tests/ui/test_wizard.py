"""The wizard's page on MLE-bench: from nothing to its competitions and a Kaggle account."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from redux_tui.bench.progress import Say, Tell
from redux_tui.bench.repository.clone import find_clone
from redux_tui.config import Settings
from redux_tui.ui import bench
from redux_tui.ui.app import ReduxApp
from redux_tui.ui.jobs import JobState, Work
from redux_tui.ui.screens.setup import SetupScreen
from tests.support.kaggle_server import FakeKaggle
from tests.ui.conftest import SIZES, OpenApp, no_jobs, screen_text, sees, until


def setup_screen(pilot: Pilot[None]) -> SetupScreen:
    assert isinstance(pilot.app.screen, SetupScreen)
    return pilot.app.screen


def without_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name)


@pytest.mark.parametrize("size", SIZES)
async def test_every_step_says_how_it_stands(
    open_app: OpenApp, toy_config: Path, size: tuple[int, int]
) -> None:
    async with open_app(size) as pilot:
        await pilot.press("m")
        await sees(pilot, "○ not there: its competitions can't be listed yet")
        await sees(pilot, "○ none: get a key on kaggle.com")
        for text in ("Clone (c)", "Check (k)", "Install (e)", "? Help", "q Quit"):
            await sees(pilot, text)
        assert "x Stop" not in screen_text(pilot)


async def test_from_nothing_to_a_listed_competition(open_app: OpenApp, toy_config: Path) -> None:
    async with open_app() as pilot:
        await pilot.press("m")
        await sees(pilot, "○ not there")
        await pilot.press("c")
        await until(pilot, lambda: len(pilot.app.jobs.all) == 2, 60)  # type: ignore[attr-defined]
        jobs = await no_jobs(pilot)
        assert [job.kind for job in jobs] == ["clone", "environment"]
        assert [job.state for job in jobs] == [JobState.DONE] * 2, jobs[-1].error
        clone = find_clone(toy_config.parent / "mle-bench")
        assert clone is not None
        await sees(pilot, f"✓ there: at commit {clone.commit[:12]}")
        await sees(pilot, "✓ ready")
        assert not pilot.app._notifications, "the page itself says all"
        await pilot.press("2")
        await sees(pilot, "toy-alpha")
        await sees(pilot, "10 competitions listed")


async def test_a_ref_is_kept_and_moves_the_clone(
    open_app: OpenApp, cloned: Path, toy_config: Path
) -> None:
    async with open_app() as pilot:
        before = find_clone(cloned)
        await pilot.press("m")
        await sees(pilot, "✓ there")
        setup_screen(pilot).wizard.ref.value = "v-one"
        await pilot.press("c")
        await sees(pilot, "and goes to v-one")
        await pilot.press("y")
        await until(pilot, lambda: len(pilot.app.jobs.all) == 2, 60)  # type: ignore[attr-defined]
        await no_jobs(pilot)
        after = find_clone(cloned)
        assert before is not None and after is not None and before.commit != after.commit
        await sees(pilot, f"✓ there: at commit {after.commit[:12]}")
    assert "repo_ref: v-one" in toy_config.read_text()


async def test_a_clone_can_be_stopped_and_begun_again(
    open_app: OpenApp, toy_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = bench.clone_work, 0

    def slow(*arguments: object) -> Work:
        """The first one stands still before it clones."""
        nonlocal calls
        calls += 1
        is_first = calls == 1

        async def work(say: Say, tell: Tell) -> None:
            if is_first:
                await asyncio.sleep(3600)
            await real(*arguments)(say, tell)  # type: ignore[arg-type]

        return work

    monkeypatch.setattr(bench, "clone_work", slow)
    async with open_app() as pilot:
        await pilot.press("m")
        await sees(pilot, "○ not there")
        await pilot.press("c")
        await sees(pilot, "⟳ running: Clone MLE-bench. x stops it.")
        await pilot.press("x", "y")
        await sees(pilot, "■ cancelled")
        assert find_clone(toy_config.parent / "mle-bench") is None
        await pilot.press("c")
        await sees(pilot, "✓ there")
        await no_jobs(pilot)


async def test_a_failed_clone_explains_itself_and_is_retried(
    open_app: OpenApp, config: Path, remote: Path
) -> None:
    later = config.parent / "later.git"
    with config.open("a") as file:
        file.write(f"repo_url: file://{later}\nrepo_dir: mle-bench\n")
    async with open_app() as pilot:
        await pilot.press("m")
        await sees(pilot, "○ not there")
        await pilot.press("c")
        await sees(pilot, "✗ failed")
        await pilot.press("5")
        await sees(pilot, "later.git")
        later.symlink_to(remote)
        await pilot.press("r")
        await until(pilot, lambda: find_clone(config.parent / "mle-bench") is not None, 30)
        app = pilot.app
        assert isinstance(app, ReduxApp)
        for job in app.jobs.running:
            app.jobs.cancel(job)  # it would install an environment
        await no_jobs(pilot)


async def test_rebuild_asks_and_clones_anew(open_app: OpenApp, cloned: Path) -> None:
    (cloned / ".git" / "mark").touch()
    async with open_app(wizard=True) as pilot:
        await sees(pilot, "✓ there")
        await pilot.press("C")
        await sees(pilot, "the old clone goes on working")
        await pilot.press("y")
        await until(pilot, lambda: not (cloned / ".git" / "mark").exists(), 60)
        await no_jobs(pilot)
        assert find_clone(cloned) is not None


@pytest.mark.parametrize("is_json", [True, False])
async def test_a_pasted_key_is_stored_checked_and_never_shown(
    open_app: OpenApp,
    toy_config: Path,
    kaggle: FakeKaggle,
    monkeypatch: pytest.MonkeyPatch,
    is_json: bool,
) -> None:
    without_account(monkeypatch)
    pasted = f"{kaggle.username} {kaggle.key}"
    if is_json:
        pasted = json.dumps({"username": kaggle.username, "key": kaggle.key}, indent=2)
    async with open_app() as pilot:
        await pilot.press("m")
        await sees(pilot, "○ none")
        await pilot.press("p")
        pilot.app.post_message(events.Paste(pasted))
        await pilot.pause(0.1)
        assert kaggle.key not in screen_text(pilot)
        await pilot.press("enter")
        await sees(pilot, f"✓ confirmed: Kaggle knows this account as {kaggle.username}.")
        assert kaggle.key not in screen_text(pilot)
        assert setup_screen(pilot).wizard.account.value == ""
        await pilot.press("2")
        await until(pilot, lambda: pilot.app.current_mode == "competitions")
    file = toy_config.parent / "home" / ".kaggle" / "kaggle.json"
    assert json.loads(file.read_text())["key"] == kaggle.key
    assert file.stat().st_mode & 0o777 == 0o600
    assert kaggle.key not in toy_config.read_text()


async def test_a_wrong_key_says_so(
    open_app: OpenApp, toy_config: Path, kaggle: FakeKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_KEY", "f" * 32)
    async with open_app((120, 40)) as pilot:
        await pilot.press("m")
        await sees(pilot, "✓ found: API key of datadinosaur")
        await pilot.press("k")
        await sees(pilot, "✗ not confirmed: Kaggle does not accept the API key")
        assert "f" * 32 not in screen_text(pilot)


async def test_what_is_no_key_is_not_repeated(open_app: OpenApp, toy_config: Path) -> None:
    async with open_app((120, 40)) as pilot:
        await pilot.press("m")
        await sees(pilot, "○ none")
        await pilot.press("k")
        await sees(pilot, "There is no key to check yet")
        assert "esc Leave field" not in screen_text(pilot)
        await pilot.press("p")
        await sees(pilot, "esc Leave field")
        await pilot.press(*"sesame", "enter")
        await sees(pilot, "it is no access token")
        assert "sesame" not in screen_text(pilot)


async def test_readable_by_others_is_warned_about(open_app: OpenApp, toy_config: Path) -> None:
    file = toy_config.parent / "home" / ".kaggle" / "kaggle.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"username": "a", "key": "b"}')
    file.chmod(0o644)
    async with open_app((160, 40)) as pilot:
        await pilot.press("m")
        await sees(pilot, f"Run `chmod 600 {file}`")


async def test_a_check_that_hangs_holds_nobody_up(
    open_app: OpenApp, toy_config: Path, kaggle: FakeKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def hang(settings: Settings) -> str:
        over.wait(60)
        return "nobody"

    monkeypatch.setattr(bench, "check_account", hang)
    async with open_app() as pilot:
        await pilot.press("m")
        await sees(pilot, "✓ found")
        await pilot.press("k")
        await sees(pilot, "⟳ checking: Asking Kaggle…")
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)
    over.set()
