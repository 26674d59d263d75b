"""The last line of a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from redux_tui.logs.tail import last_line


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", ""),
        (b"\n\n", ""),
        (b"one\ntwo\n", "two"),
        (b"one\ntwo", "two"),
        (b"one\n\x1b[0m\n  \n", "one"),
        (b"one\n 1%\r 2%\r 3%", "3%"),
        (b"\x1b[32mgreen\x1b[0m \x1b]0;title\x07text\n", "green text"),
        (b"first\n" + b"z" * 1_000_000 + b"\rend of a megabyte\n", "end of a megabyte"),
        ("é".encode() * 500_000, "é" * 1000),
    ],
)
def test_last_line(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "container.log"
    path.write_bytes(content)
    assert last_line(path) == line


def test_no_file_has_no_last_line(tmp_path: Path) -> None:
    assert last_line(tmp_path / "absent") == ""
