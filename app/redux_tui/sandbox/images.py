"""The image of an agent: built from its Dockerfile, once for every content of its folder."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

from redux_tui.catalog.mle_bench import SOURCE as MLE_BENCH
from redux_tui.models import Agent, InfrastructureError
from redux_tui.sandbox import dockerfile, mle_bench
from redux_tui.sandbox.build import Plan, base_identity, build
from redux_tui.sandbox.context import Context
from redux_tui.sandbox.engine import Client
from redux_tui.sandbox.protocol import Image, Say

BASE_ARGUMENT = "BASE"
LAYOUT_ARGUMENTS = {  # as MLE-bench passes them to the agents' Dockerfiles
    "SUBMISSION_DIR": "/home/submission",
    "LOGS_DIR": "/home/logs",
    "CODE_DIR": "/home/code",
    "AGENT_DIR": "/home/agent",
}


def build_image(
    client: Client, agent: Agent, base_image: str | None, say: Say, cancelled: threading.Event
) -> Image:
    """The image of the agent's present content, from the engine's store or built now.

    Raises InfrastructureError if it can't be had, or when `cancelled` is set meanwhile.
    """
    path = _recipe(agent)
    name = os.path.relpath(path, agent.folder.resolve())
    text = path.read_text("utf-8", "replace")
    added, hint = {}, ""
    if agent.source == MLE_BENCH:
        environment = mle_bench.environment(client, agent, base_image, say, cancelled)
        text, hint = mle_bench.adapted(text, environment.reference), environment.hint
        added[name] = text.encode()
    recipe = dockerfile.parse(text)
    arguments = _arguments(recipe, base_image)
    bases = [base_identity(client, base, say) for base in recipe.bases(arguments)]
    plan = Plan(
        name=agent.id,
        repository=f"redux-tui/{_image_name(agent.name)}",
        context=Context.of(agent.folder.resolve(), name, added),
        dockerfile=name,
        recipe=path,
        arguments=arguments,
        labels={"redux.agent": agent.name},
        hint=hint,
    )
    return build(client, plan, bases, say, cancelled)


def _recipe(agent: Agent) -> Path:
    path = (agent.folder / agent.dockerfile).resolve()
    if not path.is_file() or not path.is_relative_to(agent.folder.resolve()):
        raise InfrastructureError(
            f"The agent {agent.id} has no Dockerfile at {path}. Add one to its folder, or choose"
            " `--sandbox process` if you trust it."
        )
    return path


def _arguments(recipe: dockerfile.Dockerfile, base_image: str | None) -> dict[str, str]:
    known = dict(LAYOUT_ARGUMENTS)
    if base_image:
        known[BASE_ARGUMENT] = base_image
    return {name: value for name, value in known.items() if name in recipe.arguments}


def _image_name(agent: str) -> str:
    """The agent's name with nothing in it that an image's may not have (mle-bench:aide)."""
    return re.sub(r"[^a-z0-9]+", "-", agent.lower()).strip("-") or "agent"
