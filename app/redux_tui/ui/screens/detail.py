"""All that is known of one run: its attempts, its report, its paths; to read and to copy."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from redux_tui.logs.sanitize import one_line
from redux_tui.ui import keys
from redux_tui.ui.clipboard import copy
from redux_tui.ui.report import Paragraph, as_text


class DetailScreen(ModalScreen[None]):
    CSS_PATH = "detail.tcss"
    BINDINGS = keys.DETAIL

    def __init__(self, title: str, paragraphs: list[Paragraph]) -> None:
        super().__init__()
        self._title, self._paragraphs = title, paragraphs

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(one_line(self._title))
            box.border_subtitle = "y copies, Escape closes"
            with VerticalScroll():
                yield Static(self._content())

    def _content(self) -> Group:
        parts: list[Text | Table] = []
        for title, lines in self._paragraphs:
            table = Table(box=None, show_header=False, pad_edge=False)
            table.add_column(width=18, style="dim")
            table.add_column(overflow="fold")
            for label, value in lines:
                table.add_row(Text(label), Text(value))
            parts += [Text(title, "bold"), table, Text()]
        return Group(*parts)

    def action_copy(self) -> None:
        copy(self.app, as_text(self._paragraphs), "This text")
