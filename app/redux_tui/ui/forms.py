"""What people type into fields, checked; what is wrong is said in a sentence."""

from __future__ import annotations

import re
from pathlib import Path

from redux_tui.models import ReduxError
from redux_tui.ui.text import span

_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


def whole_number(text: str, name: str, most: int) -> int:
    """A number from 1 to `most`. Raises ReduxError."""
    if not text.strip().isdecimal() or not 1 <= int(text) <= most:
        raise ReduxError(f"{name} must be a whole number from 1 to {most}, not {text.strip()!r}.")
    return int(text)


def duration(text: str, name: str) -> float:
    """Seconds; `90`, `90s`, `15m`, `1.5h`, `1h 30m` and `2d` will do. Raises ReduxError."""
    cleaned = text.strip().lower()
    parts = _DURATION.findall(cleaned)
    if not parts or _DURATION.sub("", cleaned).strip() or any(u not in _UNITS for _, u in parts):
        raise ReduxError(
            f"{name} must be seconds, or a time such as 15m, 24h or 1h 30m, not {text.strip()!r}."
        )
    seconds = sum(float(value) * _UNITS[unit] for value, unit in parts)
    if not 1 <= seconds <= 30 * 86400:
        raise ReduxError(f"{name} must be from 1 second to 30 days, not {span(seconds)}.")
    return seconds


def duration_text(seconds: float) -> str:
    """What `duration` reads as these seconds, as short as it gets."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:g}s"


def folder(text: str, name: str) -> Path:
    """A folder that is there, or can be made because one above it can be written to."""
    if not text.strip():
        raise ReduxError(f"{name} must name a folder.")
    path = Path(text.strip()).expanduser()
    if path.exists() and not path.is_dir():
        raise ReduxError(f"{name} must be a folder, but {path} is a file.")
    return path
