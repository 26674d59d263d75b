"""What a child prints, as lines: a progress bar is its last state, told once a second at most."""

from __future__ import annotations

import time

from redux_tui.logs.sanitize import plain

_OFTEN = 1.0  # seconds between two states of a bar
_LONGEST = 1 << 16  # bytes of a line that are kept


class Lines:
    """Takes bytes as they come, gives what is to be shown of them."""

    def __init__(self) -> None:
        self._rest = b""
        self._told = 0.0  # when a bar's state was given last
        self._state = ""

    def feed(self, chunk: bytes, now: float | None = None) -> list[str]:
        """Whole lines; of one that overwrites itself, its newest whole state if it is time."""
        now = time.monotonic() if now is None else now
        *whole, rest = (self._rest + chunk).split(b"\n")
        lines = [line for each in whole if (line := self._whole(each))]
        self._rest = rest[-_LONGEST:]
        done, overwrites, _ = self._rest.rpartition(b"\r")
        state = _shown(done)
        if overwrites and state and state != self._state and now >= self._told + _OFTEN:
            self._told, self._state = now, state
            lines.append(state)
        return lines

    def end(self) -> list[str]:
        """What was printed without a newline."""
        line, self._rest = self._whole(self._rest), b""
        return [line] if line else []

    def _whole(self, line: bytes) -> str:
        """What is to be shown of a line that has ended: nothing, if it was shown already."""
        shown, before, self._state = _shown(line), self._state, ""
        return "" if shown == before else shown


def _shown(line: bytes) -> str:
    states = [each for each in line[-_LONGEST:].split(b"\r") if each.strip()]
    return plain(states[-1]).rstrip() if states else ""
