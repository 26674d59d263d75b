"""The header: the app's name, the four screens like tabs, and how far the run group is."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from redux_tui.ui.app import MODE_TITLES, ReduxApp


class ModeTab(Static):
    """One screen's name; a click shows it."""

    def __init__(self, number: int, mode: str, title: str, is_current: bool) -> None:
        label = Content.assemble((str(number), "bold"), " ", title)
        super().__init__(label, classes="-current" if is_current else "")
        self._mode = mode

    def on_click(self, event: events.Click) -> None:
        event.stop()
        app = self.app
        assert isinstance(app, ReduxApp)
        app.action_show(self._mode)


class ModeBar(Horizontal):
    """`mode` is the screen that it stands on."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode

    def compose(self) -> ComposeResult:
        yield Static("redux-tui", classes="-name")
        for number, (mode, title) in enumerate(MODE_TITLES.items(), 1):
            yield ModeTab(number, mode, title, mode == self._mode)
        yield Static("", id="headline", markup=False)

    def on_mount(self) -> None:
        self.watch(self.app, "headline", self._show_headline)

    def _show_headline(self, headline: str) -> None:
        self.query_one("#headline", Static).update(headline)
