"""What the main screens have in common: the header, the footer, and being kept up to date."""

from __future__ import annotations

from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

from redux_tui.ui.app import ReduxApp
from redux_tui.ui.jobs import Job
from redux_tui.ui.messages import JobsChanged
from redux_tui.ui.widgets.mode_bar import ModeBar


class ModeScreen(Screen[None]):
    """`body` is what a subclass shows; `update_view` is called whenever the group changed."""

    MODE: ClassVar[str]
    CHANGING: ClassVar[tuple[str, ...]] = ()
    """Actions that are not always possible."""

    app = getters.app(ReduxApp)
    _possible: tuple[bool | None, ...] = ()

    def compose(self) -> ComposeResult:
        yield ModeBar(self.MODE)
        yield from self.body()
        yield Footer(show_command_palette=False, compact=True)

    def body(self) -> ComposeResult:
        """What stands between the bar of screens and the footer."""
        yield from ()

    def update_view(self) -> None:
        """Show what is true now. Cheap where nothing changed."""

    def on_mount(self) -> None:
        self.app.heartbeat.subscribe(self, self._beat)

    def on_screen_resume(self) -> None:
        self.update_view()

    def on_group_changed(self) -> None:
        self.update_view()
        self.update_keys()

    def on_jobs_changed(self, message: JobsChanged) -> None:
        """A job got on, began or ended: for those that show something of it."""

    def tells_of(self, job: Job) -> bool:
        """Whether it shows how this job ended, so that nothing else has to say it."""
        return False

    def update_keys(self) -> None:
        """Have the footer drawn again, but only if other keys are possible than before."""
        possible = tuple(self.check_action(action, ()) for action in self.CHANGING)
        if possible != self._possible:
            self._possible = possible
            self.refresh_bindings()

    def beat(self) -> None:
        """Called a few times a second while this screen is shown, for logs that grow."""

    def _beat(self, _: None) -> None:
        if self.is_current:
            self.beat()
