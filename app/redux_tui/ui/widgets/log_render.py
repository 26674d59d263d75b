"""One line of a log, from bytes to what is drawn."""

from __future__ import annotations

import re
from functools import lru_cache

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from redux_tui.logs.sanitize import sanitize

_FOUND = Style(reverse=True)


@lru_cache(maxsize=512)
def decode(line: bytes) -> Text:
    """The line with its colours and nothing else of what controls terminals. Never change it."""
    return AnsiDecoder().decode_line(sanitize(line).replace("\n", " "))


def draw(
    line: bytes,
    console: Console,
    found: re.Pattern[str] | None = None,
    selected: tuple[int, int, Style] | None = None,
) -> Strip:
    """The line as a strip of its own width, with search matches and the selection marked.

    `selected` is from, to (-1: the end of the line) and the style to mark it with.
    """
    text = decode(line)
    if found is not None or selected is not None:
        text = text.copy()
    if found is not None:
        for match in found.finditer(text.plain):
            text.stylize(_FOUND, *match.span())
    if selected is not None:
        start, end, style = selected
        text.stylize(style, start, len(text) if end == -1 else end)
    return Strip([Segment(part.text, part.style) for part in text.render(console)])


def wrap(strip: Strip, width: int) -> list[Strip]:
    """The strip cut into rows of `width` cells; an empty one is one empty row."""
    length = strip.cell_length
    if length <= width:
        return [strip]
    return list(strip.divide([*range(width, length, width), length]))
