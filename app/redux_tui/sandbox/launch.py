"""Creates and starts an attempt's container, once, and says in sentences why it did not start."""

from __future__ import annotations

import os
from typing import Any

from redux_tui.models import InfrastructureError
from redux_tui.sandbox import inside
from redux_tui.sandbox.container import container_name, create_options, user_of
from redux_tui.sandbox.engine import Client, Engine
from redux_tui.sandbox.outputs import give
from redux_tui.sandbox.protocol import Handle, Image, Launch


def start_container(client: Client, engine: Engine, launch: Launch, image: Image) -> Handle:
    """Start the attempt, or find it started by a process of ours that died before noting it."""
    from docker.errors import APIError

    present = _present(client, launch)
    if present is not None:
        return _handle(present, launch)
    security = [str(option) for option in client.info().get("SecurityOptions") or []]
    user, group = user_of(security)
    inside.place(launch.folder, inside.VALIDATE, inside.RELAY)
    if os.geteuid() == 0 and user != 0:
        _require_readable(launch, user)
        give(launch.folder, user, group)
    try:
        container = client.create_container(**create_options(client, launch, image, security))["Id"]
    except APIError as error:
        raise _refusal(error, engine, launch, image) from error
    try:
        client.start(container)
    except APIError as error:
        client.remove_container(container, force=True, v=True)
        raise _refusal(error, engine, launch, image) from error
    return _handle(container, launch)


def _handle(container: str, launch: Launch) -> Handle:
    return {"container": container, "name": container_name(launch.attempt)}


def _present(client: Client, launch: Launch) -> str | None:
    """The attempt's container if there is one that ran; one that never did is removed."""
    from docker.errors import NotFound

    name = container_name(launch.attempt)
    try:
        found: dict[str, Any] = client.inspect_container(name)
    except NotFound:
        return None
    if (found["Config"].get("Labels") or {}).get("redux.attempt") != launch.attempt:
        raise InfrastructureError(
            f"A container called {name} exists on the engine, but it is none of ours. Rename it"
            f" (`docker rename {name} NEW_NAME`), then try again."
        )
    if found["State"]["StartedAt"].startswith("0001-"):
        client.remove_container(found["Id"], force=True, v=True)
        return None
    return str(found["Id"])


def _require_readable(launch: Launch, user: int) -> None:
    for path, needed in ((launch.data, 0o005), (launch.folder / "instructions.txt", 0o004)):
        if path.exists() and path.stat().st_mode & needed != needed:
            raise InfrastructureError(
                f"The agent runs as user {user}, who may not read {path}. Allow it: chmod -R o+rX"
                f" {path}"
            )


def _refusal(error: Any, engine: Engine, launch: Launch, image: Image) -> InfrastructureError:
    """The sentence for an error of the engine's when it was to create or start a container."""
    text = str(error.explanation or error).strip()
    if "bind source path does not exist" in text or "mounts denied" in text:
        return InfrastructureError(_unseen_files(text, engine))
    if "could not select device driver" in text or "nvidia-container-cli" in text:
        return InfrastructureError(
            f"The engine can't give GPU {', '.join(launch.gpus)} to the attempt: {text} Install the"
            " NVIDIA Container Toolkit (then `sudo nvidia-ctk runtime configure --runtime=docker`"
            " and restart Docker), or run without GPUs."
        )
    if '"sh"' in text:
        return InfrastructureError(
            f"The image {image.reference} of {launch.agent.id} has no `sh`, which start scripts"
            f" need ({text}). Base its Dockerfile on an image with a shell."
        )
    if "No such image" in text:
        return InfrastructureError(
            f"The image {image.reference} was removed from the engine after it was built. Try"
            " again: it is then built anew."
        )
    return InfrastructureError(
        f"The Docker engine at {engine.url} did not start the attempt {launch.attempt}: {text}."
    )


def _unseen_files(text: str, engine: Engine) -> str:
    if engine.is_local:
        return (
            f"The Docker engine at {engine.url} does not see this machine's files ({text}). If it"
            " runs in a VM (Docker Desktop, Colima), share the folder with it, or set work_dir and"
            " data_dir in the config to folders beneath your home folder."
        )
    return (
        f"The Docker engine at {engine.url} (from {engine.rule}) can't see this machine's files"
        f" ({text}). Run redux-tui on the machine of the engine, or use this machine's own engine."
    )
