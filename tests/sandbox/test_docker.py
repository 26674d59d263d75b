"""What the sealed sandbox keeps from an agent, and how it copes with what happens to an engine."""

from __future__ import annotations

import asyncio
import os
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from redux_tui.models import InfrastructureError, Limits
from redux_tui.sandbox.container import create_options
from redux_tui.sandbox.docker import DockerSandbox
from redux_tui.sandbox.engine import Engine, connect
from redux_tui.sandbox.inside import VALIDATE, place
from tests.sandbox.conftest import Bench

pytestmark = pytest.mark.docker


async def test_the_agent_is_nobody_in_particular_and_sealed_in(docker_bench: Bench) -> None:
    script = """
        id -u
        grep -E '^(CapEff|CapBnd|NoNewPrivs):' /proc/self/status | tr -d '\\t'
        touch /x "$DATA_DIR/x" "$AGENT_DIR/x" "$INSTRUCTIONS_FILE" 2>&1 | grep -c 'touch:'
        ls /sys/class/net
        python3 -c 'import socket; socket.create_connection(("1.1.1.1", 53), 3)' 2>&1 | tail -1
        ls -A $HOME | wc -l; ulimit -c
        """
    done = await docker_bench.run(textwrap.dedent(script))
    user = 65532 if os.geteuid() == 0 else os.geteuid()
    assert done.text.splitlines() == [
        str(user),
        "CapEff:0000000000000000",
        "CapBnd:0000000000000000",
        "NoNewPrivs:1",
        "4",
        "lo",
        "OSError: [Errno 101] Network is unreachable",
        "0",
        "0",
    ]


async def test_limits_hold(docker_bench: Bench) -> None:
    script = """
        df --output=size -B1M /tmp /dev/shm $HOME | tail -3 | tr -d ' '
        (for i in $(seq 60); do sleep 1 & done) 2>&1 | grep -o 'Resource temporarily' | head -1
        """
    limits = Limits(timeout=60, memory=256 << 20, cpus=0.5, pids=40)
    done = await docker_bench.run(textwrap.dedent(script), limits)
    assert done.text.splitlines() == ["128", "64", "64", "Resource temporarily"]


async def test_open_network_is_for_agents_that_ask(docker_bench: Bench) -> None:
    launch = docker_bench.launch("ls /sys/class/net | tr '\\n' ' '")
    launch = replace(launch, agent=replace(launch.agent, network="open"))
    done = await docker_bench.finish(launch, await docker_bench.start(launch))
    assert "eth0" in done.text


async def test_a_container_that_never_ran_is_replaced(
    docker_bench: Bench, docker_engine: Engine
) -> None:
    launch = docker_bench.launch("echo ran")
    image = await docker_bench.image(launch.agent)
    client = connect(docker_engine)
    place(launch.folder, VALIDATE)
    stale = client.create_container(**create_options(client, launch, image, []))["Id"]
    client.close()
    handle = await docker_bench.sandbox.start(launch, image)
    assert handle["container"] != stale
    assert (await docker_bench.finish(launch, handle)).text == "ran\n"


async def test_a_container_that_was_removed_is_lost(
    docker_bench: Bench, docker_engine: Engine
) -> None:
    launch = docker_bench.launch("sleep 60")
    handle = await docker_bench.start(launch)
    waiting = asyncio.create_task(docker_bench.sandbox.wait(handle))
    await asyncio.sleep(0.5)
    client = connect(docker_engine)
    client.remove_container(handle["container"], force=True)
    client.close()
    ended = await waiting
    assert ended.exit_code is None
    assert ended.lost is not None
    assert "removed by somebody" in ended.lost
    await docker_bench.sandbox.collect(handle, launch.folder)


async def test_a_child_killed_for_memory_shows_beside_the_exit_code(docker_bench: Bench) -> None:
    limits = Limits(timeout=60, memory=100 << 20)
    done = await docker_bench.run("python3 -c 'x = bytearray(400 << 20)'; exit 7", limits)
    assert (done.exit.exit_code, done.exit.out_of_memory) == (7, True)


async def test_missing_data_is_an_error_and_not_an_empty_folder(docker_bench: Bench) -> None:
    launch = docker_bench.launch("true")
    missing = docker_bench.root / "nowhere"
    with pytest.raises(InfrastructureError, match=r"does not see this machine's files.*nowhere"):
        await docker_bench.start(replace(launch, data=missing))
    assert not missing.exists()
    # and nothing stands in the way of the next try
    await docker_bench.finish(launch, await docker_bench.start(launch))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs agents as another user")
async def test_data_that_the_agent_may_not_read_is_told_before_the_start(
    docker_bench: Bench,
) -> None:
    launch = docker_bench.launch("true")
    launch.data.chmod(0o700)
    with pytest.raises(InfrastructureError, match=r"may not read .*chmod -R o\+rX"):
        await docker_bench.start(launch)


async def test_a_missing_gpu_driver_is_told_in_a_sentence(
    docker_bench: Bench, docker_engine: Engine
) -> None:
    from redux_tui.sandbox.facts import describe

    if describe(docker_engine).nvidia:
        pytest.skip("this engine has GPUs")
    launch = replace(docker_bench.launch("true"), gpus=("0",))
    with pytest.raises(InfrastructureError, match="NVIDIA Container Toolkit"):
        await docker_bench.start(launch)
    client = connect(docker_engine)
    labels = {"label": [f"redux.attempt={launch.attempt}"]}
    assert client.containers(all=True, filters=labels) == []
    client.close()


async def test_an_engine_that_went_away_is_waited_for_and_then_lost(
    docker_bench: Bench, docker_engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("redux_tui.sandbox.watch.PATIENCE", 1.5)
    gone = DockerSandbox(Engine(f"unix://{tmp_path}/gone.sock", "a test"))
    ended = await gone.wait({"container": "0" * 64, "name": "redux-0"})
    await gone.close()
    assert ended.exit_code is None
    assert ended.lost is not None
    assert "does not answer" in ended.lost
