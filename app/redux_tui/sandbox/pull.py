"""Fetches a base image, visibly, and never waits for ever for a registry that does not answer."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from typing import Any

from redux_tui.models import InfrastructureError
from redux_tui.sandbox.engine import Client
from redux_tui.sandbox.protocol import Say

FIRST_WORD = 30.0  # seconds until the registry must have answered
NEXT_WORD = 300.0  # a big layer may be checked and unpacked in silence


def pull(client: Client, image: str, say: Say) -> None:
    """Pull `image`. Raises InfrastructureError, which says what to do, if it can't be had."""
    say(f"Pulling the base image {image} ...")
    try:
        for message in _messages(client, image):
            if "error" in message:
                raise _unavailable(image, str(message["error"]))
            if line := _line(message):
                say(line)
    except TimeoutError as error:
        raise _unavailable(image, str(error)) from error


def _messages(client: Client, image: str) -> Iterator[dict[str, Any]]:
    """The engine's progress messages; TimeoutError if they stop coming."""
    lines: queue.Queue[bytes | Exception | None] = queue.Queue()
    # A thread, since requests knows one timeout for all of an answer and we need two. It ends with
    # the socket's own timeout at the latest.
    threading.Thread(target=_read, args=(client, image, lines), daemon=True).start()
    patience = FIRST_WORD
    while True:
        try:
            line = lines.get(timeout=patience)
        except queue.Empty:
            raise TimeoutError(
                f"nothing was heard from its registry for {patience:.0f} s"
            ) from None
        if line is None:
            return
        if isinstance(line, Exception):
            yield {"error": str(line)}
            return
        patience = NEXT_WORD
        yield json.loads(line)


def _read(client: Client, image: str, lines: queue.Queue[bytes | Exception | None]) -> None:
    from docker.auth import get_config_header, resolve_repository_name
    from docker.utils import parse_repository_tag
    from requests.exceptions import RequestException

    repository, tag = parse_repository_tag(image)
    registry, _ = resolve_repository_name(repository)
    try:
        header = get_config_header(client, registry)
        response = client.post(
            # not client.pull(): that one waits without any limit
            f"{client.base_url}/v{client.api_version}/images/create",
            params={"fromImage": repository, "tag": tag or "latest"},
            headers={"X-Registry-Auth": header} if header else {},
            stream=True,
            timeout=(10, NEXT_WORD),
        )
        with response:
            if response.status_code != 200:
                text = response.json().get("message", response.text)
                lines.put(json.dumps({"error": text}).encode())
            else:
                for line in response.iter_lines():
                    if line.strip():
                        lines.put(line)
        lines.put(None)
    except (RequestException, OSError, ValueError) as error:
        lines.put(error)


def _line(message: dict[str, Any]) -> str:
    parts = [str(message.get(key, "")) for key in ("id", "status", "progress")]
    return " ".join(part for part in parts if part)


def _unavailable(image: str, why: str) -> InfrastructureError:
    return InfrastructureError(
        f"The base image {image} is not on this engine and could not be pulled ({why.strip('. ')})."
        " Set docker.base_image in the config, or REDUX_BASE_IMAGE, to an image that you have; or"
        f" load this one by `docker load`, or see that the engine reaches its registry."
    )
