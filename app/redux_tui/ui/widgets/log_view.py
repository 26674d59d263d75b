"""A view over a log of any size: only the lines on the screen are read, decoded and drawn."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.style import Style
from textual import events
from textual.geometry import Offset, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from redux_tui.logs.file import LogFile
from redux_tui.logs.sanitize import plain
from redux_tui.ui import keys
from redux_tui.ui.widgets.log_render import draw, wrap

_SLICE = 0.012  # seconds of indexing between two turns of the event loop
_REDRAW = 0.2  # seconds between two drawings while indexing goes on
_MOST_COPIED = 50_000  # lines


class Row(NamedTuple):
    """A row of the screen: which line, from which cell of it on."""

    line: int
    start: int
    strip: Strip


class LogView(ScrollView, can_focus=True):
    """Shows a log, following its end until someone scrolls up.

    It scrolls by lines, also where these are wrapped and take several rows each: so nobody has to
    know how high millions of lines are.
    """

    BINDINGS = keys.LOG

    follow: reactive[bool] = reactive(True, init=False)
    wrapped: reactive[bool] = reactive(False, init=False)

    class Changed(Message):
        """Lines, following or new lines may be different now."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.log_file: LogFile | None = None
        self._found: re.Pattern[str] | None = None
        self._rows: list[Row] | None = None  # what is on the screen; None: to be made
        self._style: Style | None = None
        self._widest = 0  # cells, of the lines drawn so far
        self._first = 0  # the file's first line at the last layout
        self._shrunk = 0
        self._seen_end = 0  # the file's end when following was paused
        self._is_laying_out = False
        self._is_catching_up = False

    @property
    def is_empty(self) -> bool:
        return self.log_file is None or self.log_file.size == 0

    @property
    def new_lines(self) -> int:
        """Lines that came since following was paused."""
        if self.follow or self.log_file is None:
            return 0
        return max(0, self.log_file.end - self._seen_end)

    @property
    def visible_lines(self) -> range:
        """The numbers of the lines on the screen."""
        rows = self._visible_rows()
        return range(rows[0].line, rows[-1].line + 1) if rows else range(0)

    def show(self, log: LogFile | None) -> None:
        """Show another log, from its end."""
        if self.log_file is not None:
            self.log_file.close()
        self.log_file = log
        self._is_catching_up = False
        self._start_again()
        self.look()
        self._lay_out()

    def look(self) -> None:
        """Take in what the file has got since; to be called a few times a second."""
        if self.log_file is None or self._is_catching_up:
            return
        if self.log_file.refresh(_SLICE):
            self._lay_out()
        if not self.log_file.is_complete:
            self._is_catching_up = True
            self.run_worker(self._catch_up(self.log_file), group="index", exclusive=True)

    def go_to(self, line: int) -> None:
        """Show a line of the file, and stop following."""
        if self.log_file is None:
            return
        self._pause()
        above = 0 if self.wrapped else self.size.height // 3
        self._scroll_quietly(line - self.log_file.first - above)
        self._draw_again()

    def mark(self, found: re.Pattern[str] | None) -> None:
        """Mark what a search looks for; None: nothing."""
        self._found = found
        self._draw_again()

    def text_of(self, lines: range) -> str:
        """Those lines, plain."""
        log = self.log_file
        found = log.lines(lines.start, min(len(lines), _MOST_COPIED)) if log else []
        return "\n".join(plain(line).replace("\n", " ") for line in found)

    def action_follow(self) -> None:
        self.follow = True

    def watch_follow(self, follow: bool) -> None:
        if follow:
            self._lay_out()
        self.post_message(self.Changed())

    def watch_wrapped(self) -> None:
        log = self.log_file
        top = self.visible_lines.start
        self.set_scroll(0, None)
        self._lay_out()
        if log is not None and not self.follow:
            self._scroll_quietly(top - log.first)
            self._draw_again()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._rows = None
        if self._is_laying_out or round(old_value) == round(new_value):
            return
        if new_value >= self.max_scroll_y:
            # not by assignment: it is at the end already, and must not scroll while scrolling
            self.set_reactive(LogView.follow, True)
            self.post_message(self.Changed())
        elif new_value < old_value:
            self._pause()
        self._measure()

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._rows = self._style = None

    def selection_updated(self, selection: Selection | None) -> None:
        self._draw_again()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that was selected by mouse; where it goes on beyond, what is on the screen."""
        log, shown = self.log_file, self.visible_lines
        if log is None or not shown:
            return None
        start = selection.start or Offset(0, shown.start - log.first)
        end = selection.end or Offset(self._widest, shown.stop - 1 - log.first)
        text = self.text_of(range(log.first + start.y, log.first + end.y + 1))
        moved = Selection(Offset(start.x, 0), Offset(end.x, end.y - start.y))
        return moved.extract(text), "\n"

    @property
    def allow_select(self) -> bool:
        return True

    def render_line(self, y: int) -> Strip:
        if self._style is None:
            self._style = self.rich_style  # costly, and the same for all rows
        rows, style, width = self._visible_rows(), self._style, self.size.width
        if y >= len(rows) or self.log_file is None:
            return Strip.blank(width, style)
        line, start, strip = rows[y]
        x = 0 if self.wrapped else self.scroll_offset.x
        shown = strip.crop_extend(x, x + width, style).apply_style(style)
        return shown.apply_offsets(start + x, line - self.log_file.first)

    async def _catch_up(self, log: LogFile) -> None:
        """Index a large file in slices; its end can be read meanwhile."""
        drawn = time.monotonic()
        try:
            while log is self.log_file and not log.is_complete:
                log.refresh(_SLICE)
                if log.is_complete or time.monotonic() - drawn > _REDRAW:
                    self._lay_out()
                    drawn = time.monotonic()
                await asyncio.sleep(0)
        finally:
            self._is_catching_up = False

    def _start_again(self) -> None:
        self._widest = self._seen_end = 0
        self._shrunk = self.log_file.shrunk if self.log_file else 0
        self.follow = True
        self.set_scroll(0, 0)

    def _lay_out(self) -> None:
        """Adapt to the file as it is now: how much there is, and what is at the top."""
        log = self.log_file
        if log is not None and log.shrunk != self._shrunk:
            self._start_again()
        self._rows = None
        first = log.first if log else 0
        moved = self._first - first  # lines that were found above, while a large file is indexed
        self._first = first
        hidden = self._lines_above_end()
        with self._laying_out():
            self.virtual_size = Size(self.virtual_size.width, hidden + self.size.height)
        if self.follow:
            self._scroll_quietly(hidden)
        elif moved:
            self._scroll_quietly(self.scroll_offset.y + moved)
        self._measure()
        self._draw_again()
        self.post_message(self.Changed())

    def _lines_above_end(self) -> int:
        """How many lines are above the screen when it shows the end."""
        log, height = self.log_file, self.size.height
        if log is None:
            return 0
        if not self.wrapped:
            return max(0, log.line_count - height)
        top = next((row.line for row in self._rows_up_from(log.end)), log.first)
        return top - log.first

    def _visible_rows(self) -> list[Row]:
        if self._rows is None:
            self._rows = self._make_rows()
        return self._rows

    def _make_rows(self) -> list[Row]:
        log, height = self.log_file, self.size.height
        if log is None:
            return []
        if self.wrapped and self.follow:
            return self._rows_up_from(log.end)
        top = log.first + self.scroll_offset.y
        rows: list[Row] = []
        for line, content in enumerate(log.lines(top, height), top):
            rows += self._rows_of(line, content)
            if len(rows) >= height:
                break
        return rows[:height]

    def _rows_up_from(self, end: int) -> list[Row]:
        """The rows of the lines before `end` that fill the height; for wrapped lines."""
        log, height = self.log_file, self.size.height
        if log is None:
            return []
        start = max(log.first, end - height)
        rows: list[Row] = []
        contents = log.lines(start, end - start)
        for line, content in reversed(list(enumerate(contents, start))):
            rows = self._rows_of(line, content) + rows
            if len(rows) >= height:
                break
        return rows[-height:] if height else []

    def _rows_of(self, line: int, content: bytes) -> list[Row]:
        strip = draw(content, self.app.console, self._found, self._selected_in(line))
        width = self.size.width
        if not self.wrapped or not width:
            return [Row(line, 0, strip)]
        return [Row(line, n * width, part) for n, part in enumerate(wrap(strip, width))]

    def _selected_in(self, line: int) -> tuple[int, int, Style] | None:
        selection = self.text_selection
        if selection is None or self.log_file is None:
            return None
        span = selection.get_span(line - self.log_file.first)
        if span is None:
            return None
        return (*span, self.screen.get_component_rich_style("screen--selection"))

    def _measure(self) -> None:
        """Let it scroll sideways as far as the widest line that was seen."""
        rows = [] if self.wrapped else self._visible_rows()
        self._widest = max([self._widest, *(row.strip.cell_length for row in rows)])
        width = 0 if self.wrapped else self._widest
        if width != self.virtual_size.width:
            with self._laying_out():
                self.virtual_size = Size(width, self.virtual_size.height)

    def _pause(self) -> None:
        if self.follow and self.log_file is not None:
            self._seen_end = self.log_file.end
            self.follow = False

    def _draw_again(self) -> None:
        self._rows = None
        self.refresh()

    def _scroll_quietly(self, y: int) -> None:
        """Scroll at once, without what a person's scrolling means for following."""
        with self._laying_out():
            self.scroll_to(y=max(0, y), animate=False, force=True)

    @contextmanager
    def _laying_out(self) -> Iterator[None]:
        self._is_laying_out = True
        try:
            yield
        finally:
            self._is_laying_out = False
