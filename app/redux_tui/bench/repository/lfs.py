"""Leaderboards, which MLE-bench keeps in Git LFS: fetched for the competitions in use only."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from redux_tui.bench.process import alone, run
from redux_tui.bench.progress import Progress, Say, Tell
from redux_tui.bench.repository import pointers
from redux_tui.bench.repository.clone import Clone, lock_of
from redux_tui.bench.repository.folder import without_login
from redux_tui.bench.repository.git import environment
from redux_tui.files import is_lfs_pointer
from redux_tui.logs.sanitize import plain
from redux_tui.models import Competition, InfrastructureError, ReduxError

_WHAT = "MLE-bench: leaderboards"
_OFTEN = 0.2  # seconds between two looks at what has arrived
_SHOWN = 5  # competitions that a message names


async def fetch_boards(
    clone: Clone, competitions: Sequence[Competition], say: Say, tell: Tell
) -> None:
    """Put real leaderboards in place of LFS pointers, for these competitions.

    Returns at once where none is a pointer. Raises ReduxError; a board is replaced whole or not.
    """
    missing = _missing(clone, competitions)
    if not missing:
        return
    try:
        await _fetch_missing(clone, missing, say, tell)
    except OSError as error:
        raise InfrastructureError(
            f"The leaderboards of {_names(missing)} could not be fetched into {clone.folder}:"
            f" {error.strerror or error}. Correct that, and try again."
        ) from error


async def _fetch_missing(clone: Clone, missing: list[Path], say: Say, tell: Tell) -> None:
    waiting = f"Waiting for another process, which works on {clone.folder}."
    async with alone(lock_of(clone.folder), say, waiting) as hold:
        store = pointers.store(clone.folder)
        missing = [board for board in missing if not pointers.put(store, board)]
        if not missing:
            return
        _require_git_lfs(missing)
        say(f"Fetching the leaderboards of {_names(missing)}.")
        wanted = _with_categories(clone, missing)
        said = await _fetch(clone, wanted, hold, tell)
        for board in wanted:
            pointers.put(store, board)
    still = [board for board in missing if is_lfs_pointer(board)]
    if still:
        raise _explain(clone, still, said)


def _missing(clone: Clone, competitions: Sequence[Competition]) -> list[Path]:
    boards = {each.leaderboard: None for each in competitions}
    folder = clone.folder.resolve()
    return [
        board
        for board in boards
        if is_lfs_pointer(board) and board.resolve().is_relative_to(folder)
    ]


def _with_categories(clone: Clone, boards: list[Path]) -> list[Path]:
    """A small file that comes along: without it nothing but the categories is missing."""
    categories = clone.folder / "experiments" / "competition_categories.csv"
    return [*boards, categories] if is_lfs_pointer(categories) else boards


async def _fetch(clone: Clone, wanted: list[Path], hold: int, tell: Tell) -> list[str]:
    """Have git-lfs download; return what it said. What is missing after it tells if it worked."""
    folder = clone.folder.resolve()
    names = ",".join(board.resolve().relative_to(folder).as_posix() for board in wanted)
    said: list[str] = []
    async with _counting(clone, wanted, tell):
        await run(
            # no `pull`: it writes in place, and a death would leave half a board
            ["git", "lfs", "fetch", "origin", clone.commit, f"--include={names}", "--exclude="],
            lambda line: said.append(plain(line)),
            folder=folder,
            environment=environment(),
            hold=hold,
        )
    return said


@asynccontextmanager
async def _counting(clone: Clone, wanted: list[Path], tell: Tell) -> AsyncIterator[None]:
    """Tell how many bytes are there: pointers say how many there will be."""
    store = pointers.store(clone.folder)
    expected = [pointer for board in wanted if (pointer := pointers.read_pointer(board))]
    total = sum(pointer.size for pointer in expected)

    def look() -> None:
        done = 0
        for pointer in expected:
            partly = store.parent / "incomplete" / f"{pointer.oid}.part"
            for file in (pointers.place_in(store, pointer.oid), partly):
                with suppress(OSError):
                    done += min(file.stat().st_size, pointer.size)
                    break
        tell(Progress(_WHAT, min(done, total), total))

    async def keep_looking() -> None:
        while True:
            look()
            await asyncio.sleep(_OFTEN)

    looking = asyncio.ensure_future(keep_looking())
    try:
        yield
    finally:
        looking.cancel()
        look()


def _require_git_lfs(missing: list[Path]) -> None:
    if shutil.which("git-lfs") is None:
        raise ReduxError(
            f"The leaderboards of {_names(missing)} are kept in Git LFS, and git-lfs is not"
            " installed here. Without them there are no medals. Install it (Debian: `apt-get"
            " install git-lfs`; macOS: `brew install git-lfs`), then try again."
        )


def _explain(clone: Clone, missing: list[Path], said: list[str]) -> ReduxError:
    text = without_login(" ".join(said[-6:]))
    which, url = _names(missing), clone.url or "the remote"
    if re.search("No space left|Disk quota", text):
        return InfrastructureError(
            f"The leaderboards of {which} could not be fetched: the disk of {clone.folder} is full."
            " Free some space, and try again."
        )
    if re.search("quota|rate limit", text, re.I):
        return InfrastructureError(
            f"The leaderboards of {which} were refused: the LFS quota of {url} is used up. Try"
            " again later, or set repo_url in the config to a copy of it and run `redux-tui clone"
            " --rebuild`."
        )
    if re.search("missing object|does not exist|not found|404", text, re.I):
        return ReduxError(
            f"{url} does not have the leaderboards of {which} in its LFS store. Set repo_url in the"
            " config to a repository that has them, and run `redux-tui clone --rebuild`."
        )
    trouble = text[-300:].strip().rstrip(".") or "git-lfs said nothing"
    return InfrastructureError(
        f"The leaderboards of {which} could not be fetched from {url}: {trouble}. Check the"
        " network, and try again."
    )


def _names(boards: list[Path]) -> str:
    names = [board.parent.name for board in boards]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
