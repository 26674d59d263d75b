"""A log with what belongs around it: its path, whether it is followed, and the search."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from rich.text import Text
from textual import events, getters, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from redux_tui.logs.file import LogFile
from redux_tui.logs.sanitize import one_line
from redux_tui.logs.search import Search
from redux_tui.models import ReduxError
from redux_tui.ui.widgets.log_view import LogView


class LogPane(Vertical):
    """Shows one log file at a time; `look` is to be called a few times a second."""

    view = getters.query_one("#log", LogView)
    title = getters.query_one("#log-title", Static)
    empty = getters.query_one("#log-empty", Static)
    query_input = getters.query_one("#log-search", Input)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.path: Path | None = None
        self._search: Search | None = None
        self._match: int | None = None  # the line of the match that is shown
        self._is_searching = False

    def compose(self) -> ComposeResult:
        yield Static("", id="log-title", markup=False)
        yield LogView(id="log")
        yield Static("", id="log-empty", markup=False)
        yield Input(
            id="log-search",
            placeholder="Regular expression; Enter searches, Escape leaves",
            compact=True,
        )

    def show(self, path: Path | None, explanation: str) -> None:
        """Show this file, or where it is empty the explanation."""
        if path != self.path:
            self.path = path
            self._forget_search()
            self.view.show(LogFile(path) if path else None)
        self.empty.update(one_line(explanation))
        self._show_title()

    def look(self) -> None:
        self.view.look()
        if self._search is not None and not self._search.is_done and not self._is_searching:
            self._is_searching = True
            self.run_worker(self._search_on(self._search), group="search", exclusive=True)

    def open_search(self) -> None:
        """The last pattern is still there, to be recalled or changed."""
        self.query_input.display = True
        self.query_input.focus()
        self.query_input.select_all()

    def find(self, step: int) -> None:
        """Go to the next match (1) or the one before (-1)."""
        search = self._search
        if search is None:
            self.open_search()
            return
        shown = self.view.visible_lines
        here = (
            self._match
            if self._match is not None
            else (shown.stop if step < 0 else shown.start - 1)
        )
        line = search.after(here) if step > 0 else search.before(here)
        if line is not None:
            self._match = line
            self.view.go_to(line)
        self._show_title()

    def text_to_copy(self) -> tuple[str, str]:
        """The line that a search found, else the log's path; and what it is."""
        if self._match is not None:
            return self.view.text_of(range(self._match, self._match + 1)), "The line"
        return str(self.path or ""), "The log's path"

    @on(Input.Submitted, "#log-search")
    def _start_search(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value:
            self._leave_search()
            return
        if self.view.log_file is None:
            return
        try:
            search = Search(self.view.log_file, event.value)
        except ReduxError as error:
            self.app.notify(one_line(str(error)), severity="warning", markup=False)
            return
        self._search, self._match, self._is_searching = search, None, True
        self.view.mark(search.pattern)
        self.query_input.display = False
        self.view.focus()
        self.run_worker(self._search_on(search, then_show=True), group="search", exclusive=True)

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and (self.query_input.display or self._search is not None):
            event.stop()
            self._leave_search()

    def on_log_view_changed(self) -> None:
        self._show_title()

    def on_resize(self) -> None:
        self._show_title()

    async def _search_on(self, search: Search, then_show: bool = False) -> None:
        """Search in slices; show the last match, from which `N` leads upwards."""
        told = time.monotonic()
        try:
            while search is self._search and not search.is_done:
                search.advance()
                if time.monotonic() - told > 0.2:
                    self._show_title()
                    told = time.monotonic()
                await asyncio.sleep(0 if search.log.is_complete else 0.1)
        finally:
            self._is_searching = False
        if then_show and search is self._search:
            if search.found:
                self.find(-1)
            else:
                self._show_title()

    def _leave_search(self) -> None:
        self.query_input.display = False
        self._forget_search()
        self.view.focus()
        self._show_title()

    def _forget_search(self) -> None:
        self._search = self._match = None
        self.view.mark(None)

    def _show_title(self) -> None:
        """Path on the left, state on the right, in one line; the path is cut at its front."""
        is_empty = self.view.is_empty
        self.view.display, self.empty.display = not is_empty, is_empty
        status = self._status()
        room = max(8, self.size.width - len(status) - 4)
        path = one_line(str(self.path)) if self.path else ""
        if len(path) > room:
            path = "…" + path[-(room - 1) :]
        self.title.update(Text.assemble((path.ljust(room), "bold"), "  ", status, no_wrap=True))

    def _status(self) -> Text:
        view = self.view
        log = view.log_file
        parts: list[str] = []
        if log is not None and not log.is_complete:
            parts.append(f"indexing {log.progress:.0%}")
        if self._search is not None:
            parts.append(self._search_status(self._search))
        if log is not None and log.line_count:
            parts.append(f"{log.line_count:,} line{'s' if log.line_count != 1 else ''}")
        if view.wrapped:
            parts.append("wrapped")
        status = Text(" · ".join(parts))
        if not view.is_empty:
            mark = f"⏸ +{view.new_lines:,} new lines (f)" if view.new_lines else "⏸ paused (f)"
            status.append(" · " if parts else "")
            status.append(
                "▼ following" if view.follow else mark, "green" if view.follow else "yellow"
            )
        return status

    def _search_status(self, search: Search) -> str:
        total = f"{len(search.found):,}{'+' if search.is_full else ''}"
        if not search.is_done:
            return f"searching… {total}"
        if not search.found:
            return "no match"
        return (
            f"match {search.place(self._match):,} of {total}"
            if self._match is not None
            else f"{total} matches"
        )
