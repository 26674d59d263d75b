"""The jobs screen: clones, installations and downloads; how far they are, and why one failed."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.types import CSSPathType
from textual.widgets import Static

from redux_tui.bench.data.overall import WHAT as ALL_DOWNLOADS
from redux_tui.logs.sanitize import plain
from redux_tui.ui import keys
from redux_tui.ui.bars import draw, overall, percent, state_of_job
from redux_tui.ui.clipboard import copy
from redux_tui.ui.jobs import Job
from redux_tui.ui.messages import JobsChanged
from redux_tui.ui.screens.mode import ModeScreen
from redux_tui.ui.text import BAD, DIM, WARN, clock, count, safe
from redux_tui.ui.widgets.table import Column, Row, Table

COLUMNS = [
    Column("state", "State", 12),
    Column("title", "Job", 24, share=1),
    Column("done", "Done", 6),
    Column("time", "Time", 8),
]
NO_JOBS = (
    "Nothing was fetched since this window was opened. m leads to the wizard, which clones"
    " MLE-bench; on screen 2, d gets the data of competitions."
)
WAITS = (
    "Meanwhile, accept the rules on these pages (y copies them); then d on screen 2 gets that data"
    " too:"
)
_MOST_BARS = 40
_FEWEST_LINES = 6


class JobsScreen(ModeScreen):
    MODE = "jobs"
    CHANGING = ("cancel", "retry", "copy")
    CSS_PATH: ClassVar[CSSPathType | None] = ["jobs.tcss"]
    BINDINGS = keys.JOBS

    table = getters.query_one("#jobs", Table)
    detail = getters.query_one("#job-detail", Static)
    scroller = getters.query_one("#job-scroll", VerticalScroll)

    def body(self) -> ComposeResult:
        with Container(id="job-panes"):
            yield Table(COLUMNS, id="jobs")
            with VerticalScroll(id="job-scroll"):
                yield Static("", id="job-detail", markup=False)

    def on_mount(self) -> None:
        self.table.focus()

    def on_screen_resume(self) -> None:
        self.app.clear_notifications()  # those of jobs send people here, and would hide it

    def update_view(self) -> None:
        self.table.show_rows([_row(job) for job in reversed(self.app.jobs.all)])
        self._show_detail()

    def on_jobs_changed(self, message: JobsChanged) -> None:
        if self.is_current:
            self.update_view()
            self.update_keys()

    def on_resize(self) -> None:
        self.call_after_refresh(self.update_view)

    @property
    def selected(self) -> Job | None:
        jobs = self.app.jobs.all
        wanted = self.table.selected
        return next((job for job in jobs if str(job.id) == wanted), jobs[-1] if jobs else None)

    def tells_of(self, job: Job) -> bool:
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        job = self.selected
        if action == "cancel":
            return True if job is not None and job.is_running and not job.is_stopping else None
        if action == "retry":
            return True if job is not None and job.can_retry else None
        if action == "copy":
            return True if job is not None else None
        return True

    @on(Table.RowHighlighted, "#jobs")
    def _selection_changed(self) -> None:
        self.scroller.scroll_home(animate=False)
        self._show_detail()
        self.update_keys()

    @on(Table.RowSelected, "#jobs")
    def _read_on(self) -> None:
        self.scroller.focus()

    def action_cancel(self) -> None:
        if self.selected is not None:
            self.app.cancel_job(self.selected)

    def action_retry(self) -> None:
        if self.selected is not None:
            self.app.retry_job(self.selected)

    def action_copy(self) -> None:
        job = self.selected
        if job is None:
            return
        if job.pages:
            return copy(
                self.app, "\n".join(job.pages), f"The list of {count(len(job.pages), 'page')}"
            )
        if job.error:
            return copy(self.app, plain(job.error), "The error")
        copy(self.app, plain("\n".join(job.lines)), f"The text of {count(len(job.lines), 'line')}")

    def _show_detail(self) -> None:
        job = self.selected
        if job is None:
            self.detail.update(NO_JOBS)
            return
        width, height = self.scroller.scrollable_content_region.size
        self.detail.update(_describe(job, max(40, width), height))


def _row(job: Job) -> Row:
    cells = [
        state_of_job(job),
        safe(job.title),
        Text(percent(job.fraction)),
        Text(clock(job.seconds)),
    ]
    return str(job.id), cells


def _describe(job: Job, width: int, height: int) -> Text:
    """Error, bars, then as many of the last lines as there is room for."""
    parts = [Text.assemble(state_of_job(job), "  ", overall(job, width - 14))]
    if job.error:
        parts.append(Text(plain(job.error), BAD, overflow="fold"))
        hint = "r tries again." if not job.pages else "Then r tries again; y copies the pages."
        parts.append(Text(hint, DIM))
    elif job.is_running and job.pages:
        parts.append(Text(f"{WAITS}\n  " + "\n  ".join(job.pages), WARN, overflow="fold"))
    elif job.can_retry:
        parts.append(Text(f"{job.keeps} r starts it again.", DIM))
    parts += _bars(job, width)
    room = max(_FEWEST_LINES, height - sum(_height(part, width) for part in parts))
    return Text("\n").join([*parts, *_last_lines(job, width, room)])


def _last_lines(job: Job, width: int, room: int) -> list[Text]:
    """As many whole lines as fit into `room` rows."""
    found: list[Text] = []
    for line in reversed(job.lines):
        text = safe(line, DIM)
        room -= _height(text, width)
        if room < 0 and found:
            break
        found.insert(0, text)
    return found


def _height(text: Text, width: int) -> int:
    """How many rows it takes, or one more: words that are moved to the next row leave room."""
    lines = (line.cell_len for line in text.split("\n"))
    return sum(1 if cells <= width else 1 + cells // max(1, width - 12) for cells in lines)


def _bars(job: Job, width: int) -> list[Text]:
    """What goes on first, then what was done last; the sum of downloads stands above them."""
    bars = [bar for bar in job.bars.values() if bar.progress.what != ALL_DOWNLOADS]
    going = [bar for bar in bars if not bar.is_done]
    done = [bar for bar in reversed(bars) if bar.is_done]
    shown = (going + done)[:_MOST_BARS]
    lines = [draw(bar, width, is_moving=job.is_running) for bar in shown]
    if len(bars) > len(shown):
        lines.append(Text(f"and {len(bars) - len(shown)} more", DIM))
    return lines
