"""Calls to the engine from asyncio: in a few threads, with failures as sentences."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from redux_tui.models import InfrastructureError
from redux_tui.sandbox.engine import Client, Engine, connect

T = TypeVar("T")
WORKERS = 8


class Connection:
    """One engine's client, made at the first call and again whenever making it failed."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._client: Client | None = None
        self._lock = threading.Lock()
        # our own: the default pool is shared with whatever else runs in the event loop
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="docker")

    async def call(self, function: Callable[[Client], T], what: str) -> T:
        """`function(client)` in a thread. `what` we are doing completes "The engine did not ...".

        For calls that take seconds at most: a thread of the pool is busy meanwhile.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._guarded, function, what)

    async def call_long(self, function: Callable[[Client, threading.Event], T], what: str) -> T:
        """Like `call` in a thread of its own, for what may take an hour. If we are cancelled,
        its event is set; and it does not keep the interpreter from exiting."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        cancelled = threading.Event()

        def settle(result: T | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # None only if T is

        def run() -> None:
            result, failure = None, None
            try:
                result = self._guarded(lambda client: function(client, cancelled), what)
            except BaseException as error:  # noqa: BLE001  it belongs to who awaits the future
                failure = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, result, failure)

        threading.Thread(target=run, daemon=True, name="docker-build").start()
        try:
            return await future
        finally:
            cancelled.set()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _guarded(self, function: Callable[[Client], T], what: str) -> T:
        from docker.errors import APIError, DockerException
        from requests.exceptions import RequestException

        engine = f"The Docker engine at {self.engine.url}"
        try:
            with self._lock:
                if self._client is None:
                    self._client = connect(self.engine, timeout=120)
            return function(self._client)
        except InfrastructureError:
            raise
        except APIError as error:
            raise InfrastructureError(
                f"{engine} did not {what}: {error.explanation or error}."
            ) from error
        except (DockerException, RequestException, ConnectionError, TimeoutError) as error:
            raise InfrastructureError(
                f"{engine} does not answer ({error}), so it did not {what}. Is it running?"
            ) from error
        except OSError as error:  # a file of ours that the call needs
            raise InfrastructureError(f"Could not {what}: {error}.") from error
