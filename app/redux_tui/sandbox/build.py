"""Builds one image on the engine, once for each content, and passes on what the build prints."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redux_tui.models import InfrastructureError
from redux_tui.sandbox.context import Context
from redux_tui.sandbox.engine import Client
from redux_tui.sandbox.protocol import Image, Say
from redux_tui.sandbox.pull import pull

COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # the engine paints stderr red


@dataclass(frozen=True, slots=True)
class Plan:
    """What is built, and from what."""

    name: str  # for a person: the agent's id
    repository: str  # of the image's reference, "redux-tui/aide"
    context: Context
    dockerfile: str  # its name in the context
    recipe: Path  # where a person finds it
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None  # stands for the content where not all of it counts
    hint: str = ""  # a sentence for whoever sees it fail

    def content(self, bases: Sequence[str]) -> str:
        settings = [f"{key}={value}" for key, value in sorted(self.arguments.items())]
        return self.key or self.context.content(*settings, *bases)


def build(
    client: Client, plan: Plan, bases: Sequence[str], say: Say, cancelled: threading.Event
) -> Image:
    """The image of the plan's content on the images of these identities: found, or built now.

    Raises InfrastructureError if it can't be had, or when `cancelled` is set meanwhile.
    """
    content = plan.content(bases)
    tag = reference(plan.repository, content)
    digest = identity(client, tag)
    if digest is None:
        say(f"Building {tag} ...")
        _build(client, plan, tag, content, _Listener(plan, say, cancelled))
        digest = identity(client, tag)
    if digest is None:  # the SDK takes a lost connection for the regular end of the output
        raise InfrastructureError(
            f"The engine ended the build of {tag} without a result. See whether it was restarted,"
            " then try again."
        )
    return Image(tag, digest)


def reference(repository: str, content: str) -> str:
    """What an image is called: it tells the content."""
    return f"{repository}:{content[:12]}"


def base_identity(client: Client, image: str, say: Say) -> str:
    """The identity of an image to build on; pulled first if the engine does not have it."""
    found = identity(client, image)
    if found is None:
        pull(client, image, say)
        found = identity(client, image)
    if found is None:
        raise InfrastructureError(
            f"The engine said that it pulled {image}, but does not have it. Try `docker pull"
            f" {image}`, and set docker.base_image in the config if that is of no avail."
        )
    return found


def identity(client: Client, image: str) -> str | None:
    """The image's digest, or None if the engine does not have it."""
    from docker.errors import ImageNotFound

    try:
        return str(client.inspect_image(image)["Id"])
    except ImageNotFound:
        return None


def _build(client: Client, plan: Plan, tag: str, content: str, listener: _Listener) -> None:
    from docker.errors import APIError
    from requests.exceptions import RequestException

    with tempfile.TemporaryFile() as context:
        plan.context.pack(context)
        context.seek(0)
        try:
            messages = client.build(
                fileobj=context,
                custom_context=True,
                dockerfile=plan.dockerfile,
                tag=tag,
                buildargs=dict(plan.arguments),
                labels={"redux.schema": "1", "redux.content": content, **plan.labels},
                rm=True,
                forcerm=True,
                decode=True,
            )
            listener.listen(messages)
        except (APIError, RequestException) as error:
            why = getattr(error, "explanation", None) or error
            raise InfrastructureError(
                f"The engine did not build the image of {plan.name}: {why}. The recipe is"
                f" {plan.recipe}."
            ) from error


@dataclass(frozen=True, slots=True)
class _Listener:
    """Passes on what a build prints, and notices that it failed or is wanted no more."""

    plan: Plan
    say: Say
    cancelled: threading.Event

    def listen(self, messages: Generator[dict[str, Any], None, None]) -> None:
        for message in messages:
            if self.cancelled.is_set():
                messages.close()  # the engine stops a build whose client hangs up
                raise InfrastructureError(f"The build of {self.plan.name}'s image was cancelled.")
            if "error" in message or "errorDetail" in message:
                detail = message.get("errorDetail") or {}
                text = str(detail.get("message") or message.get("error"))
                hint = f" {self.plan.hint}" if self.plan.hint else ""
                raise InfrastructureError(
                    f"The image of {self.plan.name} could not be built: {text.strip('. ')}. The"
                    f" lines above say why; the recipe is {self.plan.recipe}.{hint}"
                )
            text = COLOURS.sub("", str(message.get("stream") or message.get("status") or ""))
            for line in filter(str.strip, text.splitlines()):
                self.say(line)
