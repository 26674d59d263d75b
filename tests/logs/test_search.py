"""Search finds what is shown, not the bytes around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from redux_tui.logs.file import LogFile
from redux_tui.logs.search import Search
from redux_tui.models import ReduxError


def opened(path: Path, content: bytes) -> LogFile:
    path.write_bytes(content)
    log = LogFile(path)
    log.refresh(1)
    return log


def found(search: Search) -> list[int]:
    while not search.is_done:
        search.advance()
    return list(search.found)


@pytest.fixture
def log(tmp_path: Path) -> LogFile:
    lines = [b"Error one", b"fine", b"\x1b[31mERR\x1b[0mOR two", b"fine", b"old\rerror three"]
    return opened(tmp_path / "log", b"\n".join(lines) + b"\n")


def test_small_letters_ignore_case_and_colours(log: LogFile) -> None:
    assert found(Search(log, "error")) == [0, 2, 4]


def test_capitals_are_meant(log: LogFile) -> None:
    assert found(Search(log, "ERROR")) == [2]


def test_line_starts_and_ends_are_those_of_lines(log: LogFile) -> None:
    assert found(Search(log, "^fine$")) == [1, 3]


def test_it_goes_round(log: LogFile) -> None:
    search = Search(log, "error")
    found(search)
    assert [search.after(line) for line in (-1, 0, 1, 4)] == [0, 2, 2, 0]
    assert [search.before(line) for line in (9, 4, 1, 0)] == [4, 2, 0, 4]
    assert search.place(2) == 2


def test_nothing_found_leads_nowhere(log: LogFile) -> None:
    search = Search(log, "absent")
    assert found(search) == []
    assert search.after(0) is None and search.before(0) is None


def test_a_growing_log_is_searched_on(log: LogFile) -> None:
    search = Search(log, "error")
    found(search)
    with log.path.open("ab") as file:
        file.write(b"still no err")
    log.refresh()
    assert found(search) == [0, 2, 4]
    with log.path.open("ab") as file:
        file.write(b"or\nerror\n")
    log.refresh()
    assert found(search) == [0, 2, 4, 5, 6]


def test_a_log_that_begins_anew_is_searched_anew(log: LogFile) -> None:
    search = Search(log, "error")
    found(search)
    log.path.write_bytes(b"x\nerror\n")
    log.refresh()
    search.advance()
    assert found(search) == [1]


def test_many_lines(tmp_path: Path) -> None:
    content = b"".join(b"step %d\n" % n for n in range(50_000))
    search = Search(opened(tmp_path / "log", content), r"step \d*999$")
    assert found(search) == list(range(999, 50_000, 1000))


def test_what_is_no_pattern_is_said(log: LogFile) -> None:
    with pytest.raises(ReduxError, match="not a regular expression"):
        Search(log, "(")
