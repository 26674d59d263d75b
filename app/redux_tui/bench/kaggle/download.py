"""Bring one competition's zip from the storage, over cut connections and killed processes."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import requests

from redux_tui.bench.kaggle.errors import KaggleError, NoNetwork, ServerTrouble
from redux_tui.bench.kaggle.part import Part, on_disk
from redux_tui.bench.kaggle.patience import pause, stop_if
from redux_tui.bench.kaggle.transport import (
    TIMEOUTS,
    host_of,
    not_understood,
    storage_session,
    trouble_of,
)
from redux_tui.bench.progress import Progress, Tell
from redux_tui.files import locked

_CHUNK = 1 << 18  # bytes; also what a cut connection may cost at most
_TELL = 0.1  # seconds between two reports


class Download:
    """`target` coming into being, by this process alone while it is entered.

    Entering waits for another process that is at it. Raises Cancelled, InfrastructureError.
    """

    def __init__(self, slug: str, target: Path, tell: Tell, cancelled: threading.Event) -> None:
        self._slug, self._target, self._cancelled = slug, target, cancelled
        self._report = _Report(f"{slug}: download", tell)
        self._lock = ExitStack()
        self.furthest = 0  # bytes from the start of the file that this process has come to

    def __enter__(self) -> Download:
        if self.is_done:
            return self
        with ExitStack() as undo, on_disk(self._target):
            undo.callback(self._lock.close)  # a `with` that was not entered is not left either
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._wait_for_lock()
            self._part = Part(self._target, self._slug)
            if self.is_done:
                self._part.forget()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    @property
    def is_done(self) -> bool:
        return self._target.is_file()

    def fetch(self, source: str | requests.Response) -> None:
        """Get the rest, in one try, from a URL or a response without account.

        Raises NoNetwork or ServerTrouble if the try failed; the next goes on from there.
        """
        if isinstance(source, requests.Response):
            return self._receive(source, source.url)
        headers = {}
        if here := self._part.here:
            headers = {"Range": f"bytes={here}-", "If-Range": self._part.validator}
        with storage_session() as session, _translated(source):
            response = session.get(source, headers=headers, stream=True, timeout=TIMEOUTS)
            self._receive(response, source)

    def _receive(self, response: requests.Response, url: str) -> None:
        with response, _translated(url), _interruptible(response, self._cancelled):
            offset = self._offset(response)
            self._report.start(offset, self._part.size)
            with self._part.open_at(offset) as file:
                offset = self._copy(response, file, offset)
        stop_if(self._cancelled)  # which looks like the end of a body of unknown length
        if self._part.size is not None and offset != self._part.size:
            raise NoNetwork(host_of(url), "the connection was lost")
        self._part.finish()
        self._report.end(offset)

    def _copy(self, response: requests.Response, file: BinaryIO, offset: int) -> int:
        """Write the body; where it ends."""
        for chunk in response.iter_content(_CHUNK):
            stop_if(self._cancelled)
            with on_disk(self._target):
                file.write(chunk)
            offset += len(chunk)
            self.furthest = max(self.furthest, offset)
            self._report.more(offset)
        return offset

    def _offset(self, response: requests.Response) -> int:
        """Where the body begins in the file: at 0, or where we had asked it to."""
        if response.status_code == 206 and self._continues(response):
            return self._part.here
        if response.status_code == 200:
            if "text/html" in response.headers.get("Content-Type", ""):
                raise not_understood(host_of(response.url))
            self._part.begin(*_identity(response))
            return 0
        if response.status_code != 416:
            response.raise_for_status()
        # another part than the one asked for, or none
        self._part.begin(None, None)
        host = host_of(response.url)
        raise ServerTrouble(f"{host} did not go on where the download had stopped")

    def _continues(self, response: requests.Response) -> bool:
        here, size = self._part.here, self._part.size
        given = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        validator, _ = _identity(response)
        return (
            here > 0
            and given is not None
            and (int(given[1]), int(given[2])) == (here, size)
            and validator in (None, self._part.validator)
        )

    def _wait_for_lock(self) -> None:
        lock = self._target.with_name(f".{self._target.name}.lock")
        while True:
            try:
                self._lock.enter_context(locked(lock, wait=False))
                return
            except BlockingIOError:
                pause(0.2, self._cancelled)


class _Report:
    """Tells how far it is, ten times a second at most."""

    def __init__(self, what: str, tell: Tell) -> None:
        self._what, self._tell = what, tell
        self._total: int | None = None
        self._last = 0.0

    def start(self, done: int, total: int | None) -> None:
        self._total = total
        self._tell(Progress(self._what, done, total))

    def more(self, done: int) -> None:
        if done != self._total and time.monotonic() - self._last > _TELL:
            self._last = time.monotonic()
            self._tell(Progress(self._what, done, self._total))

    def end(self, done: int) -> None:
        self._tell(Progress(self._what, done, done))


def _identity(response: requests.Response) -> tuple[str | None, int | None]:
    """What tells this file from others, fit for If-Range, and its length."""
    headers = response.headers
    if headers.get("Content-Encoding", "identity") != "identity":
        return None, None  # the length is that of something else
    tag = headers.get("ETag")
    validator = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")
    length = headers.get("Content-Length", "")
    return validator, int(length) if length.isdigit() else None


@contextmanager
def _translated(url: str) -> Iterator[None]:
    trouble: KaggleError
    try:
        yield
        return
    except requests.RequestException as error:
        trouble = trouble_of(error, url, signed=True)
    raise trouble from None  # the cause names the signed address


@contextmanager
def _interruptible(response: requests.Response, cancelled: threading.Event) -> Iterator[None]:
    """End a read that waits for bytes soon after `cancelled` is set, not after its timeout."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            if cancelled.is_set():
                with suppress(ValueError, RuntimeError, OSError):  # it has ended by itself
                    response.raw.shutdown()
                return

    watcher = threading.Thread(target=watch, name="kaggle-download-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
