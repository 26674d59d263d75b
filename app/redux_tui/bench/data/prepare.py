"""Have a competition's data: found, or fetched, verified and prepared, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from redux_tui.bench.data.means import Account, Means, Options
from redux_tui.bench.data.place import is_downloaded, is_prepared
from redux_tui.bench.data.preparation import Preparation
from redux_tui.bench.data.raw import RawFiles
from redux_tui.bench.process import alone
from redux_tui.bench.progress import Say, Tell, ignore
from redux_tui.bench.work import aside
from redux_tui.catalog.boards import require_whole_board
from redux_tui.config import Settings
from redux_tui.files import is_locked
from redux_tui.models import Competition, InfrastructureError

_DEFAULTS = Options()
_WAITING = "Waiting for another process that works in {}."


async def prepare(
    competition: Competition,
    settings: Settings,
    say: Say,
    tell: Tell = ignore,
    options: Options = _DEFAULTS,
) -> None:
    """Have all that a run and its grading need; returns at once, offline, where it is there.

    Others preparing the same are waited for. Cancelled, or killed, the next call goes on.
    Raises ReduxError; KaggleError where the download fails, InfrastructureError with the last
    that the prepare function printed.
    """
    means = Means(settings, say, Account(settings), tell, options)
    try:
        await prepare_with(means, competition)
    finally:
        means.account.close()


async def prepare_with(means: Means, competition: Competition) -> None:
    """`prepare` with what is shared by several."""
    folder = means.settings.data_dir / competition.id
    try:
        await _have_all(means, competition, folder)
    except OSError as error:
        raise InfrastructureError(
            f"The data of {competition.id} could not be prepared in {folder}: {error}. If the"
            " folder is not yours, set data_dir in the config to one that is."
        ) from error


async def _have_all(means: Means, competition: Competition, folder: Path) -> None:
    missing = _is_missing(means, competition)
    python = None
    if competition.repo is not None:
        python = await _have_mle_bench(means, competition, missing)
    if not missing:
        return await _tidy(means, competition, folder)
    folder.mkdir(parents=True, exist_ok=True)
    async with alone(_lock(folder), means.say, _WAITING.format(folder)) as lock:
        if _is_missing(means, competition):  # another process may have prepared it meanwhile
            await Preparation(means, competition, python, lock).run()


def _is_missing(means: Means, competition: Competition) -> bool:
    return means.options.force or not is_prepared(competition, means.settings.data_dir)


def _lock(folder: Path) -> Path:
    return folder / ".prepare.lock"


async def _tidy(means: Means, competition: Competition, folder: Path) -> None:
    """What one killed just before its end did not come to: the data is there, raw/ may go."""
    raw = RawFiles(competition, folder, means)
    if raw.has_left_overs and os.access(folder, os.W_OK) and not is_locked(_lock(folder)):
        async with alone(_lock(folder), means.say, _WAITING.format(folder)):
            await aside(raw.clean)
            await aside(lambda: raw.end(means.options.keep_raw))


async def _have_mle_bench(means: Means, competition: Competition, missing: bool) -> Path:
    """The clone, the competition's board, and an environment, whose interpreter is returned."""
    from redux_tui.bench.environment.make import ensure_environment, needs_of
    from redux_tui.bench.repository.clone import require_clone
    from redux_tui.bench.repository.lfs import fetch_boards

    clone = require_clone(means.settings)
    if is_downloaded(competition):
        await fetch_boards(clone, [competition], means.say, means.tell)
        require_whole_board(competition)
    return await ensure_environment(
        clone,
        python=means.settings.repo_python,
        needs=needs_of(competition) if missing else (),
        say=means.say,
        tell=means.tell,
    )
