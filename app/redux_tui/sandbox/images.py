"""Builds an agent's image from its Dockerfile, once for every content of its folder."""

from __future__ import annotations

import io
import os
import re
import tarfile
import tempfile
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from redux_tui.models import Agent, InfrastructureError
from redux_tui.sandbox import dockerfile
from redux_tui.sandbox.content import content_hash, is_executable, names_in
from redux_tui.sandbox.engine import Client
from redux_tui.sandbox.protocol import Image, Say
from redux_tui.sandbox.pull import pull

BASE_ARGUMENT = "BASE"
LAYOUT_ARGUMENTS = {  # as MLE-bench passes them to the agents' Dockerfiles
    "SUBMISSION_DIR": "/home/submission",
    "LOGS_DIR": "/home/logs",
    "CODE_DIR": "/home/code",
    "AGENT_DIR": "/home/agent",
}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # the engine paints stderr red
TIME = 315532800  # 1980-01-01: the same for all files, and what zip can still express


def build_image(
    client: Client, agent: Agent, base_image: str | None, say: Say, cancelled: threading.Event
) -> Image:
    """The image of the agent's present content, from the engine's store or built now.

    Raises InfrastructureError if it can't be had, or when `cancelled` is set meanwhile.
    """
    path = (agent.folder / agent.dockerfile).resolve()
    if not path.is_file() or not path.is_relative_to(agent.folder.resolve()):
        raise InfrastructureError(
            f"The agent {agent.id} has no Dockerfile at {path}. Add one to its folder, or choose"
            " `--sandbox process` if you trust it."
        )
    recipe = dockerfile.parse(path.read_text("utf-8", "replace"))
    arguments = _arguments(recipe, base_image)
    bases = [_base(client, base, say) for base in recipe.bases(arguments)]
    plan = _Plan(agent, path, _context_names(agent.folder.resolve(), path), arguments)
    content = plan.content(bases)
    tag = f"redux-tui/{agent.name.lower()}:{content[:12]}"
    digest = _identity(client, tag)
    if digest is None:
        say(f"Building {tag} ...")
        _build(client, plan, tag, content, _Listener(agent, path, say, cancelled))
        digest = _identity(client, tag)
    if digest is None:  # the SDK takes a lost connection for the regular end of the output
        raise InfrastructureError(
            f"The engine ended the build of {tag} without a result. See whether it was restarted,"
            " then try again."
        )
    return Image(tag, digest)


@dataclass(frozen=True, slots=True)
class _Plan:
    """All that the image depends on, but for its base images."""

    agent: Agent
    dockerfile: Path
    names: list[str]  # of the build context
    arguments: Mapping[str, str]

    def content(self, bases: list[str]) -> str:
        settings = [f"{key}={value}" for key, value in sorted(self.arguments.items())]
        return content_hash(self.folder, self.names, *settings, *bases)

    @property
    def folder(self) -> Path:
        return self.agent.folder.resolve()


def _arguments(recipe: dockerfile.Dockerfile, base_image: str | None) -> dict[str, str]:
    known = dict(LAYOUT_ARGUMENTS)
    if base_image:
        known[BASE_ARGUMENT] = base_image
    return {name: value for name, value in known.items() if name in recipe.arguments}


def _base(client: Client, image: str, say: Say) -> str:
    """The base image's identity; pulled first if the engine does not have it."""
    identity = _identity(client, image)
    if identity is None:
        pull(client, image, say)
        identity = _identity(client, image)
    if identity is None:
        raise InfrastructureError(
            f"The engine said that it pulled {image}, but does not have it. Try `docker pull"
            f" {image}`, and set docker.base_image in the config if that is of no avail."
        )
    return identity


def _identity(client: Client, image: str) -> str | None:
    from docker.errors import ImageNotFound

    try:
        return str(client.inspect_image(image)["Id"])
    except ImageNotFound:
        return None


def _context_names(folder: Path, path: Path) -> list[str]:
    from docker.utils.build import exclude_paths

    names = names_in(folder)
    ignore = folder / ".dockerignore"
    if not ignore.is_file():
        return names
    lines = [line.strip() for line in ignore.read_text("utf-8").splitlines()]
    patterns = [line for line in lines if line and not line.startswith("#")]
    kept = exclude_paths(str(folder), patterns, dockerfile=os.path.relpath(path, folder))
    return [name for name in names if name in kept]


def _build(client: Client, plan: _Plan, tag: str, content: str, listener: _Listener) -> None:
    from docker.errors import APIError
    from requests.exceptions import RequestException

    with tempfile.TemporaryFile() as context:
        _pack(plan.folder, plan.names, context)
        context.seek(0)
        try:
            messages = client.build(
                fileobj=context,
                custom_context=True,
                dockerfile=os.path.relpath(plan.dockerfile, plan.folder),
                tag=tag,
                buildargs=dict(plan.arguments),
                labels={
                    "redux.schema": "1",
                    "redux.agent": plan.agent.name,
                    "redux.content": content,
                },
                rm=True,
                forcerm=True,
                decode=True,
            )
            listener.listen(messages)
        except (APIError, RequestException) as error:
            why = getattr(error, "explanation", None) or error
            raise InfrastructureError(
                f"The engine did not build the image of {plan.agent.id}: {why}. The recipe is"
                f" {plan.dockerfile}."
            ) from error


@dataclass(frozen=True, slots=True)
class _Listener:
    """Passes on what a build prints, and notices that it failed or is wanted no more."""

    agent: Agent
    dockerfile: Path
    say: Say
    cancelled: threading.Event

    def listen(self, messages: Generator[dict[str, Any], None, None]) -> None:
        for message in messages:
            if self.cancelled.is_set():
                messages.close()  # the engine stops a build whose client hangs up
                raise InfrastructureError(f"The build of {self.agent.id}'s image was cancelled.")
            if "error" in message or "errorDetail" in message:
                detail = message.get("errorDetail") or {}
                text = str(detail.get("message") or message.get("error"))
                raise InfrastructureError(
                    f"The image of {self.agent.id} could not be built: {text.strip('. ')}. The"
                    f" lines above say why; the recipe is {self.dockerfile}."
                )
            text = COLOURS.sub("", str(message.get("stream") or message.get("status") or ""))
            for line in filter(str.strip, text.splitlines()):
                self.say(line)


def _pack(folder: Path, names: list[str], target: IO[bytes]) -> None:
    """A tar that depends on contents only, and that any user of a container can read."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            path = folder / name
            info = tarfile.TarInfo(name)
            info.mtime = TIME
            if path.is_symlink():
                info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
                archive.addfile(info)
            elif path.is_file():
                data = path.read_bytes()
                info.size, info.mode = len(data), 0o755 if is_executable(path) else 0o644
                archive.addfile(info, io.BytesIO(data))
