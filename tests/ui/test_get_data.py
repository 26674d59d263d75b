"""MLE-bench's competitions in the list: what is shown of them, and getting their data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.pilot import Pilot

from redux_tui.bench.data.place import is_prepared
from redux_tui.models import Competition, Request
from redux_tui.ui.jobs import JobState
from redux_tui.ui.picker import size_of
from redux_tui.ui.screens.competitions import CompetitionsScreen
from tests.support.kaggle_server import FakeKaggle, Pattern
from tests.ui.conftest import (
    HOSTILE,
    SIZES,
    AskedClient,
    OpenApp,
    no_jobs,
    screen_text,
    sees,
    until,
)
from tests.ui.test_hostile import assert_harmless


async def toys(pilot: Pilot[None]) -> CompetitionsScreen:
    """List the toy competitions alone."""
    await sees(pilot, "10 competitions listed")
    await pilot.press("slash", *"toy", "enter")
    await sees(pilot, "3 competitions listed")
    screen = pilot.app.screen
    assert isinstance(screen, CompetitionsScreen)
    return screen


def competition(screen: CompetitionsScreen, name: str) -> Competition:
    return screen.app.ready.catalog.competitions[name]


@pytest.mark.parametrize("size", SIZES)
async def test_columns_and_facts(open_app: OpenApp, cloned: Path, size: tuple[int, int]) -> None:
    async with open_app(size) as pilot:
        await toys(pilot)
        for word in ("toy-alpha", "↑ accuracy", "○ not prepared", "(higher is better)"):
            await sees(pilot, word)
        if size[0] == 200:
            for word in ("Split", "Size", "Category", "Medals"):
                await sees(pilot, word)


async def test_d_gets_the_data_and_shows_bars(
    open_app: OpenApp, cloned: Path, kaggle: FakeKaggle, toy_config: Path
) -> None:
    async with open_app() as pilot:
        screen = await toys(pilot)
        await pilot.press("d")
        (job,) = await no_jobs(pilot)
        assert job.state is JobState.DONE, job.error
        assert any("toy-alpha" in what for what in job.bars)
        await sees(pilot, "✓ prepared")
        assert is_prepared(competition(screen, "toy-alpha"), toy_config.parent / "data")
        await pilot.press("d")
        await sees(pilot, "1 competition is prepared already.")
        assert len(await no_jobs(pilot)) == 1


async def test_a_download_that_goes_on_has_a_bar(
    open_app: OpenApp, cloned: Path, kaggle: FakeKaggle
) -> None:
    kaggle.add("toy-alpha", Pattern(20_000_000), speed=2_000_000)
    async with open_app() as pilot:
        await toys(pilot)
        await pilot.press("d")
        await sees(pilot, "⟳ in a job")
        await pilot.press("5")
        await sees(pilot, "MB of 20.0 MB")
        await sees(pilot, "MB/s")
        await pilot.press("c", "y")
        (job,) = await no_jobs(pilot)
        assert job.state is JobState.CANCELLED


async def test_one_message_for_all_rules_and_the_rest_goes_on(
    open_app: OpenApp, cloned: Path, kaggle: FakeKaggle
) -> None:
    for name in ("toy-beta", "toy-gamma"):
        kaggle.competitions[name].entered = False
    async with open_app() as pilot:
        await toys(pilot)
        await pilot.press("a", "d")
        (job,) = await no_jobs(pilot)
        assert job.state is JobState.FAILED
        await sees(pilot, "⚠ accept rules")
        await sees(pilot, "✓ prepared")
        await pilot.press("5")
        await until(pilot, lambda: not pilot.app._notifications)  # they hid what they speak of
        for name in ("toy-beta", "toy-gamma"):
            await sees(pilot, f"https://www.kaggle.com/c/{name}/rules")
        assert "toy-alpha/rules" not in job.error
        await pilot.press("y")
        assert pilot.app.clipboard.split() == list(job.pages)
        for name in ("toy-beta", "toy-gamma"):
            kaggle.competitions[name].entered = True
        await pilot.press("r")
        await no_jobs(pilot)
        assert job.state is JobState.DONE, job.error
        await pilot.press("2")
        await until(pilot, lambda: screen_text(pilot).count("✓ prepared") >= 3)


async def test_rules_are_told_while_the_others_download(
    open_app: OpenApp, cloned: Path, kaggle: FakeKaggle
) -> None:
    beta = kaggle.competitions["toy-beta"]
    beta.entered = False
    kaggle.add("toy-alpha", Pattern(20_000_000), speed=500_000)
    async with open_app() as pilot:
        screen = await toys(pilot)
        await pilot.press("space", "down", "space", "d")
        await sees(pilot, "The rules of toy-beta are not accepted yet")
        await sees(pilot, "⚠ accept rules")
        await pilot.press("5")
        await sees(pilot, "MB of 20.0 MB")
        await pilot.press("y")
        assert pilot.app.clipboard == "https://www.kaggle.com/c/toy-beta/rules"
        beta.entered = True
        await pilot.press("2", "space", "up", "space", "down", "d")
        jobs = screen.app.jobs
        await until(pilot, lambda: len(jobs.all) == 2 and not jobs.all[1].is_running, 60)
        first, second = jobs.all
        assert first.is_running and second.state is JobState.DONE, second.error
        rows = re.compile(r"toy-alpha .*in a job.*\n.*toy-beta .*✓ prepared")
        await until(pilot, lambda: rows.search(screen_text(pilot)) is not None)
        jobs.cancel(first)
        await no_jobs(pilot)


async def test_odd_splits_do_not_cover_the_list(open_app: OpenApp, cloned: Path) -> None:
    async with open_app() as pilot:
        await sees(pilot, "(and 4 more)")
        about = [each for each in pilot.app._notifications if "split" in each.message]
        assert len(about) == 1 and len(about[0].message) < 200


async def test_a_start_tells_what_it_will_download(
    open_app: OpenApp, cloned: Path, client: AskedClient
) -> None:
    async with open_app() as pilot:
        await toys(pilot)
        await pilot.press("space", "s")
        await sees(pilot, "Before the agent starts, data is downloaded: toy-alpha")
        await sees(pilot, "There is no usable Kaggle account")
        assert client.asked == []
        await pilot.press("s")
        await until(pilot, lambda: bool(client.asked))
        _, request = client.asked[0]
        assert isinstance(request, Request) and request.competitions == ("toy-alpha",)


async def test_without_a_clone_its_splits_lead_to_the_wizard(
    open_app: OpenApp, toy_config: Path
) -> None:
    async with open_app() as pilot:
        await sees(pilot, "7 competitions listed")
        screen = pilot.app.screen
        assert isinstance(screen, CompetitionsScreen)
        screen.split.value = "low"
        await sees(pilot, "MLE-bench is not cloned yet, so its competitions can't be listed. m")
        await pilot.press("m")
        await sees(pilot, "A Kaggle account, to download data")


async def test_obfuscated_reaches_the_request_and_is_remembered(
    open_app: OpenApp, client: AskedClient
) -> None:
    async with open_app() as pilot:
        await sees(pilot, "[ ] Obfuscated")
        screen = pilot.app.screen
        assert isinstance(screen, CompetitionsScreen)
        screen.form.obfuscated.focus()
        await pilot.press("space")
        await sees(pilot, "[x] Obfuscated")
        await pilot.press("escape", "space", "s")
        await until(pilot, lambda: bool(client.asked))
        assert client.asked[0][1].obfuscated
        await pilot.app.workers.wait_for_complete()
    async with open_app() as pilot:
        await pilot.press("2")
        await sees(pilot, "[x] Obfuscated")


async def test_an_agent_that_can_not_run_says_why_and_does_not_start(
    open_app: OpenApp, cloned: Path, client: AskedClient
) -> None:
    async with open_app((160, 40)) as pilot:
        await sees(pilot, "10 competitions listed")
        screen = pilot.app.screen
        assert isinstance(screen, CompetitionsScreen)
        screen.form.agent.value = "mle-bench:opendevin"
        await sees(pilot, "✗ can't be run here: mle-bench:opendevin wants a privileged container")
        await pilot.press("space", "s")
        await sees(pilot, "mle-bench:opendevin can't be run here.")
        assert client.asked == []


async def test_hostile_names_and_issues(open_app: OpenApp, cloned: Path) -> None:
    readme = cloned / "README.md"
    readme.write_text(
        f"## Known Issues\n\n- **toy-alpha**: {HOSTILE} [#1](https://x.y/{HOSTILE})\n"
    )
    file = cloned / "mlebench" / "competitions" / "toy-alpha" / "description.md"
    file.write_text(HOSTILE)
    async with open_app((160, 40)) as pilot:
        await toys(pilot)
        text = screen_text(pilot)
        assert "⚠ Known issue: [/x/y]" in text
        assert_harmless(text)


@pytest.mark.parametrize(
    ("gigabytes", "text"), [(None, ""), (0.0004, "< 1 MB"), (0.25, "250 MB"), (3.06, "3.1 GB")]
)
def test_sizes(gigabytes: float | None, text: str) -> None:
    one = Competition(*("a", "A", Path("f"), "mle-bench", "m", "c"), True, *[Path("f")] * 2,
                      *("g:g", "p:p"), *[Path("f")] * 2, size_gb=gigabytes)  # fmt: skip
    assert size_of(one) == text
