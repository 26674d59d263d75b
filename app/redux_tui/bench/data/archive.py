"""Zip archives from elsewhere, extracted whole or not at all, and never outside their folder."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from redux_tui.bench.progress import Tell, ignore
from redux_tui.bench.work import Counter, settle
from redux_tui.files import require_free_space, sync_folder
from redux_tui.models import InfrastructureError

_CHUNK = 1 << 20  # bytes
_MAX_ENTRIES = 20_000_000  # the largest of MLE-bench has four million
_MAX_RATIO = 250  # of all extracted to the archive's size; tables of text reach 50
_SMALL = 4 << 30  # bytes; what extracts to less is no bomb, whatever its ratio
_DEEPEST = 100  # folders in each other; what walks them later does it by recursion
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Kaggle's; others unpack to memory at once
_LOCAL_HEADER = 30  # bytes, without name and extra field
_LAST_RECORD = 22  # bytes, without its comment
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,  # a name that is no UTF-8, an offset before the file's start
    OverflowError,
)


class CorruptArchiveError(InfrastructureError):
    """The archive is damaged or no archive: fetching it again may help."""


class UnsafeArchiveError(InfrastructureError):
    """The archive holds what no honest archive holds: it is refused."""


def extract(
    archive: Path,
    target: Path,
    tell: Tell = ignore,
    cancelled: threading.Event | None = None,
    what: str = "",
) -> None:
    """Extract the zip `archive` to the folder `target`, which must not be there yet.

    `target` appears by a rename once all of it is on the disk; on any failure nothing is left.
    Folders and regular files only; modes and times are not kept. `tell` gets bytes under the
    name `what`. Raises CorruptArchiveError, UnsafeArchiveError, InfrastructureError (disk full),
    and StoppedError when `cancelled` is set.
    """
    temporary = extracting(target)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with _opened(archive) as opened:
            total = _check_all(archive, opened)
            require_free_space(target.parent, total, f"Extracting {archive}")
            temporary.mkdir()
            counter = Counter(what or archive.name, total, tell, cancelled)
            _Extraction(archive, opened, temporary, counter).run()
        counter.end()
        settle(temporary)
        temporary.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InfrastructureError(
                f"The disk of {target.parent} became full while {archive} was extracted. Free"
                " some space, or set data_dir in the config to another disk."
            ) from error
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def extracting(target: Path) -> Path:
    """Where `extract` works before `target` appears: left over where it was killed."""
    return target.with_name(f".{target.name}.extracting")


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        opened = zipfile.ZipFile(archive)
    except (*_BROKEN, NotImplementedError) as error:  # a version that is none
        raise CorruptArchiveError(_no_archive(archive, error)) from error
    with opened:
        yield opened


def _no_archive(archive: Path, error: Exception) -> str:
    with archive.open("rb") as file:
        start = file.read(512).lstrip()
    if start[:1] == b"<":
        return (
            f"{archive} is no zip archive but a web page, perhaps the message of a proxy or a"
            " login page."
        )
    return f"{archive} is no whole zip archive ({error}): its download may have been cut short."


def _check_all(archive: Path, opened: zipfile.ZipFile) -> int:
    """All that can be told before a byte is written; returns the bytes to be written."""
    entries = opened.infolist()
    _require_all(archive, len(entries), len(opened.comment))
    if len(entries) > min(_MAX_ENTRIES, _free_files(archive)):
        raise UnsafeArchiveError(
            f"{archive} holds {len(entries):,} files, more than this disk can take. It was not"
            " extracted."
        )
    for entry in entries:
        trouble = _trouble(entry)
        if trouble:
            raise _refused(archive, entry, trouble)
    _refuse_overlaps(archive, entries)
    size = archive.stat().st_size
    total = sum(entry.file_size for entry in entries)
    if total > max(_SMALL, _MAX_RATIO * size):
        raise UnsafeArchiveError(
            f"{archive} has {size:,} bytes and would extract to {total:,}, which no data does: it"
            " looks like a zip bomb. It was not extracted."
        )
    return total


def _require_all(archive: Path, found: int, comment: int) -> None:
    """zipfile does not miss entries that the archive's last record counts."""
    with archive.open("rb") as file:
        file.seek(-_LAST_RECORD - comment, os.SEEK_END)
        (counted,) = struct.unpack_from("<H", file.read(_LAST_RECORD), 10)
    if counted not in (found & 0xFFFF, 0xFFFF):  # the latter: too many for this field
        raise CorruptArchiveError(
            f"{archive} is damaged: it says that it holds {counted:,} files, but lists {found:,}."
        )


