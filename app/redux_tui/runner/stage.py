"""Where a group's attempts execute: chosen, and the agent's image built, when first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from redux_tui.catalog import Catalog
from redux_tui.catalog.agents import resolve
from redux_tui.config import Settings, secrets
from redux_tui.models import Agent, InfrastructureError, ReduxError, Request, SandboxKind
from redux_tui.sandbox.choose import Choice, choose, open_sandbox
from redux_tui.sandbox.protocol import Image, Sandbox, Say

_FAILURE_HOLDS = 2.0  # seconds in which others are told the same instead of trying it as well


@dataclass(frozen=True, slots=True)
class Cast:
    """All that a new attempt starts with."""

    agent: Agent
    sandbox: Sandbox
    image: Image


class Stage:
    """Shared by all attempts of a group; those that run already need only their sandbox."""

    def __init__(
        self,
        settings: Settings,
        request: Request,
        catalog: Catalog,
        say: Say,
        chosen: Callable[[Choice], None],
    ) -> None:
        self.wish = request.sandbox
        self._settings = settings
        self._request = request
        self._catalog = catalog
        self._say = say
        self._tell = chosen
        self._sandboxes: dict[SandboxKind, Sandbox] = {}
        self._choosing: asyncio.Task[Cast] | None = None
        self._waiting = 0
        self._failure: tuple[float, InfrastructureError] | None = None

    async def ready(self) -> Cast:
        """Choose and build, or wait for it, or have what was chosen before.

        Raises InfrastructureError; a later call tries again. The work stops when nobody waits.
        """
        now = asyncio.get_running_loop().time()
        if self._failure is not None and now < self._failure[0] + _FAILURE_HOLDS:
            raise self._failure[1]
        if self._choosing is None:
            self._choosing = asyncio.create_task(self._choose())
        choosing = self._choosing
        self._waiting += 1
        try:
            return await asyncio.shield(choosing)
        except InfrastructureError as error:
            self._failure = (asyncio.get_running_loop().time(), error)
            raise
        finally:
            self._waiting -= 1
            if not choosing.done() and self._waiting == 0:
                choosing.cancel()
            failed = choosing.done() and (choosing.cancelled() or choosing.exception() is not None)
            if (failed or choosing.cancelling()) and self._choosing is choosing:
                self._choosing = None

    async def sandbox(self, kind: SandboxKind) -> Sandbox:
        """The sandbox of an attempt that has begun. Raises InfrastructureError."""
        if kind not in self._sandboxes:
            self._sandboxes[kind] = await open_sandbox(kind, self._settings.docker.host)
        return self._sandboxes[kind]

    async def close(self) -> None:
        if self._choosing is not None:
            self._choosing.cancel()
            await asyncio.gather(self._choosing, return_exceptions=True)
        for sandbox in self._sandboxes.values():
            await sandbox.close()

    async def _choose(self) -> Cast:
        settings = self._settings
        try:
            agent = resolved_agent(settings, self._catalog, self._request)
        except ReduxError as error:
            raise InfrastructureError(str(error)) from error
        choice = await choose(
            self.wish,
            agent,
            docker_host=settings.docker.host,
            base_image=settings.base_image(),
            say=self._say,
        )
        self._sandboxes.setdefault(choice.sandbox.kind, choice.sandbox)
        self.wish = choice.sandbox.kind  # a group never mixes sandboxes
        self._tell(choice)
        return Cast(agent, choice.sandbox, choice.image)


def resolved_agent(settings: Settings, catalog: Catalog, request: Request) -> Agent:
    """The request's agent with all its placeholders filled. Raises ReduxError."""
    agent = catalog.agent(request.agent)
    overrides = settings.agents.get(agent.name, {})
    # a launch's own limit wins over the config's
    placeholders = {**settings.placeholders, "timeout": request.limits.timeout}
    return resolve(agent, overrides, placeholders, secrets(settings))
