"""The grading worker: hostile files end with a reason, broken graders with a failure."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from redux_tui.bench.data.prepare import prepare
from redux_tui.catalog import Catalog
from redux_tui.grading.client import Grade
from redux_tui.grading.graders import Graders
from redux_tui.models import Competition, InfrastructureError
from tests.support.world import World

GOOD = "id,y\n3,1\n4,0\n"


async def grade(world: World, content: str | bytes | None, seconds: float = 60) -> Grade:
    competition = await _prepared(world)
    if content is not None:
        data = content.encode() if isinstance(content, str) else content
        (world.root / "s.csv").write_bytes(data)
    graders = Graders(world.settings, timeout=seconds)
    try:
        return await graders.grade(competition, world.root, "s.csv")
    finally:
        await graders.close()


async def _prepared(world: World) -> Competition:
    competition = Catalog(world.settings.content_dirs).competition("toy")
    await prepare(competition, world.settings, print)
    return competition


async def test_a_good_submission_has_a_score(world: World) -> None:
    assert await grade(world, GOOD) == Grade(True, 1.0, None)


async def test_no_file_is_no_submission_and_is_named(world: World) -> None:
    assert await grade(world, None) == Grade(False, None, "There is no s.csv.")


async def test_no_folder_is_no_submission_either(world: World) -> None:
    competition = await _prepared(world)
    graders = Graders(world.settings)
    found = await graders.grade(competition, world.root / "nowhere", "s.csv")
    assert found.exists is False
    await graders.close()


async def test_a_name_that_no_disk_takes_is_invalid_with_its_reason(world: World) -> None:
    competition = await _prepared(world)
    graders = Graders(world.settings)
    found = await graders.grade(competition, world.root, "s" * 300 + ".csv")
    assert "File name too long" in str(found.reason)
    await graders.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02",
        b"id,y\n\xff\xfe\n",
        b'"id,y\n3,1\n',
        b"id,y\n3,1,9,9\n4\n",
        b"a" * 100_000,
        b",".join(b"c" for _ in range(50_000)),
        b"\n \n" + b",".join(b"c" for _ in range(50_000)),
        b"\x80\x04\x95pickle",
    ],
)
async def test_a_file_that_is_no_csv_of_the_right_kind_is_invalid_with_a_reason(
    world: World, content: bytes
) -> None:
    found = await grade(world, content)
    assert found.exists
    assert found.score is None
    assert found.reason


async def test_links_fifos_and_folders_are_not_opened(world: World) -> None:
    target = world.root / "target.csv"
    target.write_text(GOOD)
    path = world.root / "s.csv"
    for to, exists in ((target, True), (path, False), (world.root / "nowhere", False)):
        path.symlink_to(to)
        found = await grade(world, None)
        assert "link" in str(found.reason)
        assert found.exists is exists  # as MLE-bench has it
        path.unlink()
    os.mkfifo(path)
    assert "regular" in str((await grade(world, None)).reason)
    path.unlink()
    path.mkdir()
    found = await grade(world, None)
    assert "regular" in str(found.reason)
    assert not found.exists  # as MLE-bench has it


async def test_a_grader_that_prints_does_not_disturb_the_answers(world: World) -> None:
    source = "print('at import')\ndef grade(s, a):\n    print('{}')\n    return 0.123456\n"
    world.competition(grade=source)
    assert (await grade(world, GOOD)).score == 0.12346


async def test_a_grader_that_reads_its_input_does_not_take_requests(world: World) -> None:
    world.competition(
        grade="import sys\ndef grade(s, a):\n    return float(len(sys.stdin.read()))\n"
    )
    assert (await grade(world, GOOD)).score == 0.0


async def test_numbers_are_read_exactly_as_mle_bench_does(world: World) -> None:
    number = "0.1234567890123456782"  # pandas' fast way is off by one in the last place
    world.competition(grade=f"def grade(s, a):\n    return float(s['y'][0] == {number})\n")
    assert (await grade(world, f"id,y\n3,{number}\n")).score == 1.0


async def test_answers_and_graders_that_change_are_read_again(world: World) -> None:
    competition = await _prepared(world)
    (world.root / "s.csv").write_text(GOOD)
    graders = Graders(world.settings)
    assert (await graders.grade(competition, world.root, "s.csv")).score == 1.0
    answers = world.settings.data_dir / competition.answers
    answers.write_text("id,y\n3,1\n4,1\n5,1\n")
    assert (await graders.grade(competition, world.root, "s.csv")).score == 0.5
    (competition.folder / "grade.py").write_text("def grade(s, a):\n    return float(len(a))\n")
    assert (await graders.grade(competition, world.root, "s.csv")).score == 3.0
    await graders.close()


async def test_data_that_is_not_prepared_is_said_with_the_command_that_helps(world: World) -> None:
    competition = Catalog(world.settings.content_dirs).competition("toy")
    graders = Graders(world.settings)
    with pytest.raises(InfrastructureError, match="redux-tui prepare -c toy"):
        await graders.grade(competition, world.root, "s.csv")


async def test_a_grader_may_change_what_it_is_given(world: World) -> None:
    world.competition(
        grade="def grade(s, a):\n    a.drop(a.index, inplace=True)\n    return float(len(s))\n"
    )
    competition = await _prepared(world)
    (world.root / "s.csv").write_text(GOOD)
    graders = Graders(world.settings)
    first = await graders.grade(competition, world.root, "s.csv")
    assert first == await graders.grade(competition, world.root, "s.csv")
    await graders.close()


async def test_a_grader_that_fails_on_a_submission_makes_it_invalid_as_mle_bench_does(
    world: World,
) -> None:
    world.competition(grade="def grade(s, a):\n    return s['nope'].mean()\n")
    found = await grade(world, GOOD)
    assert found.score is None
    assert "KeyError" in str(found.reason)


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
async def test_a_score_that_is_no_finite_number_is_invalid(world: World, number: str) -> None:
    world.competition(grade=f"def grade(s, a):\n    return float('{number}')\n")
    found = await grade(world, GOOD)
    assert found.exists
    assert found.score is None
    assert f"not a finite number: {number}" in str(found.reason)


@pytest.mark.parametrize("value", ["None", "'a lot'", "[0.5]"])
async def test_a_grader_that_returns_no_number_is_our_failure(world: World, value: str) -> None:
    world.competition(grade=f"def grade(s, a):\n    return {value}\n")
    with pytest.raises(InfrastructureError, match="grader of toy failed: TypeError"):
        await grade(world, GOOD)


@pytest.mark.parametrize("source", ["import nothing_like_it\n", "def other(): ...\n", "x = (\n"])
async def test_a_grader_that_cannot_be_loaded_is_our_failure(world: World, source: str) -> None:
    world.competition(grade=source)
    with pytest.raises(InfrastructureError, match="grader of toy failed"):
        await grade(world, GOOD)


async def test_a_grader_that_dies_or_hangs_takes_nothing_with_it(world: World) -> None:
    world.competition(grade="import os\ndef grade(s, a):\n    os._exit(9)\n")
    with pytest.raises(InfrastructureError, match="died"):
        await grade(world, GOOD)
    world.competition(grade="import time\ndef grade(s, a):\n    time.sleep(60)\n")
    with pytest.raises(InfrastructureError, match="longer than"):
        await grade(world, GOOD, seconds=5)


async def test_what_a_grader_started_ends_with_it(world: World) -> None:
    hang = "import os, time\ndef grade(s, a):\n    os.fork()\n    time.sleep(60)\n"
    world.competition(grade=hang)
    begin = time.monotonic()
    with pytest.raises(InfrastructureError, match="longer than"):
        await grade(world, GOOD, seconds=3)
    assert time.monotonic() - begin < 20


async def test_an_answer_to_another_question_is_never_taken(world: World) -> None:
    world.competition(grade="import os\ndef grade(s, a):\n    os.fork()\n    return 1.0\n")
    competition = await _prepared(world)
    (world.root / "s.csv").write_text(GOOD)
    graders = Graders(world.settings)
    await graders.grade(competition, world.root, "s.csv")  # answered twice
    await asyncio.sleep(0.5)
    world.competition(grade="def grade(s, a):\n    return 0.25\n")
    with pytest.raises(InfrastructureError, match="wrong answer"):
        await graders.grade(competition, world.root, "s.csv")
    assert (await graders.grade(competition, world.root, "s.csv")).score == 0.25
    await graders.close()


async def test_a_reason_is_short_whatever_the_submission_says(world: World) -> None:
    world.competition(grade="def grade(s, a):\n    return s['y'].astype(float).mean()\n")
    found = await grade(world, f"id,y\n3,{'x' * 20_000_000}\n4,0\n")
    assert "could not convert" in str(found.reason)
    assert len(str(found.reason)) <= 1000


async def test_a_grader_that_wants_all_memory_fails_alone(world: World) -> None:
    world.competition(grade="def grade(s, a):\n    return len(bytearray(1 << 60))\n")
    with pytest.raises(InfrastructureError, match="MemoryError"):
        await grade(world, GOOD)


async def test_one_worker_serves_many_and_starts_again_after_a_death(world: World) -> None:
    competition = await _prepared(world)
    (world.root / "s.csv").write_text(GOOD)
    graders = Graders(world.settings)
    assert (await graders.grade(competition, world.root, "s.csv")).score == 1.0
    await graders.close()
    assert (await graders.grade(competition, world.root, "s.csv")).score == 1.0
    await graders.close()


def test_the_worker_imports_nothing_of_ours() -> None:
    from redux_tui.grading import worker

    source = Path(worker.__file__).read_text()
    assert "import redux_tui" not in source
    assert "from redux_tui" not in source
