"""The competitions screen: choose what to run, with which agent, and start it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from rich.text import Text
from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Input, Select, Static

from redux_tui.catalog import Catalog
from redux_tui.logs.sanitize import one_line, plain
from redux_tui.models import Competition, ReduxError, Request
from redux_tui.ui import keys
from redux_tui.ui.screens.mode import ModeScreen
from redux_tui.ui.session import Session
from redux_tui.ui.text import DIM, GOOD, count, safe
from redux_tui.ui.widgets.launch_form import Choices, LaunchForm
from redux_tui.ui.widgets.table import Column, Row, Table

COLUMNS = [
    Column("chosen", " ", 3),
    Column("id", "Competition", 20, share=3),
    Column("metric", "Metric", 12, share=1),
    Column("category", "Category", 10, share=1),
    Column("data", "Data", 15),
]
_LONGEST_DESCRIPTION = 64 * 1024


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
        self._catalog: Catalog | None = None
        self._prepared: set[str] = set()
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

    async def _read(self) -> None:
        """What was prepared meanwhile; and everything, if the settings are others now."""
        session = self.app.ready
        catalog, self._prepared = await asyncio.to_thread(_read, session)
        if catalog is self._catalog:
            self._show_rows_again()
        else:
            self._catalog = catalog
            self._fill(session, catalog)

    def _fill(self, session: Session, catalog: Catalog) -> None:
        selection = session.settings.state.get("selection", [])
        self._chosen = {str(each) for each in selection if each in catalog.competitions}
        self.split.set_options([(Content(one_line(name)), name) for name in catalog.splits])
        self.form.fill(catalog.agents, session.settings)
        self._show_list()
        for problem in catalog.problems[:3]:
            self.app.say(problem, severity="warning")

    @property
    def listed(self) -> list[Competition]:
        """What the split and the filter leave, in the catalogue's order."""
        if self._catalog is None:
            return []
        found = list(self._catalog.competitions.values())
        split = self._catalog.splits.get(str(self.split.value))
        if split is not None:
            found = [each for each in found if each.id in split.competitions]
        words = self.filter_input.value.lower().split()
        return [each for each in found if all(word in _searchable(each) for word in words)]

    @property
    def highlighted(self) -> Competition | None:
        key = self.table.selected
        return self._catalog.competitions.get(key) if self._catalog and key else None

    @on(Select.Changed, "#split")
    @on(Input.Changed, "#filter")
    def _show_list(self) -> None:
        self.table.show_rows([self._row(each) for each in self.listed])
        self._show_status()
        self._show_description()

    @on(Input.Submitted, "#filter")
    def action_leave_field(self) -> None:
        self.table.focus()

    @on(Table.RowHighlighted, "#competitions")
    def _show_description(self) -> None:
        competition = self.highlighted
        if competition is not None:
            self.description.update(_describe(competition))
            self.query_one("#about").scroll_home(animate=False)
        elif self._catalog is not None:
            self.description.update("Nothing is listed: change the filter (/) or the split (p).")

    @on(LaunchForm.Changed)
    def _show_status(self) -> None:
        if self._catalog is None:
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
        self.app.launch(request)

    def _request(self, choices: Choices) -> Request:
        catalog = self._catalog
        chosen = [
            name for name in (catalog.competitions if catalog else ()) if name in self._chosen
        ]
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
        )

    def _show_rows_again(self) -> None:
        self.table.show_rows([self._row(each) for each in self.listed])
        self._show_status()

    def _row(self, competition: Competition) -> Row:
        is_chosen = competition.id in self._chosen
        if competition.id in self._prepared:
            data = Text("✓ prepared", GOOD)
        else:
            data = Text(
                "○ made on start" if competition.source == "offline" else "○ not prepared", DIM
            )
        mark = Text("[x]", f"bold {GOOD}") if is_chosen else Text("[ ]", DIM)
        name = safe(competition.id, "bold" if is_chosen else "")
        return competition.id, [
            mark,
            name,
            safe(competition.metric),
            safe(competition.category),
            data,
        ]


def _read(session: Session) -> tuple[Catalog, set[str]]:
    """Everything from the disk, in a thread."""
    from redux_tui.bench.prepare import is_prepared

    catalog: Catalog = session.catalog
    data_dir = session.settings.data_dir
    prepared = {each.id for each in catalog.competitions.values() if is_prepared(each, data_dir)}
    return catalog, prepared


def _searchable(competition: Competition) -> str:
    return (
        f"{competition.id} {competition.name} {competition.metric} {competition.category}".lower()
    )


def _describe(competition: Competition) -> Text:
    """The description's text with its headings bold; nothing in it is obeyed."""
    try:
        with competition.description.open("rb") as file:
            content = plain(file.read(_LONGEST_DESCRIPTION))
    except OSError as error:
        content = f"Its description can't be read: {error.strerror}."
    text = Text()
    text.append_text(
        safe(f"{competition.metric} · {competition.source} · {competition.folder}", DIM)
    )
    text.append("\n")
    for line in content.splitlines():
        is_heading = line.startswith("#")
        text.append(line.lstrip("# ") if is_heading else line, "bold" if is_heading else "")
        text.append("\n")
    text.no_wrap, text.overflow = False, "fold"
    return text
