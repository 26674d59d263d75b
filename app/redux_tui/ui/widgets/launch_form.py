"""How the chosen competitions are to be run: agent, sandbox, seeds, jobs, time limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Select, Static

from redux_tui.config import Settings
from redux_tui.logs.sanitize import one_line
from redux_tui.models import Agent, ReduxError, SandboxKind
from redux_tui.ui.forms import duration, duration_text, whole_number

SANDBOXES = {
    SandboxKind.AUTO: "auto (docker if it can)",
    SandboxKind.DOCKER: "docker",
    SandboxKind.PROCESS: "process (not isolated)",
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form holds, checked."""

    agent: str
    sandbox: SandboxKind
    seeds: int
    jobs: int
    timeout: float

    def as_state(self) -> dict[str, Any]:
        """For the config's `state:`, so that the next start begins with the same."""
        return {
            "agent": self.agent,
            "sandbox": str(self.sandbox),
            "seeds": self.seeds,
            "jobs": self.jobs,
            "timeout": self.timeout,
        }


class LaunchForm(Vertical):
    """Filled from what was used last, else from the settings."""

    agent = getters.query_one("#agent", Select)
    sandbox = getters.query_one("#sandbox", Select)
    about = getters.query_one("#about-agent", Static)

    class Changed(Message):
        """Another agent or sandbox was chosen."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._agents: Mapping[str, Agent] = {}

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label("Agent")
            yield Select[str]([], id="agent", allow_blank=True, compact=True, prompt="none found")
            yield Label("Sandbox")
            options = [(Content(label), kind) for kind, label in SANDBOXES.items()]
            yield Select[SandboxKind](options, id="sandbox", allow_blank=False, compact=True)
        with Horizontal():
            for name in ("Seeds", "Jobs", "Timeout"):
                yield Label(name)
                yield Input(id=name.lower(), compact=True)
            yield Static("", id="about-agent", markup=False)

    def fill(self, agents: Mapping[str, Agent], settings: Settings) -> None:
        self._agents = agents
        last = settings.state.get("launch")
        last = last if isinstance(last, dict) else {}
        self.agent.set_options([(Content(one_line(name)), name) for name in agents])
        wanted = [last.get("agent"), settings.agent, *agents]
        self.agent.value = next((name for name in wanted if name in agents), Select.NULL)
        kinds = [str(kind) for kind in SandboxKind]
        sandbox = str(last.get("sandbox"))
        self.sandbox.value = SandboxKind(sandbox) if sandbox in kinds else settings.sandbox
        self._input("seeds").value = str(last.get("seeds", settings.seeds))
        self._input("jobs").value = str(last.get("jobs", settings.jobs))
        timeout = last.get("timeout")
        seconds = float(timeout) if isinstance(timeout, (int, float)) else settings.timeout
        self._input("timeout").value = duration_text(seconds)

    def read(self) -> Choices:
        """Raises ReduxError for what will not do."""
        agent = self.agent.value
        if not isinstance(agent, str) or agent not in self._agents:
            raise ReduxError("No agent is chosen. Choose one, or add one's folder to content_dirs.")
        kind = SandboxKind(str(self.sandbox.value))
        return Choices(
            agent=agent,
            sandbox=kind,
            seeds=whole_number(self._input("seeds").value, "Seeds", 1000),
            jobs=whole_number(self._input("jobs").value, "Jobs", 256),
            timeout=duration(self._input("timeout").value, "Timeout"),
        )

    @on(Select.Changed)
    def _describe(self) -> None:
        agent = self._agents.get(str(self.agent.value))
        if agent is not None:
            trust = "trusted" if agent.trusted else "not trusted"
            version = f"version {agent.version}: " if agent.version else ""
            name = one_line(version + agent.description)
            self.about.update(f"{trust}, network: {agent.network}. {name}")
        self.post_message(self.Changed())

    def _input(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)
