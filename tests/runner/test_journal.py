"""The journal: whole lines only, a torn end is cut, a newer version is not continued."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from redux_tui.runner.journal import NAME, NewerJournalError, Reader, Writer


def _append_one(folder: Path) -> None:
    reader = Reader(folder)
    writer = Writer(folder, reader.read(), reader.offset)
    writer.append("attempt_noted", "a", note="ünï\u2028code\r")
    writer.close()


def test_what_was_written_is_read_once(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    assert reader.read() == []
    _append_one(tmp_path)
    (event,) = reader.read()
    assert (event.type, event.attempt, event.seq) == ("attempt_noted", "a", 1)
    assert event.data == {"note": "ünï\u2028code\r"}
    assert event.time.tzinfo is not None
    assert reader.read() == []


def test_every_cut_of_the_last_line_is_recovered_from(tmp_path: Path) -> None:
    _append_one(tmp_path)
    whole = (tmp_path / NAME).read_bytes()
    _append_one(tmp_path)
    both = (tmp_path / NAME).read_bytes()
    for end in range(len(whole), len(both)):
        (tmp_path / NAME).write_bytes(both[:end])
        assert [event.seq for event in Reader(tmp_path).read()] == [1]
        _append_one(tmp_path)
        assert [event.seq for event in Reader(tmp_path).read()] == [1, 2]


def test_a_reader_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    _append_one(tmp_path)
    line = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(line[:20])
    reader = Reader(tmp_path)
    assert reader.read() == []
    (tmp_path / NAME).write_bytes(line)
    assert len(reader.read()) == 1


def test_lines_that_are_no_events_are_skipped(tmp_path: Path) -> None:
    _append_one(tmp_path)
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"half": 1}\n\xff\xfe\n[]\nnull\n')
    _append_one(tmp_path)
    assert [event.seq for event in Reader(tmp_path).read()] == [1, 2]


def test_a_journal_of_a_newer_version_is_read_but_not_continued(tmp_path: Path) -> None:
    _append_one(tmp_path)
    event = json.loads((tmp_path / NAME).read_text())
    (tmp_path / NAME).write_text(json.dumps({**event, "v": 2, "type": "from_the_future"}) + "\n")
    reader = Reader(tmp_path)
    events = reader.read()
    assert events[0].type == "from_the_future"
    with pytest.raises(NewerJournalError, match="update"):
        Writer(tmp_path, events, reader.offset)


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _append_one(tmp_path)
    reader = Reader(tmp_path)
    writer = Writer(tmp_path, reader.read(), reader.offset)

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full_disk)
        with pytest.raises(OSError, match="No space"):
            writer.append("attempt_noted", "a", note="lost")
    writer.append("attempt_noted", "a", note="kept")
    writer.close()
    assert [event.data["note"] for event in Reader(tmp_path).read()][1:] == ["kept"]


def test_an_event_must_carry_its_fields(tmp_path: Path) -> None:
    writer = Writer(tmp_path, [], 0)
    with pytest.raises(ValueError, match="note"):
        writer.append("attempt_noted", "a")


def test_a_path_that_is_no_utf8_is_written_and_read(tmp_path: Path) -> None:
    writer = Writer(tmp_path, [], 0)
    writer.append("attempt_noted", "a", note="odd\udc80name")
    writer.close()
    assert [event.data["note"] for event in Reader(tmp_path).read()] == ["odd\udc80name"]
