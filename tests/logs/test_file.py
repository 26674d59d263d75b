"""A log of any size reads like the file that it is: compared with splitting all of its bytes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redux_tui.logs import file as module
from redux_tui.logs.file import CHUNK, LINE_BYTES, LogFile
from redux_tui.logs.sanitize import plain


def all_lines(content: bytes) -> list[bytes]:
    lines = content.split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def read_whole(log: LogFile) -> None:
    while not log.is_complete:
        log.refresh()


@settings(deadline=None, max_examples=150)
@given(
    pieces=st.lists(st.lists(st.integers(0, 90), max_size=60), min_size=1, max_size=4),
    start=st.integers(0, 200),
    ends_open=st.booleans(),
)
def test_any_lines_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[list[int]],
    start: int,
    ends_open: bool,
) -> None:
    """With chunks of a few bytes, so that every line meets the border of one."""
    path = tmp_path_factory.mktemp("log") / "container.log"
    path.write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", 64)
        patch.setattr(module, "LINE_BYTES", 10_000)
        patch.setattr(module, "_SMALL", 256)
        log = LogFile(path)
        content = b""
        for lengths in pieces:
            content += b"".join(b"x" * length + b"\n" for length in lengths)
            if ends_open:
                content += "half ä".encode()
            path.write_bytes(content)
            log.refresh()
            read_whole(log)
            expected = all_lines(content)
            assert log.line_count == len(expected)
            assert log.lines(log.first, log.line_count) == expected
            assert log.lines(log.first + start, 7) == expected[start : start + 7]
        log.close()


def test_the_end_of_a_large_log_can_be_read_before_it_is_indexed(tmp_path: Path) -> None:
    path = tmp_path / "container.log"
    path.write_bytes(b"".join(b"line %d\n" % n for n in range(2_000_000)))
    log = LogFile(path)
    log.refresh(budget=0)
    assert not log.is_complete
    assert log.lines(log.end - 2, 2) == [b"line 1999998", b"line 1999999"]
    number = log.end - 1
    read_whole(log)
    assert log.lines(number, 1) == [b"line 1999999"], "a line keeps its number"
    assert log.line_count == 2_000_000
    assert log.lines(log.first, 1) == [b"line 0"]
    assert log.lines(log.first + 1_234_567, 1) == [b"line 1234567"]


def test_no_refresh_takes_long(tmp_path: Path) -> None:
    path = tmp_path / "container.log"
    path.write_bytes(b"line\n" * 8_000_000)
    log = LogFile(path)
    longest = 0.0
    while not log.is_complete or not log.exists:
        begin = time.process_time()
        log.refresh(budget=0.01)
        longest = max(longest, time.process_time() - begin)
    assert longest < 0.05


def test_characters_across_the_border_of_a_chunk_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "container.log"
    for shift in range(-3, 4):
        line = b"a" * (CHUNK + shift - 20) + b"\n" + "ää€€😀😀".encode() * 3 + b"\nnext\n"
        path.write_bytes(line)
        log = LogFile(path)
        log.refresh(1)
        assert log.lines(1, 2) == ["ää€€😀😀".encode() * 3, b"next"]
        log.close()


def test_lines_of_a_megabyte_are_cut_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "container.log"
    bar = b"".join(b"\r%5d/100000" % n for n in range(100_001))
    path.write_bytes(b"first\n" + b"x" * 1_500_000 + b"\nthen\n" + bar + b"\nlast")
    log = LogFile(path)
    log.refresh(1)
    first, long, then, progress, last = log.lines(0, 10)
    assert (first, then, last) == (b"first", b"then", b"last")
    assert long.startswith(b"xxx") and b"1,500,000 bytes" in long
    assert len(long) < LINE_BYTES + 100
    assert len(progress) < LINE_BYTES and progress.endswith(b"\r100000/100000")
    assert plain(progress) == "100000/100000"
    assert log.lines(3, 1) == [progress]


def test_growth_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "container.log"
    path.write_bytes(b"one\ntw")
    log = LogFile(path)
    assert log.refresh()
    assert log.lines(0, 9) == [b"one", b"tw"]
    assert not log.refresh()
    with path.open("ab") as file:
        file.write(b"o\nthree\n")
    assert log.refresh()
    assert log.lines(0, 9) == [b"one", b"two", b"three"]


def test_a_log_that_shrinks_or_is_replaced_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "container.log"
    path.write_bytes(b"one\ntwo\nthree\n")
    log = LogFile(path)
    log.refresh()
    path.write_bytes(b"new\n")
    assert log.refresh() and log.shrunk == 1
    assert log.lines(0, 9) == [b"new"]
    other = tmp_path / "other"
    other.write_bytes(b"quite another file\nof two lines\n")
    other.replace(path)
    assert log.refresh() and log.shrunk == 2
    assert log.lines(0, 9) == [b"quite another file", b"of two lines"]


def test_a_log_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "container.log"
    log = LogFile(path)
    assert not log.refresh()
    assert not log.exists and log.line_count == 0 and log.lines(0, 5) == []
    path.write_bytes(b"now\n")
    assert log.refresh() and log.lines(0, 5) == [b"now"]
    path.unlink()
    assert log.refresh() and log.line_count == 0 and not log.exists


@pytest.mark.long
def test_five_million_lines(tmp_path: Path) -> None:
    """More than five million lines a second, and any of them within milliseconds."""
    path = tmp_path / "container.log"
    block = b"".join(
        b"%07d some text of an agent that says what it does\n" % n for n in range(1000)
    )
    with path.open("wb") as file:
        for _ in range(5000):
            file.write(block)
    log = LogFile(path)
    begin = time.process_time()
    log.refresh()
    read_whole(log)
    assert 5_000_000 / (time.process_time() - begin) > 5_000_000
    assert log.line_count == 5_000_000
    begin = time.process_time()
    for n in range(100):
        assert log.lines(log.first + n * 50_000 + 7, 1)[0].startswith(b"0000007")
    assert (time.process_time() - begin) / 100 < 0.01
