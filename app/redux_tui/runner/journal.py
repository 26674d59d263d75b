"""The journal of a run group: append-only JSON lines, the truth of all that happened.

Every line has `v, seq, time, attempt, type`, and what `EVENTS` lists for its type. Changes of
state are synced to disk before the change is acted on. A torn last line is normal (the writer
died) and is cut off by the next writer; unknown types are skipped; a newer `v` opens read-only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redux_tui.models import ReduxError

VERSION = 1
NAME = "journal.jsonl"

# type: what else the line holds. Names ending in "?" may be absent or null.
EVENTS: Mapping[str, tuple[str, ...]] = {
    # the group
    "supervisor_started": ("pid", "host", "socket", "version"),
    "control_moved": ("socket",),
    "sandbox_chosen": ("sandbox", "image", "digest", "reason"),
    "supervisor_stopped": ("reason",),
    # an attempt
    "attempt_queued": ("competition", "task?", "seed", "number", "cause"),  # first, retry, rerun
    "attempt_preparing": (),
    "attempt_starting": ("services?",),  # from here on its agent may have begun
    "attempt_started": (
        "sandbox",
        "image",
        "digest",
        "agent_version",
        "version",
        "commit?",  # of MLE-bench
        "obfuscated?",
        "limits",
        "gpus",
        "handle",
    ),
    # passing: whether trying again may help, of an end by infrastructure
    "attempt_ended": ("ended", "reason", "exit_code?", "cpu_seconds?", "peak_memory?", "passing?"),
    "attempt_grading": (),  # graded once more: the grader, not the agent, had failed
    "attempt_graded": ("result", "reason", "report?"),
    "attempt_noted": ("note",),
    "attempt_finished": (),
    "cancel_requested": (),
}


class NewerJournalError(ReduxError):
    """The journal was written by a newer redux-tui; it can be read, not continued."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal; `time` is in UTC, `attempt` is "" for events of the group."""

    type: str
    attempt: str
    seq: int
    time: datetime
    data: Mapping[str, Any]
    v: int = VERSION


class Reader:
    """Reads what was added since the last call; cheap enough to ask ten times a second."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self.offset = 0  # just after the last whole line

    def read(self) -> list[Event]:
        try:
            with self._path.open("rb") as file:
                file.seek(self.offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        return [event for line in whole.splitlines() if (event := _parse(line)) is not None]


class Writer:
    """The one writer of a journal: the supervisor, while it holds the group's lock."""

    def __init__(self, folder: Path, events: list[Event], whole: int) -> None:
        """Go on after `events`, which take up `whole` bytes; a torn rest is cut off.

        Raises NewerJournalError if any of them is of a newer version.
        """
        newest = max((event.v for event in events), default=VERSION)
        if newest > VERSION:
            raise NewerJournalError(
                f"{folder / NAME} was written by a newer redux-tui (journal version {newest}; this"
                f" one writes {VERSION}). It can be looked at, but to go on with it, update"
                " redux-tui."
            )
        self._seq = max((event.seq for event in events), default=0)
        self._descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.ftruncate(self._descriptor, whole)
        os.lseek(self._descriptor, whole, os.SEEK_SET)

    def append(self, type_: str, attempt: str = "", **data: Any) -> Event:
        """Write one event and have it on disk when this returns. Raises OSError (disk full)."""
        missing = {name for name in EVENTS[type_] if not name.endswith("?")} - data.keys()
        if missing:
            raise ValueError(f"event {type_} lacks {sorted(missing)}")
        self._seq += 1
        event = Event(type_, attempt, self._seq, datetime.now(UTC), data)
        self._write(_line(event))
        return event

    def _write(self, line: bytes) -> None:
        start = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError:
            # what is there of the line must not become the front of the next one
            os.ftruncate(self._descriptor, start)
            os.lseek(self._descriptor, start, os.SEEK_SET)
            self._seq -= 1
            raise

    def close(self) -> None:
        os.close(self._descriptor)


def _line(event: Event) -> bytes:
    head = {
        "v": event.v,
        "seq": event.seq,
        "time": event.time.isoformat(timespec="microseconds"),
        "attempt": event.attempt,
        "type": event.type,
    }
    text = json.dumps({**head, **event.data}, ensure_ascii=False, allow_nan=False)
    # a path that is no UTF-8 holds lone surrogates, which JSON writes as \udc80 too
    return text.encode(errors="backslashreplace") + b"\n"


def _parse(line: bytes) -> Event | None:
    """None for a line that is no event of ours (damaged in the middle of the file)."""
    try:
        data = json.loads(line)
        return Event(
            v=data.pop("v"),
            seq=data.pop("seq"),
            time=datetime.fromisoformat(data.pop("time")),
            attempt=data.pop("attempt"),
            type=data.pop("type"),
            data=data,
        )
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
