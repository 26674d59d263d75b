"""Whether an agent has all that it needs to run under our own interpreter, as a process."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

from redux_tui.models import Agent, InfrastructureError
from redux_tui.sandbox.content import content_hash, names_in
from redux_tui.sandbox.protocol import Image, Say


def prepare(agent: Agent, say: Say) -> Image:
    """The agent as it is now. Raises InfrastructureError where something it needs is not here."""
    start = agent.folder / agent.start
    if not start.is_file():
        raise InfrastructureError(
            f"The agent {agent.id} has no start script at {start}. Add it, or correct `start` in"
            " its agent.yaml."
        )
    missing = missing_packages(agent.folder / "requirements.txt")
    if missing:
        raise InfrastructureError(
            f"The agent {agent.id} needs {', '.join(missing)}, but {sys.executable} does not have"
            f" it. Install it there (pip install -r {agent.folder / 'requirements.txt'}), or choose"
            " `--sandbox docker`."
        )
    say(f"{agent.id} runs as a process of this machine under {sys.executable}.")
    return Image("", f"sha256:{content_hash(agent.folder, names_in(agent.folder))}")


def missing_packages(requirements: Path) -> list[str]:
    """The names in a requirements.txt of packages that our interpreter does not have.

    Lines with an environment marker, options and URLs are left to pip.
    """
    if not requirements.is_file():
        return []
    missing = []
    for line in requirements.read_text("utf-8").splitlines():
        match = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)[^;@:]*$", line.split("#")[0].strip())
        if match is None:
            continue
        try:
            importlib.metadata.distribution(match[1])
        except importlib.metadata.PackageNotFoundError:
            missing.append(match[1])
    return missing
