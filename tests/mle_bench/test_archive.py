"""Archives are extracted whole or not at all, and nothing is ever written outside."""

from __future__ import annotations

import io
import os
import random
import stat
import struct
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from redux_tui.bench.data import archive as module
from redux_tui.bench.data.archive import (
    CorruptArchiveError,
    UnsafeArchiveError,
    extract,
    extracting,
)
from redux_tui.bench.progress import Progress
from redux_tui.bench.work import StoppedError
from redux_tui.models import InfrastructureError

Entry = tuple[str | zipfile.ZipInfo, bytes]


def make(path: Path, *entries: Entry, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, content in entries:
            opened.writestr(name, content)
    return path


def with_mode(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


def everything(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def refused(tmp_path: Path, archive: Path, kind: type[Exception], match: str) -> None:
    """Extracting raises, and leaves the world as it was."""
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(kind, match=match) as caught:
        extract(archive, tmp_path / "raw")
    assert str(archive) in str(caught.value)
    assert sorted(tmp_path.parent.rglob("*")) == before


@pytest.fixture
def honest(tmp_path: Path) -> Path:
    folder = zipfile.ZipInfo("images/")
    return make(
        tmp_path / "honest.zip",
        ("train.csv", b"id,y\n" * 1000),
        (folder, b""),
        ("images/a/1.png", bytes(range(256))),
        ("empty.txt", b""),
        ("a name with spaces, ümläute and \\backslash.txt", b"x"),
        (with_mode("script.sh", stat.S_IFREG | 0o6777), b"#!/bin/sh\n"),
    )


def test_an_honest_archive_is_extracted_as_zipfile_does(honest: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    extract(honest, tmp_path / "raw", told.append, what="toy: extract")
    with zipfile.ZipFile(honest) as opened:
        opened.extractall(tmp_path / "theirs")
    assert everything(tmp_path / "raw") == everything(tmp_path / "theirs")
    assert (tmp_path / "raw/images").is_dir()
    assert (tmp_path / "raw/script.sh").stat().st_mode & 0o7111 == 0  # no modes are taken over
    assert told[-1] == Progress("toy: extract", 5267, 5267)
    assert not extracting(tmp_path / "raw").exists()


def test_an_empty_folder_that_is_there_is_no_obstacle(honest: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()  # MLE-bench makes it before it downloads
    (extracting(tmp_path / "raw") / "half").mkdir(parents=True)  # left over from a kill
    extract(honest, tmp_path / "raw")
    assert not (tmp_path / "raw/half").exists()


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("../evil.txt", "leads out"),
        ("a/../../evil.txt", "leads out"),
        ("..", "leads out"),
        ("..\\evil.txt", "leads out"),
        ("a\\..\\..\\evil.txt", "leads out"),
        ("/etc/evil.txt", "absolute"),
        ("//server/evil.txt", "absolute"),
        ("\\evil.txt", "absolute"),
        ("C:\\evil.txt", "absolute"),
        ("c:evil.txt", "absolute"),
        ("evil\0.txt", "NUL"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str, match: str) -> None:
    archive = make(tmp_path / "evil.zip", ("good.csv", b"1"), ("x" * len(name), b"2"))
    data = archive.read_bytes().replace(b"x" * len(name), name.encode())
    archive.write_bytes(data)
    refused(tmp_path, archive, UnsafeArchiveError, match)


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        (stat.S_IFLNK, "symbolic link"),
        (stat.S_IFBLK, "device"),
        (stat.S_IFCHR, "device"),
        (stat.S_IFIFO, "pipe"),
        (stat.S_IFSOCK, "socket"),
    ],
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: int, match: str) -> None:
    link = with_mode("link", kind | 0o777)
    archive = make(tmp_path / "evil.zip", (link, b"/etc/passwd"), ("link/passwd", b"root"))
    refused(tmp_path, archive, UnsafeArchiveError, match)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a/b", "a/./b"), ("a", "a/b"), ("a/b", "a")])
def test_a_name_that_is_there_twice_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    archive = make(tmp_path / "evil.zip", (names[0], b"first"), (names[1], b"second"))
    refused(tmp_path, archive, UnsafeArchiveError, "twice")


def test_a_huge_ratio_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make(tmp_path / "bomb.zip", ("zeros", bytes(10_000_000)))
    extract(archive, tmp_path / "small")  # a small one harms nobody
    monkeypatch.setattr(module, "_SMALL", 1_000_000)
    (tmp_path / "small/zeros").unlink()
    refused(tmp_path, archive, UnsafeArchiveError, "zip bomb")


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """The small bombs with petabytes in them point many names at one compressed block."""
    archive = make(tmp_path / "bomb.zip", ("a", bytes(1000)), ("b", bytes(1000)))
    data = bytearray(archive.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<I", 0)  # b's header is a's
    archive.write_bytes(data)
    refused(tmp_path, archive, UnsafeArchiveError, "shares its bytes")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("declared", [10, 1_000_000_000])
def test_a_wrong_declared_size_is_refused(tmp_path: Path, method: int, declared: int) -> None:
    content = random.Random(0).randbytes(1000)
    archive = make(tmp_path / "liar.zip", ("a", content), method=method)
    data = bytearray(archive.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", declared)
    archive.write_bytes(data)
    refused(tmp_path, archive, InfrastructureError, "declares|damaged")


def test_more_than_the_disk_holds_is_not_begun(
    honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = list(os.statvfs("/"))
    values[4] = 1  # f_bavail
    monkeypatch.setattr("os.statvfs", lambda _: os.statvfs_result(values))
    refused(tmp_path, honest, InfrastructureError, "Free some space")


def test_a_disk_that_becomes_full_meanwhile_is_said(
    honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.Counter, "add", full)
    refused(tmp_path, honest, InfrastructureError, "became full")


def test_too_many_entries_are_refused(
    honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_ENTRIES", 3)
    refused(tmp_path, honest, UnsafeArchiveError, "6 files, more than")


def test_an_encrypted_one_is_refused(honest: Path, tmp_path: Path) -> None:
    data = bytearray(honest.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    honest.write_bytes(data)
    refused(tmp_path, honest, UnsafeArchiveError, "encrypted")


@pytest.mark.parametrize("method", [9, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_kaggle_does_not_use_is_refused(
    method: int, honest: Path, tmp_path: Path
) -> None:
    """Some unpack a file to memory as a whole, which a few bytes can make gigabytes."""
    data = bytearray(honest.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(signature) + offset] = method
    honest.write_bytes(data)
    refused(tmp_path, honest, UnsafeArchiveError, "compressed in a way")


@pytest.mark.parametrize(
    ("name", "match"), [("d/" * 2000 + "x", "folders deep"), ("n" * 300, "name too long")]
)
def test_a_name_that_no_disk_takes_is_refused(name: str, match: str, tmp_path: Path) -> None:
    archive = make(tmp_path / "deep.zip", ("a", b"1"), (name, b"2"))
    refused(tmp_path, archive, UnsafeArchiveError, match)


def test_a_web_page_saved_as_a_zip_is_called_that(tmp_path: Path) -> None:
    page = tmp_path / "page.zip"
    page.write_text("<!DOCTYPE html><html>Please log in</html>")
    refused(tmp_path, page, CorruptArchiveError, "a web page")


def test_damage_anywhere_is_corruption_and_nothing_else(
    honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes flipped, cut off or made up: an error of ours, or (in unused bytes) the same files."""
    monkeypatch.setattr(module, "settle", lambda folder: None)  # hundreds of times are slow
    whole = honest.read_bytes()
    extract(honest, tmp_path / "whole")
    expected = everything(tmp_path / "whole")
    dice = random.Random(1)
    changes: list[Callable[[], bytes]] = [
        lambda: whole[: dice.randrange(len(whole))],
        lambda: whole[dice.randrange(1, len(whole)) :],
        lambda: dice.randbytes(dice.randrange(300)),
    ]
    for number in range(400):
        data = bytearray(dice.choice(changes)() if number % 3 == 0 else whole)
        for _ in range(dice.randrange(1, 4)):
            if data:
                data[dice.randrange(len(data))] = dice.randrange(256)
        honest.write_bytes(data)
        target = tmp_path / "raw"
        try:
            extract(honest, target)
        except InfrastructureError:
            assert not target.exists()
        else:
            got = everything(target)
            assert sorted(got.values()) == sorted(expected.values()), number
            module.shutil.rmtree(target)
        assert not extracting(target).exists()
    assert names_in(tmp_path) == ["honest.zip", "whole"]


def test_it_stops_when_asked_and_leaves_nothing(tmp_path: Path) -> None:
    archive = make(tmp_path / "big.zip", ("a", bytes(50_000_000)))
    cancelled = threading.Event()

    def tell(progress: Progress) -> None:
        assert progress.total == 50_000_000
        cancelled.set()

    with pytest.raises(StoppedError):
        extract(archive, tmp_path / "raw", tell, cancelled)
    assert names_in(tmp_path) == ["big.zip"]


def test_archives_beyond_four_gigabytes_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as opened:
        with opened.open("a", "w", force_zip64=True) as file:
            file.write(b"zip64")
        monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1)  # offsets, too, as in a huge one
        opened.writestr("b", b"second")
    (tmp_path / "large.zip").write_bytes(buffer.getvalue())
    extract(tmp_path / "large.zip", tmp_path / "raw")
    assert everything(tmp_path / "raw") == {"a": b"zip64", "b": b"second"}
