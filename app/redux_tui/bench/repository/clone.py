"""The clone of MLE-bench: made whole or not at all, moved to a chosen commit, rebuilt safely."""

from __future__ import annotations

import os
import shutil
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from redux_tui.bench.process import alone, alone_now
from redux_tui.bench.progress import Say, Tell
from redux_tui.bench.repository import pointers
from redux_tui.bench.repository.fetch import checked_ref, fetch, is_known_tag
from redux_tui.bench.repository.folder import (
    MOVING,
    OURS,
    git_dir,
    head,
    is_mle_bench,
    origin,
    without_login,
)
from redux_tui.bench.repository.git import Git, GitError, explain, require_git
from redux_tui.bench.repository.move import changed_by_hand, finish, move
from redux_tui.bench.repository.swap import left_behind, new_folder, swap, tidy
from redux_tui.bench.repository.use import changing_clone
from redux_tui.config import Settings
from redux_tui.files import require_free_space, write_json
from redux_tui.models import InfrastructureError, ReduxError

_ROOM = 100_000_000  # bytes; a shallow clone has 9 MB, all boards another 20
_HASH = 7  # characters of a commit's hash that name it without asking the server


@dataclass(frozen=True, slots=True)
class Clone:
    """A whole clone of MLE-bench."""

    folder: Path
    commit: str  # in full
    url: str  # of its remote `origin`, without a login; "" where it has none


def find_clone(folder: Path) -> Clone | None:
    """The clone in `folder`, if it is whole. A few small files are read: ask as often as wanted."""
    git = git_dir(folder)
    if git is None or (git / MOVING).exists() or not is_mle_bench(folder):
        return None
    commit = head(git)
    return Clone(folder, commit, origin(git)) if commit else None


def require_clone(settings: Settings) -> Clone:
    """Raises ReduxError where there is none."""
    found = find_clone(settings.repo_dir)
    if found is None:
        raise ReduxError(
            f"There is no whole clone of MLE-bench in {settings.repo_dir}. Run `redux-tui clone`,"
            " or set repo_dir in the config to the one that you have."
        )
    return found


async def clone(
    url: str,
    folder: Path,
    *,
    ref: str | None = None,
    rebuild: bool = False,
    say: Say,
    tell: Tell,
) -> Clone:
    """Make the clone of `url` in `folder`, or return the one there, moved to `ref` if given.

    `rebuild` makes a new one and puts it in the place of the old one, which works until then. It
    may be cancelled or killed at any moment: the next call goes on. Raises ReduxError.
    """
    place = Path(os.path.realpath(folder))  # a link stays one
    found = find_clone(folder)
    if found and not rebuild and _is_at(found, ref):
        _tidy_if_free(place)
        return found
    require_git()
    url = _checked_url(url)
    if ref is not None:
        checked_ref(ref)
    try:
        waiting = f"Waiting for another process, which works on {folder}."
        async with alone(lock_of(place), say, waiting) as hold:
            await _make(Git(place, hold, tell), url, ref, rebuild, say)
    except GitError as error:
        raise explain(error, url) from error
    except OSError as error:
        raise InfrastructureError(
            f"MLE-bench could not be cloned into {folder}: {error.strerror or error}. Correct that,"
            " or set repo_dir in the config to another folder."
        ) from error
    made = find_clone(folder)
    assert made is not None
    return made


def lock_of(folder: Path) -> Path:
    """Who changes anything in the clone in `folder` holds it."""
    place = Path(os.path.realpath(folder))
    return place.with_name(f".{place.name}.lock")


def _tidy_if_free(place: Path) -> None:
    """What a killed rebuild left is removed; one that goes on is left alone."""
    if left_behind(place):
        with suppress(OSError), alone_now(lock_of(place)) as is_free:
            if is_free:
                tidy(place)


async def _make(git: Git, url: str, ref: str | None, rebuild: bool, say: Say) -> None:
    tidy(git.folder)
    if not rebuild:
        await finish(git, say)
    found = find_clone(git.folder)
    if found is None or rebuild:
        _require_ours(git.folder, rebuild)
        return await _make_anew(git, url, ref, say)
    if ref is not None and not _is_at(found, ref):
        await move(git, url, ref, say)


async def _make_anew(git: Git, url: str, ref: str | None, say: Say) -> None:
    place = git.folder
    require_free_space(place.parent, _ROOM, "Cloning MLE-bench")
    say(f"Cloning {without_login(url)} into {place}.")
    fresh = new_folder(place)
    try:
        new = Git(fresh, git.hold, git.tell)
        await new.read("init", "--quiet", "--template=", ".")
        await new.read("remote", "add", "origin", url)
        commit = await fetch(new, url, ref)
        await new.run("checkout", "--progress", "--detach", commit, "--")
        if not is_mle_bench(fresh):
            raise ReduxError(
                f"{without_login(url)} at {ref or 'its default branch'} is not MLE-bench: it has no"
                " mlebench/registry.py and mlebench/competitions. Correct repo_url in the config."
            )
        write_json(fresh / ".git" / OURS, {"v": 1, "commit": commit})
        _carry_boards(place, fresh)
        keep = place.exists() and await _has_work_in_it(git)
        async with changing_clone(place, say) if place.exists() else nullcontext():
            aside = swap(fresh, place, keep=keep)
        if aside:
            say(f"What was there has work in it that is not redux-tui's; it is now {aside}.")
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _carry_boards(old: Path, fresh: Path) -> None:
    """Boards that were fetched already need no network a second time."""
    if git_dir(old) is None:
        return
    kept = pointers.store(old)
    for file in pointers.boards(old):
        if pointers.read_pointer(file) is None:
            pointers.keep(kept, file)
    for file in pointers.boards(fresh):  # also those that a move cut short has not put back yet
        pointers.put(kept, file)


async def _has_work_in_it(git: Git) -> bool:
    """Whether a person's own work may be in the old clone: then it is put aside, not removed."""
    own = git_dir(git.folder)
    if own is None:
        return False  # an empty folder
    if not (own / OURS).exists() or (own / "refs" / "stash").exists():
        return True
    branches = own / "refs" / "heads"
    if branches.is_dir() and any(branches.iterdir()):
        return True  # we make none
    try:
        return not (own / MOVING).exists() and bool(await changed_by_hand(git, untracked=True))
    except GitError:
        return True  # too broken to say


def _require_ours(place: Path, rebuild: bool) -> None:
    """Raise ReduxError if something else is in the way, or a clone that is not whole."""
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    if git_dir(place) is None:
        raise ReduxError(
            f"{place} is there already and is no clone of MLE-bench. It was left alone: set"
            " repo_dir in the config to another folder, or move that one away."
        )
    if not rebuild:
        raise ReduxError(
            f"{place} is a git repository, but not a whole MLE-bench. `redux-tui clone --rebuild`"
            " clones anew (what is there is put aside, if it is yours); or set repo_dir in the"
            " config to another folder."
        )


def _is_at(found: Clone, ref: str | None) -> bool:
    """Whether that is known without asking the server: branches move, hashes and tags don't."""
    if ref is None or (len(ref) >= _HASH and found.commit.startswith(ref)):
        return True
    git = git_dir(found.folder)
    return git is not None and is_known_tag(git, ref, found.commit)


def _checked_url(url: str) -> str:
    if not url.strip() or url.startswith("-"):
        raise ReduxError(f"repo_url in the config is {url!r}, which is no address. Correct it.")
    if "://" not in url and Path(url).exists():
        return str(Path(url).absolute())  # git runs in another folder
    return url
