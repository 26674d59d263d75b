"""The header: the app's name, the screens like tabs, and how far the run group is."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from redux_tui.ui.app import MODE_TITLES, ReduxApp

_NAME_FROM = 100  # cells: narrower, the app's name would cost words that change


class ModeTab(Static):
    """One screen's name; a click shows it."""

    def __init__(self, number: int, mode: str, title: str, is_current: bool) -> None:
        super().__init__(classes="-current" if is_current else "", id=f"tab-{mode}")
        self._number, self._mode = number, mode
        self.show_title(title)

    def show_title(self, title: str, *, is_busy: bool = False) -> None:
        self.update(Content.assemble((str(self._number), "bold"), " ", title))
        self.set_class(is_busy, "-busy")

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
        self.watch(self.app, "jobs_headline", self._show_jobs)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width < _NAME_FROM, "-short")

    def _show_headline(self, headline: str) -> None:
        self.query_one("#headline", Static).update(headline)

    def _show_jobs(self, headline: str) -> None:
        """While jobs run, their screen's name says how far they are."""
        title = headline or MODE_TITLES["jobs"]
        self.query_one("#tab-jobs", ModeTab).show_title(title, is_busy=bool(headline))
