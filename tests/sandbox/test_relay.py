"""The relay, which serves ports of a container from unix sockets outside it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from redux_tui.models import Limits
from redux_tui.sandbox import relay
from redux_tui.sandbox.protocol import Launch
from tests.sandbox.conftest import Bench, Finished, make_agent
from tests.sandbox.test_both import until

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
RUN = """
import sys; sys.path.insert(0, sys.argv[1])
from relay import Relay, listen
listener = listen(0)
print(listener.getsockname()[1], flush=True)
Relay({listener: sys.argv[2]}).run()
"""
ASK = """
python3 - <<'END'
import urllib.error, urllib.request
try:
    print(urllib.request.urlopen("http://localhost:5000/", b"x" * 3_000_000).read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode().strip())
END
"""


@dataclass
class Relayed:
    """A relay that runs, and the socket that it passes everything on to."""

    port: int
    path: Path
    process: subprocess.Popen[str]

    @property
    def memory(self) -> int:
        """Bytes that it has in memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, request: bytes) -> bytes:
        reader, writer = await self.connect()
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A socket's path may have 108 bytes only, and pytest's folders have long names."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def relayed(short_folder: Path) -> Iterator[Relayed]:
    path = short_folder / "x.sock"
    command = [sys.executable, "-I", "-S", "-c", RUN, str(Path(relay.__file__).parent), str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield Relayed(int(process.stdout.readline()), path, process)
    process.kill()
    process.wait()
    process.stdout.close()


async def serve(path: Path, answer: bytes = ANSWER) -> asyncio.Server:
    """Answers each connection with `answer`, once its request is there."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer)
        await writer.drain()
        writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(handle, path)
    path.chmod(0o666)
    return server


async def test_bytes_arrive_whole_at_the_pace_of_who_takes_them(relayed: Relayed) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 20):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(echo, relayed.path)
    sent = os.urandom(1 << 20) * 64
    reader, writer = await relayed.connect()
    writing = asyncio.create_task(_send(writer, sent))
    await asyncio.sleep(0.3)  # nobody takes the echo: no more than a buffer may pile up
    assert relayed.memory < 30 << 20
    assert await reader.readexactly(len(sent)) == sent
    await writing
    assert await reader.read() == b""  # the half that we closed was passed on, and answered
    assert relayed.memory < 30 << 20
    writer.close()
    server.close()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
    writer.write_eof()


async def test_a_service_that_is_away_is_told_of_and_found_when_it_is_back(
    relayed: Relayed,
) -> None:
    request = b"POST / HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n" + bytes(5_000_000)
    head, _, body = (await relayed.ask(request)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert "Try again in a minute" in json.loads(body)["error"]
    for _ in range(2):  # killed and started again: its socket is there, and another file
        server = await serve(relayed.path)
        assert await relayed.ask(b"GET / HTTP/1.1\r\n\r\n") == ANSWER
        server.close()
    assert (await relayed.ask(b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 503 ")


async def test_a_service_that_dies_before_it_answers_is_told_of(relayed: Relayed) -> None:
    server = await serve(relayed.path, answer=b"")
    assert (await relayed.ask(b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 503 ")
    server.close()


async def test_an_answer_reaches_who_is_still_sending(relayed: Relayed) -> None:
    server = await serve(relayed.path)  # it closes after the first few bytes
    request = b"POST / HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n" + bytes(9_000_000)
    assert await relayed.ask(request) == ANSWER
    server.close()


async def test_more_connections_than_it_takes_at_a_time_wait(relayed: Relayed) -> None:
    server = await serve(relayed.path)
    idle = [await relayed.connect() for _ in range(relay.MOST)]
    late = asyncio.create_task(relayed.ask(b"GET / HTTP/1.1\r\n\r\n"))
    await asyncio.sleep(0.3)
    assert not late.done()
    for reader, writer in idle:
        writer.close()
        await reader.read()
    assert await asyncio.wait_for(late, 10) == ANSWER
    server.close()


def test_a_port_that_is_taken_is_an_error_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        table = f"{taken.getsockname()[1]}=/nowhere.sock"
        command = [sys.executable, relay.__file__, table]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"redux-tui: the ports {table} can't be served: ")


# inside containers


@pytest.fixture
async def served(docker_bench: Bench, short_folder: Path) -> AsyncIterator[Bench]:
    """A bench on which attempts find a service that says hello."""
    server = await serve(short_folder / "validate.sock")
    docker_bench.services = short_folder
    yield docker_bench
    server.close()


async def run(bench: Bench, launch: Launch) -> Finished:
    return await bench.finish(launch, await bench.start(launch))


@pytest.mark.docker
@pytest.mark.parametrize("network", ["none", "open"])
async def test_an_agent_finds_the_port_open_and_nothing_else_changed(
    served: Bench, network: str
) -> None:
    script = f"""{ASK}
        for each in /proc/[0-9]*; do
            if tr '\\0' ' ' <$each/cmdline | grep -q '^python3.*relay.py'; then
                ls -l $each/fd | grep -c /dev/null; ls -l $each/fd | grep -c container.log
                readlink $each/cwd; ls $each/task | wc -l; awk '/VmRSS/ {{print $2}}' $each/status
            fi
        done
        touch /run/redux/services/x 2>&1 | grep -o 'Read-only'
        exit 7"""
    launch = served.launch(textwrap.dedent(script))
    launch = replace(launch, agent=replace(launch.agent, network=network))
    done = await run(served, launch)
    *others, memory, sealed = done.text.splitlines()
    assert others == ["hello", "3", "0", "/", "1"]
    assert int(memory) < 20_000  # KiB
    assert sealed == "Read-only"
    assert done.exit.exit_code == 7


@pytest.mark.docker
async def test_the_port_tells_of_a_service_that_is_away(
    docker_bench: Bench, short_folder: Path
) -> None:
    docker_bench.services = short_folder
    done = await docker_bench.run(ASK)
    assert done.text.startswith("503 ")
    assert "Try again in a minute" in done.text


@pytest.mark.docker
async def test_the_relay_neither_outlives_the_agent_nor_takes_its_signals(served: Bench) -> None:
    script = f"trap 'sleep 0.5; {ASK}\nexit 5' TERM; echo ready; while :; do sleep 0.1; done"
    launch = served.launch(script)
    handle = await served.start(launch)
    log = launch.folder / "container.log"
    await until(lambda: b"ready" in log.read_bytes())
    waiting = asyncio.create_task(served.finish(launch, handle))
    await served.sandbox.stop(handle, grace=20)
    done = await waiting
    assert done.exit.exit_code == 5
    assert done.text.endswith("hello\n")


@pytest.mark.docker
async def test_it_fits_beside_an_agent_that_has_little(served: Bench) -> None:
    limits = Limits(timeout=60, memory=64 << 20, pids=8)
    done = await served.run(ASK, limits)
    assert done.text == "hello\n"
    assert not done.exit.out_of_memory


@pytest.mark.docker
async def test_an_image_without_python_runs_and_says_what_is_missing(served: Bench) -> None:
    recipe = "ARG BASE=x\nFROM ${BASE}\nRUN rm -f /usr/bin/python*\nCOPY . /home/agent\n"
    launch = served.launch('"$VALIDATE_SCRIPT" "$0"; echo ran; exit 3')
    launch = replace(launch, agent=make_agent(served.root / "plain-agent", recipe=recipe))
    done = await run(served, launch)
    assert done.exit.exit_code == 3
    assert done.text.splitlines() == [
        "redux-tui: no python3 that works, so http://localhost:5000/validate is not served;"
        " /home/validate_submission.sh needs no more than curl.",
        "/home/validate_submission.sh needs curl or python3, and there is neither.",
        "ran",
    ]
