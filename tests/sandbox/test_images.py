"""Agents' images: built once for each content, from a base that is there or fetched or an error."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from redux_tui.models import Agent, InfrastructureError
from redux_tui.sandbox import dockerfile
from redux_tui.sandbox.docker import DockerSandbox
from redux_tui.sandbox.engine import Engine, connect
from tests.sandbox.conftest import DOCKERFILE, make_agent


@pytest.fixture
async def sandbox(
    docker_engine: Engine, docker_base: str, agent: Agent
) -> AsyncIterator[DockerSandbox]:
    made = DockerSandbox(docker_engine, docker_base)
    yield made
    await made.close()
    client = connect(docker_engine)
    for image in client.images(filters={"label": [f"redux.agent={agent.name}"]}):
        client.remove_image(image["Id"], force=True)
    client.close()


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return make_agent(tmp_path / f"image-agent-{uuid.uuid4().hex[:8]}")


@pytest.mark.docker
async def test_an_image_is_built_once_for_each_content(
    sandbox: DockerSandbox, agent: Agent
) -> None:
    said: list[str] = []
    first = await sandbox.prepare(agent, said.append)
    assert first.reference.startswith(f"redux-tui/{agent.name}:")
    assert first.digest.startswith("sha256:")
    assert any("Step 1" in line for line in said)
    said.clear()
    (agent.folder / "__pycache__").mkdir()
    (agent.folder / "__pycache__/x.pyc").write_bytes(b"1")
    (agent.folder / "start.sh").touch()
    assert await sandbox.prepare(agent, said.append) == first
    assert said == []
    (agent.folder / "start.sh").chmod(0o755)
    second = await sandbox.prepare(agent, said.append)
    assert second.reference != first.reference


@pytest.mark.docker
async def test_a_failing_build_says_why(sandbox: DockerSandbox, agent: Agent) -> None:
    (agent.folder / "Dockerfile").write_text(DOCKERFILE + "RUN echo no such package && exit 9\n")
    said: list[str] = []
    with pytest.raises(InfrastructureError, match=r"could not be built: .*code: 9.*Dockerfile"):
        await sandbox.prepare(agent, said.append)
    assert "no such package" in said


@pytest.mark.docker
async def test_a_cancelled_build_ends_on_the_engine_too(
    sandbox: DockerSandbox, agent: Agent, docker_engine: Engine
) -> None:
    (agent.folder / "Dockerfile").write_text(
        DOCKERFILE + "RUN for i in $(seq 300); do echo line $i; sleep 0.1; done\n"
    )
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def say(line: str) -> None:
        if line == "line 3":
            loop.call_soon_threadsafe(begun.set)

    building = asyncio.create_task(sandbox.prepare(agent, say))
    await asyncio.wait_for(begun.wait(), 20)
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    client = connect(docker_engine)
    for _ in range(50):
        commands = [one["Command"] for one in client.containers()]
        if not any("seq 300" in command for command in commands):
            break
        await asyncio.sleep(0.1)
    else:
        pytest.fail(f"the build goes on: {commands}")
    client.close()


@pytest.mark.docker
async def test_a_dockerignore_and_mle_benchs_arguments_are_honoured(
    sandbox: DockerSandbox, agent: Agent
) -> None:
    (agent.folder / ".dockerignore").write_text("# big\nsecret*\n")
    (agent.folder / "secret.key").write_text("x")
    (agent.folder / "Dockerfile").write_text(
        DOCKERFILE + "ARG CODE_DIR\nRUN echo code=$CODE_DIR; ls /home/agent\n"
    )
    said: list[str] = []
    await sandbox.prepare(agent, said.append)
    assert "code=/home/code" in said
    assert "start.sh" in said
    assert "secret.key" not in said


@pytest.mark.docker
async def test_a_base_image_that_can_not_be_had_is_an_error_that_says_what_to_set(
    docker_engine: Engine, agent: Agent
) -> None:
    sandbox = DockerSandbox(docker_engine, "127.0.0.1:9/no/such-image:1")
    with pytest.raises(
        InfrastructureError,
        match=r"The base image 127.0.0.1:9/no/such-image:1 is not on this engine and could not be"
        r" pulled \(.*refused\). Set docker.base_image in the config, or REDUX_BASE_IMAGE",
    ):
        await sandbox.prepare(agent, print)
    await sandbox.close()


async def test_bases_of_a_dockerfile_are_read_with_their_arguments() -> None:
    recipe = dockerfile.parse(
        "# comment\nARG BASE=python:3.11\nARG TAG\nFROM --platform=linux/amd64 ${BASE} AS build\n"
        "FROM $BASE\nARG BASE\nfrom scratch\nFROM build\nFROM other:${TAG:-1} \\\n  AS last\n"
    )
    assert recipe.bases({}) == ["python:3.11", "python:3.11", "other:1"]
    assert recipe.bases({"BASE": "mine", "TAG": "2"}) == ["mine", "mine", "other:2"]
