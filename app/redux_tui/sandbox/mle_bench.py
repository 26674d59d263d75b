"""MLE-bench's agents in our containers: the image that theirs build on, and what we add to it."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from redux_tui.models import Agent
from redux_tui.sandbox import dockerfile
from redux_tui.sandbox.build import Plan, base_identity, build, identity, reference
from redux_tui.sandbox.content import content_hash, names_in
from redux_tui.sandbox.context import Context
from redux_tui.sandbox.engine import Client
from redux_tui.sandbox.protocol import Say

NAME = "mlebench-env"
HEAVY = "INSTALL_HEAVY_DEPENDENCIES"
"""MLE-bench's build argument, taken from our environment: "false" leaves the ML libraries out."""

_REPOSITORY = f"redux-tui/{NAME}"
_STAND_IN = Path(__file__).with_name("mle_bench_env")
_IN_HOME = ("instructions.txt", "instructions_obfuscated.txt", "validate_submission.sh")
_FROM = re.compile(rf"(?im)^(\s*FROM\s+(?:--\S+\s+)*){NAME}(?::latest)?(?=\s|$)")
# Their entrypoint does this at each start, for which it must be root. X: a folder that can't be
# entered is of no use.
_OPEN_HOME = "\nUSER root\nRUN chmod -R a+rwX /home\n"
_LEAN = (
    "It was built on a lean stand-in for mlebench-env on {base}. Agents that want more of it"
    " (apt-get, git, conda's packages) need the real one: load it into the engine as mlebench-env,"
    " or unset docker.base_image and REDUX_BASE_IMAGE to have it built."
)


@dataclass(frozen=True, slots=True)
class Environment:
    """An image that serves as `mlebench-env`; `hint` is for builds on it that fail."""

    reference: str
    hint: str = ""


def environment(
    client: Client, agent: Agent, base_image: str | None, say: Say, cancelled: threading.Event
) -> Environment:
    """What the agent's image is built on; built first if there is none.

    A person's own `mlebench-env` comes first. Where `base_image` is set, no registry may be in
    reach: then a lean stand-in is built on it, else the real one from the clone's Dockerfile.
    Raises InfrastructureError.
    """
    if identity(client, NAME) is not None:
        return Environment(NAME)
    repo = agent.folder.resolve().parents[1]
    if base_image:
        base = base_identity(client, base_image, say)
        image = build(client, _stand_in(repo, base_image), [base], say, cancelled)
        return Environment(image.reference, _LEAN.format(base=base_image))
    return Environment(_real(client, repo, say, cancelled))


def adapted(recipe: str, environment: str) -> str:
    """An agent's Dockerfile, built on the image `environment`, its /home for anyone to write."""
    return _FROM.sub(rf"\g<1>{environment}", recipe) + _OPEN_HOME


def _stand_in(repo: Path, base_image: str) -> Plan:
    added: dict[str, bytes] = {}
    for name in _IN_HOME:
        path = repo / "environment" / name
        if path.is_file():
            added[f"home/{name}"] = path.read_bytes()
    return Plan(
        name=f"MLE-bench's environment (a stand-in on {base_image})",
        repository=_REPOSITORY,
        context=Context(_STAND_IN, names_in(_STAND_IN), added),
        dockerfile="Dockerfile",
        recipe=_STAND_IN / "Dockerfile",
        arguments={"BASE": base_image},
        hint="The base image must have python3 with the module venv.",
    )


def _real(client: Client, repo: Path, say: Say, cancelled: threading.Event) -> str:
    wishes = _acceptable(os.environ)
    for heavy in wishes:
        there = reference(_REPOSITORY, _key(repo, heavy))
        if identity(client, there) is not None:
            return there
    plan = _real_plan(repo, wishes[0])
    say(
        f"Building MLE-bench's environment from {plan.recipe}: gigabytes from the internet, an hour"
        f" or so. {HEAVY}=false in the environment leaves the machine-learning libraries out."
    )
    for image in dockerfile.parse(plan.recipe.read_text("utf-8", "replace")).bases({}):
        base_identity(client, image, say)
    return build(client, plan, [], say, cancelled).reference


def _acceptable(environment: Mapping[str, str]) -> list[str]:
    """Values of HEAVY, of which the first is built where there is none of them yet.

    Whoever says nothing takes what is there, and whoever wants little takes more.
    """
    wish = environment.get(HEAVY, "").lower()
    if wish == "true":
        return ["true"]
    return ["false", "true"] if wish == "false" else ["true", "false"]


def _real_plan(repo: Path, heavy: str) -> Plan:
    return Plan(
        name="MLE-bench's environment",
        repository=_REPOSITORY,
        context=Context.of(repo, "environment/Dockerfile"),
        dockerfile="environment/Dockerfile",
        recipe=repo / "environment" / "Dockerfile",
        arguments={HEAVY: heavy},
        key=_key(repo, heavy),
        hint="It needs the internet (ubuntu, conda, PyPI). Without it, set docker.base_image in the"
        " config or REDUX_BASE_IMAGE to an image that you have: a small stand-in is built on that.",
    )


def _key(repo: Path, heavy: str) -> str:
    """The content that counts: the rest of the clone reaches a grading server we never start."""
    folder = repo / "environment"
    return content_hash(folder, names_in(folder), heavy)
