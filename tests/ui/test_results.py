"""The results screen: scores, medals, reasons, reruns."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from redux_tui.models import Request, Run
from redux_tui.ui.screens.results import ResultsScreen
from tests.ui.conftest import SIZES, AskedClient, OpenApp, Story, screen_text, sees, until


async def show(pilot: Pilot[None]) -> ResultsScreen:
    await pilot.press("4")
    await until(pilot, lambda: isinstance(pilot.app.screen, ResultsScreen))
    await pilot.pause(0.2)
    screen = pilot.app.screen
    assert isinstance(screen, ResultsScreen)
    return screen


@pytest.mark.parametrize("size", SIZES)
async def test_scores_and_medals_are_words_too(
    open_app: OpenApp, story: Story, size: tuple[int, int]
) -> None:
    async with open_app(size) as pilot:
        await show(pilot)
        text = " ".join(screen_text(pilot).split())
        assert "31.4159" in text and "◆ gold" in text and "✗ invalid" in text
        assert "1 of 7 runs scored" in text and "Not isolated" in text
        assert "gold 0.83, silver 0.81, bronze 0.79" in text, "thresholds at any width"
        if size[0] == 200:
            assert "Median" in text and "exit code 3" in text and "lacks the column" in text


async def test_the_reason_for_the_selected_run_is_shown(open_app: OpenApp, story: Story) -> None:
    async with open_app() as pilot:
        screen = await show(pilot)
        screen.table.select("diamond-prices#0")
        await sees(pilot, "lacks the column 'price'")


async def test_rerun_says_what_it_costs(
    open_app: OpenApp, story: Story, client: AskedClient
) -> None:
    async with open_app() as pilot:
        await show(pilot)
        await pilot.press("down", "r")
        await sees(pilot, "caravan-insurance#0: 1 new attempt of at most 1 h")
        await pilot.press("y")
        await until(pilot, lambda: client.asked == [("rerun", ["caravan-insurance#0"])])


async def test_rerun_failed_takes_all_that_failed(
    open_app: OpenApp, story: Story, client: AskedClient
) -> None:
    async with open_app() as pilot:
        await show(pilot)
        await pilot.press("R")
        await sees(pilot, "2 runs that failed")
        await pilot.press("n")
        await pilot.pause()
        assert client.asked == []
        await pilot.press("R")
        await pilot.pause()
        await pilot.press("y")
        failed = ["caravan-insurance#0", "diamond-prices#0"]
        await until(pilot, lambda: client.asked == [("rerun", failed)])


async def test_what_still_runs_is_not_rerun(
    open_app: OpenApp, story: Story, client: AskedClient
) -> None:
    async with open_app() as pilot:
        screen = await show(pilot)
        screen.table.select("optical-digits#0")
        await pilot.pause()
        await pilot.press("r")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 1


async def test_details_name_every_attempt_and_path(open_app: OpenApp, story: Story) -> None:
    again = story.queue(Run("caravan-insurance"), "rerun")
    story.start(again, b"better\n")
    story.end(again, exit_code=0, reason="The agent ended by itself.")
    story.grade(again, "scored", score=0.9)
    async with open_app((120, 60)) as pilot:
        screen = await show(pilot)
        screen.table.select("caravan-insurance#0")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        text = screen_text(pilot)
        assert "Attempt 1 of 2 (the result that counts)" in text
        assert "Attempt 2 of 2 (rerun)" in text
        assert "is_lower_better" in text
        await pilot.press("y")
        assert str(story.folder / again / "container.log") in pilot.app.clipboard


async def test_the_log_of_a_run_is_one_key_away(open_app: OpenApp, story: Story) -> None:
    async with open_app() as pilot:
        screen = await show(pilot)
        screen.table.select("caravan-insurance#0")
        await pilot.pause()
        await pilot.press("l")
        await sees(pilot, "Traceback")


async def test_no_results_are_explained(open_app: OpenApp) -> None:
    async with open_app() as pilot:
        await show(pilot)
        assert "There are no results yet" in screen_text(pilot)


async def test_the_time_of_a_running_attempt_goes_on(open_app: OpenApp, story: Story) -> None:
    async with open_app((200, 50)) as pilot:
        await show(pilot)
        before = screen_text(pilot)
        await until(pilot, lambda: screen_text(pilot) != before)


async def test_the_commit_of_mle_bench_and_obfuscation_are_told(
    open_app: OpenApp, config: Path
) -> None:
    request = Request("baseline", ("titanic-survival",), obfuscated=True)
    story = Story(config.parent / "work", request)
    (run,) = request.runs()
    attempt = story.queue(run)
    story.start(attempt, commit="0123456789abcdef0123456789abcdef01234567")
    story.end(attempt, exit_code=0)
    story.grade(attempt, "scored", score=0.5)
    async with open_app((120, 40)) as pilot:
        await show(pilot)
        await sees(pilot, "obfuscated · MLE-bench 0123456789ab")
        await pilot.press("enter")
        await sees(pilot, "0123456789abcdef0123456789abcdef01234567")
        await sees(pilot, "do not name Kaggle")
