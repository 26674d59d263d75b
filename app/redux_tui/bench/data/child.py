"""Run a prepare function in a child process: streamed, limited in time, gone with its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from redux_tui.bench.data.place import is_downloaded
from redux_tui.bench.output import Lines
from redux_tui.bench.progress import Say
from redux_tui.models import Competition, InfrastructureError

_CHILD = Path(__file__).with_name("prepare_child.py")
_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")  # would lead another interpreter astray


class UnpreparedError(InfrastructureError):
    """The prepare function can't make of the raw files what it should: they may be damaged."""


@dataclass(frozen=True, slots=True)
class Folders:
    """What a prepare function gets."""

    raw: Path
    public: Path
    private: Path


async def run_prepare_fn(
    competition: Competition,
    python: Path | None,
    folders: Folders,
    lock: int,
    say: Say,
    timeout: float,
) -> None:
    """Run it in `python` (MLE-bench's environment; None: ours), saying what it prints.

    The child holds `lock`, too, as long as any process of it lives. Raises UnpreparedError
    with the last that it printed, InfrastructureError if it was stopped.
    """
    with tempfile.TemporaryDirectory(prefix="redux-tui-prepare-") as scratch:
        # MLE-bench makes ./cache; a bundled competition's code must not depend on where it runs
        process = await asyncio.create_subprocess_exec(
            *_command(competition, python, folders),
            cwd=scratch,
            env=_environment(competition, python),
            stdin=asyncio.subprocess.PIPE,  # held open: its end is the child's
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=(lock,),
            start_new_session=True,
        )
        last = ""
        try:
            async with asyncio.timeout(timeout):
                async for line in _lines(process):
                    last = line.strip() or last
                    say(line)
                code = await process.wait()
        except TimeoutError:
            raise InfrastructureError(
                f"Preparing {competition.id} took longer than {timeout:.0f} s and was stopped."
            ) from None
        finally:
            await _kill_group(process)
    if code != 0 and "No space left on device" in last:
        raise InfrastructureError(
            f"The disk became full while {competition.id} was prepared in {folders.public.parent}:"
            f" {last}. Free some space, or set data_dir in the config to another disk."
        )
    if code != 0:
        kind = UnpreparedError if code > 0 else InfrastructureError
        raise kind(f"Preparing {competition.id} failed {_with(code)}: {last or 'no output'}")


def _command(competition: Competition, python: Path | None, folders: Folders) -> list[str]:
    place = [str(competition.folder)]
    if is_downloaded(competition):
        place = ["--clone", str(competition.repo)]
    # -P: the child's own folder is no place to import from
    command = [str(python or sys.executable), "-P", str(_CHILD), *place, competition.prepare_fn]
    return [*command, *map(str, (folders.raw, folders.public, folders.private))]


def _environment(competition: Competition, python: Path | None) -> dict[str, str]:
    environment = dict(os.environ)
    if python is not None:
        environment = {key: value for key, value in environment.items() if key not in _FOREIGN}
        environment["PYTHONPATH"] = str(competition.repo)  # a user's may import mlebench, too
    # no .pyc into the clone; what is printed is shown as it is printed
    return {**environment, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    assert process.stdout is not None
    lines = Lines()
    while chunk := await process.stdout.read(1 << 16):
        for line in lines.feed(chunk):
            yield line
    for line in lines.end():
        yield line


async def _kill_group(process: asyncio.subprocess.Process) -> None:
    """Its own children, too, which may outlive it."""
    with suppress(ProcessLookupError, PermissionError):  # all of it has ended (Linux, macOS)
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _with(code: int) -> str:
    if code == -signal.SIGKILL:
        return "because it was killed, most likely for want of memory"
    return f"with signal {-code}" if code < 0 else f"with exit code {code}"
