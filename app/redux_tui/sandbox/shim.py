"""Runs one attempt of the process sandbox and records how it ended: `python -I -S shim.py SPEC`.

It uses the standard library only and never imports redux_tui, so that it starts fast and does not
care what becomes of the supervisor. SPEC is a JSON file (deleted once read, for it holds the
attempt's environment) with the keys

    command, cwd, environment, log   what to run, and where all that it prints is appended
    state                            the JSON file that this process writes: first who it is, at the
                                     end also exit_code, out_of_memory, cpu_seconds, peak_memory
    stop                             a file that asks to stop; it holds the grace in seconds
    lock                             held while running, so that an attempt never runs twice
    memory                           bytes that all its processes may use together, or null
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TICK = 0.25  # seconds between two looks at memory and the stop file
DEFAULT_GRACE = 10.0  # when told to stop by a signal, as at the machine's shutdown
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LINUX = sys.platform.startswith("linux")
KERNEL_LISTS_CHILDREN = Path("/proc/thread-self/children").exists()
PAGE = os.sysconf("SC_PAGE_SIZE")


class Shim:
    """One attempt: its main process, and all that descends from it."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.stop_file = Path(spec["stop"])
        self.main = 0
        self.exit_code: int | None = None
        self.out_of_memory = False
        self.peak = 0
        self.stopping_since: float | None = None
        self.told_by_signal = False
        self.state: dict[str, Any] = {}  # what is known of the attempt; empty until it started

    def run(self) -> None:
        wakeup = _wakeup_socket(self._on_terminate)
        become_subreaper()
        self.main = self._spawn()
        pid = os.getpid()
        self.state = {"pid": pid, "started": start_time(pid), "main": self.main}
        write(self.spec["state"], self.state)
        while self._goes_on():
            self._watch_memory()
            self._obey()
            if select.select([wakeup], [], [], TICK)[0]:
                wakeup.recv(4096)
        self._kill_all()
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        if LINUX:  # what lived too briefly to be looked at; in KiB
            self.peak = max(self.peak, usage.ru_maxrss * 1024)
        self.state |= {
            "exit_code": self.exit_code,
            "out_of_memory": self.out_of_memory,
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
            "peak_memory": self.peak or None,
        }
        write_patiently(self.spec["state"], self.state)

    def _spawn(self) -> int:
        log = os.open(self.spec["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            process = subprocess.Popen(
                self.spec["command"],
                cwd=self.spec["cwd"],
                env=self.spec["environment"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent() if LINUX else None,
            )
        finally:
            os.close(log)
        process.returncode = 0  # we reap it, not this object
        return process.pid

    def _goes_on(self) -> bool:
        """Reap; whether there is still something to wait for."""
        others = self._reap()
        if self.stopping_since is not None:
            return others  # what was asked to stop has its grace, even if start.sh is gone
        return self.exit_code is None

    def _reap(self) -> bool:
        """Take note of all children that ended; whether others are left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.main:
                code = os.waitstatus_to_exitcode(status)
                self.exit_code = code if code >= 0 else 128 - code

    def _watch_memory(self) -> None:
        if not LINUX:
            return
        pids = descendants()
        used = sum(resident(pid) for pid in pids)
        limit = self.spec["memory"]
        if len(pids) > 1 and (used > self.peak * 1.02 or (limit and used > limit)):
            # forked workers share pages: their exact shares cost more to ask for, so only here
            used = sum(proportional(pid) for pid in pids)
        self.peak = max(self.peak, used)
        if limit and used > limit:
            self.out_of_memory = True
            self._kill_all()

    def _obey(self) -> None:
        """Ask all to end when told so; kill them when their grace is over."""
        try:
            grace = float(self.stop_file.read_text())
        except (FileNotFoundError, ValueError):
            if not self.told_by_signal:
                return
            grace = DEFAULT_GRACE
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
            self._signal_all(signal.SIGTERM)
        if time.monotonic() - self.stopping_since >= grace:
            self._kill_all()

    def _kill_all(self) -> None:
        """Kill until none is left; orphans become our children, so that none gets away."""
        deadline = time.monotonic() + 20  # one in uninterruptible I/O may outlast this
        while self._reap() and time.monotonic() < deadline:
            self._signal_all(signal.SIGKILL)
            time.sleep(0.01)

    def _signal_all(self, number: signal.Signals) -> None:
        if not LINUX:
            _signal(os.killpg, self.main, number)
        for pid in descendants():
            _signal(os.kill, pid, number)

    def _on_terminate(self, *_: object) -> None:
        self.told_by_signal = True


def descendants() -> list[int]:
    """All living processes that descend from this one, parents before children (Linux)."""
    found = children(os.getpid()) if LINUX else []
    for pid in found:
        found += children(pid)
    return found


def children(pid: int) -> list[int]:
    """The children of a process; what one that just ended leaves behind is soon our own child."""
    if not KERNEL_LISTS_CHILDREN:
        return [int(path.name) for path in Path("/proc").glob("[0-9]*") if parent(path) == pid]
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def resident(pid: int) -> int:
    """Bytes of memory in use, shared pages included."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def proportional(pid: int) -> int:
    """Bytes of memory in use, each shared page divided among those that share it."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return resident(pid)
    return 0


def start_time(pid: int) -> str:
    """What tells this process from a later one with the same number; "" if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        if LINUX:
            return ""
        command = ["ps", "-o", "state=,lstart=", "-p", str(pid)]
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return "" if text.startswith("Z") else " ".join(text.split()[1:])
    return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def become_subreaper() -> None:
    """Have orphans of the attempt become our children, so that a double fork is no way out."""
    if LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def write(path: str, value: dict[str, Any]) -> None:
    """Replace the file as a whole, so that a reader sees the old or the new one."""
    temporary = f"{path}.{os.getpid()}"
    with Path(temporary).open("w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


def write_patiently(path: str, value: dict[str, Any]) -> None:
    """Write even if the disk is full for a minute: how it ended is known to nobody else."""
    for _ in range(60):
        try:
            return write(path, value)
        except OSError:
            time.sleep(1)
    write(path, value)


def _die_with_parent() -> Any:
    library, parent = ctypes.CDLL(None), os.getpid()

    def in_child() -> None:
        library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(137)

    return in_child


def _signal(send: Any, pid: int, number: signal.Signals) -> None:
    # gone already; or set-uid, which only root could signal
    with contextlib.suppress(ProcessLookupError, PermissionError):
        send(pid, number)


def _wakeup_socket(on_terminate: Any) -> socket.socket:
    """A socket that is readable once a child ended or we were told to stop."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    signal.set_wakeup_fd(os.dup(writer.fileno()), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, on_terminate)
    return reader


def main() -> None:
    path = Path(sys.argv[1])
    spec = json.loads(path.read_text())
    path.unlink()
    lock = os.open(spec["lock"], os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # another shim is at it, whose supervisor died before it could note that down
    if Path(spec["state"]).exists():
        return
    shim = Shim(spec)
    try:
        shim.run()
    except Exception as error:  # noqa: BLE001  nobody sees a traceback: leave it where it is read
        failed = f"{type(error).__name__}: {error}"
        write_patiently(spec["state"], {**shim.state, "failed": failed})


if __name__ == "__main__":
    main()
