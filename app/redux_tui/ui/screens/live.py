"""The live screen: every attempt of the current run group, and the selected one's log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from rich.text import Text
from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.types import CSSPathType
from textual.widgets import Static

from redux_tui.logs.tail import last_line
from redux_tui.models import Phase
from redux_tui.runner.group import Group
from redux_tui.runner.state import AttemptState
from redux_tui.ui import keys
from redux_tui.ui.clipboard import copy
from redux_tui.ui.explain import log_to_show, why_empty
from redux_tui.ui.progress import describe
from redux_tui.ui.screens.mode import ModeScreen
from redux_tui.ui.text import DIM, count, elapsed, safe, state_of
from redux_tui.ui.widgets.log_pane import LogPane
from redux_tui.ui.widgets.table import Column, Row, Table

COLUMNS = [
    Column("state", "State", 15),
    Column("run", "Run", 20, share=1),
    Column("time", "Time / limit", 15),
    Column("last", "Last line", 14, share=3, least=68),
]
NO_GROUP = (
    "Nothing was started yet. Choose competitions on screen 2, or try it offline on screen 1 (o)."
)


class LiveScreen(ModeScreen):
    MODE = "live"
    CHANGING = ("resume", "cancel", "cancel_all")
    CSS_PATH: ClassVar[CSSPathType | None] = ["../widgets/log_pane.tcss", "live.tcss"]
    BINDINGS = keys.LIVE

    summary = getters.query_one("#live-summary", Static)
    table = getters.query_one("#attempts", Table)
    pane = getters.query_one("#log-pane", LogPane)

    def __init__(self) -> None:
        super().__init__()
        self._lasts: dict[str, str] = {}  # last log lines, by attempt
        self._shown_group: Group | None = None
        self._is_orphaned = False

    def body(self) -> ComposeResult:
        yield Static("", id="live-summary", classes="line", markup=False)
        with Container(id="live-panes"):
            yield Table(COLUMNS, id="attempts")
            yield LogPane(id="log-pane")

    def on_mount(self) -> None:
        self.table.focus()

    def update_view(self) -> None:
        group = self.app.group
        if group is None:
            self.summary.update(NO_GROUP)
            self.pane.show(None, NO_GROUP)
            return
        if group is not self._shown_group:
            self._shown_group = group
            self._lasts = {}
        now = datetime.now(UTC)
        self._is_orphaned = not group.state.is_finished and not group.is_alive
        self._show_summary(group, now)
        self.table.show_rows([self._row(each, now) for each in group.state.attempts.values()])
        self._show_log()

    def on_tick(self) -> None:
        """Elapsed times and last lines of what is going on."""
        self.update_view()
        self.update_keys()

    def beat(self) -> None:
        self.pane.look()

    def on_resize(self) -> None:
        self.update_view()

    @property
    def selected(self) -> AttemptState | None:
        group = self.app.group
        key = self.table.selected
        if group is None:
            return None
        attempts = group.state.attempts
        return attempts.get(key or "") or next(iter(attempts.values()), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        group = self.app.group
        if action == "resume":
            return self._is_orphaned
        if action == "cancel":
            selected = self.selected
            return True if selected is not None and not selected.is_finished else None
        if action == "cancel_all":
            return True if group is not None and not group.state.is_finished else None
        return True

    @on(Table.RowHighlighted, "#attempts")
    def _selection_changed(self) -> None:
        self._show_log()
        self.update_keys()

    @on(Table.RowSelected, "#attempts")
    def _focus_log(self) -> None:
        self.pane.view.focus()

    def action_cancel(self) -> None:
        attempt, group = self.selected, self.app.group
        if attempt is None or group is None:
            return

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self.app.perform(self.app.ready.client.cancel(group, attempt.id), "Cancelling")

        self.app.ask(
            "Cancel this attempt?",
            f"{attempt.run.label} is stopped. What it has submitted by now is still graded.",
            [("n", "Let it run", "no"), ("y", "Cancel it", "yes")],
            answered,
        )

    def action_cancel_all(self) -> None:
        group = self.app.group
        if group is None:
            return
        open_ones = sum(not each.is_finished for each in group.state.attempts.values())

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self.app.perform(self.app.ready.client.cancel(group), "Cancelling")

        self.app.ask(
            "Cancel all?",
            f"{count(open_ones, 'unfinished attempt')} will be stopped. What was submitted by then"
            " is still graded.",
            [("n", "Let them run", "no"), ("y", "Cancel all", "yes")],
            answered,
        )

    def action_resume(self) -> None:
        group = self.app.group
        if group is not None:
            self.app.perform(self.app.ready.client.resume(group), "Resuming")

    def action_search(self) -> None:
        self.pane.open_search()

    def action_find(self, step: int) -> None:
        self.pane.find(step)

    def action_follow(self) -> None:
        self.pane.view.action_follow()

    def action_wrap(self) -> None:
        self.pane.view.wrapped = not self.pane.view.wrapped

    def action_copy(self) -> None:
        text, what = self.pane.text_to_copy()
        if text:
            copy(self.app, text, what)

    def action_copy_screen(self) -> None:
        view = self.pane.view
        if view.visible_lines:
            copy(self.app, view.text_of(view.visible_lines), f"{len(view.visible_lines)} lines")

    def _show_summary(self, group: Group, now: datetime) -> None:
        text = safe(describe(group.state, group.request, now, not self._is_orphaned))
        if self._is_orphaned and group.state.attempts:
            text = Text.assemble(("Its supervisor is gone: resume with u. ", "yellow"), text)
        text.no_wrap = False
        self.summary.update(text)

    def _show_log(self) -> None:
        attempt, group = self.selected, self.app.group
        if attempt is None or group is None:
            self.pane.show(None, "The run group has no attempts yet: its supervisor is starting.")
            return
        self.pane.show(log_to_show(attempt, group.folder), why_empty(attempt, group.request))

    def _row(self, attempt: AttemptState, now: datetime) -> Row:
        label = safe(attempt.run.label)
        if attempt.number > 1:
            label.append(f" (try {attempt.number})", DIM)
        return attempt.id, [state_of(attempt), label, elapsed(attempt, now), self._last(attempt)]

    def _last(self, attempt: AttemptState) -> Text:
        """The last line it printed; of a finished one, it is read once only."""
        if attempt.phase is Phase.QUEUED:
            return Text("")
        if not attempt.is_finished or attempt.id not in self._lasts:
            assert self._shown_group is not None
            self._lasts[attempt.id] = last_line(log_to_show(attempt, self._shown_group.folder))
        why = attempt.result_reason or attempt.reason
        if attempt.is_finished and why and not attempt.report:
            return safe(why, DIM)
        return safe(self._lasts[attempt.id], DIM)
