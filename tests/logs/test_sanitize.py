"""Nothing but colours reaches the terminal, whatever the bytes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redux_tui.logs.sanitize import one_line, plain, sanitize

SGR = re.compile(r"\x1b\[[0-9;:]*m")
NASTY = st.sampled_from(
    [
        *[
            "\x1b",
            "\x1b[",
            "\x1b]52;c;",
            "\x07",
            "\x1b\\",
            "\x9b",
            "\x9d",
            "m",
            "2J",
            ";",
            "31m",
            "c",
        ],
        *[
            "\r",
            "\n",
            "\t",
            "\x00",
            "\u202e",
            "\u2028",
            "\ud800",
            "ä",
            "x",
            "\x1b[0m",
            "\x1bP",
            "[H",
        ],
    ]
)
TEXTS = st.lists(NASTY | st.text(max_size=4), max_size=30).map("".join)


@settings(max_examples=200)
@given(TEXTS)
def test_only_colours_and_newlines_remain(text: str) -> None:
    rest = SGR.sub("", sanitize(text))
    assert all(c == "\n" or (c >= " " and not "\x7f" <= c <= "\x9f") for c in rest)
    assert not re.search("[\u2028-\u202e\u2066-\u2069]", rest)
    rest.encode("utf-8")


@settings(max_examples=200)
@given(st.binary(max_size=200) | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_become_plain_text(data: bytes) -> None:
    text = plain(data)
    assert "\x1b" not in text
    assert all(c == "\n" or (c >= " " and not "\x7f" <= c <= "\x9f") for c in text)
    assert text.count("\n") == data.count(b"\n")


@given(TEXTS)
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    assert sanitize(sanitize(text)) == sanitize(text)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        (b"\x1b]52;c;aGVsbG8=\x07copied?", "copied?"),
        (b"\x1b]0;title\x1b\\text", "text"),
        (b"\x1bcreset", "reset"),
        ("\x9b2Jclear".encode(), "clear"),
        (b"\x1b[?1049l\x1b[2J\x1b[Hhome", "home"),
        (b"\x1bPdevice\x1b\\after", "after"),
        (b" 10%\r 50%\r100%", "100%"),
        (b" 10%\r 50%\r100%\r", "100%"),
        (b"windows\r\nlines\r\n", "windows\nlines\n"),
        (b"a\tb", "a       b"),
        (b"\x1b[1mab\x1b[0m\tc", "\x1b[1mab\x1b[0m      c"),
        ("ä€😀".encode(), "ä€😀"),
        (b"\xff\xfe broken", "�� broken"),
        ("\u202egnp.exe", "gnp.exe"),
        ("name\udcff", "name\ufffd"),
    ],
)
def test_what_becomes_of(raw: bytes | str, shown: str) -> None:
    assert sanitize(raw) == shown


def test_one_line_has_no_line_breaks_and_no_colours() -> None:
    assert one_line("\x1b[31ma\n\n  b\t c\r\n") == "a b c"
