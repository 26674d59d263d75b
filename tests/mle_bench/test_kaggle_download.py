"""A competition's zip arrives whole, whatever happens to connection, server, process and disk."""

from __future__ import annotations

import threading
import time
import traceback
from pathlib import Path

import pytest

from redux_tui.bench.kaggle import (
    Cancelled,
    NotAllowed,
    NotFound,
    RulesNotAccepted,
    ServerTrouble,
    TooManyRequests,
)
from redux_tui.bench.progress import Progress
from redux_tui.models import InfrastructureError
from tests.mle_bench.conftest import DOWNLOAD, MB, Fetcher, child, sha256
from tests.support.kaggle_server import FakeKaggle, Pattern


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
