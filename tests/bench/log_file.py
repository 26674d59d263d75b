"""A log of many lines: until its end can be read, until it is indexed, beside `wc -l` of the same.

Run: python tests/bench/log_file.py [MEGABYTES]
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from redux_tui.logs.file import LogFile

LINE = b"2026-11-21 13:48:25 INFO epoch %07d loss 0.123456 val 0.98765 and some more text to read\n"
RUNS = 3


def write_log(path: Path, megabytes: int) -> None:
    with path.open("wb") as file:
        for start in range(0, megabytes * 1_000_000 // len(LINE), 10_000):
            file.write(b"".join(LINE % number for number in range(start, start + 10_000)))


def measure(path: Path) -> tuple[float, float, float]:
    """Seconds until the end can be read, until all is indexed, and to read 50 lines anywhere."""
    begin = time.perf_counter()
    log = LogFile(path)
    log.refresh()
    log.lines(log.end - 50, 50)
    first = time.perf_counter() - begin
    while not log.is_complete:
        log.refresh()
    indexed = time.perf_counter() - begin
    begin = time.perf_counter()
    for number in range(100):
        log.lines(log.first + number * log.line_count // 101, 50)
    return first, indexed, (time.perf_counter() - begin) / 100


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "container.log"
        write_log(path, megabytes)
        ours, wc = [], []
        for _ in range(RUNS):
            ours.append(measure(path))
            begin = time.perf_counter()
            subprocess.run(["wc", "-l", path], check=True, stdout=subprocess.DEVNULL)
            wc.append(time.perf_counter() - begin)
    first, indexed, reading = (statistics.median(each) for each in zip(*ours, strict=True))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{megabytes} MB: end readable after {first * 1000:.1f} ms (medians of {RUNS})")
    print(f"indexed after {indexed:.2f} s; `wc -l` takes {statistics.median(wc):.2f} s")
    print(f"50 lines anywhere: {reading * 1000:.2f} ms; peak memory {memory:.0f} MiB")


if __name__ == "__main__":
    main()
