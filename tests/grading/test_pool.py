"""Several workers: more only where that pays, and one that dies takes no other with it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from redux_tui.bench.data.prepare import prepare
from redux_tui.catalog import Catalog
from redux_tui.grading import graders as module
from redux_tui.grading import pool
from redux_tui.grading.graders import Graders
from redux_tui.models import Competition, InfrastructureError
from tests.support.world import World

# the score is the process that graded; a value of 9 kills it
SOURCE = """\
import os, time
def grade(s, a):
    if s["y"][0] == 9:
        os._exit(9)
    time.sleep(float(s["y"][1]))
    return os.getpid()
"""


async def _world(world: World, seconds: float = 0.0) -> Competition:
    world.competition(grade=SOURCE)
    (world.root / "s.csv").write_text(f"id,y\n3,1\n4,{seconds}\n")
    (world.root / "deadly.csv").write_text("id,y\n3,9\n4,0\n")
    competition = Catalog.of(world.settings).competition("toy")
    await prepare(competition, world.settings, print)
    return competition


async def _grade_all(
    graders: Graders, competition: Competition, root: Path, count: int
) -> set[float]:
    names = ["s.csv"] * count
    grades = await asyncio.gather(*(graders.grade(competition, root, name) for name in names))
    return {grade.score for grade in grades if grade.score is not None}


async def test_small_submissions_share_the_worker_that_is_warm(world: World) -> None:
    competition = await _world(world)
    graders = Graders(world.settings, workers=4)
    assert len(await _grade_all(graders, competition, world.root, 20)) == 1
    await graders.close()


async def test_big_submissions_are_graded_at_the_same_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_BIG", 10)
    competition = await _world(world, seconds=0.3)
    graders = Graders(world.settings, workers=2)
    assert len(await _grade_all(graders, competition, world.root, 6)) == 2
    await graders.close()


async def test_slow_graders_get_more_workers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_PATIENCE", 0.2)
    competition = await _world(world, seconds=0.3)
    graders = Graders(world.settings, workers=2)
    assert len(await _grade_all(graders, competition, world.root, 6)) == 2
    await graders.close()


async def test_a_worker_that_dies_fails_its_own_submission_only(world: World) -> None:
    competition = await _world(world)
    graders = Graders(world.settings, workers=2)
    names = ["s.csv", "deadly.csv", "s.csv", "deadly.csv", "s.csv"]
    grades = (graders.grade(competition, world.root, name) for name in names)
    found = await asyncio.gather(*grades, return_exceptions=True)
    failed = [isinstance(each, InfrastructureError) for each in found]
    assert failed == [False, True, False, True, False]
    assert "died (exit code 9)" in str(found[1])
    await graders.close()


async def test_one_that_is_given_up_keeps_no_worker(world: World) -> None:
    competition = await _world(world, seconds=30)
    graders = Graders(world.settings)
    given_up = [asyncio.create_task(graders.grade(competition, world.root, "s.csv")) for _ in "ab"]
    await asyncio.sleep(0.5)
    for task in given_up:
        task.cancel()
    await asyncio.wait(given_up)
    (world.root / "s.csv").write_text("id,y\n3,1\n4,0\n")
    assert (await graders.grade(competition, world.root, "s.csv")).score
    await graders.close()


async def test_started_early_the_same_worker_grades(world: World) -> None:
    competition = await _world(world)
    graders = Graders(world.settings)
    await graders.start(mle_bench=False)
    assert (await graders.grade(competition, world.root, "s.csv")).score
    await graders.close()


def test_workers_share_the_memory() -> None:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert module._memory_share(1) < total
    assert module._memory_share(2) >= min(module._memory_share(1) // 2, 4 << 30)
    assert module._memory_share(1000) == min(4 << 30, module._memory_share(1))
