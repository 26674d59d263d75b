"""What an agent gets from the submission checker, over the real server on a unix socket."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from redux_tui.grading.validation import Allowance, Validation
from redux_tui.grading.verdict import Reason, Verdict
from redux_tui.models import InfrastructureError
from redux_tui.runner.services import UnixServer

GOOD = Verdict(True, Reason.VALID)
BAD = Verdict(False, Reason.OTHER_COLUMNS)
EDGE = b"edge"
Answer = tuple[int, dict[str, str]]


@dataclass
class Checker:
    """A checker whose grader the test plays."""

    folder: Path
    answer: Callable[[bytes], Awaitable[Verdict]]
    checked: list[bytes] = field(default_factory=list)
    allowance: Allowance = field(default_factory=Allowance)
    server: UnixServer | None = None

    @property
    def uploads(self) -> Path:
        return self.folder / "uploads"

    @property
    def socket(self) -> Path:
        return self.folder / "x.sock"

    async def check(self, path: Path) -> Verdict:
        assert path.name == "submission.csv"
        assert self.uploads.stat().st_mode & 0o777 == 0o700
        self.checked.append(path.read_bytes())
        return await self.answer(self.checked[-1])

    async def open(self) -> None:
        validation = Validation(self.check, self.uploads, self.allowance)
        self.server = UnixServer(self.socket, validation.app)
        await self.server.open()

    async def ask(
        self, method: str, path: str, body: bytes | Iterable[bytes] = b"", kind: str = ""
    ) -> Answer:
        return await asyncio.to_thread(request, self.socket, method, path, body, kind)

    async def send(self, content: bytes, name: str = "file") -> Answer:
        return await self.ask("POST", "/validate", form(content, name), FORM)


FORM = f"multipart/form-data; boundary={EDGE.decode()}"


def form(content: bytes, name: str = "file") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"; filename="../../etc/passwd"'.encode()
    other = b'Content-Disposition: form-data; name="note"\r\n\r\nhello'
    return b"--%b\r\n%b\r\n--%b\r\n%b\r\n\r\n%b\r\n--%b--\r\n" % (
        EDGE,
        other,
        EDGE,
        head,
        content,
        EDGE,
    )


class Connection(http.client.HTTPConnection):
    """HTTP to a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(str(self.path))


def request(
    path: Path, method: str, target: str, body: bytes | Iterable[bytes], kind: str
) -> Answer:
    connection = Connection(path)
    try:
        connection.request(method, target, body or None, {"Content-Type": kind} if kind else {})
        response = connection.getresponse()
        assert response.headers["content-type"] == "application/json"
        return response.status, json.loads(response.read())
    finally:
        connection.close()


async def by_content(content: bytes) -> Verdict:
    return GOOD if content == b"id,y\n1,2\n" else BAD


@pytest.fixture
async def checker() -> AsyncIterator[Checker]:
    with tempfile.TemporaryDirectory() as folder:  # short, for the socket's sake
        made = Checker(Path(folder), by_content)
        yield made
        if made.server is not None:
            await made.server.close()
        assert not made.uploads.exists()


async def test_it_answers_as_mle_bench_does(checker: Checker) -> None:
    await checker.open()
    assert await checker.ask("GET", "/health") == (200, {"status": "running"})
    assert await checker.send(b"id,y\n1,2\n") == (200, {"result": "Submission is valid."})
    invalid = f"Submission invalid! {Reason.OTHER_COLUMNS.value}"
    assert await checker.send(b"\xff\r\n--edg\r\n") == (200, {"result": invalid})
    assert checker.checked == [b"id,y\n1,2\n", b"\xff\r\n--edg\r\n"]
    assert not checker.uploads.exists()


@pytest.mark.parametrize(
    ("body", "kind", "sentence"),
    [
        (b"id,y\n1,2\n", "text/csv", "The request is not a form"),
        (b"", "", "The request is not a form"),
        (b"x", "multipart/form-data", "The request is not a form"),
        (b"not a form at all", FORM, "The form can't be read"),
        (form(b"id,y\n"), f"multipart/form-data; boundary={'b' * 999}", "The form can't be read"),
        (form(b"id,y\n")[:-20], FORM, "The form breaks off"),
        (form(b"id,y\n", "submission"), FORM, "The form has no field `file`"),
    ],
)
async def test_what_is_no_upload_is_told_how_to_be_one(
    checker: Checker, body: bytes, kind: str, sentence: str
) -> None:
    await checker.open()
    status, answer = await checker.ask("POST", "/validate", body, kind)
    assert status == 400
    assert answer["error"].startswith(sentence)
    assert "curl -F file=@submission.csv" in answer["error"]
    assert checker.checked == []


async def test_other_addresses_and_methods_are_errors_as_json(checker: Checker) -> None:
    await checker.open()
    assert await checker.ask("GET", "/validate") == (405, {"error": "Method Not Allowed"})
    assert await checker.ask("GET", "/answers") == (404, {"error": "Not Found"})


async def test_a_file_over_the_limit_is_refused_and_removed(checker: Checker) -> None:
    checker.allowance = Allowance(size=2 << 20)
    await checker.open()
    refusal = (413, {"error": "A file of more than 2 MiB is not checked."})
    assert await checker.send(bytes(9 << 20)) == refusal  # the length alone tells
    assert await checker.send(bytes((2 << 20) + 1)) == refusal  # so does what arrives
    assert checker.checked == []
    assert not checker.uploads.exists()
    await checker.send(bytes(2 << 20))
    assert len(checker.checked[0]) == 2 << 20


