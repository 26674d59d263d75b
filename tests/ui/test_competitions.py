"""The competitions screen: choosing, filtering, options, starting."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from redux_tui import config as configs
from redux_tui.bench.progress import Say
from redux_tui.config import Settings
from redux_tui.models import Request, SandboxKind
from redux_tui.runner.group import Group
from redux_tui.ui.screens.competitions import CompetitionsScreen
from tests.ui.conftest import NAMES, SIZES, AskedClient, OpenApp, screen_text, sees, until


async def shown(pilot: Pilot[None]) -> CompetitionsScreen:
    await sees(pilot, "7 competitions listed")
    screen = pilot.app.screen
    assert isinstance(screen, CompetitionsScreen)
    return screen


def launched(client: AskedClient) -> Request:
    (what, request), *_ = client.asked
    assert what == "launch" and isinstance(request, Request)
    return request


@pytest.mark.parametrize("size", SIZES)
async def test_all_is_there_at_any_size(open_app: OpenApp, size: tuple[int, int]) -> None:
    async with open_app(size) as pilot:
        await shown(pilot)
        text = screen_text(pilot)
        assert all(name in text for name in NAMES)
        for word in (
            "Metric",
            "Data",
            "tabular",
            "Agent",
            "Sandbox",
            "Seeds",
            "Jobs",
            "Timeout",
            "rmsle",
        ):
            assert word in text
        assert "Bike Demand" in text, "the description of the one under the cursor"


async def test_pressing_start_twice_starts_once(
    open_app: OpenApp, client: AskedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = client.launch

    async def slow(settings: Settings, request: Request, say: Say) -> Group:
        await asyncio.sleep(0.5)
        return await real(settings, request, say)

    monkeypatch.setattr(client, "launch", slow)
    async with open_app() as pilot:
        await shown(pilot)
        await pilot.press("space", "s", "s", "s")
        await until(pilot, lambda: pilot.app.current_mode == "live")
        await pilot.app.workers.wait_for_complete()
        assert len(client.asked) == 1


async def test_what_will_stop_some_runs_is_said_when_they_start(
    open_app: OpenApp, client: AskedClient
) -> None:
    client.warnings = ["Open https://example.org/rules first."]
    async with open_app() as pilot:
        await shown(pilot)
        await pilot.press("a", "s")
        await sees(pilot, "Open https://example.org/rules first.")


async def test_space_chooses_and_s_starts(
    open_app: OpenApp, client: AskedClient, config: Path
) -> None:
    async with open_app() as pilot:
        await shown(pilot)
        await pilot.press("space", "down", "space")
        await sees(pilot, "2 chosen")
        await pilot.press("s")
        await until(pilot, lambda: bool(client.asked))
        await until(pilot, lambda: pilot.app.current_mode == "live")
        assert launched(client).competitions == ("bike-demand", "caravan-insurance")
        assert launched(client).agent == "baseline"
        await pilot.app.workers.wait_for_complete()
    state = configs.load(config).state
    assert state["selection"] == ["bike-demand", "caravan-insurance"]
    assert state["last_group"]


async def test_a_chooses_all_that_are_listed_then_none(open_app: OpenApp) -> None:
    async with open_app() as pilot:
        await shown(pilot)
        await pilot.press("slash", *"tabular", "enter", "a")
        await sees(pilot, "5 chosen")
        assert "optical-digits" not in screen_text(pilot)
        await pilot.press("a")
        await sees(pilot, "0 chosen")


async def test_options_reach_the_request(open_app: OpenApp, client: AskedClient) -> None:
    async with open_app() as pilot:
        screen = await shown(pilot)
        for name, value in (("seeds", "3"), ("jobs", "2"), ("timeout", "1h 30m")):
            screen.query_one(f"#{name}", Input).value = value
        screen.form.sandbox.value = SandboxKind.PROCESS
        await pilot.press("space", "s")
        await until(pilot, lambda: bool(client.asked))
        request = launched(client)
        assert request.seeds == (0, 1, 2) and request.jobs == 2
        assert request.limits.timeout == 5400 and request.sandbox is SandboxKind.PROCESS


async def test_what_was_used_last_is_there_again(open_app: OpenApp, client: AskedClient) -> None:
    async with open_app() as pilot:
        screen = await shown(pilot)
        screen.query_one("#seeds", Input).value = "4"
        await pilot.press("space", "s")
        await until(pilot, lambda: bool(client.asked))
        await pilot.app.workers.wait_for_complete()
    async with open_app() as pilot:
        await pilot.press("2")
        screen = await shown(pilot)
        assert screen.query_one("#seeds", Input).value == "4"
        assert "1 chosen" in screen_text(pilot)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("seeds", "0", "Seeds must be a whole number from 1 to 1000"),
        ("jobs", "many", "Jobs must be a whole number from 1 to 256"),
        ("timeout", "soon", "Timeout must be seconds, or a time such as 15m"),
    ],
)
async def test_what_will_not_do_is_said(
    open_app: OpenApp, client: AskedClient, field: str, value: str, sentence: str
) -> None:
    async with open_app((160, 40)) as pilot:
        screen = await shown(pilot)
        screen.query_one(f"#{field}", Input).value = value
        await pilot.press("space", "s")
        await sees(pilot, sentence)
        assert client.asked == []


async def test_nothing_chosen_is_said(open_app: OpenApp, client: AskedClient) -> None:
    async with open_app() as pilot:
        await shown(pilot)
        await pilot.press("s")
        await sees(pilot, "No competition is chosen")
        assert client.asked == []


async def test_process_is_labelled_not_isolated(open_app: OpenApp) -> None:
    async with open_app() as pilot:
        screen = await shown(pilot)
        screen.form.sandbox.value = SandboxKind.PROCESS
        await sees(pilot, "process (not isolated)")
