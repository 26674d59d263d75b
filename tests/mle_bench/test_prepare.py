"""A dataset is prepared whole or not at all, once, and again when what made it changed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from redux_tui.bench.prepare import is_prepared, prepare, public_dir
from redux_tui.catalog import Catalog
from redux_tui.models import Competition, InfrastructureError
from tests.support.world import PREPARE, World


def competition_of(world: World) -> Competition:
    return Catalog(world.settings.content_dirs).competition("toy")


async def test_the_description_lies_with_the_public_data_and_answers_apart(world: World) -> None:
    toy, data = competition_of(world), world.settings.data_dir
    said: list[str] = []
    await prepare(toy, data, said.append)
    assert is_prepared(toy, data)
    assert "preparing toy" in said
    names = sorted(file.name for file in public_dir(toy, data).iterdir())
    assert names == ["description.md", "sample_submission.csv", "test.csv", "train.csv"]
    assert (data / "toy/prepared/private").stat().st_mode & 0o077 == 0


async def test_it_is_done_once_and_again_when_its_source_changed(world: World) -> None:
    toy, data = competition_of(world), world.settings.data_dir
    said: list[str] = []
    await asyncio.gather(*(prepare(toy, data, said.append) for _ in range(3)))
    assert said.count("preparing toy") == 1
    world.competition(prepare=PREPARE.replace("preparing toy", "preparing anew"))
    assert not is_prepared(toy, data)
    await prepare(toy, data, said.append)
    assert said.count("preparing anew") == 1


async def test_data_prepared_by_mle_bench_itself_is_taken_as_it_is(world: World) -> None:
    toy, data = competition_of(world), world.settings.data_dir
    for name in (toy.answers, toy.sample_submission):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("id,y\n")
    assert is_prepared(toy, data)


async def test_a_failure_names_the_last_words_and_leaves_nothing(world: World) -> None:
    world.competition(prepare=PREPARE + "    raise ValueError('the zip is torn')\n")
    toy, data = competition_of(world), world.settings.data_dir
    with pytest.raises(InfrastructureError, match="the zip is torn"):
        await prepare(toy, data, print)
    assert not is_prepared(toy, data)
    assert [file.name for file in (data / "toy").iterdir()] == [".prepare.lock"]


async def test_one_that_hangs_is_stopped(world: World) -> None:
    world.competition(prepare="import time\ndef prepare(*_): time.sleep(60)\n")
    with pytest.raises(InfrastructureError, match="longer than 1 s"):
        await prepare(competition_of(world), world.settings.data_dir, print, timeout=1)


async def test_killed_halfway_it_is_not_taken_for_prepared_and_goes_on_next_time(
    world: World,
) -> None:
    slow = (
        PREPARE + f"    open({str(world.root / 'half')!r}, 'w')\n    import time; time.sleep(60)\n"
    )
    world.competition(prepare=slow)
    command = [sys.executable, "-m", "redux_tui", "--config", str(world.config)]
    process = await asyncio.create_subprocess_exec(
        *command, "prepare", "-c", "toy", start_new_session=True
    )
    async with asyncio.timeout(60):
        while not (world.root / "half").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    toy, data = competition_of(world), world.settings.data_dir
    assert not is_prepared(toy, data)
    world.competition()
    await prepare(toy, data, print)
    assert is_prepared(toy, data)
    assert not list(Path(data / "toy").glob(".prepared-*"))


async def test_too_small_a_disk_is_said_before_starting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs("/")
    values = list(real)
    values[4] = 0  # f_bavail
    monkeypatch.setattr("os.statvfs", lambda _: os.statvfs_result(values))
    with pytest.raises(InfrastructureError, match="Free some space"):
        await prepare(competition_of(world), world.settings.data_dir, print)
