"""A dataset is prepared whole or not at all, once, and again when what made it changed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from redux_tui.bench.data.means import Options
from redux_tui.bench.data.place import is_prepared, public_dir
from redux_tui.bench.data.prepare import prepare
from redux_tui.bench.output import Lines
from redux_tui.catalog import Catalog
from redux_tui.models import Competition, InfrastructureError
from tests.support.world import PREPARE, World


def competition_of(world: World) -> Competition:
    return Catalog(world.settings.content_dirs).competition("toy")


async def test_the_description_lies_with_the_public_data_and_answers_apart(world: World) -> None:
    toy, data = competition_of(world), world.settings.data_dir
    said: list[str] = []
    await prepare(toy, world.settings, said.append)
    assert is_prepared(toy, data)
    assert "preparing toy" in said
    names = sorted(file.name for file in public_dir(toy, data).iterdir())
    assert names == ["description.md", "sample_submission.csv", "test.csv", "train.csv"]
    assert (data / "toy/prepared/private").stat().st_mode & 0o077 == 0


async def test_it_is_done_once_and_again_when_its_source_changed(world: World) -> None:
    toy, data = competition_of(world), world.settings.data_dir
    said: list[str] = []
    await asyncio.gather(*(prepare(toy, world.settings, said.append) for _ in range(3)))
    assert said.count("preparing toy") == 1
    world.competition(prepare=PREPARE.replace("preparing toy", "preparing anew"))
    assert not is_prepared(toy, data)
    await prepare(toy, world.settings, said.append)
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
        await prepare(toy, world.settings, print)
    assert not is_prepared(toy, data)
    assert [file.name for file in (data / "toy").iterdir()] == [".prepare.lock"]


async def test_one_that_hangs_is_stopped(world: World) -> None:
    world.competition(prepare="import time\ndef prepare(*_): time.sleep(60)\n")
    with pytest.raises(InfrastructureError, match="longer than 1 s"):
        await prepare(competition_of(world), world.settings, print, options=Options(timeout=1))


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
    await prepare(toy, world.settings, print)
    assert is_prepared(toy, data)
    left = sorted(each.name for each in (data / "toy").iterdir())
    assert left == [".prepare.lock", ".use.lock", "prepared"]


async def test_too_small_a_disk_is_said_before_starting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs("/")
    values = list(real)
    values[4] = 0  # f_bavail
    monkeypatch.setattr("os.statvfs", lambda _: os.statvfs_result(values))
    with pytest.raises(InfrastructureError, match="Free some space"):
        await prepare(competition_of(world), world.settings, print)


async def test_one_that_asks_gets_no_answer(world: World) -> None:
    world.competition(prepare="def prepare(*_): input('Accept the rules? ')\n")
    with pytest.raises(InfrastructureError, match="EOFError"):
        await prepare(competition_of(world), world.settings, print)


async def test_one_that_makes_no_answers_is_no_success(world: World) -> None:
    world.competition(prepare=PREPARE.replace('private / "test.csv"', 'private / "other.csv"'))
    with pytest.raises(InfrastructureError, match=r"made no private/test\.csv"):
        await prepare(competition_of(world), world.settings, print)


async def test_cancelled_its_whole_process_group_ends(world: World) -> None:
    """A prepare function may have processes of its own."""
    beat, heart = world.root / "beat", world.root / "heart.py"
    heart.write_text(f"import time\nwhile True:\n    open({str(beat)!r}, 'w'); time.sleep(0.02)\n")
    world.competition(
        prepare="import subprocess, sys, time\n"
        "def prepare(*_):\n"
        f"    subprocess.Popen([sys.executable, {str(heart)!r}])\n"
        "    time.sleep(60)\n"
    )
    task = asyncio.create_task(prepare(competition_of(world), world.settings, print))
    async with asyncio.timeout(20):
        while not beat.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    beat.unlink()
    await asyncio.sleep(0.2)
    assert not beat.exists()
    toy = world.settings.data_dir / "toy"
    assert [each.name for each in toy.iterdir()] == [".prepare.lock"]


def test_a_progress_bar_is_told_once_a_second_and_its_end_always() -> None:
    lines = Lines()
    assert lines.feed(b"begin\nhal", now=10.0) == ["begin"]
    assert lines.feed(b"f\n\r 0%|   |\r 1%|   |\r 2%", now=10.1) == ["half", " 1%|   |"]
    assert lines.feed(b"|   |\r 3%|   |", now=10.5) == []
    assert lines.feed(b"\r 4%|   |\r", now=11.2) == [" 4%|   |"]
    assert lines.feed(b"\r100%|###|", now=11.3) == []
    assert lines.feed(b"\n\x1b[A\n\x1b[31mred\x1b[0m\nlast", now=11.4) == ["100%|###|", "red"]
    assert lines.end() == ["last"]
    assert lines.feed(b"\r50%|#  |\r", now=20.0) == ["50%|#  |"]
    assert lines.feed(b"\n", now=20.1) == []  # told already
    assert lines.feed(b"x" * 1_000_000, now=20.2) == []
    assert [len(line) for line in lines.end()] == [1 << 16]
