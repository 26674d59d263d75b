"""The competitions screen: choose what to run, with which agent, and start it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from textwrap import shorten
from typing import Any, ClassVar

from rich.text import Text
from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Input, Select, Static

from redux_tui.catalog import Catalog
from redux_tui.logs.sanitize import one_line
from redux_tui.models import Competition, ReduxError, Request
from redux_tui.ui import bench, keys
from redux_tui.ui.bench_jobs import start_data
from redux_tui.ui.messages import JobsChanged
from redux_tui.ui.picker import (
    COLUMNS,
    Listing,
    data_state,
    describe,
    download_words,
    make_row,
    read_listing,
    searchable,
)
from redux_tui.ui.screens.mode import ModeScreen
from redux_tui.ui.session import Session
from redux_tui.ui.text import count
from redux_tui.ui.widgets.launch_form import Choices, LaunchForm
from redux_tui.ui.widgets.table import Row, Table

_MANY, _MUCH = 5, 10.0  # competitions and gigabytes that are not fetched unasked
_READ_AGAIN = 5.0  # seconds, while a job prepares one competition after the other
NOT_CLONED = (
    "MLE-bench is not cloned yet, so its competitions can't be listed. m leads to the page that"
    " clones it."
)


class CompetitionsScreen(ModeScreen):
    MODE = "competitions"
    CSS_PATH: ClassVar[CSSPathType | None] = ["../widgets/launch_form.tcss", "competitions.tcss"]
    BINDINGS = keys.COMPETITIONS

    form = getters.query_one("#launch", LaunchForm)
    table = getters.query_one("#competitions", Table)
    split = getters.query_one("#split", Select)
    filter_input = getters.query_one("#filter", Input)
    status = getters.query_one("#chosen", Static)
    description = getters.query_one("#description", Static)

    def __init__(self) -> None:
        super().__init__()
        self._listing: Listing | None = None
        self._working: frozenset[str] = frozenset()
        self._read_at = 0.0
        self._chosen: set[str] = set()

    def body(self) -> ComposeResult:
        yield LaunchForm(id="launch")
        with Horizontal(id="listing"):
            yield Select[str]([], id="split", prompt="all splits", compact=True)
            yield Input(id="filter", placeholder="filter (/)", compact=True)
            yield Static("Reading the competitions…", id="chosen", markup=False)
        with Container(id="competition-panes"):
            yield Table(COLUMNS, id="competitions")
            with VerticalScroll(id="about"):
                yield Static("", id="description", markup=False)

    def on_mount(self) -> None:
        self.table.focus()

    def on_screen_resume(self) -> None:
        self.app.perform(self._read(), "Reading the competitions")

    def on_jobs_changed(self, message: JobsChanged) -> None:
        is_due = self._working and time.monotonic() - self._read_at > _READ_AGAIN
        if message.ended or (is_due and self.is_current):
            self.app.perform(self._read(), "Reading the competitions")
        elif self.app.jobs.working_on() != self._working:
            self._show_data_again()

    async def _read(self) -> None:
        """What was prepared meanwhile; and everything, if the settings are others now."""
        session = self.app.ready
        self._read_at = time.monotonic()
        new = await asyncio.to_thread(_read, session)
        old, self._listing = self._listing, new  # another reading may have ended meanwhile
        if old is not None and old.catalog is new.catalog:
            self._show_data_again()
        else:
            self._fill(session, new.catalog, is_first=old is None)

    def _fill(self, session: Session, catalog: Catalog, is_first: bool) -> None:
        if is_first:
            selection = session.settings.state.get("selection", [])
            self._chosen = {str(each) for each in selection}
        self._chosen &= set(catalog.competitions)
        split = self.split.value
        self.split.set_options([(Content(one_line(name)), name) for name in catalog.splits])
        if split in catalog.splits:
            self.split.value = split
        self.form.fill(catalog.agents, session.settings, keep=not is_first)
        self._working = self.app.jobs.working_on()
        self._show_list()
        if is_first and catalog.problems:
            self.app.say(_in_short(catalog.problems), severity="warning")

    @property
    def listed(self) -> list[Competition]:
        """What the split and the filter leave, in the catalogue's order."""
        if self._listing is None:
            return []
        catalog = self._listing.catalog
        found = list(catalog.competitions.values())
        split = catalog.splits.get(str(self.split.value))
        if split is not None:
            found = [each for each in found if each.id in split.competitions]
        words = self.filter_input.value.lower().split()
        return [each for each in found if all(word in searchable(each) for word in words)]

    @property
    def highlighted(self) -> Competition | None:
        key = self.table.selected
        return self._listing.catalog.competitions.get(key) if self._listing and key else None

    @on(Select.Changed, "#split")
    @on(Input.Changed, "#filter")
    def _show_list(self) -> None:
        self._show_rows_again()
        self._show_description()

    @on(Input.Submitted, "#filter")
    def action_leave_field(self) -> None:
        self.table.focus()

    @on(Table.RowHighlighted, "#competitions")
    def _show_other_description(self) -> None:
        self._show_description()
        self.query_one("#about").scroll_home(animate=False)

    def _show_description(self) -> None:
        competition = self.highlighted
        if self._listing is None:
            return
        if competition is not None:
            text = describe(competition, self._listing, self._data_state(competition))
            self.description.update(text)
        elif self._is_uncloned_split():
            self.description.update(NOT_CLONED)
        else:
            self.description.update("Nothing is listed: change the filter (/) or the split (p).")

    @on(LaunchForm.Changed)
    def _show_status(self) -> None:
        if self._listing is None:
            return
        if self._is_uncloned_split():
            self.status.update("MLE-bench is not cloned yet: m")
            return
        chosen, listed = len(self._chosen), len(self.listed)
        hidden = chosen - sum(each.id in self._chosen for each in self.listed)
        more = f", {hidden} of them not listed" if hidden else ""
        self.status.update(f"{chosen} chosen{more} · {count(listed, 'competition')} listed")

    @on(Table.RowSelected, "#competitions")
    def _read_description(self) -> None:
        self.query_one("#about").focus()

    def action_choose(self) -> None:
        competition = self.highlighted
        if competition is not None:
            self._chosen ^= {competition.id}
            self._show_rows_again()

    def action_choose_all(self) -> None:
        listed = {each.id for each in self.listed}
        self._chosen = self._chosen - listed if listed <= self._chosen else self._chosen | listed
        self._show_rows_again()

    def action_filter(self) -> None:
        self.filter_input.focus()

    def action_split(self) -> None:
        self.split.focus()
        self.split.action_show_overlay()

    def action_options(self) -> None:
        self.form.agent.focus()

    def action_get_data(self) -> None:
        """Have the data of what is chosen, else of the one under the cursor."""
        listing = self._listing
        if listing is None:
            return
        wanted = self._chosen_ones() or [each for each in (self.highlighted,) if each]
        missing = listing.missing(wanted)
        if not missing:
            word = "is" if len(wanted) == 1 else "are"
            what = count(len(wanted), "competition")
            self.app.say(f"{what} {word} prepared already." if wanted else NOT_CLONED)
            return
        heavy = listing.to_download(missing)
        if len(heavy) <= _MANY and sum(each.size_gb or 0 for each in heavy) <= _MUCH:
            start_data(self.app, missing)
            return

        def answered(answer: str | None) -> None:
            if answer == "yes":
                start_data(self.app, missing)

        self.app.ask(
            "Get all this data?",
            f"It is downloaded from Kaggle: {download_words(heavy)}. With what is made of it,"
            f" about three times that goes to {listing.data_dir}.",
            [("y", "Get it", "yes"), ("n", "Don't", "no")],
            answered,
        )

    def action_start(self) -> None:
        try:
            choices = self.form.read()
            request = self._request(choices)
        except ReduxError as error:
            self.app.say(str(error), severity="error")
            return
        session = self.app.ready
        state: dict[str, Any] = {"selection": sorted(self._chosen), "launch": choices.as_state()}

        async def keep() -> None:
            await asyncio.to_thread(lambda: session.remember(**state))

        self.app.perform(keep(), "Keeping the selection")
        listing = self._listing
        heavy = listing.to_download(self._chosen_ones()) if listing else []
        if heavy:
            self.app.perform(self._ask_about(heavy, request), "Starting")
        else:
            self.app.launch(request)

    async def _ask_about(self, heavy: list[Competition], request: Request) -> None:
        """Tell what a run will download before its agent can begin."""
        account = await asyncio.to_thread(bench.look_for_account, self.app.ready.settings)
        unread = [one_line(each.id) for each in heavy if each.id in self.app.ready.refused]
        sentences = [f"Before the agent starts, data is downloaded: {download_words(heavy)}."]
        if unread:
            sentences.append(f"The rules of {', '.join(unread)} are not accepted yet (screen 5).")
        if not account.found:
            sentences.append("There is no usable Kaggle account: m leads to where one is entered.")

        def answered(answer: str | None) -> None:
            if answer == "start":
                self.app.launch(request)
            elif answer == "data":
                start_data(self.app, heavy)

        choices = [("s", "Start", "start"), ("d", "Get data only", "data"), ("n", "Don't", "no")]
        self.app.ask("Start with a download?", " ".join(sentences), choices, answered)

    def _request(self, choices: Choices) -> Request:
        chosen = [each.id for each in self._chosen_ones()]
        if not chosen:
            raise ReduxError("No competition is chosen: Space chooses one, a all that are listed.")
        settings = self.app.ready.settings
        return Request(
            agent=choices.agent,
            competitions=tuple(chosen),
            seeds=tuple(range(choices.seeds)),
            sandbox=choices.sandbox,
            jobs=choices.jobs,
            limits=settings.limits_of_attempt(choices.timeout),
            gpus=tuple(str(gpu) for gpu in settings.gpus),
            obfuscated=choices.obfuscated,
        )

    def _chosen_ones(self) -> list[Competition]:
        found = self._listing.catalog.competitions.values() if self._listing else ()
        return [each for each in found if each.id in self._chosen]

    def _is_uncloned_split(self) -> bool:
        """Whether the chosen split names competitions that only a clone would bring."""
        if self._listing is None or self._listing.catalog.repo is not None:
            return False
        catalog = self._listing.catalog
        split = catalog.splits.get(str(self.split.value))
        return split is not None and not set(split.competitions) & set(catalog.competitions)

    def _show_rows_again(self) -> None:
        self.table.show_rows([self._row(each) for each in self.listed])
        self._show_status()

    def _show_data_again(self) -> None:
        self._working = self.app.jobs.working_on()
        self._show_rows_again()
        self._show_description()

    def _row(self, competition: Competition) -> Row:
        assert self._listing is not None
        is_chosen = competition.id in self._chosen
        data = self._data_state(competition)
        return make_row(competition, self._listing, is_chosen=is_chosen, data=data)

    def _data_state(self, competition: Competition) -> Text:
        assert self._listing is not None
        return data_state(competition, self._listing, self.app.ready.refused, self._working)


def _in_short(problems: Sequence[str]) -> str:
    """One notification for all, small enough to see the list beside it."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{shorten(problems[0], 120, placeholder='…')}{more} See `redux-tui list splits`."


def _read(session: Session) -> Listing:
    """Everything from the disk, in a thread."""
    catalog: Catalog = session.catalog
    return read_listing(catalog, session.settings.data_dir)
