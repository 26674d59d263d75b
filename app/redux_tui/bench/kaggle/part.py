"""A file on its way: what is there of it, and of which file in the storage that is a part."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from redux_tui.files import require_free_space, sync_folder, write_json
from redux_tui.models import InfrastructureError


class Part:
    """`target`.part and, in `target`.part.json, what it is a part of.

    The bytes there count only as long as the storage confirms that its file is still the one that
    they came from (its validator, an ETag or a date) and its size is known.
    Everything raises InfrastructureError if the disk does not do its part.
    """

    def __init__(self, target: Path, slug: str) -> None:
        self._target, self._slug = target, slug
        self._path = target.with_name(target.name + ".part")
        self._marker = target.with_name(target.name + ".part.json")
        self._validator, self._size = self._read_marker()

    @property
    def size(self) -> int | None:
        """Bytes of the whole file, where they are known."""
        return self._size

    @property
    def validator(self) -> str:
        return self._validator or ""

    @property
    def here(self) -> int:
        """Bytes to go on from; 0: from the start.

        One less than the whole at most: the last byte, asked for again, confirms the rest.
        """
        if self._validator is None or not self._size:
            return 0
        try:
            there = self._path.lstat().st_size
        except FileNotFoundError:
            return 0
        return min(there, self._size - 1) if there <= self._size else 0

    def begin(self, validator: str | None, size: int | None) -> None:
        """Forget what is there, and remember which file comes now."""
        with on_disk(self._target):
            self._path.unlink(missing_ok=True)  # first: no bytes without the mark they belong to
            self._marker.unlink(missing_ok=True)
            self._validator, self._size = validator, size
            if validator is not None and size is not None:
                write_json(self._marker, {"slug": self._slug, "validator": validator, "size": size})

    @contextmanager
    def open_at(self, offset: int) -> Iterator[BinaryIO]:
        """The file to write on from `offset`. Raises before anything is written if the rest of it
        won't fit on the disk."""
        if self._size is not None:
            self._require_room(self._size - offset)
        with on_disk(self._target):
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
            file = os.fdopen(os.open(self._path, flags, 0o644), "wb")
        try:
            with on_disk(self._target):
                file.truncate(offset)
                file.seek(offset)
            yield file
        finally:
            with on_disk(self._target):
                file.close()

    def finish(self) -> None:
        """Make it the target, to survive a power cut."""
        with on_disk(self._target):
            with self._path.open("rb") as file:
                os.fsync(file.fileno())
            self._path.replace(self._target)
            sync_folder(self._target.parent)
            self.forget()

    def forget(self) -> None:
        """Remove what a process that was killed at the very end may have left."""
        self._marker.unlink(missing_ok=True)

    def _require_room(self, needed: int) -> None:
        require_free_space(self._target.parent, needed, f"The rest of {self._slug}'s download")

    def _read_marker(self) -> tuple[str | None, int | None]:
        """(None, None) for a mark that is not there, or is of no use."""
        try:
            mark = json.loads(self._marker.read_bytes())
            if mark["slug"] == self._slug and int(mark["size"]) > 0:
                return str(mark["validator"]), int(mark["size"])
        except FileNotFoundError:
            return None, None
        except (ValueError, TypeError, KeyError):
            return None, None  # then everything is downloaded anew
        return None, None


@contextmanager
def on_disk(target: Path) -> Iterator[None]:
    """Turn a failing disk into a sentence."""
    try:
        yield
    except OSError as error:
        raise InfrastructureError(
            f"{target.name} could not be written in {target.parent}: {error.strerror}. What was"
            " downloaded so far is kept. Free some space there and see that the folder is yours,"
            " or set data_dir in the config to another disk, then try again."
        ) from error
