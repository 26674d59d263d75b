"""The app as a whole: which screen comes first, the keys that work everywhere, and leaving."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from redux_tui.files import locked
from redux_tui.ui.app import MODE_TITLES, ReduxApp
from redux_tui.ui.farewell import farewell
from tests.ui.conftest import SIZES, AskedClient, OpenApp, Story, screen_text, sees, until


def mode(app: object) -> str:
    assert isinstance(app, ReduxApp)
    return app.current_mode


async def test_without_a_config_the_wizard_opens(open_app: OpenApp, tmp_path: Path) -> None:
    async with open_app(config=tmp_path / "absent.yaml") as pilot:
        assert mode(pilot.app) == "setup"
        assert "Try it offline" in screen_text(pilot)


async def test_with_a_config_the_competitions_open(open_app: OpenApp) -> None:
    async with open_app() as pilot:
        assert mode(pilot.app) == "competitions"


async def test_rebuild_opens_the_wizard(open_app: OpenApp) -> None:
    async with open_app(wizard=True) as pilot:
        assert mode(pilot.app) == "setup"


async def test_what_still_runs_is_shown_first(open_app: OpenApp, story: Story) -> None:
    async with open_app() as pilot:
        assert mode(pilot.app) == "live"


async def test_a_broken_config_ends_it_with_a_sentence(config: Path, client: AskedClient) -> None:
    config.write_text("jobs: [\n")
    app = ReduxApp(config, client=client)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.return_code is not None)
    assert app.return_code == 2


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_has_its_key(
    open_app: OpenApp, story: Story, size: tuple[int, int]
) -> None:
    async with open_app(size) as pilot:
        for key, name in (
            ("1", "setup"),
            ("f2", "competitions"),
            ("3", "live"),
            ("f4", "results"),
            ("J", "jobs"),
        ):
            await pilot.press(key)
            await until(pilot, lambda name=name: mode(pilot.app) == name)  # type: ignore[misc]
            await pilot.pause()
            text = screen_text(pilot)
            assert "1 Setup  2 Competitions  3 Live  4 Results  5 Jobs" in text
            assert "q Quit" in text and "? Help" in text


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5"])
async def test_help_lists_the_keys_of_the_screen(open_app: OpenApp, story: Story, key: str) -> None:
    async with open_app((100, 60)) as pilot:
        await pilot.press(key)
        await pilot.pause()
        bindings = [active.binding for active in pilot.app.screen.active_bindings.values()]
        await pilot.press("question_mark")
        await pilot.pause()
        text = screen_text(pilot)
        for binding in bindings:
            if binding.id is not None and not binding.system:
                assert binding.tooltip, f"{binding.id} has no tooltip"
                assert binding.description in text
        await pilot.press("escape")
        assert len(pilot.app.screen_stack) == 1


async def test_the_palette_finds_screens(open_app: OpenApp, story: Story) -> None:
    async with open_app() as pilot:
        await pilot.press("ctrl+p")
        await pilot.press(*"go to res")
        await sees(pilot, "Go to Results")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: mode(pilot.app) == "results")


async def test_it_leaves_at_once_when_nothing_runs(open_app: OpenApp) -> None:
    async with open_app() as pilot:
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_leaving_while_something_runs_asks(
    open_app: OpenApp, story: Story, client: AskedClient
) -> None:
    with locked(story.folder / "supervisor.lock"):
        async with open_app() as pilot:
            await pilot.press("q")
            await sees(pilot, "4 attempts are not finished")
            await pilot.press("s")
            await pilot.pause()
            assert pilot.app.is_running and len(pilot.app.screen_stack) == 1
            await pilot.press("ctrl+q")
            await pilot.pause()
            await pilot.press("enter")
            await until(pilot, lambda: not pilot.app.is_running)
            assert client.asked == [], "nothing was stopped"
            session = pilot.app.session  # type: ignore[attr-defined]
            text = farewell(session)
            assert "4 attempts still going on" in text and "redux-tui --config" in text


async def test_stop_all_cancels_and_leaves(
    open_app: OpenApp, story: Story, client: AskedClient
) -> None:
    with locked(story.folder / "supervisor.lock"):
        async with open_app() as pilot:
            await pilot.press("q")
            await pilot.pause()
            await pilot.press("x")
            await until(pilot, lambda: not pilot.app.is_running)
            assert client.asked == [("cancel", None)]


async def test_another_group_can_be_chosen(open_app: OpenApp, story: Story) -> None:
    newer = Story(story.folder.parent.parent, story.request)
    async with open_app() as pilot:
        app = pilot.app
        assert isinstance(app, ReduxApp) and app.group is not None
        assert app.group.folder == newer.folder
        await pilot.press("g")
        await sees(pilot, "3 of 7 runs finished")
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.group is not None and app.group.folder == story.folder)


async def test_keys_can_be_changed(open_app: OpenApp, config: Path, story: Story) -> None:
    with config.open("a") as file:
        file.write("state:\n  keys:\n    app.results: z\n")
    async with open_app() as pilot:
        await pilot.press("z")
        await until(pilot, lambda: mode(pilot.app) == "results")


def test_neither_docker_git_nor_kaggle_is_imported() -> None:
    screens = [f"redux_tui.ui.screens.{mode}" for mode in MODE_TITLES]
    heavy = {"docker", "git", "kaggle", "pandas", "sklearn"}
    assert not heavy & modules_after_importing("redux_tui.ui.app", *screens)


def test_the_first_frame_needs_neither_config_nor_catalogue() -> None:
    later = {"pydantic", "yaml", "redux_tui.config", "redux_tui.catalog"}
    later.add("textual.widgets._data_table")
    assert not later & modules_after_importing("redux_tui.ui.app")


def modules_after_importing(*names: str) -> set[str]:
    code = f"import sys, {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert names[0] in done.stdout.split()
    return set(done.stdout.split())


async def test_which_sandbox_was_chosen_and_why_is_said(open_app: OpenApp, story: Story) -> None:
    async with open_app() as pilot:
        reason = "Not isolated: no engine answers."
        story.journal.append(
            "sandbox_chosen", sandbox="process", image="", digest="", reason=reason
        )
        await sees(pilot, reason)
