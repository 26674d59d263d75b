"""How long `redux-tui --help` takes, side by side with a command of click alone. Whole processes.

Run: python tests/bench/help_time.py [RUNS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

CLICK_ALONE = "import click\n@click.command()\ndef cli():\n    'Nothing.'\ncli(['--help'])\n"
LIMIT = 0.4  # seconds, what we promise


def seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    ours, theirs = [], []
    seconds([sys.executable, "-m", "redux_tui", "--help"])  # caches warm
    for _ in range(runs):  # in turn, so that a noisy moment meets both
        ours.append(seconds([sys.executable, "-m", "redux_tui", "--help"]))
        theirs.append(seconds([sys.executable, "-c", CLICK_ALONE]))
    us, click = statistics.median(ours), statistics.median(theirs)
    print(f"redux-tui --help: median {us * 1000:.0f} ms of {runs} (limit {LIMIT * 1000:.0f} ms)")
    print(f"click alone:      median {click * 1000:.0f} ms; ratio {us / click:.2f}")


if __name__ == "__main__":
    main()
