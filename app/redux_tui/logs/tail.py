"""The last line of a log, read from the file's end only."""

from __future__ import annotations

import os
from pathlib import Path

from redux_tui.logs.sanitize import one_line

_END = 32 * 1024
_LONGEST = 1000


def last_line(path: Path) -> str:
    """The last line that is not blank, plain; "" if there is none or no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _END))
            end = file.read(_END)
    except OSError:
        return ""
    if size > _END:
        end = end.lstrip(bytes(range(0x80, 0xC0)))  # the rest of a character that was cut
    for line in reversed(end.split(b"\n")):
        if text := one_line(line):
            return text[:_LONGEST]
    return ""
