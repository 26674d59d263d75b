"""Untrusted code never runs unsealed by accident; trusted code runs even without an engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from redux_tui.models import Agent, InfrastructureError, SandboxKind
from redux_tui.sandbox.choose import Choice, choose
from tests.sandbox.conftest import make_agent

NOWHERE = "unix:///nowhere/docker.sock"


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return make_agent(tmp_path / "choosy")


async def chosen(wish: SandboxKind, agent: Agent, host: str | None, base: str | None) -> Choice:
    choice = await choose(wish, agent, docker_host=host, base_image=base, say=print)
    await choice.sandbox.close()
    return choice


async def test_auto_without_an_engine_runs_a_trusted_agent_as_a_process(agent: Agent) -> None:
    choice = await chosen(SandboxKind.AUTO, replace(agent, trusted=True), NOWHERE, None)
    assert choice.sandbox.kind is SandboxKind.PROCESS
    assert "Not isolated" in choice.reason
    assert "no such socket" in choice.reason


async def test_auto_without_an_engine_refuses_all_others(agent: Agent) -> None:
    with pytest.raises(InfrastructureError, match=r"no such socket.*--sandbox process"):
        await chosen(SandboxKind.AUTO, agent, NOWHERE, None)


async def test_docker_when_asked_for_never_becomes_a_process(agent: Agent) -> None:
    with pytest.raises(InfrastructureError, match="no such socket"):
        await chosen(SandboxKind.DOCKER, replace(agent, trusted=True), NOWHERE, None)


async def test_a_process_when_asked_for_says_that_it_is_not_isolated(agent: Agent) -> None:
    choice = await chosen(SandboxKind.PROCESS, agent, NOWHERE, None)
    assert choice.sandbox.kind is SandboxKind.PROCESS
    assert choice.reason.startswith("Not isolated")
    assert choice.image.reference == ""
    assert choice.image.digest.startswith("sha256:")


@pytest.mark.docker
async def test_auto_with_an_engine_is_docker(
    agent: Agent, docker_engine: object, docker_base: str
) -> None:
    choice = await chosen(SandboxKind.AUTO, agent, None, docker_base)
    assert choice.sandbox.kind is SandboxKind.DOCKER
    assert choice.image.reference.startswith("redux-tui/choosy:")


@pytest.mark.docker
async def test_auto_without_a_base_image_runs_a_trusted_agent_as_a_process(
    agent: Agent, docker_engine: object
) -> None:
    trusted = replace(agent, trusted=True)
    choice = await chosen(SandboxKind.AUTO, trusted, None, "127.0.0.1:9/no/such:1")
    assert choice.sandbox.kind is SandboxKind.PROCESS
    assert "could not be pulled" in choice.reason
