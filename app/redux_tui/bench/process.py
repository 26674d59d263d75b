"""Children that clone and install: streamed, one set of them at a time, gone when cancelled."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from redux_tui.bench.progress import Say

_Result = TypeVar("_Result")
_GRACE = 5.0  # seconds between asking a child to end and killing it
_SEPARATOR = re.compile(rb"[\r\n]+")
_LONGEST = 1 << 16  # bytes of a line that are kept


@asynccontextmanager
async def alone(lock: Path, say: Say, waiting: str, *, shared: bool = False) -> AsyncIterator[int]:
    """Hold the file `lock`, yielding its descriptor; who waits has `waiting` said to them.

    Many may hold it `shared` at a time, and nobody else then.
    Children that get the descriptor hold it too: when a process is killed, the next one begins
    only after what it had started has ended.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for attempt in count():
            if _taken(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
                break
            if attempt == 5:
                say(waiting)
            await asyncio.sleep(0.1)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def alone_now(lock: Path) -> Iterator[bool]:
    """Hold `lock` if nobody does; say whether."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _taken(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


async def run(
    arguments: Sequence[str | Path],
    take: Callable[[str], None],
    *,
    folder: Path,
    environment: Mapping[str, str],
    hold: int,
) -> int:
    """Run a child until it ends, giving `take` each line and each state of a progress line.

    Returns its exit code. When the task is cancelled, the child and its own children are ended
    first. `hold` is the lock's descriptor, see `alone`.
    """
    process = await asyncio.create_subprocess_exec(
        *map(str, arguments),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        pass_fds=(hold,),
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        rest = b""
        while chunk := await process.stdout.read(1 << 16):
            *whole, rest = _SEPARATOR.split(rest + chunk)
            rest = rest[-_LONGEST:]
            for line in whole:
                _take(line, take)
        _take(rest, take)
        return await process.wait()
    finally:
        await _end(process)


async def read(
    arguments: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    hold: int | None = None,
) -> tuple[int, bytes, bytes]:
    """A short child's exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        *map(str, arguments),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=() if hold is None else (hold,),
        start_new_session=True,
    )
    try:
        out, err = await process.communicate()
        return process.returncode or 0, out, err
    finally:
        await _end(process)


async def to_the_end(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Do what must not be left half done, and be cancelled only after it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # the cancellation is what happened; this is its echo
        raise


def _taken(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take(line: bytes, take: Callable[[str], None]) -> None:
    if text := line.decode(errors="replace").strip():
        take(text)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it with all of its group, kindly first: git then removes what it had begun."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _GRACE)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
