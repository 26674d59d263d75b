"""Checksums are MLE-bench's own: the same files, the same sums."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from redux_tui.bench.data.checksums import (
    Checksums,
    checked_files,
    differences,
    md5,
    read_checksums,
)
from redux_tui.bench.progress import Progress
from redux_tui.bench.work import StoppedError
from redux_tui.models import ReduxError


def sum_of(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def prepared(tmp_path: Path) -> tuple[Path, Path]:
    public, private = tmp_path / "public", tmp_path / "private"
    (public / "images").mkdir(parents=True)
    (public / "folder.csv").mkdir()
    private.mkdir()
    for name in ("train.csv", "test.json", "a.jsonl", "b.parquet", "c.bson", "note.txt", "x.CSV"):
        (public / name).write_text(name)
    (public / "images/deep.csv").write_text("not looked at")
    (private / "test.csv").write_text("answers")
    return public, private


def expected() -> Checksums:
    names = ("train.csv", "test.json", "a.jsonl", "b.parquet", "c.bson")
    public = {name: sum_of(name.encode()) for name in names}
    return Checksums("0" * 32, public, {"test.csv": sum_of(b"answers")})


def test_tables_directly_in_the_folder_are_compared(prepared: tuple[Path, Path]) -> None:
    told: list[Progress] = []
    assert differences(expected(), *prepared, told.append, what="toy: verify") == []
    assert told[-1] == Progress("toy: verify", 47, 47)
    names = [file.name for file in checked_files(prepared[0])]
    assert names == ["a.jsonl", "b.parquet", "c.bson", "test.json", "train.csv"]


def test_each_difference_is_named(prepared: tuple[Path, Path]) -> None:
    public, private = prepared
    (public / "train.csv").write_text("changed")
    (public / "test.json").unlink()
    (private / "more.csv").touch()
    assert differences(expected(), public, private) == [
        "private/more.csv is not expected",
        "public/test.json is missing",
        "public/train.csv differs",
    ]


def test_a_large_file_has_the_sum_of_all_its_chunks(tmp_path: Path) -> None:
    content = bytes(range(256)) * 12_345
    (tmp_path / "a.zip").write_bytes(content)
    assert md5(tmp_path / "a.zip") == sum_of(content)


def test_hashing_stops_when_asked(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"x")
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(StoppedError):
        md5(tmp_path / "a.zip", cancelled=cancelled)


def test_the_file_is_read_as_mle_bench_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "checksums.yaml"
    assert read_checksums(file) is None
    file.write_text("private:\n  test.csv: abc\npublic: {}\nzip: '12345678'\n")
    assert read_checksums(file) == Checksums("12345678", {}, {"test.csv": "abc"})
    file.write_text("public: [train.csv]\n")
    with pytest.raises(ReduxError, match=r"checksums\.yaml .*clone --rebuild"):
        read_checksums(file)
