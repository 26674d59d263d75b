"""The one protocol of all sandboxes: prepare, start, wait, stop, collect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from redux_tui.models import Agent, Limits, SandboxKind

Say = Callable[[str], None]
"""Takes one line (no newline) of build or preparation output, from any thread."""

Handle = dict[str, str | int | float]
"""What finds a started attempt again after a restart of ours; goes into the journal as JSON."""


DESCRIPTION = "description.md"
"""In the attempt's folder: what the agent is to read instead of the data's file of that name."""

PORTS: Mapping[int, str] = {5000: "validate.sock"}
"""Port of 127.0.0.1 in a container -> the socket in `Launch.services` that serves it."""


@dataclass(frozen=True, slots=True)
class Image:
    """What an attempt starts from. `reference` is "" where there is no image (process)."""

    reference: str
    digest: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths as the agent sees them, which its instructions and variables name."""

    data: str
    submission: str
    code: str
    logs: str
    agent: str
    instructions: str
    validate: str  # the script that checks a submission file
    validate_url: str = ""  # the same over HTTP; only where the agent has ports of its own

    def variables(self) -> dict[str, str]:
        return {
            "DATA_DIR": self.data,
            "SUBMISSION_DIR": self.submission,
            "CODE_DIR": self.code,
            "LOGS_DIR": self.logs,
            "AGENT_DIR": self.agent,
            "INSTRUCTIONS_FILE": self.instructions,
            "VALIDATE_SCRIPT": self.validate,
        }


@dataclass(frozen=True, slots=True)
class Launch:
    """All that a sandbox needs to start one attempt.

    `folder` is the attempt's folder; the runner has made in it submission/, code/, logs/,
    instructions.txt, an empty container.log, and maybe DESCRIPTION. `data` is the public data,
    read-only. `services` is a folder with unix sockets on which the attempt is served (see PORTS);
    they may come and go.
    """

    attempt: str
    group: str
    agent: Agent
    folder: Path
    data: Path
    environment: Mapping[str, str]  # without the variables of Layout
    limits: Limits
    gpus: tuple[str, ...] = ()
    services: Path | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """How the agent's process ended.

    `lost` is a sentence where the engine, not the agent, is to blame; the code is then None.
    """

    exit_code: int | None
    out_of_memory: bool = False
    lost: str | None = None
    cpu_seconds: float | None = None
    peak_memory: int | None = None  # bytes


class Sandbox(Protocol):
    """Every method raises InfrastructureError, with a sentence, for what is not the agent's."""

    kind: SandboxKind

    def layout(self, agent: Agent, folder: Path, data: Path) -> Layout:
        """The paths that the agent will see for an attempt in `folder`."""

    async def prepare(self, agent: Agent, say: Say) -> Image:
        """Have the agent's image ready, building it if need be; output goes to `say`."""

    async def start(self, launch: Launch, image: Image) -> Handle:
        """Start it; stdout and stderr are appended, as printed, to container.log."""

    async def wait(self, handle: Handle) -> Exit:
        """Wait for the end, of an attempt started by this or by an earlier process."""

    async def stop(self, handle: Handle, grace: float) -> None:
        """SIGTERM, then after `grace` seconds SIGKILL, to the attempt whole; idempotent."""

    async def collect(self, handle: Handle, folder: Path) -> None:
        """After the end: the outputs belong to us, and nothing of the attempt is left behind."""

    async def close(self) -> None:
        """Let go of connections and threads; attempts go on."""
