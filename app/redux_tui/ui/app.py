"""The Textual app: it owns the session, the one timer, and all work that outlives a screen.

Nothing heavy is imported here at the top: the first frame comes before config and catalogue.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import App, SystemCommand
from textual.reactive import reactive
from textual.screen import Screen
from textual.signal import Signal
from textual.types import CSSPathType

from redux_tui.logs.sanitize import one_line, plain
from redux_tui.models import ReduxError, Request
from redux_tui.ui import keys
from redux_tui.ui.jobs import Job, Jobs, JobState

if TYPE_CHECKING:
    from redux_tui.runner.group import Group
    from redux_tui.ui.session import Client, Session

BEATS_PER_SECOND = 6
MODE_TITLES = {
    each: each.capitalize() for each in ("setup", "competitions", "live", "results", "jobs")
}


def _setup() -> Screen[None]:
    from redux_tui.ui.screens.setup import SetupScreen

    return SetupScreen()


def _competitions() -> Screen[None]:
    from redux_tui.ui.screens.competitions import CompetitionsScreen

    return CompetitionsScreen()


def _live() -> Screen[None]:
    from redux_tui.ui.screens.live import LiveScreen

    return LiveScreen()


def _results() -> Screen[None]:
    from redux_tui.ui.screens.results import ResultsScreen

    return ResultsScreen()


def _jobs() -> Screen[None]:
    from redux_tui.ui.screens.jobs import JobsScreen

    return JobsScreen()


class ReduxApp(App[None]):
    """`session` is there once the first screen after "Loading…" is shown."""

    TITLE = "redux-tui"
    CSS_PATH: ClassVar[CSSPathType | None] = ["app.tcss", "widgets/mode_bar.tcss"]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (130, "-wide")]  # noqa: RUF012 - as Textual has it
    ENABLE_COMMAND_PALETTE = True
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "setup": _setup,
        "competitions": _competitions,
        "live": _live,
        "results": _results,
        "jobs": _jobs,
    }
    BINDINGS = keys.APP
    NOTES_STAY, ERRORS_STAY = 6.0, 12.0  # seconds

    headline: reactive[str] = reactive("")
    jobs_headline: reactive[str] = reactive("")

    def __init__(
        self, config: Path | None = None, *, wizard: bool = False, client: Client | None = None
    ) -> None:
        super().__init__()
        self.animation_level = "none"  # over SSH, every frame of an animation is sent
        self.session: Session | None = None
        self.jobs = Jobs(self._job_ended)
        self.heartbeat: Signal[None] = Signal(self, "heartbeat")
        self._config = config
        self._wizard = wizard
        self._client = client
        self._is_launching = False
        self._last_tick = self._last_job_tick = 0.0
        self._told_sandbox: tuple[Path, str] | None = None

    def get_default_screen(self) -> Screen[None]:
        from redux_tui.ui.screens.loading import LoadingScreen

        return LoadingScreen(id="_default")

    def on_mount(self) -> None:
        self.call_after_refresh(self._first_frame_is_shown)

    def _first_frame_is_shown(self) -> None:
        self.run_worker(self._start(), group="start")

    async def _start(self) -> None:
        """Load what the screens need, then show the one that helps most."""
        try:
            self.session = await asyncio.to_thread(_load_session, self._config, self._client)
        except ReduxError as error:
            self.exit(return_code=error.exit_code, message=Text(f"Error: {plain(str(error))}"))
            return
        settings = self.session.settings
        if settings.theme in self.available_themes:
            self.theme = settings.theme
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        self.set_keymap(settings.state.get("keys", {}))
        group = self.session.group
        if self._wizard or self.session.is_new:
            mode = "setup"
        else:
            mode = "live" if group is not None and not group.state.is_finished else "competitions"
        await self.switch_mode(mode)
        if self._wizard and not self.session.is_new:
            self.show_wizard()
        self._update_headline()
        self.set_interval(1 / BEATS_PER_SECOND, self._beat)

    @property
    def ready(self) -> Session:
        """The session, for screens: they are made after it."""
        assert self.session is not None
        return self.session

    @property
    def group(self) -> Group | None:
        return self.session.group if self.session else None

    def perform(self, work: Awaitable[None], doing: str) -> None:
        """Run `work` to its end whatever screen is shown; a failure becomes a notification."""

        async def guarded() -> None:
            try:
                await work
            except (ReduxError, OSError) as error:
                self.say(f"{doing} failed. {error}", severity="error")

        self.run_worker(guarded(), group="perform")

    def say(self, message: str, severity: str = "information") -> None:
        """Notify, with nothing in the message taken for markup or by the terminal."""
        level = {"error": "error", "warning": "warning"}.get(severity, "information")
        timeout = self.ERRORS_STAY if level == "error" else self.NOTES_STAY
        self.notify(one_line(message), severity=level, timeout=timeout, markup=False)  # type: ignore[arg-type]

    def launch(self, request: Request) -> None:
        """Start a run group and look at it."""
        if self._is_launching:
            return  # the key was pressed twice; runs cost money
        self._is_launching = True

        async def work() -> None:
            try:
                group = await self.ready.launch(request, partial(self.say, severity="warning"))
            finally:
                self._is_launching = False
            self.group_changed()
            await self.switch_mode("live")
            runs = len(group.request.runs())
            self.say(
                f"Started {runs} run{'s' if runs != 1 else ''}; closing this window stops none."
            )

        self.perform(work(), "Starting the run group")

    def start_job(self, job: Job) -> None:
        """Have it done whatever screen is shown; screen 5 shows how far it is."""
        self.jobs.start(job)
        self._jobs_changed()

    def cancel_job(self, job: Job) -> None:
        """Ask, then have it stopped."""

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self.jobs.cancel(job)
                self._jobs_changed()

        self.ask(
            "Stop this job?",
            f"{job.title}. {job.keeps}",
            [("n", "Let it run", "no"), ("y", "Stop it", "yes")],
            answered,
        )

    def retry_job(self, job: Job) -> None:
        self.jobs.retry(job)
        self._jobs_changed()

    def show_wizard(self) -> None:
        """The page that gets MLE-bench and a Kaggle account."""

        async def work() -> None:
            from redux_tui.ui.screens.setup import SetupScreen

            await self.switch_mode("setup")
            if isinstance(self.screen, SetupScreen):
                self.screen.show_page("bench")

        self.perform(work(), "Showing the wizard")

    def action_wizard(self) -> None:
        if self.session is not None:
            self.show_wizard()

    def open_group(self, folder: Path) -> None:
        """Make another run group the current one."""

        async def work() -> None:
            await asyncio.to_thread(self.ready.open_group, folder)
            await asyncio.to_thread(self.ready.remember, last_group=folder.name)
            self.group_changed()

        self.perform(work(), "Opening the run group")

    def group_changed(self) -> None:
        """Tell the screen that is shown; the others look when they are shown again."""
        from redux_tui.ui.messages import GroupChanged

        self._update_headline()
        for screen in self.screen_stack:
            screen.post_message(GroupChanged())

    def ask(
        self,
        title: str,
        text: str,
        choices: list[tuple[str, str, str]],
        then: Callable[[str | None], None],
    ) -> None:
        """Ask with buttons (key, label, answer), the first one being the default."""
        from redux_tui.ui.screens.ask import AskScreen

        self.push_screen(AskScreen(title, text, choices), then)

    def action_show(self, mode: str) -> None:
        if self.session is not None:
            self.switch_mode(mode)

    def action_choose_group(self) -> None:
        from redux_tui.ui.screens.groups import GroupsScreen

        if self.session is not None:
            self.push_screen(GroupsScreen(), self._group_chosen)

    def _group_chosen(self, folder: Path | None) -> None:
        if folder is not None:
            self.open_group(folder)

    def action_help(self) -> None:
        from redux_tui.ui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    async def action_quit(self) -> None:
        """Leave; ask first while attempts or jobs go on."""
        from redux_tui.ui.leaving import question

        running, jobs = self._unfinished(), self.jobs.running
        if not running and not jobs:
            self.exit()
            return
        text, choices = question(running, jobs, self.ready.command)
        self.ask("Quit", text, choices, self._quit_answered)

    def _quit_answered(self, answer: str | None) -> None:
        if answer == "keep":
            self.perform(self._leave(), "Stopping the jobs")
        elif answer == "stop":
            self.perform(self._stop_all_and_exit(), "Stopping the attempts")

    async def _leave(self) -> None:
        if self.jobs.running:
            self.say("Stopping the jobs…")
            await self.jobs.stop()
        self.exit()

    async def _stop_all_and_exit(self) -> None:
        group = self.group
        assert group is not None
        await self.ready.client.cancel(group)
        await self._leave()

    def _unfinished(self) -> int:
        group = self.group
        if group is None or not group.is_alive:
            return 0
        return sum(not attempt.is_finished for attempt in group.state.attempts.values())

    def _beat(self) -> None:
        """Look for what is new; cheap where nothing is."""
        from redux_tui.ui.messages import Tick

        group = self.group
        if group is not None and group.refresh():
            self.group_changed()
            self._say_where_it_runs(group)
        self.heartbeat.publish(None)
        now = time.monotonic()
        is_new = self.jobs.take_in()
        if is_new or (self.jobs.running and now - self._last_job_tick >= 1):
            self._last_job_tick = now
            self._jobs_changed()
        if now - self._last_tick >= 1 and group is not None and not group.state.is_finished:
            self._last_tick = now
            self.screen.post_message(Tick())

    def _jobs_changed(self, ended: bool = False) -> None:
        from redux_tui.ui.messages import JobsChanged

        self.jobs_headline = self.jobs.headline()
        for screen in self.screen_stack:
            screen.post_message(JobsChanged(ended))

    def _job_ended(self, job: Job) -> None:
        """What it made is new to the catalogue; how it ended is said wherever the user is."""
        from redux_tui.ui.screens.mode import ModeScreen

        if self.session is not None:
            self.session.forget_catalog()
        self._jobs_changed(ended=True)
        shown = self.screen_stack[-1:]  # none, once the app is left
        if any(isinstance(each, ModeScreen) and each.tells_of(job) for each in shown):
            return
        if job.state is JobState.FAILED:
            first = next(iter(job.error.strip().splitlines()), "")
            self.say(f"{job.title} failed: {first} Screen 5 has it in full.", severity="error")
        elif job.state is JobState.DONE:
            self.say(f"{job.title}: done.")

    def _say_where_it_runs(self, group: Group) -> None:
        """Once a group: which sandbox was chosen for it, and why."""
        reason = group.state.sandbox_reason
        if reason and (group.folder, reason) != self._told_sandbox:
            self._told_sandbox = (group.folder, reason)
            isolated = group.state.sandbox != "process"
            self.say(reason, "information" if isolated else "warning")

    def _update_headline(self) -> None:
        from redux_tui.ui.progress import headline

        self.headline = headline(self.group.state) if self.group else ""

    def watch_headline(self, headline: str) -> None:
        """The terminal's title too says how far it is (there is no public way to set it)."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(f"\x1b]0;redux-tui {headline}\x07")

    def _remember_theme(self, _theme: object) -> None:
        session = self.ready
        if not session.is_new and session.settings.theme != self.theme:
            changes = {"theme": self.theme}
            self.perform(asyncio.to_thread(session.write, changes), "Keeping the theme")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        for mode, title in MODE_TITLES.items():
            show = lambda mode=mode: self.action_show(mode)  # noqa: E731
            yield SystemCommand(f"Go to {title}", f"Show the screen “{title}”", show)
        wizard = "Clone MLE-bench, enter a Kaggle key, see where data lies"
        yield SystemCommand("MLE-bench and Kaggle", wizard, self.action_wizard)
        yield SystemCommand("Run groups", "Look at another run group", self.action_choose_group)


def run_dashboard(config: Path | None, wizard: bool) -> int:
    """Show the dashboard until it is left; then say on the normal screen how things stand."""
    app = ReduxApp(config, wizard=wizard)
    app.run()
    if app.session is not None and app.group is not None:
        import click

        from redux_tui.ui.farewell import farewell

        click.echo(farewell(app.session))
    return app.return_code or 0


def _load_session(config: Path | None, client: Client | None) -> Session:
    """In a thread; it imports the screens too, so that showing them for the first time is quick."""
    from redux_tui.ui.screens import competitions, jobs, live, results, setup  # noqa: F401
    from redux_tui.ui.session import Session

    return Session.load(config, client)
