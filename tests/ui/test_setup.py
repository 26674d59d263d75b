"""The setup screen: the one key to a first result, health, settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from redux_tui import config as configs
from redux_tui.models import Request, SandboxKind
from redux_tui.ui.screens.setup import SetupScreen
from tests.ui.conftest import NAMES, SIZES, AskedClient, OpenApp, screen_text, sees, until


@pytest.mark.parametrize("size", SIZES)
async def test_the_welcome_fits(open_app: OpenApp, tmp_path: Path, size: tuple[int, int]) -> None:
    async with open_app(size, config=tmp_path / "new.yaml") as pilot:
        text = screen_text(pilot)
        assert "Try it offline" in text and "not isolated" in text
        assert "new.yaml" in "".join(text.split()), "the path, however it is folded"


async def test_one_key_starts_the_offline_run(
    open_app: OpenApp, client: AskedClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new.yaml"
    async with open_app(config=path) as pilot:
        await pilot.press("o")
        await until(pilot, lambda: bool(client.asked))
        await until(pilot, lambda: pilot.app.current_mode == "live")
        await pilot.app.workers.wait_for_complete()
    what, request = client.asked[0]
    assert what == "launch" and isinstance(request, Request)
    assert request.agent == "baseline" and request.sandbox is SandboxKind.PROCESS
    assert sorted(request.competitions) == NAMES
    assert 1 <= request.jobs <= 2
    assert path.is_file(), "the next start opens the dashboard"
    assert configs.load(path).state["last_group"]


async def test_health_says_what_to_do(open_app: OpenApp) -> None:
    async with open_app((120, 50), wizard=True) as pilot:
        await pilot.press("h")
        await until(
            pilot, lambda: "ok" in screen_text(pilot) and "Python" in screen_text(pilot), 30
        )


async def test_settings_are_saved_where_they_differ(open_app: OpenApp, config: Path) -> None:
    async with open_app((120, 50), wizard=True) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, SetupScreen)
        await sees(pilot, "its competitions can't be listed yet")
        await pilot.press("n")
        await sees(pilot, "Work folder")
        screen.query_one("#set-timeout", Input).value = "24h"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "timeout" in config.read_text())
        await pilot.app.workers.wait_for_complete()
    assert config.read_text() == "agent: baseline\nwork_dir: work\ndata_dir: data\ntimeout: 86400\n"


async def test_wrong_settings_are_said_and_not_written(open_app: OpenApp, config: Path) -> None:
    before = config.read_text()
    async with open_app((120, 50), wizard=True) as pilot:
        screen = pilot.app.screen
        await sees(pilot, "its competitions can't be listed yet")
        await pilot.press("n")
        await sees(pilot, "Work folder")
        screen.query_one("#set-jobs", Input).value = "0"
        await pilot.press("ctrl+s")
        await sees(pilot, "Jobs must be a whole number")
    assert config.read_text() == before
