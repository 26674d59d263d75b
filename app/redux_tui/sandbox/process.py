"""The sandbox without an engine: attempts as processes of this machine, for agents one trusts.

Nothing is sealed here: the agent has our user, our files and our network. What it has not is our
environment, and it can't outlive its attempt: a shim (shim.py) watches over it, whatever becomes of
the supervisor. Numbers of CPUs and of processes are not limited; memory is, by looking 4 times a
second.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from redux_tui.files import write_atomically
from redux_tui.models import Agent, InfrastructureError, SandboxKind
from redux_tui.sandbox import inside, leftovers, shim
from redux_tui.sandbox.outputs import remove_tree, take_back
from redux_tui.sandbox.packages import prepare
from redux_tui.sandbox.protocol import PORTS, Exit, Handle, Image, Launch, Layout, Say

STATE, STOP, LOCK = "process.json", "process.stop", "process.lock"
SOCKET = "REDUX_VALIDATE_SOCKET"  # tells validate_submission.sh; containers have it in its place
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
POLL = 0.1
P = ParamSpec("P")
T = TypeVar("T")
START_TIMEOUT = 60.0
KILL_TIMEOUT = 30.0


class ProcessSandbox:
    """Implements the Sandbox protocol with a shim process for each attempt."""

    kind = SandboxKind.PROCESS

    def __init__(self) -> None:
        self._shims: dict[int, subprocess.Popen[bytes]] = {}

    def layout(self, agent: Agent, folder: Path, data: Path) -> Layout:
        folder = folder.absolute()
        return Layout(
            data=str(inside.data_seen(folder, data.absolute())),
            submission=str(folder / "submission"),
            code=str(folder / "code"),
            logs=str(folder / "logs"),
            agent=str(agent.folder.absolute()),
            instructions=str(folder / "instructions.txt"),
            validate=str(folder / inside.VALIDATE),
        )

    async def prepare(self, agent: Agent, say: Say) -> Image:
        return await _in_thread(prepare, agent, say)

    async def start(self, launch: Launch, image: Image) -> Handle:
        return await _in_thread(self._start, launch)

    async def wait(self, handle: Handle) -> Exit:
        state = Path(str(handle["folder"])) / STATE
        while True:
            alive = self._alive(handle)  # first this, then the state: it is written last
            ended = _exit(state)
            if ended is not None:
                return ended
            if not alive:
                await _in_thread(leftovers.kill, str(handle["attempt"]))
                return Exit(
                    None,
                    lost="The process that watched over the attempt is gone (killed, or the machine"
                    " was restarted), so how the attempt ended is not known.",
                )
            await asyncio.sleep(POLL)

    async def stop(self, handle: Handle, grace: float) -> None:
        folder = Path(str(handle["folder"]))
        if not self._alive(handle) or _exit(folder / STATE) is not None:
            return
        await _in_thread(write_atomically, folder / STOP, str(grace))
        deadline = time.monotonic() + grace + KILL_TIMEOUT
        while self._alive(handle) and _exit(folder / STATE) is None:
            if time.monotonic() > deadline:
                raise InfrastructureError(
                    f"The attempt in {folder} was killed but does not end: a process of it hangs in"
                    " the kernel (a disk or GPU that does not answer?). Process"
                    f" {handle['pid']} watches over it."
                )
            await asyncio.sleep(POLL)

    async def collect(self, handle: Handle, folder: Path) -> None:
        await _in_thread(_collect, str(handle["attempt"]), folder.absolute())
        self._shims.pop(int(handle["pid"]), None)

    async def close(self) -> None:
        """Nothing to let go of; shims go on by themselves."""

    def _start(self, launch: Launch) -> Handle:
        folder = launch.folder.absolute()
        if _read(folder / STATE) is None:  # else we died before we could note that it runs
            process = self._spawn_shim(launch, folder)
            deadline = time.monotonic() + START_TIMEOUT
            while (state := _read(folder / STATE)) is None:
                if process.poll() not in (None, 0) or time.monotonic() > deadline:
                    raise InfrastructureError(
                        f"The process that watches over the attempt in {folder} did not start"
                        f" (exit code {process.returncode}). Try again; is the machine overloaded?"
                    )
                time.sleep(0.01)
            self._shims[process.pid] = process
        state = _read(folder / STATE) or {}
        if "pid" not in state:
            _collect(launch.attempt, folder)
            (folder / STATE).unlink()  # so that it can be tried again
            raise InfrastructureError(
                f"The attempt in {folder} could not be started: {state.get('failed')}."
            )
        return {
            "pid": state["pid"],
            "started": state["started"],
            "folder": str(folder),
            "attempt": launch.attempt,
        }

    def _spawn_shim(self, launch: Launch, folder: Path) -> subprocess.Popen[bytes]:
        for name in ("home", "tmp"):
            (folder / name).mkdir(exist_ok=True)
        inside.place(folder, inside.VALIDATE)
        inside.link_data(folder, launch.data.absolute())
        shell = shutil.which("bash", path=SYSTEM_PATH) or "/bin/sh"  # MLE-bench uses bash too
        start = launch.agent.folder.absolute() / launch.agent.start
        spec = {
            "command": [shell, str(start), *launch.agent.arguments],
            "cwd": str(folder / "code"),
            "environment": self._environment(launch, folder),
            "log": str(folder / "container.log"),
            "state": str(folder / STATE),
            "stop": str(folder / STOP),
            "lock": str(folder / LOCK),
            "memory": launch.limits.memory,
        }
        descriptor, path = tempfile.mkstemp(dir=folder, prefix=".process-spec.")
        with os.fdopen(descriptor, "w") as file:
            json.dump(spec, file)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(shim.__file__)), path],
            cwd="/",
            env={},  # a process's environment can be read by all of its user
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _environment(self, launch: Launch, folder: Path) -> Mapping[str, str]:
        layout = self.layout(launch.agent, folder, launch.data)
        gpus = {"CUDA_VISIBLE_DEVICES": ",".join(launch.gpus)} if launch.gpus else {}
        checker = {SOCKET: str(launch.services / PORTS[5000])} if launch.services else {}
        return {
            "PATH": f"{Path(sys.executable).parent}:{SYSTEM_PATH}",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "HOME": str(folder / "home"),
            "TMPDIR": str(_short_link(folder)),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",  # AGENT_DIR is the agent's own folder here
            **gpus,
            **checker,
            **layout.variables(),
            **launch.environment,
            leftovers.MARK: launch.attempt,
        }

    def _alive(self, handle: Handle) -> bool:
        process = self._shims.get(int(handle["pid"]))
        if process is not None:
            process.poll()  # reap it, if it is ours
        return shim.start_time(int(handle["pid"])) == handle["started"] != ""


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """For what reads and writes files; a file that can't be had is infrastructure's failure."""
    try:
        return await asyncio.to_thread(function, *args, **kwargs)
    except OSError as error:
        raise InfrastructureError(
            f"A file of an attempt could not be read or written: {error}. See that the disk has"
            " space and that the folder is yours."
        ) from error


def _short_link(folder: Path) -> Path:
    """A short name for the attempt's tmp: multiprocessing puts sockets there, and the path of a
    socket may have 108 bytes only."""
    target = folder / "tmp"
    key = hashlib.sha256(os.fsencode(target)).hexdigest()[:12]
    link = Path(tempfile.gettempdir()) / f"redux-{key}"
    try:
        link.symlink_to(target)
    except FileExistsError:
        if (
            not link.is_symlink()
            or link.readlink() != target
            or link.lstat().st_uid != os.geteuid()
        ):
            return target
    return link


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return value


def _exit(path: Path) -> Exit | None:
    state = _read(path) or {}
    if "failed" in state:
        return Exit(None, lost=f"The process that watched over the attempt: {state['failed']}.")
    if "exit_code" not in state:
        return None
    if state["exit_code"] is None:
        return Exit(None, lost="The attempt was killed, but a process of it hangs in the kernel.")
    return Exit(
        exit_code=state["exit_code"],
        out_of_memory=state["out_of_memory"],
        cpu_seconds=state["cpu_seconds"],
        peak_memory=state["peak_memory"],
    )


def _collect(attempt: str, folder: Path) -> None:
    leftovers.kill(attempt)
    inside.remove(folder)
    take_back(folder)
    link = _short_link(folder)
    if link.is_symlink():
        link.unlink()
    for name in ("home", "tmp", inside.DATA):
        remove_tree(folder / name)
    for name in (STOP, LOCK):
        (folder / name).unlink(missing_ok=True)
    for spec in folder.glob(".process-spec.*"):
        spec.unlink()
