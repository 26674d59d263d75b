"""The sandbox of plain processes: what it checks, and that nothing gets away from it."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from redux_tui.models import InfrastructureError
from redux_tui.sandbox import leftovers
from redux_tui.sandbox.packages import missing_packages
from redux_tui.sandbox.process import ProcessSandbox
from redux_tui.sandbox.protocol import Handle
from tests.sandbox.conftest import Bench, make_agent


async def test_a_missing_package_is_named(tmp_path: Path) -> None:
    agent = make_agent(tmp_path / "needy")
    (agent.folder / "requirements.txt").write_text(
        "pytest>=1  # is here\nno-such-package[extra]==2\n-r other.txt\n"
    )
    with pytest.raises(InfrastructureError, match=r"needs no-such-package, but .*pip install"):
        await ProcessSandbox().prepare(agent, print)


def test_what_pip_must_decide_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    assert missing_packages(path) == []
    path.write_text('\nabsent-one; python_version<"3"\nabsent-two @ https://x/y\n--hash=1\n')
    assert missing_packages(path) == []


async def test_a_missing_start_script_is_an_error(tmp_path: Path) -> None:
    agent = replace(make_agent(tmp_path / "a"), start=Path("nope.sh"))
    with pytest.raises(InfrastructureError, match=r"no start script at .*nope.sh"):
        await ProcessSandbox().prepare(agent, print)


async def test_what_cannot_start_is_infrastructure(process_bench: Bench) -> None:
    launch = process_bench.launch("true")
    (launch.folder / "code").rmdir()
    with pytest.raises(InfrastructureError, match=r"could not be started: .*code"):
        await process_bench.start(launch)
    (launch.folder / "code").mkdir()
    done = await process_bench.finish(launch, await process_bench.start(launch))
    assert done.exit.exit_code == 0, "it can be tried again"


async def test_a_folder_that_is_not_there_is_infrastructure(process_bench: Bench) -> None:
    launch = process_bench.launch("true")
    missing = replace(launch, folder=launch.folder / "nowhere")
    with pytest.raises(InfrastructureError, match="nowhere"):
        await process_bench.start(missing)


async def test_a_killed_shim_takes_the_attempt_with_it(process_bench: Bench) -> None:
    launch = process_bench.launch("setsid sleep 60 & sleep 60")
    handle = await process_bench.start(launch)
    await asyncio.sleep(0.2)
    assert len(leftovers.find(launch.attempt)) >= 2
    os.kill(int(handle["pid"]), signal.SIGKILL)
    ended = await process_bench.sandbox.wait(handle)
    assert ended.exit_code is None
    assert ended.lost is not None
    assert "is gone" in ended.lost
    assert leftovers.find(launch.attempt) == []
    await process_bench.sandbox.collect(handle, launch.folder)


async def test_the_shim_told_to_end_stops_the_attempt_first(process_bench: Bench) -> None:
    launch = process_bench.launch("trap 'echo bye; exit 4' TERM; echo up; sleep 60 & wait")
    handle = await process_bench.start(launch)
    await asyncio.sleep(0.3)
    os.kill(int(handle["pid"]), signal.SIGTERM)
    done = await process_bench.finish(launch, handle)
    assert done.exit.exit_code == 4
    assert done.text == "up\nbye\n"


async def test_a_process_with_a_recycled_number_is_not_ours(process_bench: Bench) -> None:
    launch = process_bench.launch("exit 0")
    handle: Handle = {
        "pid": os.getpid(),
        "started": "another boot:1",
        "folder": str(launch.folder),
        "attempt": launch.attempt,
    }
    ended = await process_bench.sandbox.wait(handle)
    assert ended.lost is not None
    await process_bench.sandbox.stop(handle, 0)  # must not touch us
    await process_bench.sandbox.collect(handle, launch.folder)


async def test_sockets_fit_below_its_tmp_however_deep_the_attempt_lies(tmp_path: Path) -> None:
    bench = Bench(ProcessSandbox(), tmp_path / ("deep" * 30))
    done = await bench.run(
        "python3 -c 'import multiprocessing as m; print(list(m.Manager().list([1])))'"
    )
    assert done.text == "[1]\n"


async def test_gpus_are_named_to_the_attempt_only_when_given(process_bench: Bench) -> None:
    launch = replace(process_bench.launch("echo ${CUDA_VISIBLE_DEVICES-unset}"), gpus=("1", "3"))
    done = await process_bench.finish(launch, await process_bench.start(launch))
    assert done.text == "1,3\n"
    assert (await process_bench.run("echo ${CUDA_VISIBLE_DEVICES-unset}")).text == "unset\n"


async def test_the_recipe_of_a_start_leaves_no_secret_on_disk(process_bench: Bench) -> None:
    launch = process_bench.launch("sleep 0.3", API_KEY="s3cret-value")
    handle = await process_bench.start(launch)
    files = [path for path in launch.folder.rglob("*") if path.is_file()]
    assert not any(b"s3cret-value" in path.read_bytes() for path in files)
    await process_bench.finish(launch, handle)
