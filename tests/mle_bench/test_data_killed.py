"""Data that was being prepared when its process was cancelled, interrupted or killed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import shutil
import signal
import time
import zipfile

import pytest

from redux_tui.bench.data.place import is_prepared
from tests.mle_bench.conftest import Bench, files_of
from tests.support.mle_bench import toy_zip

MOMENTS = (  # what is there by then of a competition's folder
    "prepared",
    "*.zip.part",
    ".zip.json",
    ".raw.extracting",
    ".raw.extracting/notes/30.bin",
    ".preparing/public/*",
    ".preparing/.redux-tui.json",
    ".discarded",
)


async def test_cancelled_it_leaves_what_the_next_can_go_on_from(bench: Bench) -> None:
    large_alpha(bench)
    bench.kaggle.competitions["toy-alpha"].stalls = [2_500_000]
    task = asyncio.create_task(bench.prepare())
    async with asyncio.timeout(30):
        while not list(bench.data.glob("toy-alpha/*.part*")):  # noqa: ASYNC110 - a thread's
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await bench.prepare()
    assert is_prepared(bench.toy(), bench.data)


async def test_killed_in_its_prepare_function_it_starts_from_whole_raw_files(
    bench: Bench,
) -> None:
    """toy-beta extracts an archive in raw/; half of that must not be there the next time."""
    prepare_py = bench.source("toy-beta") / "prepare.py"
    good = prepare_py.read_text()
    prepare_py.write_text(
        good.replace(
            "    table = ",
            "    (raw / 'train.csv').write_text('id,price\\n1,')\n"
            f"    open({str(bench.root / 'half')!r}, 'w').close()\n"
            "    import time; time.sleep(60)\n"
            "    table = ",
        )
    )
    process = bench.start("-c", "toy-beta")
    async with asyncio.timeout(30):
        while not (bench.root / "half").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)
    process.kill()
    process.communicate()
    assert (bench.data / "toy-beta/raw/train.csv").read_text() == "id,price\n1,"
    prepare_py.write_text(
        good.replace("extract(raw", "(raw / 'train.csv').exists() or extract(raw")
    )
    started = time.monotonic()
    await bench.prepare("toy-beta")
    assert time.monotonic() - started < 10, "the killed one's child was not waited for"
    assert not (bench.data / "toy-beta/raw").exists()
    assert bench.downloads() == 1


def test_killed_at_any_moment_it_goes_on_and_uses_half_of_nothing(bench: Bench) -> None:
    large_alpha(bench)
    process = bench.start("-c", "toy-alpha")
    assert process.wait(60) == 0
    expected = files_of(bench.data)
    folder, landed = bench.data / "toy-alpha", 0
    for moment in MOMENTS:
        process = bench.start("-c", "toy-alpha", "--force")
        while process.poll() is None and not any(folder.glob(moment)):
            time.sleep(0.001)
        landed += process.poll() is None
        process.kill()
        process.communicate()
        if is_prepared(bench.toy(), bench.data):
            for file, sum_ in files_of(folder / "prepared").items():
                assert expected[f"toy-alpha/prepared/{file}"] == sum_
        if moment == MOMENTS[0]:
            shutil.rmtree(bench.data)
    assert landed >= len(MOMENTS) - 2  # the last ones are short
    process = bench.start("-c", "toy-alpha")
    assert process.wait(60) == 0
    assert files_of(bench.data) == expected


async def test_half_written_notes_of_a_killed_process_go(offline: Bench) -> None:
    archive = offline.place()
    (archive.parent / ".toy-alpha.zip.part.json.h2dr3a71").write_text('{"sl')
    await offline.prepare()
    assert not list(archive.parent.glob(".*.json.*"))


def large_alpha(bench: Bench) -> int:
    """Have toy-alpha's zip be large enough to be killed in; its size in bytes."""
    archive = bench.root / "large.zip"
    archive.write_bytes(toy_zip("toy-alpha"))
    dice = random.Random(0)
    with zipfile.ZipFile(archive, "a") as opened:
        for number in range(40):
            opened.writestr(f"notes/{number}.bin", dice.randbytes(100_000))
    content = archive.read_bytes()
    bench.kaggle.add("toy-alpha", content)
    checksums = bench.source("toy-alpha") / "checksums.yaml"
    *lines, _ = checksums.read_text().splitlines()
    checksums.write_text("\n".join([*lines, f"zip: {hashlib.md5(content).hexdigest()}"]))
    return len(content)


def test_raw_files_left_by_one_killed_at_its_very_end_go(offline: Bench) -> None:
    archive = offline.place()
    asyncio.run(offline.prepare())
    raw = archive.parent / "raw"
    shutil.unpack_archive(archive, raw)
    (archive.parent / ".raw.json").write_text(json.dumps({"ours": True, "in_use": True}))
    asyncio.run(offline.prepare())
    assert not raw.exists() and not (archive.parent / ".raw.json").exists()


def test_interrupted_the_command_says_that_it_goes_on(bench: Bench) -> None:
    large_alpha(bench)
    bench.kaggle.competitions["toy-alpha"].stalls = [2_500_000]
    process = bench.start("-c", "toy-alpha")
    deadline = time.monotonic() + 30
    while not list(bench.data.glob("toy-alpha/*.part*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the next start goes on" in said.decode()
    assert "Traceback" not in said.decode()
