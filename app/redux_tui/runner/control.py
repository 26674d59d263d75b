"""The control socket: how clients ask a supervisor. One JSON line in, one JSON line back."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redux_tui.models import ReduxError

Answer = Callable[[dict[str, Any]], dict[str, Any]]
MAX_MESSAGE = 1 << 24  # bytes
_LONGEST = 60  # characters of the folder above ours


class ControlSocket:
    """Serves `answer` on a unix socket that only its owner can open."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._folder: Path | None = None

    async def open(self) -> str:
        """Listen on a new path, and return it."""
        await self.close()
        self._folder = make_socket_folder()
        path = self._folder / "control.sock"
        self._server = await asyncio.start_unix_server(self._serve, path, limit=MAX_MESSAGE)
        path.chmod(0o600)
        return str(path)

    @property
    def is_gone(self) -> bool:
        """Whether somebody removed it: logind does at the last logout, cleaners of /tmp do."""
        return self._folder is not None and not (self._folder / "control.sock").exists()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            writer.write(json.dumps(_answer(self._answer, line)).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError):
            return  # gone, closing, or more than a message may have: no answer says it
        finally:
            writer.close()


def make_socket_folder() -> Path:
    """A new 0700 folder with a short path: a socket's path has at most 108 bytes."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and len(runtime) <= _LONGEST and os.access(runtime, os.W_OK):
        parent = Path(runtime) / "redux-tui"
        parent.mkdir(mode=0o700, exist_ok=True)
        folder = parent / secrets.token_hex(4)
        folder.mkdir(mode=0o700)
        return folder
    temporary = tempfile.gettempdir()
    return Path(
        tempfile.mkdtemp(
            prefix="redux-tui-", dir=temporary if len(temporary) <= _LONGEST else "/tmp"
        )
    )


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
