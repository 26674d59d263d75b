"""A table that fits its width, updates cells in place, and keeps its cursor while rows change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from redux_tui.ui import keys

_PADDING = 2  # one cell on either side


@dataclass(frozen=True, slots=True)
class Column:
    """`width` in cells; `share` of what is left over; `least`: the table's width to show it at."""

    key: str
    label: str
    width: int
    share: int = 0
    least: int = 0


Row = tuple[str, Sequence[Text]]
"""A key, and a cell for every column, shown or not."""


class Table(DataTable[Text]):
    """Rows are given whole; what differs from what is shown is changed."""

    BINDINGS = keys.TABLE

    def __init__(self, columns: Sequence[Column], *, id: str) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=True)
        self._all_columns = columns
        self._layout: list[tuple[Column, int]] = []
        self._given: dict[str, Sequence[Text]] = {}

    @property
    def selected(self) -> str | None:
        """The key of the row with the cursor."""
        if not self._layout or not self.is_valid_row_index(self.cursor_row):
            return None
        return self.coordinate_to_cell_key(Coordinate(self.cursor_row, 0)).row_key.value

    def select(self, key: str) -> None:
        if key in self._given and self._layout:
            self.move_cursor(row=self.get_row_index(key), animate=False)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show exactly these rows, in this order."""
        old, self._given = self._given, dict(rows)
        if not self._layout:
            return  # it has no width yet
        keys = list(self._given)
        if keys[: len(old)] != list(old):
            self._rebuild()
            return
        for key in old:
            self._change_cells(key, old[key])
        for key in keys[len(old) :]:
            self.add_row(*self._cells(key), key=key)

    def on_resize(self, event: events.Resize) -> None:
        layout = lay_out(self._all_columns, event.size.width - 1)  # the scrollbar's column
        if layout != self._layout:
            self._layout = layout
            self._rebuild()

    def _rebuild(self) -> None:
        selected, scroll = self.selected, self.scroll_offset
        with self.app.batch_update():
            self.clear(columns=True)
            for column, width in self._layout:
                self.add_column(Text(column.label), key=column.key, width=width)
            for key in self._given:
                self.add_row(*self._cells(key), key=key)
            if selected is not None:
                self.select(selected)
            self.scroll_to(scroll.x, scroll.y, animate=False)

    def _cells(self, key: str) -> list[Text]:
        shown = {column.key for column, _ in self._layout}
        pairs = zip(self._all_columns, self._given[key], strict=True)
        return [cell for column, cell in pairs if column.key in shown]

    def _change_cells(self, key: str, old: Sequence[Text]) -> None:
        shown = {column.key for column, _ in self._layout}
        for column, was, now in zip(self._all_columns, old, self._given[key], strict=True):
            if column.key in shown and (was != now or was.style != now.style):
                self.update_cell(key, column.key, now)


def lay_out(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """Columns with a share take what is left over, or give what is missing."""
    shown = [column for column in columns if column.least <= width]
    spare = width - sum(column.width + _PADDING for column in shown)
    shares = sum(column.share for column in shown) or 1
    widths = (column.width + spare * column.share // shares for column in shown)
    return [(column, max(3, each)) for column, each in zip(shown, widths, strict=True)]
