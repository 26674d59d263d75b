"""Decides where an agent's attempts execute, and never lets untrusted code run unsealed unasked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from redux_tui.catalog.mle_bench import SOURCE as MLE_BENCH
from redux_tui.models import Agent, InfrastructureError, SandboxKind
from redux_tui.sandbox.docker import DockerSandbox
from redux_tui.sandbox.engine import find_engine
from redux_tui.sandbox.process import ProcessSandbox
from redux_tui.sandbox.protocol import Image, Sandbox, Say


@dataclass(frozen=True, slots=True)
class Choice:
    """A sandbox with the agent's image ready in it, and a sentence why it is this one."""

    sandbox: Sandbox
    image: Image
    reason: str


def require_engine(agent: Agent, docker_host: str | None) -> None:
    """Raise InfrastructureError now if no engine answers for an agent that needs one."""
    try:
        find_engine(docker_host)
    except InfrastructureError as error:
        raise _unsealed_hint(agent, error) from error


def require_place(wish: SandboxKind, agent: Agent) -> None:
    """Raise InfrastructureError now if the agent can't run where it is wished to."""
    if wish is SandboxKind.PROCESS and agent.source == MLE_BENCH:
        raise InfrastructureError(
            f"{agent.id} runs in containers only: its scripts use MLE-bench's conda and places such"
            " as /home/agent, which this machine does not have. Run it without `--sandbox process`"
            " (or `sandbox: process` in the config)."
        )


async def open_sandbox(kind: SandboxKind, docker_host: str | None) -> Sandbox:
    """A sandbox for attempts that have begun already: it needs no image."""
    if kind is SandboxKind.PROCESS:
        return ProcessSandbox()
    return DockerSandbox(await asyncio.to_thread(find_engine, docker_host))


async def choose(
    wish: SandboxKind,
    agent: Agent,
    *,
    docker_host: str | None,
    base_image: str | None,
    say: Say,
) -> Choice:
    """The sandbox for `agent` as wished. Raises InfrastructureError if it can't be had."""
    require_place(wish, agent)
    if wish is SandboxKind.PROCESS:
        why = "asked for" if agent.trusted else f"asked for, though {agent.id} is not trusted"
        return await _process(agent, f"Not isolated: a process of this machine, {why}.", say)
    try:
        return await _docker(agent, docker_host, base_image, say)
    except InfrastructureError as error:
        if wish is SandboxKind.DOCKER:
            raise
        if not agent.trusted:
            raise _unsealed_hint(agent, error) from error
        reason = f"Not isolated: {agent.id} is trusted and runs as a process, since: {error}"
        return await _process(agent, reason, say)


def _unsealed_hint(agent: Agent, error: InfrastructureError) -> InfrastructureError:
    if agent.trusted or agent.source == MLE_BENCH:
        return error
    return InfrastructureError(
        f"{error} {agent.id} is not marked as trusted, so it runs in a container only;"
        " `--sandbox process` runs it unsealed, as a process with all your rights."
    )


async def _docker(
    agent: Agent, docker_host: str | None, base_image: str | None, say: Say
) -> Choice:
    engine = await asyncio.to_thread(find_engine, docker_host)
    sandbox = DockerSandbox(engine, base_image)
    try:
        image = await sandbox.prepare(agent, say)
    except BaseException:
        await sandbox.close()
        raise
    reason = f"In a container on {engine.url} (from {engine.rule})."
    if agent.network == "open":
        reason += " Its network is open: it can reach the internet, and solutions there."
    return Choice(sandbox, image, reason)


async def _process(agent: Agent, reason: str, say: Say) -> Choice:
    sandbox = ProcessSandbox()
    return Choice(sandbox, await sandbox.prepare(agent, say), reason)
