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
from textual.widgets import Checkbox, Input, Label, Select, Static

from redux_tui.config import Settings
from redux_tui.logs.sanitize import one_line
from redux_tui.models import Agent, ReduxError, SandboxKind
from redux_tui.ui.forms import duration, duration_text, whole_number

SANDBOXES = {
    SandboxKind.AUTO: "auto (docker if it can)",
    SandboxKind.DOCKER: "docker",
    SandboxKind.PROCESS: "process (not isolated)",
}

_OBFUSCATED = "Descriptions and instructions that do not name Kaggle"


class Tick(Checkbox):
    """A checkbox whose mark, not its colour alone, says whether it is on."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    def watch_value(self) -> None:
        super().watch_value()
        self._mark()

    def on_mount(self) -> None:
        self._mark()

    def _mark(self) -> None:
        self.BUTTON_INNER = "[x]" if self.value else "[ ]"
        self.refresh()


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form holds, checked."""

    agent: str
    sandbox: SandboxKind
    seeds: int
    jobs: int
    timeout: float
    obfuscated: bool

    def as_state(self) -> dict[str, Any]:
        """For the config's `state:`, so that the next start begins with the same."""
        return {
            "agent": self.agent,
            "sandbox": str(self.sandbox),
            "seeds": self.seeds,
            "jobs": self.jobs,
            "timeout": self.timeout,
            "obfuscated": self.obfuscated,
        }


class LaunchForm(Vertical):
    """Filled from what was used last, else from the settings."""

    agent = getters.query_one("#agent", Select)
    sandbox = getters.query_one("#sandbox", Select)
    about = getters.query_one("#about-agent", Static)
    obfuscated = getters.query_one("#obfuscated", Checkbox)

    class Changed(Message):
        """Another agent or sandbox was chosen."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._agents: Mapping[str, Agent] = {}

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label("Agent")
            yield Select[str]([], id="agent", allow_blank=True, compact=True, prompt="choose")
            yield Label("Sandbox")
            options = [(Content(label), kind) for kind, label in SANDBOXES.items()]
            yield Select[SandboxKind](options, id="sandbox", allow_blank=False, compact=True)
        with Horizontal():
            for name in ("Seeds", "Jobs", "Timeout"):
                yield Label(name)
                yield Input(id=name.lower(), compact=True)
            yield Tick("Obfuscated", id="obfuscated", tooltip=_OBFUSCATED, compact=True)
        yield Static("", id="about-agent", markup=False)

    def fill(self, agents: Mapping[str, Agent], settings: Settings, *, keep: bool = False) -> None:
        """`keep` what the fields hold: only the agents are others."""
        self._agents, before = agents, self.agent.value
        last = settings.state.get("launch")
        last = last if isinstance(last, dict) else {}
        self.agent.set_options([(_label(each), name) for name, each in agents.items()])
        wanted = [last.get("agent"), settings.agent, *agents]
        if keep:
            wanted.insert(0, before)
        self.agent.value = next((name for name in wanted if name in agents), Select.NULL)
        if keep:
            return
        kinds = [str(kind) for kind in SandboxKind]
        sandbox = str(last.get("sandbox"))
        self.sandbox.value = SandboxKind(sandbox) if sandbox in kinds else settings.sandbox
        self._input("seeds").value = str(last.get("seeds", settings.seeds))
        self._input("jobs").value = str(last.get("jobs", settings.jobs))
        timeout = last.get("timeout")
        seconds = float(timeout) if isinstance(timeout, (int, float)) else settings.timeout
        self._input("timeout").value = duration_text(seconds)
        self.obfuscated.value = last.get("obfuscated") is True

    def read(self) -> Choices:
        """Raises ReduxError for what will not do."""
        agent = self.agent.value
        if not isinstance(agent, str) or agent not in self._agents:
            raise ReduxError("No agent is chosen. Choose one, or add one's folder to content_dirs.")
        if reason := self._agents[agent].unsupported:
            raise ReduxError(f"{agent} can't be run here. {reason}")
        kind = SandboxKind(str(self.sandbox.value))
        return Choices(
            agent=agent,
            sandbox=kind,
            seeds=whole_number(self._input("seeds").value, "Seeds", 1000),
            jobs=whole_number(self._input("jobs").value, "Jobs", 256),
            timeout=duration(self._input("timeout").value, "Timeout"),
            obfuscated=self.obfuscated.value,
        )

    @on(Select.Changed)
    def _describe(self) -> None:
        agent = self._agents.get(str(self.agent.value))
        if agent is not None and agent.unsupported:
            self.about.update(one_line(f"✗ can't be run here: {agent.unsupported}"))
        elif agent is not None:
            trust = "trusted" if agent.trusted else "not trusted"
            version = f"version {agent.version}: " if agent.version else ""
            name = one_line(version + agent.description)
            self.about.update(f"{trust}, network: {agent.network}. {name}")
        self.post_message(self.Changed())

    def _input(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)


def _label(agent: Agent) -> Content:
    return Content(one_line(agent.id + (" (unsupported)" if agent.unsupported else "")))
