"""The live screen: states, logs that grow, search, cancelling."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from redux_tui.ui.screens.live import LiveScreen
from redux_tui.ui.widgets.log_view import LogView
from tests.ui.conftest import (
    NAMES,
    SIZES,
    AskedClient,
    OpenApp,
    Story,
    flowing,
    screen_text,
    sees,
    until,
)


def live(pilot: Pilot[None]) -> LiveScreen:
    screen = pilot.app.screen
    assert isinstance(screen, LiveScreen)
    return screen


async def select(pilot: Pilot[None], name: str) -> LogView:
    """Move to the attempt of that competition; its log is there then."""
    screen = live(pilot)
    assert screen.app.group is not None
    attempts = screen.app.group.state.attempts.values()
    screen.table.select(next(each.id for each in attempts if each.run.competition == name))
    await until(
        pilot, lambda: screen.selected is not None and screen.selected.run.competition == name
    )
    await pilot.pause(0.05)
    return screen.pane.view


@pytest.mark.parametrize("size", SIZES)
async def test_every_state_has_an_icon_and_a_word(
    open_app: OpenApp, story: Story, size: tuple[int, int]
) -> None:
    async with open_app(size) as pilot:
        text = flowing(pilot)
        for state in (
            "✓ scored",
            "✗ agent failed",
            "✗ invalid",
            "▶ running",
            "◔ preparing",
            "○ queued",
        ):
            assert state in text
        assert all(name in text for name in NAMES)
        assert "/ 1:00:00" in text
        assert "process (not isolated)" in text
        assert "3 of 7 attempts finished" in text


async def test_the_log_of_the_selected_attempt_is_followed(open_app: OpenApp, story: Story) -> None:
    async with open_app() as pilot:
        view = await select(pilot, "optical-digits")
        assert "line 999 of many" in screen_text(pilot)
        story.print("optical-digits_00000001", b"and one more\n")
        await sees(pilot, "and one more")
        assert view.follow and "following" in screen_text(pilot)


async def test_scrolling_up_pauses_and_new_lines_are_counted(
    open_app: OpenApp, story: Story
) -> None:
    async with open_app() as pilot:
        view = await select(pilot, "optical-digits")
        view.focus()
        await pilot.press("pageup")
        await until(pilot, lambda: not view.follow)
        await pilot.pause(0.05)
        before = view.scroll_offset.y
        top = view.text_of(view.visible_lines).splitlines()[0]
        story.print("optical-digits_00000001", b"new\n" * 1234)
        await sees(pilot, "+1,234 new lines")
        assert view.scroll_offset.y == before
        assert view.text_of(view.visible_lines).splitlines()[0] == top
        await pilot.press("f")
        await sees(pilot, "following")
        assert view.scroll_offset.y == view.max_scroll_y
        await pilot.press("home")
        await sees(pilot, "line 0 of many")
        await pilot.press("end")
        await until(pilot, lambda: view.follow)


async def test_search_counts_and_goes_round(open_app: OpenApp, story: Story) -> None:
    async with open_app() as pilot:
        await select(pilot, "optical-digits")
        await pilot.press("slash", *"line 5[05]0 ", "enter")
        await sees(pilot, "match 2 of 2")
        assert "line 550 of many" in screen_text(pilot)
        await pilot.press("n")
        await sees(pilot, "match 1 of 2")
        assert "line 500 of many" in screen_text(pilot)
        await pilot.press("N")
        await sees(pilot, "match 2 of 2")
        await pilot.press("y")
        assert pilot.app.clipboard == "line 550 of many"
        await pilot.press("escape")
        await until(pilot, lambda: "match" not in screen_text(pilot))


async def test_a_wrong_pattern_is_said(open_app: OpenApp, story: Story) -> None:
    async with open_app() as pilot:
        await select(pilot, "optical-digits")
        await pilot.press("slash", "left_parenthesis", "enter")
        await sees(pilot, "not a regular expression")


async def test_long_lines_are_wrapped_on_demand(open_app: OpenApp, story: Story) -> None:
    async with open_app() as pilot:
        view = await select(pilot, "review-sentiment")
        story.print("review-sentiment_00000001", b"begin " + b"x" * 200 + b" stop!\n")
        await sees(pilot, "begin")
        assert "stop!" not in screen_text(pilot)
        await pilot.press("w")
        await sees(pilot, "stop!")
        assert view.wrapped
        story.print(
            "review-sentiment_00000001",
            b"".join(b"%d " % n + b"y" * 170 + b"\n" for n in range(50)) + b"the end\n",
        )
        await sees(pilot, "the end")
        view.focus()
        await pilot.press("home")
        await sees(pilot, "begin")
        for _ in range(8):
            await pilot.press("pagedown")
        await until(pilot, lambda: "the end" in screen_text(pilot) and view.follow)


async def test_colours_are_drawn_and_codes_are_not(open_app: OpenApp, story: Story) -> None:
    async with open_app() as pilot:
        view = await select(pilot, "bike-demand")
        assert "epoch 2/2" in screen_text(pilot) and "epoch 1/2" not in screen_text(pilot)
        strip = view.render_line(0)
        assert strip.text.startswith("INFO reading data")
        first, *_ = strip
        assert first.style is not None and first.style.color is not None
        assert first.style.color.number == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("review-sentiment", "printed nothing yet"),
        ("titanic-survival", "Waiting for a free slot"),
        ("seattle-weather", "Step 2/9: RUN pip"),
    ],
)
async def test_an_empty_log_is_explained(
    open_app: OpenApp, story: Story, name: str, said: str
) -> None:
    async with open_app() as pilot:
        await select(pilot, name)
        assert said in screen_text(pilot)


async def test_cancel_asks_first(open_app: OpenApp, story: Story, client: AskedClient) -> None:
    async with open_app() as pilot:
        await select(pilot, "optical-digits")
        await pilot.press("c")
        await sees(pilot, "optical-digits#0 is stopped")
        await pilot.press("enter")
        await pilot.pause()
        assert client.asked == [], "the first answer is the harmless one"
        await pilot.press("c")
        await pilot.pause()
        await pilot.press("y")
        await until(pilot, lambda: client.asked == [("cancel", "optical-digits_00000001")])


async def test_cancel_all_says_how_many(
    open_app: OpenApp, story: Story, client: AskedClient
) -> None:
    async with open_app() as pilot:
        await pilot.press("C")
        await sees(pilot, "4 unfinished attempts")
        await pilot.press("y")
        await until(pilot, lambda: client.asked == [("cancel", None)])


async def test_a_finished_attempt_can_not_be_cancelled(
    open_app: OpenApp, story: Story, client: AskedClient
) -> None:
    async with open_app() as pilot:
        await select(pilot, "bike-demand")
        await pilot.press("c")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 1


async def test_a_lost_supervisor_is_said_and_resumed(
    open_app: OpenApp, story: Story, client: AskedClient
) -> None:
    async with open_app() as pilot:
        assert "Its supervisor is gone" in screen_text(pilot)
        await pilot.press("u")
        await until(pilot, lambda: client.asked == [("resume", story.folder.name)])


async def test_what_happens_is_shown_while_the_cursor_stays(
    open_app: OpenApp, story: Story
) -> None:
    async with open_app() as pilot:
        await select(pilot, "review-sentiment")
        attempt = "optical-digits_00000001"
        story.end(attempt, exit_code=0, reason="The agent ended by itself.")
        story.grade(attempt, "scored", score=0.5)
        await until(pilot, lambda: screen_text(pilot).count("✓ scored") == 2)
        selected = live(pilot).selected
        assert selected is not None and selected.run.competition == "review-sentiment"
        assert "4/7" in screen_text(pilot), "the header says how far it is"


async def test_a_large_log_never_holds_up_the_loop(open_app: OpenApp, story: Story) -> None:
    story.print(
        "review-sentiment_00000001", b"a line of some length, as they are printed\n" * 2_000_000
    )
    async with open_app() as pilot:
        view = await select(pilot, "review-sentiment")
        await sees(pilot, "2,000,000 lines")
        assert view.log_file is not None and view.log_file.is_complete
        view.focus()
        await pilot.press("home")
        await until(pilot, lambda: view.visible_lines.start == view.log_file.first)  # type: ignore[union-attr]


async def test_nothing_started_yet_is_explained(open_app: OpenApp) -> None:
    async with open_app() as pilot:
        await pilot.press("3")
        await sees(pilot, "Nothing was started yet")
