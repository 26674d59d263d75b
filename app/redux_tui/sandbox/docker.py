"""The sealed sandbox: each attempt in a container of its own on a Docker engine."""

from __future__ import annotations

import asyncio
import functools
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from redux_tui.models import Agent, InfrastructureError, SandboxKind
from redux_tui.sandbox import inside
from redux_tui.sandbox.connection import Connection
from redux_tui.sandbox.container import LAYOUT, SCHEMA
from redux_tui.sandbox.ending import exit_of
from redux_tui.sandbox.engine import Client, Engine
from redux_tui.sandbox.images import build_image
from redux_tui.sandbox.launch import start_container
from redux_tui.sandbox.outputs import take_back
from redux_tui.sandbox.protocol import Exit, Handle, Image, Launch, Layout, Say
from redux_tui.sandbox.usage import Meter
from redux_tui.sandbox.watch import PATIENCE, States, Watch

KILL_TIMEOUT = 30.0


class DockerSandbox:
    """Implements the Sandbox protocol on one engine; `base_image` replaces the agents' own."""

    kind = SandboxKind.DOCKER

    def __init__(self, engine: Engine, base_image: str | None = None) -> None:
        self.engine = engine
        self._base_image = base_image
        self._connection = Connection(engine)
        self._watch = Watch(self._states)
        self._meters: dict[str, Meter] = {}
        self._stopped: set[str] = set()
        self._building: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)

    def layout(self, agent: Agent, folder: Path, data: Path) -> Layout:
        return LAYOUT

    async def prepare(self, agent: Agent, say: Say) -> Image:
        async with self._building[agent.folder]:  # the second one finds it built
            return await self._connection.call_long(
                lambda client, cancelled: build_image(
                    client, agent, self._base_image, say, cancelled
                ),
                f"build the image of {agent.id}",
            )

    async def start(self, launch: Launch, image: Image) -> Handle:
        return await self._connection.call(
            lambda client: start_container(client, self.engine, launch, image),
            f"start the attempt {launch.attempt}",
        )

    async def wait(self, handle: Handle) -> Exit:
        container = str(handle["container"])
        try:
            await self._measure(container)
            return await self._ending(container, str(handle["name"]))
        except InfrastructureError as error:
            return Exit(None, lost=str(error))
        finally:
            self._meters.pop(container, None)

    async def stop(self, handle: Handle, grace: float) -> None:
        container = str(handle["container"])
        asked_before = container in self._stopped
        self._stopped.add(container)
        for signal, patience in (("SIGTERM", grace), ("SIGKILL", KILL_TIMEOUT)):
            # once only: to many programs a second SIGTERM means "at once"
            if not (asked_before and signal == "SIGTERM") and not await self._kill(handle, signal):
                return
            try:
                return await asyncio.wait_for(self._watch.ended(container), patience)
            except TimeoutError:
                continue
        raise InfrastructureError(
            f"The container {handle['name']} was killed but does not end: a process of it hangs in"
            " the kernel (a disk or GPU that does not answer?), or the engine does. See `docker"
            f" inspect {handle['name']}`."
        )

    async def collect(self, handle: Handle, folder: Path) -> None:
        container = str(handle["container"])

        def remove(client: Client) -> None:
            _remove(container, client)
            inside.remove(folder)
            take_back(folder)

        await self._connection.call(remove, f"remove the container {handle['name']}")
        self._stopped.discard(container)

    async def close(self) -> None:
        await self._watch.close()
        self._connection.close()

    async def _ending(self, container: str, name: str) -> Exit:
        """Wait for the end and tell how it came, also if the engine goes away in between."""
        give_up: float | None = None
        while True:
            await self._watch.ended(container)
            meter, stopped = self._meters.get(container), container in self._stopped
            ask = functools.partial(exit_of, container, stopped, meter, self.engine)
            try:
                return await self._connection.call(ask, f"tell how the container {name} ended")
            except InfrastructureError:
                give_up = give_up or time.monotonic() + PATIENCE
                if time.monotonic() > give_up:
                    raise
            await asyncio.sleep(0.5)

    async def _kill(self, handle: Handle, signal: str) -> bool:
        """Send a signal; whether there was a running container to send it to."""
        kill = functools.partial(_kill, str(handle["container"]), signal)
        try:
            return await self._connection.call(kill, f"stop the container {handle['name']}")
        except InfrastructureError:
            self._stopped.discard(str(handle["container"]))
            raise

    async def _measure(self, container: str) -> None:
        """Have the container's use of CPU and memory looked at while it runs."""

        def pid(client: Client) -> int:
            state: dict[str, Any] = client.inspect_container(container)["State"]
            return int(state.get("Pid") or 0)

        try:
            number = await self._connection.call(pid, f"inspect the container {container[:12]}")
        except InfrastructureError:
            return  # gone, or the engine is away for now: waiting will tell
        self._meters[container] = Meter(container, number if self.engine.is_local else 0)

    async def _states(self) -> States:
        def states(client: Client) -> States:
            for meter in list(self._meters.values()):
                meter.look()
            filters = {"label": [f"redux.schema={SCHEMA}"]}
            return {one["Id"]: one["State"] for one in client.containers(all=True, filters=filters)}

        return await self._connection.call(states, "list its containers")


def _kill(container: str, signal: str, client: Client) -> bool:
    from docker.errors import APIError, NotFound

    try:
        client.kill(container, signal)
    except NotFound:
        return False
    except APIError as error:
        if "is not running" in str(error.explanation):
            return False
        raise
    return True


def _remove(container: str, client: Client) -> None:
    from docker.errors import APIError, NotFound

    try:
        client.remove_container(container, force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if "already in progress" not in str(error.explanation):
            raise
