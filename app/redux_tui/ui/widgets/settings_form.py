"""The settings that most people change, as fields; all others are in the config file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Label, Select, Static

from redux_tui.config import Settings
from redux_tui.logs.sanitize import one_line
from redux_tui.models import ReduxError, SandboxKind
from redux_tui.ui.forms import duration, duration_text, folder, whole_number
from redux_tui.ui.widgets.launch_form import SANDBOXES

FIELDS = {
    "work_dir": ("Work folder", "runs and their logs"),
    "data_dir": ("Data folder", "prepared competitions; MLE-bench's own by default"),
    "repo_url": ("MLE-bench", "its repository, to clone"),
    "repo_dir": ("Clone folder", "where its clone is, or goes"),
    "jobs": ("Jobs", "attempts at the same time"),
    "seeds": ("Seeds", "runs of each competition"),
    "timeout": ("Timeout", "of one attempt: 15m, 24h"),
}


class SettingsForm(VerticalScroll, can_focus=False):
    error = getters.query_one("#settings-error", Static)
    agent = getters.query_one("#default-agent", Select)
    sandbox = getters.query_one("#default-sandbox", Select)

    class Save(Message):
        """The button was pressed."""

    def compose(self) -> ComposeResult:
        yield Static("", id="settings-path", markup=False)
        for name, (label, hint) in FIELDS.items():
            with Horizontal():
                yield Label(label, classes="name")
                yield Input(id=f"set-{name}", compact=True)
                yield Label(hint, classes="hint")
        with Horizontal():
            yield Label("Agent", classes="name")
            yield Select[str]([], id="default-agent", compact=True, prompt="choose")
        with Horizontal():
            yield Label("Sandbox", classes="name")
            options = [(Content(label), kind) for kind, label in SANDBOXES.items()]
            yield Select[SandboxKind](
                options, id="default-sandbox", allow_blank=False, compact=True
            )
        yield Static("", id="settings-error", markup=False)
        yield Button("Save (Ctrl+S)", id="save", compact=True, variant="primary")

    def fill(self, settings: Settings, agents: list[str], path: Path) -> None:
        self.query_one("#settings-path", Static).update(one_line(f"Written to {path}"))
        for name, value in _texts(settings).items():
            self._input(name).value = value
        self.agent.set_options([(Content(one_line(name)), name) for name in agents])
        if settings.agent in agents:
            self.agent.value = settings.agent
        self.sandbox.value = settings.sandbox

    def changes(self, settings: Settings) -> dict[str, Any]:
        """The keys to write: those that differ from what holds now. Raises ReduxError."""
        new: dict[str, Any] = {
            "work_dir": str(folder(self._input("work_dir").value, "The work folder")),
            "data_dir": str(folder(self._input("data_dir").value, "The data folder")),
            "repo_url": _address(self._input("repo_url").value),
            "repo_dir": str(folder(self._input("repo_dir").value, "The clone folder")),
            "jobs": whole_number(self._input("jobs").value, "Jobs", 256),
            "seeds": whole_number(self._input("seeds").value, "Seeds", 1000),
            "timeout": duration(self._input("timeout").value, "Timeout"),
            "sandbox": str(self.sandbox.value),
        }
        if isinstance(self.agent.value, str):
            new["agent"] = self.agent.value
        old = settings.model_dump(include=set(new))
        return {key: _short(value) for key, value in new.items() if str(old[key]) != str(value)}

    def show_error(self, sentence: str) -> None:
        self.error.update(one_line(sentence))

    @on(Button.Pressed, "#save")
    def _save(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.Save())

    def _input(self, name: str) -> Input:
        return self.query_one(f"#set-{name}", Input)


def _texts(settings: Settings) -> dict[str, str]:
    return {
        "work_dir": str(settings.work_dir),
        "data_dir": str(settings.data_dir),
        "repo_url": settings.repo_url,
        "repo_dir": str(settings.repo_dir),
        "jobs": str(settings.jobs),
        "seeds": str(settings.seeds),
        "timeout": duration_text(settings.timeout),
    }


def _address(text: str) -> str:
    if not text.strip():
        raise ReduxError("MLE-bench must be the address of a repository to clone.")
    return text.strip()


def _short(value: Any) -> Any:
    """3600 rather than 3600.0 in a file that people read."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
