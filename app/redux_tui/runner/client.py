"""What the dashboard and the command line call: launch a group, ask its supervisor, rerun."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from redux_tui.bench.progress import Say, quiet
from redux_tui.config import Settings
from redux_tui.models import ReduxError, Request, Run
from redux_tui.runner.control import MAX_MESSAGE
from redux_tui.runner.group import BUSY, SUPERVISOR_LOG, Group, create_group
from redux_tui.runner.preflight import preflight

_START_SECONDS = 30.0
_ANSWER_SECONDS = 15.0


async def launch(settings: Settings, request: Request, say: Say = quiet) -> Group:
    """Make a run group of `request` and start its supervisor, which outlives this process.

    `say` gets what will stop some of its runs. Raises ReduxError for what would stop them all
    (names that don't exist, no engine, a disk too small for the data, no credentials for what
    must be downloaded), and if the supervisor can't start, with what it said.
    """
    for warning in await asyncio.to_thread(preflight, settings, request):
        say(warning)
    group = Group(create_group(settings, request))
    await resume(group)
    return group


async def rerun(group: Group, runs: Iterable[Run]) -> None:
    """Add an attempt to each of `runs`; a supervisor is started if none lives."""
    wanted = [{"competition": r.competition, "task": r.task, "seed": r.seed} for r in runs]
    if not wanted:
        return
    await _ask_or_start(group, {"command": "rerun", "runs": wanted})


async def resume(group: Group) -> None:
    """Start a supervisor for a group that has lost its own; does nothing if one lives."""
    deadline = time.monotonic() + _START_SECONDS
    while not group.is_alive and not await _start_supervisor(group):
        if time.monotonic() > deadline:
            raise ReduxError(f"No supervisor could be started for {group.name}. Try again.")
        await asyncio.sleep(0.2)


async def cancel(group: Group, attempt: str | None = None) -> None:
    """Cancel one attempt, or all that are not finished. What they submitted is still graded."""
    await _ask_or_start(group, {"command": "cancel", "attempt": attempt})


async def ask(group: Group, message: dict[str, Any]) -> dict[str, Any]:
    """Send one message to the group's supervisor and return its answer.

    Raises ConnectionError if no supervisor listens, ReduxError if it refuses.
    """
    group.refresh()
    if not group.state.socket or not group.is_alive:
        raise ConnectionError("no supervisor lives")
    reader, writer = await asyncio.open_unix_connection(group.state.socket, limit=MAX_MESSAGE)
    try:
        writer.write(json.dumps(message).encode() + b"\n")
        await writer.drain()
        line = await asyncio.wait_for(reader.readline(), _ANSWER_SECONDS)
    except TimeoutError:
        raise ReduxError(
            f"The supervisor of {group.name} (process {group.state.supervisor}) does not answer. Is"
            " it stopped, or the machine overloaded? Try again in a moment."
        ) from None
    finally:
        writer.close()
    if not line:
        raise ConnectionError("the supervisor went away")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise ReduxError(answer["error"])
    return answer


async def _ask_or_start(group: Group, message: dict[str, Any]) -> None:
    """Ask the supervisor; where none lives, or it is just leaving, start one that is told so."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            await ask(group, message)
            return
        except (ConnectionError, FileNotFoundError):
            pass  # as the docstring says: the next lines are the answer to that
        if not group.is_alive and await _start_supervisor(group, message):
            return
        await asyncio.sleep(0.05)
    raise ReduxError(f"The supervisor of {group.name} does not answer. Try again in a moment.")


async def _start_supervisor(group: Group, message: dict[str, Any] | None = None) -> bool:
    """Start one, detached: a session of its own. False if another client was quicker.

    Raises ReduxError, with what it said, if it can't start.
    """
    command = [sys.executable, "-m", "redux_tui", "run", "--adopt", str(group.folder)]
    if message is not None:
        command.append("--ask")
    before = group.state.supervisors
    with (group.folder / SUPERVISOR_LOG).open("ab") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - it outlives us, so asyncio must not own it
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:  # it says why by itself
        stdin.write(json.dumps(message).encode())
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        group.refresh()
        if group.state.supervisors > before and group.state.supervisor == process.pid:
            return True
        if process.poll() == BUSY:
            return False
        if process.poll() is not None:
            raise ReduxError(_why_it_failed(group.folder))
        await asyncio.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    raise ReduxError(f"The supervisor did not start within {_START_SECONDS:.0f} s.")


def _why_it_failed(folder: Path) -> str:
    lines = (folder / SUPERVISOR_LOG).read_text(errors="replace").strip().splitlines()
    last = lines[-1].removeprefix("Error: ") if lines else "It printed nothing."
    return f"The supervisor of {folder.name} could not start. {last}"