def _trouble(entry: zipfile.ZipInfo) -> str | None:
    """What is wrong with an entry, as the end of a sentence, or None."""
    return _trouble_with_name(entry) or _trouble_with_content(entry)


def _trouble_with_name(entry: zipfile.ZipInfo) -> str | None:
    name = entry.orig_filename
    if "\0" in name:
        return "has a name with a NUL in it"
    if name[:1] in ("/", "\\") or re.match(r"[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in re.split(r"[/\\]", name):
        return "leads out of the folder"
    if not PurePosixPath(name).parts and not entry.is_dir():
        return "has no name"
    if len(PurePosixPath(name).parts) > _DEEPEST:
        return f"lies more than {_DEEPEST} folders deep"
    return None


def _trouble_with_content(entry: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a symbolic link"
    if kind in (stat.S_IFBLK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK):
        return "is a device, a pipe or a socket"
    if entry.is_dir() and entry.file_size:
        return "is a folder with a content of its own"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if entry.compress_type not in _METHODS:
        return "is compressed in a way that Kaggle's archives are not"
    if entry.compress_type == zipfile.ZIP_STORED and entry.file_size != entry.compress_size:
        return "declares a size that it can't have"
    return None


def _refuse_overlaps(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Entries that share bytes are how a small file becomes petabytes."""
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        if entry.header_offset < end:
            raise _refused(archive, entry, "shares its bytes with another one")
        end = entry.header_offset + _LOCAL_HEADER + entry.compress_size
    if end > archive.stat().st_size:
        raise CorruptArchiveError(f"{archive} is cut short: its last file ends after its end.")


def _refused(archive: Path, entry: zipfile.ZipInfo, trouble: str) -> UnsafeArchiveError:
    name = ascii(entry.orig_filename[:200])
    return UnsafeArchiveError(
        f"{archive} is not safe to extract: its entry {name} {trouble}. Nothing was extracted;"
        " delete the file if you don't know where it comes from."
    )


def _free_files(path: Path) -> int:
    free = os.statvfs(path).f_favail
    return free or _MAX_ENTRIES  # some file systems count no files


class _Extraction:
    """Writes entries that were checked beneath a new folder."""

    def __init__(
        self, archive: Path, opened: zipfile.ZipFile, folder: Path, counter: Counter
    ) -> None:
        self._archive, self._opened = archive, opened
        self._folder, self._counter = folder, counter
        self._made: set[Path] = {folder}

    def run(self) -> None:
        for entry in self._opened.infolist():
            try:
                self._one(entry)
            except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
                raise _refused(self._archive, entry, "is there twice") from error
            except NotImplementedError as error:
                raise _refused(self._archive, entry, f"can't be read ({error})") from error
            except _BROKEN as error:
                raise self._damaged(entry, error) from error
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise
                raise _refused(self._archive, entry, "has a name too long for this disk") from error

    def _damaged(self, entry: zipfile.ZipInfo, error: Exception) -> CorruptArchiveError:
        name = ascii(entry.filename[:200])
        return CorruptArchiveError(f"{self._archive} is damaged: {name} can't be read ({error}).")

    def _one(self, entry: zipfile.ZipInfo) -> None:
        path = self._folder.joinpath(*PurePosixPath(entry.filename).parts)
        if entry.is_dir():
            return self._make(path)
        self._make(path.parent)
        written = 0
        # "x": never through a link or over another entry
        with self._opened.open(entry) as source, path.open("xb") as file:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > entry.file_size:
                    raise _refused(self._archive, entry, "is larger than it declares")
                file.write(chunk)
                self._counter.add(len(chunk))
        if written != entry.file_size:
            raise zipfile.BadZipFile(f"{written:,} bytes instead of {entry.file_size:,}")
        self._counter.add(0)  # empty files may be many, too

    def _make(self, folder: Path) -> None:
        if folder not in self._made:
            folder.mkdir(parents=True, exist_ok=True)
            self._made.add(folder)
