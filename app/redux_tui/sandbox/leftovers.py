"""Finds and ends processes of an attempt whose shim was killed, by a mark in their environment."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

MARK = "REDUX_ATTEMPT"


def kill(attempt: str) -> None:
    """Kill all processes that carry this attempt's mark (Linux; elsewhere none is found)."""
    deadline = time.monotonic() + 10
    while (pids := find(attempt)) and time.monotonic() < deadline:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


def find(attempt: str) -> list[int]:
    """The living processes that carry the attempt's mark."""
    mark = f"{MARK}={attempt}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes().split(b"\0"):  # a zombie's environment is empty
                found.append(int(path.parent.name))
        except OSError:
            continue  # it ended, or is another user's
    return found