async def test_a_form_has_little_but_the_file(checker: Checker) -> None:
    """Many small parts, a long one, and what comes after the end cost time that is ours."""
    await checker.open()
    part = b"--edge\r\nA: b\r\n\r\nx\r\n"
    for more in (part * 5_000, b"--edge\r\nA: b\r\n\r\n" + b"x" * 70_000):
        body = more + form(b"id,y\n1,2\n")
        status, answer = await checker.ask("POST", "/validate", itertools.repeat(body, 1), FORM)
        assert status == 400
        assert "too much besides the file" in answer["error"]
    assert checker.checked == []


async def test_an_agent_cannot_take_all_our_open_files(checker: Checker) -> None:
    await checker.open()
    before = len(list(Path("/proc/self/fd").iterdir()))
    idle = []
    for _ in range(20):
        for _ in range(50):
            idle.append(socket.socket(socket.AF_UNIX))
            idle[-1].setblocking(False)
            idle[-1].connect(str(checker.socket))
        await asyncio.sleep(0.02)
    ours = len(list(Path("/proc/self/fd").iterdir())) - before - len(idle)
    for each in idle:
        each.close()
    assert ours < 200
    await asyncio.sleep(0.2)
    assert (await checker.ask("GET", "/health"))[0] == 200


async def test_a_graders_own_words_are_kept_from_the_agent(checker: Checker) -> None:
    secret = "row 17 should be 0.25"

    async def leak(content: bytes) -> Verdict:
        if content == b"fail":
            raise InfrastructureError(f"The grader failed: {secret}")
        return Verdict(False, secret)  # type: ignore[arg-type]

    checker.answer = leak
    await checker.open()
    for content in (b"fail", b"invalid"):
        status, answer = await checker.send(content)
        assert status == 500
        assert "17" not in json.dumps(answer)
    assert len(checker.checked) == 2


async def test_one_is_checked_at_a_time_and_only_some_wait(checker: Checker) -> None:
    now, most, go_on = 0, 0, asyncio.Event()

    async def slow(content: bytes) -> Verdict:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await go_on.wait()
        now -= 1
        return GOOD

    checker.answer, checker.allowance = slow, Allowance(waiting=3)
    await checker.open()
    sent = [asyncio.create_task(checker.send(b"%d" % number)) for number in range(8)]
    refused = [await each for each in itertools.islice(asyncio.as_completed(sent), 4)]
    assert [status for status, _ in refused] == [429] * 4
    go_on.set()
    assert sorted(status for status, _ in await asyncio.gather(*sent)) == [200] * 4 + [429] * 4
    assert most == 1
    assert len(checker.checked) == 4


async def test_checks_in_a_row_rest_as_long_as_they_take(checker: Checker) -> None:
    async def slow(content: bytes) -> Verdict:
        await asyncio.sleep(0.3)
        return GOOD

    checker.answer, checker.allowance = slow, Allowance(in_a_row=0.3)
    await checker.open()
    begins = []
    for _ in range(3):
        begins.append(time.monotonic())
        await checker.send(b"1")
    assert begins[2] - begins[1] < 0.6  # no rest yet
    assert time.monotonic() - begins[2] >= 0.55


async def test_who_asks_too_often_is_refused(checker: Checker) -> None:
    checker.allowance = Allowance(requests=3)
    await checker.open()
    for _ in range(3):
        assert (await checker.ask("GET", "/health"))[0] == 200
    status, answer = await checker.send(b"id,y\n1,2\n")
    assert status == 429
    assert "3 requests in a minute" in answer["error"]
    assert checker.checked == []


async def test_a_check_or_an_upload_that_takes_too_long_is_stopped(checker: Checker) -> None:
    stopped = asyncio.Event()

    async def hang(content: bytes) -> Verdict:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()
        return GOOD

    checker.answer, checker.allowance = hang, Allowance(check_seconds=0.2, upload_seconds=0.3)
    await checker.open()
    assert (await checker.send(b"1"))[0] == 503
    assert stopped.is_set()
    reader, writer = await asyncio.open_unix_connection(checker.socket)
    head = (
        f"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 99\r\n\r\n"
    )
    writer.write(head.encode() + form(b"begun")[:60])
    assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")
    writer.close()


async def test_an_upload_that_breaks_off_leaves_nothing_and_the_next_is_checked(
    checker: Checker,
) -> None:
    await checker.open()
    _, writer = await asyncio.open_unix_connection(checker.socket)
    head = (
        f"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 999\r\n\r\n"
    )
    writer.write(head.encode() + form(b"begun")[:60])
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    assert await checker.send(b"id,y\n1,2\n") == (200, {"result": "Submission is valid."})
    assert checker.checked == [b"id,y\n1,2\n"]


async def test_what_a_killed_process_of_ours_left_is_removed(checker: Checker) -> None:
    checker.uploads.mkdir()
    (checker.uploads / "submission.csv").write_text("left")
    await checker.open()
    assert not checker.uploads.exists()


async def test_the_socket_can_be_opened_anew(checker: Checker) -> None:
    await checker.open()
    assert checker.server is not None
    checker.socket.unlink()  # a cleaner's work
    assert checker.server.is_gone
    await checker.server.open()
    assert (await checker.ask("GET", "/health"))[0] == 200
