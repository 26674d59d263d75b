"""A competition's zip arrives whole, whatever happens to connection, server, process and disk."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from redux_tui.bench.kaggle import (
    Cancelled,
    Credentials,
    Kaggle,
    NoNetwork,
    NotAllowed,
    NotFound,
    Patience,
    RulesNotAccepted,
    ServerTrouble,
    TooManyRequests,
)
from redux_tui.bench.progress import Progress, ignore
from redux_tui.models import InfrastructureError
from tests.support.kaggle_server import FakeKaggle, Pattern

QUICK = Patience(tries=3, first=0.01, longest=0.05)
KEY = Credentials("key", FakeKaggle.username, FakeKaggle.key, "the test")
MB = 1_000_000
DOWNLOAD = "DownloadDataFiles"

# the beginning of a process of its own, which can be killed and measured
CHILD = """
import resource, sys, threading
from pathlib import Path
from redux_tui.bench.kaggle import Kaggle, Patience, require_credentials
from redux_tui.bench.progress import ignore

def fetch(slug, target):
    patience = Patience(tries=3, first=0.01, longest=0.05)
    Kaggle(require_credentials(), patience=patience).download(
        slug, Path(target), ignore, threading.Event())
"""


@pytest.fixture
def server() -> Iterator[FakeKaggle]:
    with FakeKaggle() as fake:
        fake.add("toy", Pattern(3 * MB))
        yield fake


class Fetcher:
    """Downloads toy into a folder of its own, and remembers what was told."""

    def __init__(self, server: FakeKaggle, folder: Path) -> None:
        self.server, self.target = server, folder / "toy" / "toy.zip"
        self.progress: list[Progress] = []
        self.lines: list[str] = []
        self.cancelled = threading.Event()

    def __call__(self, slug: str = "toy", patience: Patience = QUICK) -> None:
        with Kaggle(KEY, self.server.url, patience=patience) as kaggle:
            kaggle.download(
                slug, self.target, self.progress.append, self.cancelled, self.lines.append
            )

    @property
    def part(self) -> Path:
        return self.target.with_name("toy.zip.part")

    @property
    def is_whole(self) -> bool:
        names = {each.name for each in self.target.parent.iterdir()}
        body = self.server.competitions["toy"].body
        return names == {"toy.zip", ".toy.zip.lock"} and sha256(self.target) == body.sha256()


@pytest.fixture
def fetch(server: FakeKaggle, tmp_path: Path) -> Fetcher:
    return Fetcher(server, tmp_path)


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def child(server: FakeKaggle, code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + code],
        env={**os.environ, **server.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_download_arrives_and_tells_how_far_it_is(fetch: Fetcher) -> None:
    fetch()
    assert fetch.is_whole
    assert fetch.progress[0] == Progress("toy: download", 0, 3 * MB)
    assert fetch.progress[-1] == Progress("toy: download", 3 * MB, 3 * MB)
    assert [each.done == each.total for each in fetch.progress].count(True) == 1
    assert fetch.lines == []


def test_what_is_there_is_not_fetched_again(server: FakeKaggle, fetch: Fetcher) -> None:
    fetch()
    asked = len(server.requests)
    fetch()
    assert len(server.requests) == asked


def test_300_mb_cut_three_times_arrive_whole_in_flat_memory(
    server: FakeKaggle, tmp_path: Path
) -> None:
    size = 300 * MB
    server.add("small", b"zip")
    server.add("large", Pattern(size)).cuts += [70 * MB, 1, 110 * MB]
    code = f"""
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
fetch("small", {str(tmp_path / "small.zip")!r})
before = peak()
fetch("large", {str(tmp_path / "large.zip")!r})
print(peak() - before)
"""
    process = child(server, code)
    grown, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert int(grown) < 30 * 1024  # KiB
    assert sha256(tmp_path / "large.zip") == server.competitions["large"].body.sha256()
    ranges = [each.headers.get("Range") for each in server.asked("/storage/large")]
    assert [wanted is not None for wanted in ranges] == [False, True, True, True]
    assert server.sent < size + 3 * MB  # each cut costs what was on its way, no more


def test_a_killed_download_goes_on_where_it_was(server: FakeKaggle, fetch: Fetcher) -> None:
    competition = server.add("toy", Pattern(40 * MB), speed=30 * MB)
    random.seed(1)
    kept = 0
    for _ in range(3):
        process = child(server, f"fetch('toy', {str(fetch.target)!r})")
        kept_before, deadline = kept, time.monotonic() + 20
        aim = kept + random.randrange(1, 6 * MB)
        while kept < aim and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
            kept = fetch.part.stat().st_size if fetch.part.exists() else 0
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not fetch.target.exists()
        kept = fetch.part.stat().st_size
        assert kept >= kept_before
    competition.speed = None
    fetch()
    assert fetch.is_whole
    starts = [each.headers.get("Range", "bytes=0-") for each in server.asked("/storage/toy")]
    offsets = [int(start.removeprefix("bytes=").rstrip("-")) for start in starts]
    assert offsets[-1] == kept
    assert offsets == sorted(offsets)
    assert fetch.progress[0].done == kept


def test_a_process_killed_before_the_last_rename_needs_a_byte_only(
    server: FakeKaggle, fetch: Fetcher
) -> None:
    fetch()
    fetch.target.rename(fetch.part)
    mark = {"slug": "toy", "validator": '"first"', "size": 3 * MB}
    fetch.part.with_name("toy.zip.part.json").write_text(json.dumps(mark))
    sent = server.sent
    fetch()
    assert fetch.is_whole
    assert server.sent == sent + 1


def leave_part(server: FakeKaggle, fetch: Fetcher) -> None:
    """Stop a download of toy after 2 MB."""
    server.cut("toy", 2 * MB)
    with pytest.raises(NoNetwork):
        fetch(patience=Patience(tries=1))
    assert MB < fetch.part.stat().st_size <= 2 * MB


def test_a_part_of_another_version_is_not_used(server: FakeKaggle, fetch: Fetcher) -> None:
    leave_part(server, fetch)
    server.add("toy", Pattern(3 * MB, seed=2), etag='"second"')
    fetch()
    assert fetch.is_whole


def test_a_version_that_changes_while_it_is_fetched_is_fetched_anew(
    server: FakeKaggle, fetch: Fetcher
) -> None:
    server.cut("toy", 2 * MB)

    def change(line: str) -> None:
        server.add("toy", Pattern(4 * MB, seed=2), etag='"second"')

    with Kaggle(KEY, server.url, patience=QUICK) as kaggle:
        kaggle.download("toy", fetch.target, ignore, fetch.cancelled, change)
    assert fetch.is_whole


@pytest.mark.parametrize(
    "mark",
    [
        "",
        "null",
        "{}",
        json.dumps({"slug": "other", "validator": '"first"', "size": 3 * MB}),
        json.dumps({"slug": "toy", "validator": '"first"', "size": 2 * MB + 1}),
        json.dumps({"slug": "toy", "validator": '"first"', "size": 10}),
        json.dumps({"slug": "toy", "validator": '"first"', "size": "much"}),
        json.dumps({"slug": "toy", "validator": '"zeroth"', "size": 3 * MB}),
    ],
)
def test_a_part_that_is_not_surely_of_this_file_is_not_used(
    mark: str, server: FakeKaggle, fetch: Fetcher
) -> None:
    fetch.target.parent.mkdir()
    fetch.part.write_bytes(bytes(2 * MB))
    fetch.part.with_name("toy.zip.part.json").write_text(mark)
    fetch()
    assert fetch.is_whole


def test_a_part_without_a_mark_is_not_used(fetch: Fetcher) -> None:
    fetch.target.parent.mkdir()
    fetch.part.write_bytes(bytes(2 * MB))
    fetch()
    assert fetch.is_whole


@pytest.mark.parametrize(
    "options",
    [
        {"knows_ranges": False},
        {"etag": None},
        {"etag": 'W/"weak"'},
        {"etag": None, "last_modified": "Sat, 21 Nov 2026 12:00:00 GMT"},
        {"etag": 'W/"weak"', "last_modified": "Sat, 21 Nov 2026 12:00:00 GMT"},
    ],
    ids=str,
)
def test_whatever_the_storage_can_a_cut_download_arrives(
    options: dict[str, Any], server: FakeKaggle, fetch: Fetcher
) -> None:
    competition = server.add("toy", Pattern(3 * MB), **options)
    competition.cuts += [2 * MB, MB // 2]
    fetch()
    assert fetch.is_whole
    resumable = competition.last_modified is not None
    assert (server.sent < 4 * MB) == resumable


def test_a_body_of_unknown_length_arrives(server: FakeKaggle, fetch: Fetcher) -> None:
    server.add("toy", Pattern(3 * MB), sized=False)
    fetch()
    assert fetch.is_whole
    assert fetch.progress[0] == Progress("toy: download", 0, None)
    assert fetch.progress[-1] == Progress("toy: download", 3 * MB, 3 * MB)


def test_an_empty_body_is_no_trouble(server: FakeKaggle, fetch: Fetcher) -> None:
    server.add("toy", b"")
    fetch()
    assert fetch.is_whole


def test_a_zip_that_the_api_sends_itself_arrives(server: FakeKaggle, fetch: Fetcher) -> None:
    zip_ = {"Content-Type": "application/zip", "ETag": '"first"'}
    server.answer(200, to="DownloadDataFiles", headers=zip_, body=b"small zip")
    fetch()
    assert fetch.target.read_bytes() == b"small zip"


def test_cuts_are_survived_for_as_long_as_there_is_progress(
    server: FakeKaggle, fetch: Fetcher
) -> None:
    server.cut("toy", 400_000, times=7)
    fetch()
    assert fetch.is_whole
    assert len(fetch.lines) == 7
    assert fetch.lines[0] == (
        "toy: download: There is no working connection to 127.0.0.1: the connection was lost;"
        " going on in 0 s."
    )


def test_without_progress_it_is_given_up_and_the_part_kept(
    server: FakeKaggle, fetch: Fetcher
) -> None:
    server.cut("toy", 2 * MB)
    server.cut("toy", 0, times=3)
    with pytest.raises(NoNetwork, match="goes on where it stopped"):
        fetch()
    assert fetch.part.stat().st_size > MB
    fetch()
    assert fetch.is_whole
    assert server.sent < 4 * MB


def test_a_server_that_always_cuts_at_the_same_place_is_given_up(
    server: FakeKaggle, fetch: Fetcher
) -> None:
    server.add("toy", Pattern(3 * MB), knows_ranges=False).cuts += [2 * MB] * 50
    with pytest.raises(NoNetwork):
        fetch()
    assert len(server.asked("/storage/toy")) < 10


@pytest.mark.parametrize("status", [403, 410, 416, 500, 503])
def test_a_storage_that_refuses_once_is_asked_with_a_new_address(
    status: int, server: FakeKaggle, fetch: Fetcher
) -> None:
    server.answer(status, to="/storage/toy")
    fetch()
    assert fetch.is_whole
    assert len(server.asked("DownloadDataFiles")) == 2
    server.answer(status, to="/storage/toy", times=3)
    fetch.target.unlink()
    with pytest.raises(ServerTrouble, match=r"127\.0\.0\.1") as caught:
        fetch()
    assert "signed" not in str(caught.value)


def test_a_storage_that_refuses_for_good_is_named_without_the_signed_address(
    server: FakeKaggle, fetch: Fetcher
) -> None:
    server.answer(403, to="/storage/toy", times=9)
    with pytest.raises(ServerTrouble) as caught:
        fetch()
    assert "X-Signature" not in "".join(traceback.format_exception(caught.value))


def test_a_login_page_is_not_taken_for_the_zip(server: FakeKaggle, fetch: Fetcher) -> None:
    for to in (DOWNLOAD, "/storage/toy"):
        server.answer(200, to=to, headers={"Content-Type": "text/html; charset=utf-8"}, body=b"<p>")
        with pytest.raises(ServerTrouble, match="perhaps the login page"):
            fetch()
    assert not fetch.target.exists()
    fetch()
    assert fetch.is_whole


def test_429_in_between_waits_as_told_and_then_goes_on(server: FakeKaggle, fetch: Fetcher) -> None:
    server.cut("toy", 2 * MB)
    server.answer(429, to="DownloadDataFiles", headers={"Retry-After": "1"})
    start = time.monotonic()
    fetch()
    assert time.monotonic() - start >= 1
    assert fetch.is_whole
    wait = "toy: download: Kaggle asks to wait (429, too many requests); going on in 1 s."
    assert fetch.lines[0] == wait
    server.answer(429, to="DownloadDataFiles", headers={"Retry-After": "9999"})
    fetch.target.unlink()
    with pytest.raises(TooManyRequests, match="9999 s"):
        fetch()


def test_each_refusal_has_its_own_error(server: FakeKaggle, fetch: Fetcher) -> None:
    with pytest.raises(NotFound, match="titanix"):
        fetch("titanix")
    server.competitions["toy"].entered = False
    with pytest.raises(RulesNotAccepted, match=r"https://www\.kaggle\.com/c/toy/rules"):
        fetch()
    server.competitions["toy"].entered = True
    server.answer(403, to="DownloadDataFiles")
    with pytest.raises(NotAllowed, match=r"/c/toy/data"):
        fetch()
    assert len(server.asked("DownloadDataFiles")) == 3


def test_the_account_is_never_shown_to_the_storage(server: FakeKaggle, fetch: Fetcher) -> None:
    cookie = {"Set-Cookie": "session=secret; path=/", "Content-Type": "application/json"}
    for host in (server.storage_url, server.storage_url.replace("127.0.0.1", "localhost")):
        server.storage_host = host
        server.answer(500, to="DownloadDataFiles", headers=cookie, body=b"{}")
        server.cut("toy", MB)
        fetch()
        fetch.target.unlink()
    requests = server.asked("/storage/toy")
    assert len(requests) == 4
    for each in requests:
        assert not {"authorization", "cookie"} & {name.lower() for name in each.headers}
    assert all("Authorization" in each.headers for each in server.asked("DownloadDataFiles"))


def test_a_netrc_adds_nothing(
    server: FakeKaggle, fetch: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    fetch()
    assert "Authorization" not in server.asked("/storage/toy")[0].headers


@pytest.mark.parametrize("sized", [True, False])
def test_cancelling_ends_it_even_where_nothing_comes(
    sized: bool, server: FakeKaggle, fetch: Fetcher
) -> None:
    server.competitions["toy"].sized = sized
    server.competitions["toy"].stalls.append(2 * MB)
    threading.Timer(0.5, fetch.cancelled.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        fetch()
    assert time.monotonic() - start < 3
    assert not fetch.target.exists()
    assert fetch.part.stat().st_size >= MB
    fetch.cancelled.clear()
    fetch()
    assert fetch.is_whole


def test_cancelling_ends_a_wait_before_the_next_try(server: FakeKaggle, fetch: Fetcher) -> None:
    server.answer(429, to="DownloadDataFiles", headers={"Retry-After": "600"})
    threading.Timer(0.3, fetch.cancelled.set).start()
    with pytest.raises(Cancelled):
        fetch()


def test_two_at_once_fetch_it_once(server: FakeKaggle, fetch: Fetcher) -> None:
    server.competitions["toy"].speed = 6 * MB
    code = f"fetch('toy', {str(fetch.target)!r})"
    processes = [child(server, code) for _ in range(2)]
    fetch()
    ends = [(process.communicate(timeout=30)[1], process.returncode) for process in processes]
    assert ends == [("", 0), ("", 0)]
    assert fetch.is_whole
    assert server.sent == 3 * MB


def test_waiting_for_another_can_be_cancelled(server: FakeKaggle, fetch: Fetcher) -> None:
    server.competitions["toy"].stalls.append(MB)
    other = child(server, f"fetch('toy', {str(fetch.target)!r})")
    while not fetch.part.exists():
        time.sleep(0.02)
    threading.Timer(0.3, fetch.cancelled.set).start()
    with pytest.raises(Cancelled):
        fetch()
    other.kill()
    other.communicate()
    fetch.cancelled.clear()
    fetch()  # the lock died with the other
    assert fetch.is_whole


def test_a_disk_without_room_is_said_before_anything_comes(
    server: FakeKaggle, fetch: Fetcher
) -> None:
    server.add("toy", Pattern(1 << 60))
    with pytest.raises(InfrastructureError, match=r"toy's download needs about .* MB"):
        fetch()
    assert not fetch.part.exists()


def test_a_full_disk_is_named_and_the_part_kept(server: FakeKaggle, fetch: Fetcher) -> None:
    code = f"""
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))  # a disk's end, near enough
from redux_tui.models import InfrastructureError
try:
    fetch('toy', {str(fetch.target)!r})
except InfrastructureError as error:
    print(error)
"""
    said, errors = child(server, code).communicate(timeout=30)
    assert errors == ""
    assert f"toy.zip could not be written in {fetch.target.parent}: File too large." in said
    assert "kept" in said
    assert fetch.part.stat().st_size == 2 * MB
    fetch()
    assert fetch.is_whole
    assert server.sent < 5 * MB


def test_a_folder_that_can_not_be_written_is_named(fetch: Fetcher) -> None:
    fetch.target.parent.write_text("a file, not a folder")
    with pytest.raises(InfrastructureError, match=r"toy\.zip could not be written in .*/toy: "):
        fetch()


def test_no_link_is_followed(fetch: Fetcher, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    fetch.target.parent.mkdir()
    fetch.part.symlink_to(victim)
    fetch()
    assert fetch.is_whole
    assert victim.read_text() == "precious"


def test_nothing_is_printed(
    server: FakeKaggle, fetch: Fetcher, capfd: pytest.CaptureFixture[str]
) -> None:
    server.cut("toy", MB)
    server.answer(500, to="DownloadDataFiles")
    fetch()
    assert capfd.readouterr() == ("", "")
