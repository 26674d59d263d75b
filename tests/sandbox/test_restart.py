"""An engine that is restarted under a running attempt: a private dockerd, killed and stopped."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from redux_tui.models import InfrastructureError
from redux_tui.sandbox.docker import DockerSandbox
from redux_tui.sandbox.engine import Engine, connect, find_engine
from tests.sandbox.conftest import Bench, readable

# with the default one, it would remove the real daemon's docker0; one for each process of the tests
BRIDGE, SUBNET = f"redux{os.getpid()}", f"10.99.{os.getpid() % 250}.1/24"

pytestmark = [
    pytest.mark.docker,
    pytest.mark.long,
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("dockerd") is None,
        reason="starts a Docker daemon of its own: needs root and dockerd",
    ),
]


class Daemon:
    """A Docker daemon with all of its own: socket, storage, containerd, bridge."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.engine = Engine(f"unix://{folder}/d.sock", "a test")

    def start(self, *options: str) -> None:
        command = ["dockerd", "-H", self.engine.url, f"--bridge={BRIDGE}", "--iptables=false"]
        command += [f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec"]
        command += [f"--pidfile={self.folder}/pid", "--ip-masq=false", *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                find_engine(self.engine.url)
                return
            except InfrastructureError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.1)

    def end(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(60)
        # its containerd died with it, but may be a zombie here, which dockerd takes for alive
        (self.folder / "exec/containerd/containerd.pid").unlink(missing_ok=True)


@pytest.fixture
def daemon(
    docker_base: str, docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("d")
    made = Daemon(folder)
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "addr", "add", SUBNET, "dev", BRIDGE], check=True)
        made.start()
        source, target = connect(docker_engine), connect(made.engine)
        target.load_image(b"".join(source.get_image(docker_base)))
        source.close()
        target.close()
        yield made
    finally:
        if made.process is not None:
            made.end(signal.SIGTERM)
        subprocess.run(["ip", "link", "delete", BRIDGE], check=True)
        unmount_beneath(folder)
        shutil.rmtree(folder)


def unmount_beneath(folder: Path) -> None:
    """A daemon that was killed leaves the file systems and networks of its containers mounted."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for path in sorted((path for path in mounted if path.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", path], check=True)


@pytest.fixture
async def private_bench(daemon: Daemon, docker_base: str, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(DockerSandbox(daemon.engine, docker_base), readable(tmp_path))
    yield bench
    await bench.sandbox.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_restarted_engine_is_not_the_agents_failure(
    private_bench: Bench, daemon: Daemon, how: signal.Signals
) -> None:
    launch = private_bench.launch("echo begun; sleep 100")
    handle = await private_bench.start(launch)
    waiting = asyncio.create_task(private_bench.sandbox.wait(handle))
    await asyncio.sleep(1)
    await asyncio.to_thread(daemon.end, how)
    await asyncio.sleep(1)
    assert not waiting.done() or how is signal.SIGTERM
    await asyncio.to_thread(daemon.start)
    ended = await asyncio.wait_for(waiting, 60)
    assert ended.lost == "The Docker engine was restarted and ended the attempt."
    await private_bench.sandbox.collect(handle, launch.folder)


async def test_an_attempt_goes_on_while_a_live_restoring_engine_is_away(
    private_bench: Bench, daemon: Daemon
) -> None:
    await asyncio.to_thread(daemon.end, signal.SIGTERM)
    await asyncio.to_thread(daemon.start, "--live-restore")
    launch = private_bench.launch("echo begun; sleep 6; echo done; exit 3")
    handle = await private_bench.start(launch)
    waiting = asyncio.create_task(private_bench.finish(launch, handle))
    await asyncio.sleep(1)
    await asyncio.to_thread(daemon.end, signal.SIGTERM)
    await asyncio.sleep(1)
    await asyncio.to_thread(daemon.start, "--live-restore")
    done = await asyncio.wait_for(waiting, 60)
    assert done.exit.exit_code == 3
    assert done.text == "begun\ndone\n"
