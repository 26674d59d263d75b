"""A competition's raw files: its archive downloaded, verified, extracted; each whole or not."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redux_tui.bench.data.archive import CorruptArchiveError, extract, extracting
from redux_tui.bench.data.checksums import md5, read_checksums
from redux_tui.bench.data.means import Means
from redux_tui.bench.data.place import find_zip, has_files, space_needed
from redux_tui.bench.work import in_thread
from redux_tui.files import require_free_space, sync_folder, write_json
from redux_tui.models import Competition, InfrastructureError

_RAW_STATE = ".raw.json"  # beside raw/: {"ours": made by us, "in_use": prepare works in it}
_ZIP_STATE = ".zip.json"  # beside the archive: which file it tells of, its MD5, if fetched again
_DISCARDED = ".discarded"  # what is being deleted: half of it is never taken for a whole


class RawFiles:
    """`folder`/raw of a competition from Kaggle. Its owner holds the folder's lock."""

    def __init__(self, competition: Competition, folder: Path, means: Means) -> None:
        self._competition, self._folder, self._means = competition, folder, means
        self.path = folder / "raw"

    @property
    def has_left_overs(self) -> bool:
        """Whether a killed process left something that is to go, though the data is prepared."""
        return any((self._folder / name).exists() for name in (_RAW_STATE, _DISCARDED))

    def clean(self) -> None:
        """Remove what a killed process left over."""
        for left_over in (extracting(self.path), self._folder / _DISCARDED):
            shutil.rmtree(left_over, ignore_errors=True)
        for half_written in self._folder.glob(f".*.json.{'?' * 8}"):  # see write_atomically
            half_written.unlink()

    def is_usable(self) -> bool:
        """Whether raw/ is there and can be taken as it is.

        Prepare functions extract archives in it: where one was killed, an archive is extracted
        anew, if there is one.
        """
        if not has_files(self.path):
            return False
        if not self._state().get("in_use"):
            return True
        if find_zip(self._folder) is not None:
            return False
        self._means.say(
            f"{self.path} was being worked on when a preparation was interrupted, and there is no"
            " archive to extract it from again; it is used as it is."
        )
        return True

    async def have_zip(self) -> Path:
        """The archive, found or downloaded, and verified; a corrupt one is fetched again once."""
        archive = find_zip(self._folder)
        if archive is None:
            archive = self._folder / f"{self._competition.id}.zip"
            await self._download(archive)
        try:
            await self._verify(archive)
        except CorruptArchiveError as error:
            await self._fetch_again(archive, error)
            await self._verify(archive)
        return archive

    async def extract(self, archive: Path) -> None:
        """Have raw/ made anew from the archive."""
        name = self._competition.id
        self._require_space(None)
        self._means.say(f"Extracting {archive}.")
        try:
            await self._extract(archive)
        except CorruptArchiveError as error:
            await self._fetch_again(archive, error)
            await self._verify(archive)
            await self._extract(archive)
        self._means.say(f"{name}: extracted to {self.path}.")

    def begin(self) -> None:
        """Note that a prepare function is about to work in raw/."""
        write_json(self._folder / _RAW_STATE, {**self._state(), "in_use": True})

    def end(self, keep: bool) -> None:
        """The prepare function is done: raw/ goes if we made it and can make it again."""
        state = self._state()
        if not keep and state.get("ours") and find_zip(self._folder) is not None:
            self.discard(self.path)
        (self._folder / _RAW_STATE).unlink(missing_ok=True)

    def discard(self, folder: Path, successor: Path | None = None) -> None:
        """Delete a folder, which is gone at once whatever happens meanwhile.

        `successor` takes its place before the deletion, which may take minutes.
        """
        discarded = self._folder / _DISCARDED
        shutil.rmtree(discarded, ignore_errors=True)
        if folder.exists():
            folder.rename(discarded)
        if successor is not None:
            successor.rename(folder)
            sync_folder(self._folder)
        if discarded.exists():
            shutil.rmtree(discarded)

    async def _extract(self, archive: Path) -> None:
        what, tell = f"{self._competition.id}: extract", self._means.tell

        def work(cancelled: threading.Event) -> None:
            self.discard(self.path)
            write_json(self._folder / _RAW_STATE, {"ours": True, "in_use": False})
            extract(archive, self.path, tell, cancelled, what)

        await in_thread(work)

    async def _download(self, target: Path) -> None:
        slug, means = self._competition.id, self._means
        kaggle = means.account.client()

        def work(cancelled: threading.Event) -> None:
            self._require_space(kaggle.size(slug, cancelled, means.say))
            kaggle.download(slug, target, means.tell, cancelled, means.say)

        means.say(f"Downloading {slug} to {target}.")
        await in_thread(work)

    async def _fetch_again(self, archive: Path, error: CorruptArchiveError) -> None:
        """Raises InfrastructureError if that was done for this very file before."""
        if self._about(archive).get("again"):
            raise self._given_up(archive, error)
        self._means.say(f"{error} It is fetched again.")
        # beside the old one, which stays until there is another
        fresh = archive.with_name(archive.name + ".again")
        await self._download(fresh)
        fresh.replace(archive)
        self._note(archive, again=True)

    async def _verify(self, archive: Path) -> None:
        """Raises CorruptArchiveError the first time, InfrastructureError for one fetched again."""
        if self._means.options.skip_verification:
            return
        expected = read_checksums(self._competition.checksums)
        if expected is None or expected.zip is None:
            return
        found = self._about(archive).get("md5") or await in_thread(self._md5(archive))
        self._note(archive, md5=found)
        if found == expected.zip:
            return
        error = CorruptArchiveError(
            f"{archive} is not the archive that MLE-bench expects: its MD5 sum is {found}, not"
            f" {expected.zip}."
        )
        raise self._given_up(archive, error) if self._about(archive).get("again") else error

    def _given_up(self, archive: Path, error: CorruptArchiveError) -> InfrastructureError:
        return InfrastructureError(
            f"{error} It was fetched again already, with no better end. Kaggle may have changed it"
            f" since: `redux-tui prepare -c {self._competition.id} --skip-verification` takes it as"
            f" it is; delete {archive.name} to have it fetched once more."
        )

    def _md5(self, archive: Path) -> Callable[[threading.Event], str]:
        what, tell = f"{self._competition.id}: verify", self._means.tell
        return lambda cancelled: md5(archive, tell, cancelled, what)

    def _require_space(self, download: int | None) -> None:
        data_dir = self._folder.parent
        needed = space_needed(self._competition, data_dir, download)
        require_free_space(self._folder, needed, f"Preparing {self._competition.id}")

    def _state(self) -> dict[str, Any]:
        return _read(self._folder / _RAW_STATE)

    def _about(self, archive: Path) -> dict[str, Any]:
        """What was noted of this very file."""
        noted = _read(self._folder / _ZIP_STATE)
        return noted if noted.get("file") == _identity(archive) else {}

    def _note(self, archive: Path, **more: Any) -> None:
        about = {**self._about(archive), "file": _identity(archive), **more}
        write_json(self._folder / _ZIP_STATE, about)


def _identity(file: Path) -> list[Any]:
    status = file.stat()
    return [file.name, status.st_size, status.st_mtime_ns]


def _read(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
