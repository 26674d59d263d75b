"""The results screen: each run's score and medal against the thresholds, and reruns."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import getters, on
from textual.app import ComposeResult
from textual.types import CSSPathType
from textual.widgets import Static

from redux_tui.models import Phase, Run
from redux_tui.runner.group import Group
from redux_tui.runner.state import AttemptState
from redux_tui.runner.summary import summarize
from redux_tui.ui import keys
from redux_tui.ui.report import describe_run, mle_bench_commit
from redux_tui.ui.screens.detail import DetailScreen
from redux_tui.ui.screens.mode import ModeScreen
from redux_tui.ui.text import (
    clock,
    count,
    ended_of,
    medal_of,
    number,
    result_of,
    safe,
    span,
)
from redux_tui.ui.widgets.table import Column, Row, Table

COLUMNS = [
    Column("competition", "Competition", 18, share=3),
    Column("seed", "Seed", 4),
    Column("score", "Score", 9),
    Column("medal", "Medal", 8),
    Column("result", "Result", 15),
    Column("gold", "Gold", 9, least=145),
    Column("silver", "Silver", 9, least=145),
    Column("bronze", "Bronze", 9, least=145),
    Column("median", "Median", 9, least=145),
    Column("ended", "Ended", 14, least=100),
    Column("time", "Time", 8, least=78),
    Column("tries", "Tries", 5, least=86),
    Column("reason", "Reason", 10, share=4, least=165),
]
NO_RESULTS = (
    "There are no results yet. They appear here as soon as the first submission is graded: start"
    " runs on screen 2, or try it offline on screen 1 (o). Another run group: g."
)


class ResultsScreen(ModeScreen):
    MODE = "results"
    CHANGING = ("rerun", "rerun_failed", "show_log")
    CSS_PATH: ClassVar[CSSPathType | None] = ["results.tcss"]
    BINDINGS = keys.RESULTS

    summary = getters.query_one("#results-summary", Static)
    table = getters.query_one("#runs", Table)
    note = getters.query_one("#results-note", Static)
    empty = getters.query_one("#results-empty", Static)

    def body(self) -> ComposeResult:
        yield Static("", id="results-summary", markup=False)
        yield Static(NO_RESULTS, id="results-empty", markup=False)
        yield Table(COLUMNS, id="runs")
        yield Static("", id="results-note", markup=False)

    def on_mount(self) -> None:
        self.table.focus()

    def update_view(self) -> None:
        group = self.app.group
        has_runs = group is not None and bool(group.state.attempts)
        self.table.display = self.note.display = self.summary.display = has_runs
        self.empty.display = not has_runs
        if group is None or not has_runs:
            return
        self.summary.update(_summary(group))
        runs = group.state.runs()
        rows = [_row(run, shown, runs[run]) for run, shown in group.state.shown().items()]
        self.table.show_rows(rows)
        self._show_note()

    def on_tick(self) -> None:
        """Elapsed times of what is going on."""
        self.update_view()

    @property
    def selected(self) -> Run | None:
        group = self.app.group
        runs = group.state.runs() if group else {}
        return next(
            (run for run in runs if run.label == self.table.selected), next(iter(runs), None)
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        group, run = self.app.group, self.selected
        if action in ("rerun", "detail", "show_log"):
            if group is None or run is None:
                return None
            return None if action == "rerun" and not _newest(group, run).is_finished else True
        if action == "rerun_failed":
            return True if group is not None and group.state.failed_runs() else None
        return True

    @on(Table.RowHighlighted, "#runs")
    def _selection_changed(self) -> None:
        self._show_note()
        self.update_keys()

    @on(Table.RowSelected, "#runs")
    def action_detail(self) -> None:
        group, run = self.app.group, self.selected
        if group is not None and run is not None:
            self.app.push_screen(DetailScreen(run.label, describe_run(group, run)))

    def action_rerun(self) -> None:
        if self.selected is not None:
            self._rerun([self.selected])

    def action_rerun_failed(self) -> None:
        if self.app.group is not None:
            self._rerun(self.app.group.state.failed_runs())

    def action_show_log(self) -> None:
        from redux_tui.ui.screens.live import LiveScreen

        group, run = self.app.group, self.selected
        if group is None or run is None:
            return
        attempt = group.state.shown()[run]

        async def show() -> None:
            await self.app.switch_mode("live")
            screen = self.app.screen
            if isinstance(screen, LiveScreen):
                screen.table.select(attempt.id)

        self.app.perform(show(), "Showing the log")

    def _rerun(self, runs: list[Run]) -> None:
        group = self.app.group
        if group is None or not runs:
            return

        async def work() -> None:
            await self.app.ready.client.rerun(group, runs)
            self.app.say(f"{count(len(runs), 'attempt')} queued; see screen 3.")

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self.app.perform(work(), "Rerunning")

        limit = span(group.request.limits.timeout)
        which = runs[0].label if len(runs) == 1 else f"{len(runs)} runs that failed"
        self.app.ask(
            "Rerun?",
            f"The agent {group.request.agent} starts again on {which}:"
            f" {count(len(runs), 'new attempt')} of at most {limit} each, with its model's"
            " costs. Results that count stay as they are: reruns are stored beside them.",
            [("y", "Rerun", "yes"), ("n", "Don't", "no")],
            answered,
        )

    def _show_note(self) -> None:
        """What the table has no room for, about the selected run."""
        group, run = self.app.group, self.selected
        if group is None or run is None:
            return
        attempt = group.state.shown()[run]
        self.note.update(_note(attempt))


def _newest(group: Group, run: Run) -> AttemptState:
    return group.state.runs()[run][-1]


def _summary(group: Group) -> Text:
    text = Text()
    commits = dict.fromkeys(mle_bench_commit(each) for each in group.state.attempts.values())
    parts = [group.request.agent, group.name]
    parts += ["obfuscated"] if group.request.obfuscated else []
    parts += [f"MLE-bench {commit[:12]}" for commit in commits if commit]
    text.append_text(safe(" · ".join(parts), "bold"))
    text.append("\n")
    text.append_text(safe(" ".join(summarize(group.state).lines())))
    text.no_wrap, text.overflow = False, "fold"
    return text


def _row(run: Run, attempt: AttemptState, tries: list[AttemptState]) -> Row:
    report = attempt.report or {}
    thresholds = [
        number(report.get(f"{name}_threshold")) for name in ("gold", "silver", "bronze", "median")
    ]
    name = f"{run.competition}:{run.task}" if run.task else run.competition
    cells = [
        safe(name),
        Text(str(run.seed)),
        Text(number(attempt.score)),
        medal_of(attempt),
        result_of(attempt),
        *(Text(each) for each in thresholds),
        ended_of(attempt),
        Text(clock(attempt.seconds(Phase.RUNNING))),
        Text(str(len(tries))),
        safe(attempt.result_reason or attempt.reason),
    ]
    return run.label, cells


def _note(attempt: AttemptState) -> Text:
    report = attempt.report or {}
    lines = [result_of(attempt)]
    if report:
        direction = "lower is better" if report.get("is_lower_better") else "higher is better"
        names = ("gold", "silver", "bronze", "median")
        thresholds = ", ".join(
            f"{name} {number(report.get(f'{name}_threshold'))}" for name in names
        )
        lines[0] = Text.assemble(lines[0], f"  {number(attempt.score)} ({direction}): {thresholds}")
    for sentence in dict.fromkeys((attempt.result_reason, attempt.reason, *attempt.notes)):
        if sentence:
            lines.append(safe(sentence))
    return Text("\n").join(lines)
