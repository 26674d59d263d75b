"""The setup screen: the wizard of a first start, and later the place for health and settings."""

from __future__ import annotations

import asyncio
import os
from typing import Any, ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual import getters, on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.types import CSSPathType
from textual.widgets import Button, Input, Select, Static, TabbedContent, TabPane, Tabs

from redux_tui.catalog import Catalog
from redux_tui.catalog.catalog import OFFLINE
from redux_tui.models import ReduxError, Request, SandboxKind
from redux_tui.runner.doctor import Check, Health, examine
from redux_tui.ui import keys
from redux_tui.ui.jobs import Job
from redux_tui.ui.messages import JobsChanged
from redux_tui.ui.screens.mode import ModeScreen
from redux_tui.ui.text import BAD, DIM, GOOD, WARN, safe
from redux_tui.ui.widgets.bench_wizard import BenchWizard
from redux_tui.ui.widgets.settings_form import SettingsForm

PAGES = ("welcome", "health", "bench", "settings")
_OF_WIZARD = ("clone", "clone_anew", "install", "enter_key", "check_account", "stop")
_MARKS = {
    Health.OK: ("✓ ok", GOOD),
    Health.WARNING: ("! warning", WARN),
    Health.FAILED: ("✗ failed", BAD),
}
WELCOME = (
    "redux-tui runs agents that do machine-learning engineering on Kaggle-like competitions, shows"
    " their logs as they are written, grades what they submit, and says which medals they won."
)
WELCOME_KEYS = (
    (
        "o",
        "Try it offline: our baseline agent on the bundled competitions, as a plain process (not"
        " isolated, but ours). No Docker, no account, no key: results within two minutes.",
    ),
    ("m", "Get MLE-bench's competitions and enter a Kaggle key: a page with three steps."),
    ("n", "Look at what works on this machine, and at the settings."),
    ("2", "Choose competitions and an agent, and start."),
    ("?", "All keys. Ctrl+P finds commands by name."),
)


