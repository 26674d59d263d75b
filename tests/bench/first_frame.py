"""Seconds until the first painted frame in a real terminal: the dashboard and an empty Textual app.

Run: PYTHONPATH=app python tests/bench/first_frame.py [runs]
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

EMPTY = """
from textual.app import App
class Empty(App):
    pass
Empty().run()
"""
DASHBOARD = """
from redux_tui.ui.app import run_dashboard
run_dashboard(None, False)
"""
_FRAME = b"\x1b[1;1H"  # the first frame begins by going to the upper left corner


def first_frame(code: str, environment: dict[str, str]) -> float:
    """Start `python -c code` on a pseudo-terminal of 80 x 24; the seconds until it paints."""
    begin = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(sys.executable, [sys.executable, "-c", code], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        seen = b""
        while not _is_painted(seen):
            ready, _, _ = select.select([terminal], [], [], 20)
            if not ready:
                raise TimeoutError(f"nothing was painted: {seen[-500:]!r}")
            seen += os.read(terminal, 65536)
        return time.perf_counter() - begin
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def _is_painted(seen: bytes) -> bool:
    """Whether a frame came whole: from its beginning to the end of the synchronised update."""
    start = seen.find(_FRAME)
    return start >= 0 and len(seen) - start > 200


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    times: dict[str, list[float]] = {"empty Textual app": [], "redux-tui": []}
    with tempfile.TemporaryDirectory() as folder:
        names = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
        places = dict.fromkeys(names, folder)
        app = str(Path(__file__).resolve().parents[2] / "app")
        environment = {**os.environ, **places, "TERM": "xterm-256color", "PYTHONPATH": app}
        for _ in range(runs):  # in turn, so that a busy machine slows both
            times["empty Textual app"].append(first_frame(EMPTY, environment))
            times["redux-tui"].append(first_frame(DASHBOARD, environment))
    medians = {name: statistics.median(each) for name, each in times.items()}
    for name, median in medians.items():
        sys.stdout.write(f"{name:<20} {median * 1000:6.0f} ms (median of {runs})\n")
    ratio = medians["redux-tui"] / medians["empty Textual app"]
    sys.stdout.write(f"{'ratio':<20} {ratio:6.2f}\n")


if __name__ == "__main__":
    main()
