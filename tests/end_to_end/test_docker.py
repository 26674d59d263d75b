"""The whole way through real containers: build, run, grade, take over, cancel."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from redux_tui.config import update
from redux_tui.models import Ended, Phase, Result, SandboxKind
from redux_tui.runner.client import cancel, launch, resume
from redux_tui.runner.group import Group
from redux_tui.sandbox.engine import Engine, connect
from tests.support.world import SUBMIT_BEST, World, until, until_finished

pytestmark = pytest.mark.docker


@pytest.fixture
def docker_world(world: World, docker_base: str) -> World:
    update(world.config, {"docker.base_image": docker_base, "retry_after": [0.1]})
    return world


def containers(engine: Engine, group: Group) -> list[Any]:
    client = connect(engine)
    return client.containers(all=True, filters={"label": [f"redux.group={group.name}"]})


async def test_an_attempt_in_a_container_is_graded_and_leaves_nothing_behind(
    docker_world: World, docker_engine: Engine
) -> None:
    # the folder's name makes the image a new one each time
    probe = (
        f"# {docker_world.root}\n"
        + 'id -u; ls "$DATA_DIR"; ls /home/private 2>&1; cat "$INSTRUCTIONS_FILE" | head -1\n'
    )
    docker_world.agent("best", probe + SUBMIT_BEST)
    request = docker_world.request("best", sandbox=SandboxKind.AUTO, seeds=2, jobs=2)
    group = await docker_world.run(request)
    assert group.state.sandbox == "docker"
    assert "Step" in (group.folder / "build.log").read_text()
    for attempt in group.state.attempts.values():
        assert (attempt.ended, attempt.score) == (Ended.COMPLETED, 1.0)
        assert attempt.report is not None
        assert attempt.report["sandbox"] == "docker"
        text = attempt.log.read_text()
        assert text.splitlines()[0] != "0"
        assert "sample_submission.csv" in text
        assert "No such file" in text  # the answers are not there
        submission = attempt.folder / "submission" / "submission.csv"
        assert submission.stat().st_uid == os.getuid()
    assert containers(docker_engine, group) == []


async def test_a_killed_supervisors_container_is_taken_over(
    docker_world: World, docker_engine: Engine
) -> None:
    docker_world.agent("slow", "for n in $(seq 60); do echo $n; sleep 0.1; done\n" + SUBMIT_BEST)
    group = await launch(
        docker_world.settings, docker_world.request("slow", sandbox=SandboxKind.DOCKER)
    )
    await until(group, lambda g: _phase(g) is Phase.RUNNING)
    os.kill(group.state.supervisor, signal.SIGKILL)
    await asyncio.sleep(0.5)
    assert len(containers(docker_engine, group)) == 1
    await resume(group)
    await until_finished(group)
    (attempt,) = group.state.attempts.values()
    assert (attempt.ended, attempt.score) == (Ended.COMPLETED, 1.0)
    assert attempt.log.read_text().split() == [str(n) for n in range(1, 61)]
    assert containers(docker_engine, group) == []


async def test_memory_and_cancelling_are_enforced(
    docker_world: World, docker_engine: Engine
) -> None:
    docker_world.agent("hungry", "python3 -c 'bytearray(1 << 30)'\n")
    request = docker_world.request("hungry", sandbox=SandboxKind.DOCKER, memory=100 << 20)
    (attempt,) = (await docker_world.run(request)).state.attempts.values()
    assert (attempt.ended, attempt.result) == (Ended.OUT_OF_MEMORY, Result.NONE)
    docker_world.agent("slow", "sleep 100\n")
    group = await launch(
        docker_world.settings, docker_world.request("slow", sandbox=SandboxKind.DOCKER)
    )
    await until(group, lambda g: _phase(g) is Phase.RUNNING)
    await cancel(group)
    await until_finished(group)
    (attempt,) = group.state.attempts.values()
    assert attempt.ended is Ended.CANCELLED
    assert containers(docker_engine, group) == []


async def test_an_image_that_cannot_be_built_says_why(docker_world: World) -> None:
    dockerfile = "ARG BASE=x\nFROM ${BASE}\nRUN echo broken on purpose && exit 3\n"
    docker_world.agent("broken", SUBMIT_BEST, dockerfile=dockerfile)
    group = await docker_world.run(docker_world.request("broken", sandbox=SandboxKind.DOCKER))
    attempts = group.state.attempts.values()
    assert [each.cause for each in attempts] == ["first", "retry"]
    assert {each.ended for each in attempts} == {Ended.INFRASTRUCTURE}
    assert all(each.reason for each in attempts)
    assert "broken on purpose" in (group.folder / "build.log").read_text()


@pytest.mark.long
async def test_the_bundled_agents_play_bundled_competitions_in_containers(
    docker_world: World, docker_engine: Engine
) -> None:
    for agent in ("dummy", "baseline"):
        request = docker_world.request(
            agent,
            ["titanic-survival", "seattle-weather"],
            sandbox=SandboxKind.DOCKER,
            jobs=2,
            timeout=300,
        )
        group = await docker_world.run(request)
        for attempt in group.state.attempts.values():
            assert attempt.result is Result.SCORED, attempt.reason + _tail(attempt.log)
        assert containers(docker_engine, group) == []


def _phase(group: Group) -> Phase | None:
    return next((each.phase for each in group.state.attempts.values()), None)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
