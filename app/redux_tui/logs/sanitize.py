"""Foreign text made safe to show: only colours are kept of all that could control a terminal.

Every text that is not ours goes through `sanitize` (colours stay) or `plain` (none do) before it
reaches the screen: logs, names, descriptions, the texts of exceptions.
"""

from __future__ import annotations

import re

TAB = 8

_COLOUR = r"\x1b\[[0-9;:]{0,64}m"
_TOKENS = re.compile(
    rf"(?P<colour>{_COLOUR})"
    # window titles, the clipboard, device strings: with their text, where they have an end
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\n\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # cursor, screen, modes
    r"|\x1b[ -/]*[0-~]?"  # ESC c and its like
    # controls; line separators and what turns the direction of writing, which terminals obey too
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
_COLOURS = re.compile(_COLOUR)
_SUSPECT = re.compile(r"[^\n\t -~\u00a0-\u0619\u0620-\u200d\u2010-\u2027\u2030-\ud7ff]")
_HARMLESS = bytes([0x09, 0x0A, *range(0x20, 0x7F)])
_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\n\r])")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def sanitize(text: bytes | str) -> str:
    """`text` with its colours (SGR) and newlines, and nothing else that a terminal would obey.

    A line that overwrites itself with carriage returns, as progress bars do, is what it was last.
    """
    if isinstance(text, bytes):
        is_harmless = not text.translate(None, _HARMLESS)  # twice as fast as the search below
        text = text.decode("utf-8", "replace")
    else:
        is_harmless = False
    if not is_harmless and _SUSPECT.search(text):
        text = _OVERWRITTEN.sub("", text)
        text = _TOKENS.sub(lambda match: match["colour"] or "", text)
        text = _SURROGATES.sub("\ufffd", text)  # file names that are no UTF-8 hold these
    return _expand_tabs(text) if "\t" in text else text


def plain(text: bytes | str) -> str:
    """`sanitize` without the colours."""
    safe = sanitize(text)
    return _COLOURS.sub("", safe) if "\x1b" in safe else safe


def one_line(text: bytes | str) -> str:
    """`plain` on one line: every run of white space is a single space."""
    return " ".join(plain(text).split())


def _expand_tabs(text: str) -> str:
    """As `str.expandtabs`, but colours take no room."""
    if "\x1b" not in text:
        return text.expandtabs(TAB)
    parts: list[str] = []
    column = 0
    for part in re.split(rf"({_COLOUR}|\t|\n)", text):
        if part == "\t":
            part = " " * (TAB - column % TAB)
        elif part == "\n":
            column = -1
        if not part.startswith("\x1b"):
            column += len(part)
        parts.append(part)
    return "".join(parts)
