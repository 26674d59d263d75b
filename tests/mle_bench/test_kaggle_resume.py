"""A download that was cut or killed goes on where it was, and never mixes two files."""

from __future__ import annotations

import json
import random
import signal
import time
from typing import Any

import pytest

from redux_tui.bench.kaggle import (
    Kaggle,
    NoNetwork,
    Patience,
)
from redux_tui.bench.progress import ignore
from tests.mle_bench.conftest import KEY, MB, QUICK, Fetcher, child
from tests.support.kaggle_server import FakeKaggle, Pattern


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
