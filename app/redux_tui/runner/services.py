"""What an attempt can ask of us while it runs: web applications on unix sockets in its own folder.

The folder is mounted into the attempt's container, so it keeps its place while the attempt runs:
whoever leads the attempt next serves there again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redux_tui.grading.graders import Graders
from redux_tui.grading.validation import Validation
from redux_tui.grading.verdict import Verdict, validate
from redux_tui.models import Competition, InfrastructureError
from redux_tui.runner.control import make_socket_folder

if TYPE_CHECKING:
    import uvicorn

App = Callable[[], Any]
"""Makes an ASGI application; called when it is first served."""

_NAME = "services"
_CONNECTIONS = 80  # at a time, on each socket; the relay passes on fewer
_log = logging.getLogger(__name__)


def checker(graders: Graders, competition: Callable[[], Competition], uploads: Path) -> App:
    """Tells the agent whether a submission is valid; `uploads` is a folder for what it sends."""

    async def check(submission: Path) -> Verdict:
        return await validate(graders, competition(), submission.parent, submission.name)

    return Validation(check, uploads).app


class Services:
    """The services of one attempt. `folder` is where they are, if it has begun already."""

    def __init__(
        self, folder: Path | None, apps: Mapping[str, App], note: Callable[[str], None]
    ) -> None:
        self.folder = folder
        self._apps = apps
        self._note = note
        self._servers: list[UnixServer] = []
        self._given_up = False

    async def start(self) -> Path:
        """Serve all in the attempt's folder, which is made now. Raises InfrastructureError."""
        try:
            if self.folder is None or not self.folder.is_dir():
                self.folder = _make_folder()
            await self._serve(self.folder)
        except OSError as error:
            raise InfrastructureError(
                f"The folder for an attempt's sockets can't be made or used: {error}."
            ) from error
        return self.folder

    async def keep(self) -> None:
        """Be there, also after a cleaner removed a socket; cheap, to be called often."""
        if self.folder is None or self._given_up:
            return
        try:
            if not self.folder.is_dir():
                raise FileNotFoundError(f"{self.folder} was removed")
            await self._serve(self.folder)
        except OSError as error:
            # a new folder is no help: it would not be the one that the container has mounted
            self._given_up = True
            self._note(f"its submission checker is gone: {error}")

    async def close(self) -> None:
        """Stop serving; the folder stays for who comes next."""
        await asyncio.gather(*(server.close() for server in self._servers))
        self._servers.clear()

    def remove(self) -> None:
        """After the attempt's end."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError):  # gone already, or there is something that is not ours
            for name in self._apps:
                (self.folder / name).unlink(missing_ok=True)
            self.folder.rmdir()
            self.folder.parent.rmdir()

    async def _serve(self, folder: Path) -> None:
        if not self._servers:
            self._servers = [UnixServer(folder / name, app) for name, app in self._apps.items()]
        for server in self._servers:
            if server.is_gone:
                await server.open()


class UnixServer:
    """Serves one application on a unix socket, inside our own event loop."""

    def __init__(self, path: Path, app: App) -> None:
        self._path = path
        self._make = app
        self._app: Any = None
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_gone(self) -> bool:
        return self._task is None or self._task.done() or not self._path.exists()

    async def open(self) -> None:
        """Listen at the path, whatever was there before. Raises OSError."""
        await self.close()
        self._server = await asyncio.to_thread(self._prepare)
        listener = _listen(self._path)
        self._task = asyncio.create_task(self._server.serve([listener]))

    async def close(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = self._server.force_exit = True
            (error,) = await asyncio.gather(self._task, return_exceptions=True)
            if error is not None:
                _log.error("the server on %s", self._path, exc_info=error)
        self._server = self._task = None

    def _prepare(self) -> uvicorn.Server:
        """In a thread, since the first one has a lot to import."""
        import uvicorn
        from uvicorn.protocols.http.h11_impl import H11Protocol

        class Http(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                if len(self.connections) > _CONNECTIONS:
                    # each is an open file of ours: an agent could take them all
                    transport.abort()

        class Server(uvicorn.Server):
            @contextlib.contextmanager
            def capture_signals(self) -> Generator[None, None, None]:
                yield  # signals are the supervisor's

        self._app = self._app or self._make()
        return Server(
            uvicorn.Config(
                self._app,
                http=Http,
                ws="none",
                lifespan="off",
                backlog=_CONNECTIONS,  # so many are taken at once, before any is refused
                log_config=None,
                log_level="error",  # or an agent could fill our log with warnings
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )


def _make_folder() -> Path:
    """The attempt's user may enter it, once it is mounted; the one above only we can enter."""
    folder = make_socket_folder() / _NAME
    folder.mkdir()
    folder.chmod(0o755)
    return folder


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(_CONNECTIONS)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
