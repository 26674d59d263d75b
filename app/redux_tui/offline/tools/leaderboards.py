"""Computes house leaderboards: `python -m redux_tui.offline.tools.leaderboards [ID ...]`."""

import argparse
import csv
import importlib
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from redux_tui.offline import loading
from redux_tui.offline.tools.reference.board import Array, Board

if TYPE_CHECKING:
    from redux_tui.offline.tools.reference.evaluate import Problem

MODULES = {
    "bike-demand": "bikes",
    "caravan-insurance": "caravan",
    "diamond-prices": "diamonds",
    "optical-digits": "digits",
    "review-sentiment": "reviews",
    "seattle-weather": "weather",
    "titanic-survival": "titanic",
}


def main(arguments: list[str] | None = None) -> int:
    """Compute the leaderboards of the named competitions, or of all; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("competitions", nargs="*", metavar="ID", help="default: all of them")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default: 2)")
    parser.add_argument("--to", type=Path, help="write <ID>.csv into this folder instead")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.competitions) - set(MODULES))
    if unknown:
        parser.error(f"{', '.join(unknown)}: not one of {', '.join(MODULES)}.")
    _quieten()
    with tempfile.TemporaryDirectory() as temporary:
        for competition in options.competitions or MODULES:
            began = time.monotonic()
            loading.prepare_into(competition, Path(temporary))
            rows = compute(competition, Path(temporary), options.jobs)
            folder = options.to or loading.OFFLINE / competition
            name = f"{competition}.csv" if options.to else "leaderboard.csv"
            write(rows, folder / name)
            seconds = time.monotonic() - began
            click.echo(
                f"{competition}: {len(rows)} rows in {seconds:.0f} s, {rows[0]} to {rows[-1]}"
            )
    return 0


def compute(competition: str, folder: Path, jobs: int) -> list[tuple[str, float]]:
    """Return (pipeline, test score), best first. Nothing is chosen by the test scores."""
    from redux_tui.offline.tools.reference.combine import combinations
    from redux_tui.offline.tools.reference.evaluate import load_problem

    board = load_board(competition)
    problem = load_problem(competition, board, folder)
    answers: list[Array] = []
    held_out: list[Array] = []
    scores: list[tuple[str, float]] = []
    for number, (answer, held) in enumerate(_run_all(competition, folder, jobs)):
        scores.append((board.entries[number].name, problem.test_score(answer)))
        if held is not None:
            answers.append(answer)
            held_out.append(held)
    scores += [
        (name, problem.test_score(answer))
        for name, answer in combinations(problem, answers, held_out)
    ]
    rounded = [(name, round(score, 5)) for name, score in scores]
    sign = -1 if board.higher_is_better else 1
    return sorted(rounded, key=lambda row: (sign * row[1], row[0]))


def write(rows: list[tuple[str, float]], path: Path) -> None:
    """Write the leaderboard."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["rank", "teamName", "score"])
        for rank, (name, score) in enumerate(rows, start=1):
            writer.writerow([rank, name, f"{score:.5f}"])


def load_board(competition: str) -> Board:
    """Return the competition's board."""
    module = importlib.import_module(
        f"redux_tui.offline.tools.reference.boards.{MODULES[competition]}"
    )
    board: Board = module.board()
    names = [entry.name for entry in board.entries]
    if len(set(names)) != len(names):
        raise ValueError(f"Some entries of {competition} have the same name.")
    return board


def _run_all(competition: str, folder: Path, jobs: int) -> Iterator[tuple[Array, Array | None]]:
    # Several threads in several processes on the same cores are many times slower than one each.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    count = len(load_board(competition).entries)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_quieten) as pool:
        yield from pool.map(_run_one, [(competition, folder, place) for place in range(count)])


def _quieten() -> None:
    # That a solver stopped early is part of a pipeline, not news.
    warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")


def _run_one(work: tuple[str, Path, int]) -> tuple[Array, Array | None]:
    from redux_tui.offline.tools.reference.evaluate import run, slug

    competition, folder, place = work
    problem = _problem(competition, folder)
    entry = problem.board.entries[place]
    began = time.monotonic()
    found = run(problem, entry)
    seconds = time.monotonic() - began
    if seconds > 5:
        click.echo(f"{competition}: {slug(entry.name)} took {seconds:.0f} s", err=True)
    return found


@lru_cache(maxsize=1)
def _problem(competition: str, folder: Path) -> "Problem":
    from redux_tui.offline.tools.reference.evaluate import load_problem

    return load_problem(competition, load_board(competition), folder)


if __name__ == "__main__":
    sys.exit(main())