class SetupScreen(ModeScreen):
    MODE = "setup"
    CHANGING = ("stop",)
    CSS_PATH: ClassVar[CSSPathType | None] = [
        "../widgets/settings_form.tcss",
        "../widgets/bench_wizard.tcss",
        "setup.tcss",
    ]
    BINDINGS = keys.SETUP

    pages = getters.query_one("#pages", TabbedContent)
    checks = getters.query_one("#checks", Static)
    form = getters.query_one("#settings-form", SettingsForm)
    wizard = getters.query_one("#wizard", BenchWizard)

    def __init__(self) -> None:
        super().__init__()
        self._has_checked = False

    def body(self) -> ComposeResult:
        with TabbedContent(id="pages"):
            with TabPane("Welcome", id="welcome"), VerticalScroll(can_focus=False):
                yield Static(self._welcome(), id="welcome-text")
                yield Button("Try it offline (o)", id="offline", variant="primary", compact=True)
            with TabPane("Health", id="health"), VerticalScroll():
                yield Static("", id="checks")
            with TabPane("MLE-bench", id="bench"):
                yield BenchWizard(id="wizard")
            with TabPane("Settings", id="settings"):
                yield SettingsForm(id="settings-form")

    def on_mount(self) -> None:
        self.query_one("#offline", Button).focus()
        self.app.perform(self._fill(), "Reading the settings")

    async def _fill(self) -> None:
        session = self.app.ready
        catalog = await asyncio.to_thread(lambda: session.catalog)
        agents = await asyncio.to_thread(lambda: list(catalog.agents))
        self.form.fill(session.settings, agents, session.config_path)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        page = self.pages.active if self.is_mounted else ""
        if action == "leave_field":
            return isinstance(self.focused, Input | Select)
        if action == "save":
            return page == "settings"
        if action == "stop":
            return page == "bench" and self.wizard.running is not None
        return page == "bench" if action in _OF_WIZARD else True

    def show_page(self, page: str) -> None:
        """Also right after it was made: then the tabs first have to be there."""

        def show() -> None:
            self.pages.active = page

        self.call_after_refresh(show)

    def on_screen_resume(self) -> None:
        self.wizard.look()

    def on_jobs_changed(self, message: JobsChanged) -> None:
        if message.ended:
            self.wizard.look()
        self.wizard.update_view()
        self.update_keys()

    @on(BenchWizard.Changed)
    def _other_keys(self) -> None:
        self.update_keys()

    def tells_of(self, job: Job) -> bool:
        return self.pages.active == "bench" and job.kind in ("clone", "environment")

    def action_clone(self) -> None:
        self.wizard.clone()

    def action_clone_anew(self) -> None:
        self.wizard.clone_anew()

    def action_install(self) -> None:
        self.wizard.install()

    def action_enter_key(self) -> None:
        self.wizard.account.focus()

    def action_check_account(self) -> None:
        self.wizard.check_account()

    def action_stop(self) -> None:
        self.wizard.stop()

    def action_leave_field(self) -> None:
        self.pages.query_one(Tabs).focus()

    @on(TabbedContent.TabActivated)
    def _page_shown(self) -> None:
        if self.pages.active == "health" and not self._has_checked:
            self.action_check()
        if self.pages.active == "bench":
            self.wizard.look()
        self.refresh_bindings()

    @on(Button.Pressed, "#offline")
    def action_offline(self) -> None:
        """From a new installation to a graded result, with one key."""
        session = self.app.ready

        async def work() -> None:
            if session.is_new:
                await asyncio.to_thread(session.write, {"agent": "baseline"})
            catalog = await asyncio.to_thread(lambda: session.catalog)
            request = await asyncio.to_thread(_offline_request, catalog, session.settings)
            self.app.launch(request)

        self.app.perform(work(), "Starting the offline run")

    def action_page(self, step: int) -> None:
        place = (PAGES.index(self.pages.active) + step) % len(PAGES)
        self.pages.active = PAGES[place]

    def action_check(self) -> None:
        self._has_checked = True
        self.pages.active = "health"
        self.checks.update(Text("Looking at what runs stand on…", DIM))
        self.app.perform(self._examine(), "The health check")

    async def _examine(self) -> None:
        checks = await examine(self.app.ready.settings)
        self.checks.update(_describe(checks))

    @on(SettingsForm.Save)
    def action_save(self) -> None:
        session = self.app.ready
        try:
            changes = self.form.changes(session.settings)
        except ReduxError as error:
            self.form.show_error(str(error))
            return
        self.form.show_error("")

        async def work() -> None:
            await asyncio.to_thread(session.write, changes)
            self.app.say(
                f"The settings are in {session.config_path}. Competitions are on screen 2."
            )
            await self._fill()

        self.app.perform(work(), "Writing the settings")

    def _welcome(self) -> Group:
        session = self.app.ready
        keys_table = Table(box=None, show_header=False, pad_edge=False)
        for key, what in WELCOME_KEYS:
            keys_table.add_row(Text(key, "bold"), what)
        state = "will be written to" if session.is_new else "are in"
        paths = Text.assemble(
            safe(f"Settings {state} {session.config_path}"),
            "\n",
            safe(f"Runs are kept in {session.settings.work_dir}"),
            style="dim",
            overflow="fold",
        )
        return Group(WELCOME, "", keys_table, "", paths)


def _offline_request(catalog: Catalog, settings: Any) -> Request:
    catalog.agent("baseline")
    return Request(
        agent="baseline",
        competitions=tuple(each.id for each in catalog.select(OFFLINE, [])),
        sandbox=SandboxKind.PROCESS,
        jobs=min(2, os.cpu_count() or 1),
        limits=settings.limits_of_attempt(),
    )


def _describe(checks: list[Check]) -> Text:
    """One paragraph a check: state, name, what was found, what to do."""
    text = Text()
    for check in checks:
        mark, style = _MARKS[check.health]
        text.append(f"{mark:<10}", style)
        text.append_text(safe(check.name, "bold"))
        text.append("\n          ")
        text.append_text(safe(check.detail))
        if check.fix:
            text.append("\n          → ")
            text.append_text(safe(check.fix, style))
        text.append("\n")
    text.no_wrap, text.overflow = False, "fold"
    return text
