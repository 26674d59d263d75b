"""The wizard's page on MLE-bench: its clone, its environment, the Kaggle account, the data.

Every step says how it stands and has a key; none is in the way of another, nor of anything else.
"""

from __future__ import annotations

import asyncio

from textual import events, getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import Button, Input, Label, Static

from redux_tui.models import ReduxError
from redux_tui.ui import bench
from redux_tui.ui.app import ReduxApp
from redux_tui.ui.aside import ask_aside
from redux_tui.ui.bench_jobs import install, start_clone
from redux_tui.ui.jobs import Job
from redux_tui.ui.wizard_text import about_account, about_clone, about_data, about_environment

ENTER = "paste it here (p)"


class SecretInput(Input):
    """Takes all lines of what is pasted, and never shows them."""

    def _on_paste(self, event: events.Paste) -> None:
        """Not the first line only, as other fields: kaggle.json may have several."""
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(" ".join(event.text.split()))


class BenchWizard(VerticalScroll, can_focus=False):
    app = getters.app(ReduxApp)
    clone_text = getters.query_one("#step-clone", Static)
    environment_text = getters.query_one("#step-environment", Static)
    account_text = getters.query_one("#step-account", Static)
    data_text = getters.query_one("#step-data", Static)
    ref = getters.query_one("#ref", Input)
    account = getters.query_one("#account", SecretInput)

    class Changed(Message):
        """Other actions may be possible than before."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._found: bench.Found | None = None
        self._checked = ""  # what Kaggle said of the account
        self._is_known: bool | None = None

    def compose(self) -> ComposeResult:
        yield Static("Looking at what is there…", id="step-clone", markup=False)
        with Horizontal():
            yield Label("Tag or commit")
            yield Input(id="ref", placeholder="the default branch", compact=True)
            yield Button("Clone (c)", id="clone", compact=True, variant="primary")
            yield Button("Clone anew (C)", id="clone-anew", compact=True)
        yield Static("", id="step-environment", classes="step", markup=False)
        with Horizontal():
            yield Button("Install (e)", id="install", compact=True)
        yield Static("", id="step-account", classes="step", markup=False)
        with Horizontal():
            yield SecretInput(id="account", placeholder=ENTER, password=True, compact=True)
            yield Button("Save", id="save-account", compact=True)
            yield Button("Check (k)", id="check-account", compact=True)
        yield Static("", id="step-data", classes="step", markup=False)

    @property
    def has_clone(self) -> bool:
        return self._found is not None and self._found.clone is not None

    @property
    def running(self) -> Job | None:
        """The job that this page shows, while it runs."""
        job = self.app.jobs.latest("clone", "environment")
        return job if job is not None and job.is_running else None

    def look(self) -> None:
        """See what is there now."""
        self.app.perform(self._look(), "Looking at MLE-bench")

    async def _look(self) -> None:
        settings = self.app.ready.settings
        is_first = self._found is None
        self._found = await asyncio.to_thread(bench.look, settings)
        if is_first:
            self.ref.value = settings.repo_ref or ""
        self.update_view()
        self.post_message(self.Changed())

    def update_view(self) -> None:
        """Show how everything stands; cheap."""
        found, settings, jobs = self._found, self.app.ready.settings, self.app.jobs
        if found is None:
            return
        width = max(40, self.size.width - 4)
        self.clone_text.update(about_clone(found, settings, jobs.latest("clone"), width))
        job = jobs.latest("environment")
        self.environment_text.update(about_environment(found, settings, job, width))
        self.account_text.update(about_account(found.account, self._checked, self._is_known))
        self.data_text.update(about_data(found, settings))
        self.query_one("#install", Button).display = found.environment is None
        label = "Update (c)" if found.clone else "Clone (c)"
        self.query_one("#clone", Button).label = label
        self.query_one("#clone-anew", Button).display = settings.repo_dir.exists()

    @on(Button.Pressed, "#clone")
    @on(Input.Submitted, "#ref")
    def clone(self) -> None:
        found, ref = self._found, self._wanted_ref
        if found is None or found.clone is None:
            return start_clone(self.app, ref)

        def answered(answer: str | None) -> None:
            if answer == "yes":
                start_clone(self.app, ref, is_there=True)

        where = ref or "the newest commit of its default branch"
        self.app.ask(
            "Update MLE-bench?",
            f"It is at commit {found.clone.commit[:12]}, and goes to {where}. Every run names the"
            " commit that it was made with; results of different ones may not compare.",
            [("y", "Update", "yes"), ("n", "Don't", "no")],
            answered,
        )

    @on(Button.Pressed, "#clone-anew")
    def clone_anew(self) -> None:
        ref = self._wanted_ref

        def answered(answer: str | None) -> None:
            if answer == "yes":
                start_clone(self.app, ref, rebuild=True)

        self.app.ask(
            "Clone anew?",
            "MLE-bench is cloned again, beside what is there, and put in its place once it is"
            " whole. Until then, and if it fails, the old clone goes on working.",
            [("y", "Clone anew", "yes"), ("n", "Don't", "no")],
            answered,
        )

    @on(Button.Pressed, "#install")
    def install(self) -> None:
        if not self.has_clone:
            self.app.say("MLE-bench comes first: c clones it.", severity="warning")
            return
        install(self.app)

    def stop(self) -> None:
        if self.running is not None:
            self.app.cancel_job(self.running)

    @on(Button.Pressed, "#save-account")
    @on(Input.Submitted, "#account")
    def save_account(self) -> None:
        pasted = self.account.value
        if not pasted.strip():
            self.app.say("Paste the key into the field first (p).", severity="warning")
            return

        async def work() -> None:
            sentence = await asyncio.to_thread(bench.save_account, pasted)
            self.account.value = ""
            self.query_one("#check-account", Button).focus()  # keys are keys again
            await self._check(sentence)

        self.app.perform(work(), "Keeping the Kaggle account")

    @on(Button.Pressed, "#check-account")
    def check_account(self) -> None:
        self.app.perform(self._check(), "Checking the Kaggle account")

    async def _check(self, stored: str = "") -> None:
        """Ask the server; what it says stays on the page, and then where the key was stored."""
        await self._look()
        assert self._found is not None
        if self._found.account == bench.Account():
            self.app.say("There is no key to check yet: p leads to its field.", severity="warning")
            return
        settings = self.app.ready.settings
        self._checked, self._is_known = "Asking Kaggle…", None
        self.update_view()
        try:
            name = await ask_aside(lambda: bench.check_account(settings))
        except ReduxError as error:
            said, self._is_known = str(error), False
        else:
            said, self._is_known = f"Kaggle knows this account as {name}.", True
        self._checked = f"{said} {stored}".strip()
        self.update_view()

    def on_resize(self) -> None:
        self.update_view()

    @property
    def _wanted_ref(self) -> str | None:
        return self.ref.value.strip() or None
