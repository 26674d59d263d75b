"""A bench on which a test runs a shell script as an agent, in either sandbox."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from redux_tui.models import Agent, Limits, SandboxKind
from redux_tui.sandbox.docker import DockerSandbox
from redux_tui.sandbox.engine import Engine
from redux_tui.sandbox.process import ProcessSandbox
from redux_tui.sandbox.protocol import Exit, Handle, Image, Launch, Sandbox

DOCKERFILE = "ARG BASE=python:3.11-slim\nFROM ${BASE}\nCOPY . /home/agent\n"
START = 'eval "$SCRIPT"\n'  # one image for all scripts
LIMITS = Limits(timeout=60, memory=512 << 20)


def make_agent(folder: Path, start: str = START, recipe: str = DOCKERFILE) -> Agent:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "start.sh").write_text(start)
    (folder / "Dockerfile").write_text(recipe)
    return Agent(
        id=f"{folder.name}/test",
        name=folder.name,
        folder=folder,
        start=Path("start.sh"),
        dockerfile=Path("Dockerfile"),
    )


@dataclass
class Finished:
    """One attempt that is over."""

    launch: Launch
    handle: Handle
    exit: Exit

    @property
    def log(self) -> bytes:
        return (self.launch.folder / "container.log").read_bytes()

    @property
    def text(self) -> str:
        return self.log.decode()


@dataclass
class Bench:
    """A sandbox, and a folder for attempts."""

    sandbox: Sandbox
    root: Path
    said: list[str] = field(default_factory=list)
    services: Path | None = None  # what attempts are served from

    @property
    def sealed(self) -> bool:
        return self.sandbox.kind is SandboxKind.DOCKER

    def agent(self) -> Agent:
        return make_agent(self.root / "eval-agent")

    async def image(self, agent: Agent) -> Image:
        return await self.sandbox.prepare(agent, self.said.append)

    def launch(self, script: str, **environment: str) -> Launch:
        attempt = uuid.uuid4().hex
        folder = self.root / f"attempt-{attempt}"
        for name in ("submission", "code", "logs"):
            (folder / name).mkdir(parents=True)
        (folder / "container.log").touch()
        (folder / "instructions.txt").write_text("Predict.")
        data = self.root / "data"
        data.mkdir(exist_ok=True)
        (data / "train.csv").write_text("id,y\n1,2\n")
        environment["SCRIPT"] = script
        return Launch(
            attempt=attempt,
            group="group-1",
            agent=self.agent(),
            folder=folder,
            data=data,
            environment=environment,
            limits=LIMITS,
            services=self.services,
        )

    async def start(self, launch: Launch) -> Handle:
        return await self.sandbox.start(launch, await self.image(launch.agent))

    async def finish(self, launch: Launch, handle: Handle) -> Finished:
        ended = await self.sandbox.wait(handle)
        await self.sandbox.collect(handle, launch.folder)
        return Finished(launch, handle, ended)

    async def run(self, script: str, limits: Limits = LIMITS, **environment: str) -> Finished:
        launch = replace(self.launch(script, **environment), limits=limits)
        return await self.finish(launch, await self.start(launch))


@pytest.fixture
async def docker_bench(
    docker_engine: Engine, docker_base: str, tmp_path: Path
) -> AsyncIterator[Bench]:
    bench = Bench(DockerSandbox(docker_engine, docker_base), readable(tmp_path))
    yield bench
    for folder in bench.root.glob("attempt-*"):
        remove_container(docker_engine, f"redux-{folder.name.removeprefix('attempt-')}")
    await bench.sandbox.close()


@pytest.fixture
async def process_bench(tmp_path: Path) -> AsyncIterator[Bench]:
    from redux_tui.sandbox import leftovers

    bench = Bench(ProcessSandbox(), tmp_path)
    yield bench
    for folder in bench.root.glob("attempt-*"):
        leftovers.kill(folder.name.removeprefix("attempt-"))
    await bench.sandbox.close()


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.docker), "process"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield request.getfixturevalue(f"{request.param}_bench")


def readable(folder: Path) -> Path:
    """pytest makes its folders for us only, and a container's user must reach the mounts."""
    folder.chmod(0o755)
    return folder


def remove_container(engine: Engine, name: str) -> None:
    from docker.errors import NotFound

    from redux_tui.sandbox.engine import connect

    client = connect(engine)
    try:
        client.remove_container(name, force=True, v=True)
    except NotFound:
        return
    finally:
        client.close()
