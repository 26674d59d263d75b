"""One go at one competition's data: raw files, prepare function, checksums, into place."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from redux_tui.bench.data.checksums import differences, read_checksums
from redux_tui.bench.data.child import Folders, UnpreparedError, run_prepare_fn
from redux_tui.bench.data.means import Means
from redux_tui.bench.data.place import (
    find_zip,
    is_downloaded,
    lacking,
    prepared_dir,
    raw_dir,
    space_needed,
    write_marker,
)
from redux_tui.bench.data.raw import RawFiles
from redux_tui.bench.data.use import replacing_data
from redux_tui.bench.work import aside, in_thread, settle
from redux_tui.files import require_free_space, write_atomically
from redux_tui.models import Competition


class Preparation:
    """Its owner holds the folder's lock, whose descriptor is `lock`.

    `python` is MLE-bench's environment; None: our own interpreter.
    """

    def __init__(
        self, means: Means, competition: Competition, python: Path | None, lock: int
    ) -> None:
        self._means, self._competition = means, competition
        self._python, self._lock = python, lock
        self._folder = means.settings.data_dir / competition.id
        self._temporary = self._folder / ".preparing"
        self._raw = RawFiles(competition, self._folder, means)

    async def run(self) -> None:
        await aside(self._raw.clean)
        if not is_downloaded(self._competition):
            async with self._means.work:
                await self._prepare(raw_dir(self._competition, self._folder))
            return
        archive = None
        if not self._raw.is_usable():
            async with self._means.downloads:
                archive = await self._raw.have_zip()
        async with self._means.work:
            await self._from_kaggle(archive)

    async def _from_kaggle(self, archive: Path | None) -> None:
        """`archive`: what raw/ is to be extracted from first; None: raw/ was there."""
        if archive is not None:
            await self._raw.extract(archive)
            await self._work_in_raw()
            return
        try:
            await self._work_in_raw()
        except UnpreparedError as error:
            if find_zip(self._folder) is None:
                raise
            # MLE-bench, killed while it extracted, leaves half a raw/ that looks whole
            self._means.say(f"{error} The raw files were found there: they are extracted anew.")
            await self._raw.extract(await self._raw.have_zip())
            await self._work_in_raw()

    async def _work_in_raw(self) -> None:
        self._raw.begin()
        await self._prepare(self._raw.path)
        await aside(lambda: self._raw.end(self._means.options.keep_raw))

    async def _prepare(self, raw: Path) -> None:
        competition, means = self._competition, self._means
        await aside(self._require_space)
        await aside(self._clean)
        folders = Folders(raw, self._temporary / "public", self._temporary / "private")
        try:
            self._temporary.mkdir()
            self._temporary.chmod(0o755)
            folders.public.mkdir()
            folders.private.mkdir(mode=0o700)
            means.say(f"Preparing {competition.id} from {raw}.")
            await run_prepare_fn(
                competition, self._python, folders, self._lock, means.say, means.options.timeout
            )
            description = competition.description.read_bytes()
            write_atomically(folders.public / "description.md", description)
            self._require_whole()
            verified = await self._verify(folders)
            write_marker(competition, self._temporary, verified=verified)
            async with replacing_data(competition, means.settings.data_dir, means.say):
                await aside(self._put_in_place)
        finally:
            await aside(self._clean)

    def _require_space(self) -> None:
        needed = space_needed(self._competition, self._means.settings.data_dir)
        require_free_space(self._folder, needed, f"Preparing {self._competition.id}")

    def _require_whole(self) -> None:
        missing = lacking(self._competition, self._temporary)
        if missing:
            names = ", ".join(map(str, missing))
            raise UnpreparedError(
                f"Preparing {self._competition.id} ended well, but made no {names}. Its prepare"
                " function and its config.yaml don't fit together."
            )

    async def _verify(self, folders: Folders) -> bool:
        """Whether it was compared with MLE-bench's checksums. Raises UnpreparedError."""
        competition, means = self._competition, self._means
        if not is_downloaded(competition) or means.options.skip_verification:
            return False
        expected = read_checksums(competition.checksums)
        if expected is None:
            return False
        public, private, what = folders.public, folders.private, f"{competition.id}: verify"

        def compare(cancelled: threading.Event) -> list[str]:
            return differences(expected, public, private, means.tell, cancelled, what)

        found = await in_thread(compare)
        if found:
            raise UnpreparedError(_not_as_expected(competition, found))
        return True

    def _put_in_place(self) -> None:
        settle(self._temporary)
        prepared = prepared_dir(self._competition, self._means.settings.data_dir)
        self._raw.discard(prepared, successor=self._temporary)

    def _clean(self) -> None:
        shutil.rmtree(self._temporary, ignore_errors=True)


def _not_as_expected(competition: Competition, found: list[str]) -> str:
    shown = ", ".join(found[:10]) + (f", and {len(found) - 10} more" if len(found) > 10 else "")
    known = "".join(
        f' MLE-bench\'s README knows of "{issue}".' for issue in competition.known_issues
    )
    return (
        f"What was prepared for {competition.id} is not what MLE-bench's checksums say: {shown}."
        f"{known} Nothing was kept of it; `redux-tui prepare -c {competition.id}"
        " --skip-verification` takes it as it is, but its scores may not compare with others'."
    )
