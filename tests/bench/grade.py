"""Fifty small submissions graded by redux-tui and by MLE-bench's own commands; big ones by two.

Run: python tests/bench/grade.py [CLONE PYTHON DATA_DIR COMPETITION]

PYTHON is an interpreter that has MLE-bench's requirements, DATA_DIR holds the prepared data of
COMPETITION, whose sample submission is what is graded. Without arguments: a toy MLE-bench.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.mle_bench import board, make_mle_bench

from redux_tui.bench.environment.make import ensure_environment
from redux_tui.bench.progress import ignore
from redux_tui.bench.repository.clone import find_clone
from redux_tui.catalog import Catalog
from redux_tui.config import load
from redux_tui.grading.graders import Graders
from redux_tui.models import Competition

MANY, ROWS, BIG_ROWS, BIG_FILES = 50, 870, 2_500_000, 6
RUNS = 3
SAMPLES = 3  # of fifty `grade-sample`; the rest takes as long


@dataclass(frozen=True)
class Bench:
    """What is graded, and the folder that holds the config and the submissions."""

    clone: Path
    python: Path
    data: Path
    competition: str
    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def list(self) -> Path:
        return self.folder / "submissions.jsonl"

    def set_up(self) -> None:
        keys = {"repo_dir": self.clone, "repo_python": self.python, "data_dir": self.data}
        self.config.write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))
        clone = find_clone(self.clone)
        assert clone is not None, f"{self.clone} is no clone of MLE-bench"
        ready = ensure_environment(clone, python=self.python, say=print, tell=ignore)
        asyncio.run(ready)
        sample = self.data / self.find().sample_submission
        lines = []
        for number in range(MANY):
            file = self.folder / f"{number}.csv"
            shutil.copyfile(sample, file)
            line = {"submission_path": str(file), "competition_id": self.competition}
            lines.append(json.dumps(line) + "\n")
        self.list.write_text("".join(lines))

    def find(self, name: str | None = None) -> Competition:
        return Catalog.of(load(self.config)).competition(name or self.competition)

    def mle_bench(self, *arguments: str) -> None:
        command = [str(self.python), "-m", "mlebench.cli", *arguments, "--data-dir", str(self.data)]
        _run(command, self.folder, {"PYTHONPATH": str(self.clone)})

    def redux(self, *arguments: str) -> None:
        _run([sys.executable, "-m", "redux_tui", "--config", str(self.config), *arguments])


def _run(
    command: list[str], folder: Path | None = None, more: dict[str, str] | None = None
) -> None:
    environment = {**os.environ, **(more or {})}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def toy(folder: Path) -> Bench:
    """The toy MLE-bench, with small data and big data."""
    make_mle_bench(folder)
    clone, data = folder / "mle-bench-work", folder / "data"
    leaderboard = clone / "mlebench" / "competitions" / "toy-beta" / "leaderboard.csv"
    leaderboard.write_text(board("toy-beta"))
    small = "id,price\n" + "".join(f"{n},{n * 1.1:.3f}\n" for n in range(ROWS))
    big = "id,label\n" + "".join(f"{n:09d},{n % 2}\n" for n in range(BIG_ROWS))
    for name, text in {
        "toy-beta/prepared/private/answers.csv": small,
        "toy-beta/prepared/private/sample_submission.csv": small,
        "toy-alpha/prepared/private/test.csv": big,
    }.items():
        file = data / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Bench(clone, Path(sys.executable), data, "toy-beta", folder)


def compare(bench: Bench) -> None:
    """Medians of interleaved runs: what else the machine does slows all of them."""
    sample = str(bench.folder / "0.csv")
    grade = ("grade", "--submission", str(bench.list), "--output-dir", str(bench.folder / "theirs"))
    ours = ("grade", "--submissions", str(bench.list), "--output-dir", str(bench.folder / "ours"))
    ways: dict[str, Callable[[], float]] = {
        "redux-tui grade, cold": lambda: _seconds(lambda: bench.redux(*ours)),
        "mlebench grade": lambda: _seconds(lambda: bench.mle_bench(*grade)),
        "mlebench grade-sample": lambda: _seconds(
            lambda: bench.mle_bench("grade-sample", sample, bench.competition)
        ),
        "redux-tui, warm": lambda: asyncio.run(_warm(bench)),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(RUNS):
        for name, way in ways.items():
            taken[name].append(way())
    cold, theirs, single, warm = (statistics.median(taken[name]) for name in ways)
    print(f"{MANY} submissions of {bench.competition}, seconds (medians of {RUNS})")
    print(f"  redux-tui grade --submissions, cold   {cold:7.2f}")
    print(f"  one mlebench grade                    {theirs:7.2f}  {theirs / cold:6.1f} times")
    print(
        f"  {MANY} mlebench grade-sample             {MANY * single:7.1f}"
        f"  {MANY * single / cold:6.1f} times ({single:.2f} each)"
    )
    print(f"  redux-tui, worker warm                {warm:7.3f}  {theirs / warm:6.1f} times faster")


def _seconds(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


async def _warm(bench: Bench) -> float:
    """All of them by a worker that has graded one before, as in the dashboard."""
    competition, graders = bench.find(), Graders(load(bench.config))
    await graders.grade(competition, bench.folder, "0.csv")
    begin = time.perf_counter()
    names = [f"{number}.csv" for number in range(MANY)]
    await asyncio.gather(*(graders.grade(competition, bench.folder, name) for name in names))
    seconds = time.perf_counter() - begin
    await graders.close()
    return seconds


def compare_big(bench: Bench) -> None:
    competition = bench.find("toy-alpha")
    shutil.copyfile(bench.data / competition.answers, bench.folder / "big.csv")
    size = (bench.folder / "big.csv").stat().st_size

    async def grade_all(workers: int) -> float:
        graders = Graders(load(bench.config), workers=workers)
        work = (graders.grade(competition, bench.folder, "big.csv") for _ in range(BIG_FILES))
        begin = time.perf_counter()
        await asyncio.gather(*work)
        seconds = time.perf_counter() - begin
        await graders.close()
        return seconds

    one, two = [], []
    for _ in range(RUNS):
        one.append(asyncio.run(grade_all(1)))
        two.append(asyncio.run(grade_all(2)))
    alone, together = statistics.median(one), statistics.median(two)
    print(f"{BIG_FILES} submissions of {size / 1e6:.0f} MB, cold, seconds")
    print(f"  1 worker                              {alone:7.2f}")
    print(
        f"  2 workers                             {together:7.2f}"
        f"  {alone / together:6.1f} times faster"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        toys = toy(folder)
        bench = toys
        if len(sys.argv) > 1:
            clone, python, data, name = sys.argv[1:]
            (folder / "real").mkdir()
            bench = Bench(Path(clone), Path(python), Path(data), name, folder / "real")
        bench.set_up()
        compare(bench)
        if bench is not toys:
            toys.set_up()
        compare_big(toys)


if __name__ == "__main__":
    main()
