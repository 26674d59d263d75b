"""The control socket: how clients ask a supervisor. One JSON line in, one JSON line back."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redux_tui.models import ReduxError

Answer = Callable[[dict[str, Any]], dict[str, Any]]
_MAX_MESSAGE = 1 << 20  # bytes


@asynccontextmanager
async def control_socket(answer: Answer) -> AsyncIterator[str]:
    """Serve `answer` on a unix socket that only its owner can open; gives the socket's path."""
    folder = make_socket_folder()
    path = folder / "control.sock"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            writer.write(json.dumps(_answer(answer, line)).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError):
            return  # gone, closing, or more than a message may have: no answer says it
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, path, limit=_MAX_MESSAGE)
    path.chmod(0o600)
    try:
        yield str(path)
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


def make_socket_folder() -> Path:
    """A new 0700 folder with a short path: a socket's path has at most 108 bytes."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK) and len(runtime) < 60:
        folder = Path(runtime) / "redux-tui" / secrets.token_hex(4)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700)
        return folder
    return Path(tempfile.mkdtemp(prefix="redux-tui-"))


def _answer(answer: Answer, line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        return {"error": "The message is not one line of JSON."}
    if not isinstance(message, dict):
        return {"error": "The message must be a JSON object."}
    try:
        return answer(message)
    except ReduxError as error:
        return {"error": str(error)}
