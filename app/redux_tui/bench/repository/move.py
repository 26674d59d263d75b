"""Move a clone to another commit: what a person changed is safe, fetched boards stay, and a move
that was killed half way is finished before anything else."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from redux_tui.bench.process import to_the_end
from redux_tui.bench.progress import Say
from redux_tui.bench.repository import pointers
from redux_tui.bench.repository.fetch import fetch
from redux_tui.bench.repository.folder import MOVING, git_dir, head
from redux_tui.bench.repository.git import Git, GitError
from redux_tui.bench.repository.use import changing_clone
from redux_tui.files import sync_folder, write_json
from redux_tui.models import InfrastructureError, ReduxError

_BUSY = "redux-tui-busy"  # in .git while a git of ours may hold its locks
_SHOWN = 5  # changed files that a message names


async def move(git: Git, url: str, ref: str, say: Say) -> None:
    """Fetch `ref` and check it out. Raises ReduxError; the clone is then as it was."""
    own = _git_dir(git.folder)
    (own / _BUSY).touch()
    try:
        commit = await fetch(git, url, ref)
        if commit == head(own):
            return
        await _require_unchanged(git)
        await _require_room(git, commit)
        # from here on only: who takes up a running attempt must not wait for a slow server
        async with changing_clone(git.folder, say):
            names = _kept_boards(git.folder)
            write_json(own / MOVING, {"commit": commit, "boards": names})
            say(f"Moving {git.folder} to {ref} ({commit[:10]}).")
            await to_the_end(_check_out(git, commit, names))
    finally:
        (own / _BUSY).unlink(missing_ok=True)


def _kept_boards(folder: Path) -> list[str]:
    """The boards that are fetched, by their names; each is kept to be put back."""
    real = [file for file in pointers.boards(folder) if _is_real(file)]
    for file in real:
        pointers.keep(pointers.store(folder), file)
    return [str(file.relative_to(folder)) for file in real]


async def finish(git: Git, say: Say) -> None:
    """Finish what a killed process began here, and take away the locks that its git left."""
    own = git_dir(git.folder)
    if own is None or not own.is_dir():
        return
    if (own / _BUSY).exists():
        for lock in (*own.glob("*.lock"), *own.glob("refs/**/*.lock")):
            lock.unlink(missing_ok=True)
        (own / _BUSY).unlink()
    if (own / MOVING).exists():
        (own / _BUSY).touch()
        plan = json.loads((own / MOVING).read_text())
        say(f"Finishing the move of {git.folder} to {plan['commit'][:10]}, which was cut short.")
        await to_the_end(_check_out(git, plan["commit"], plan["boards"]))
        (own / _BUSY).unlink(missing_ok=True)


async def changed_by_hand(git: Git, *, untracked: bool = False) -> list[str]:
    """The files that a person changed: all that differ from the commit but fetched LFS files.

    With `untracked`, also files that the commit doesn't know, ignored ones included.
    """
    others = ("--untracked-files=normal", "--ignored") if untracked else ("--untracked-files=no",)
    status = await git.read("status", "--porcelain=v1", "-z", "--no-renames", *others)
    changed = []
    for entry in filter(None, status.decode(errors="surrogateescape").split("\0")):
        state, name = entry[:2], entry[3:]
        is_ours = state == "!!" and Path(name).name in ("__pycache__", "cache")
        if not is_ours and not (state == " M" and await _is_fetched(git, name)):
            changed.append(name)
    return changed


async def _is_fetched(git: Git, name: str) -> bool:
    pointer = pointers.parse_pointer(await git.read("cat-file", "blob", f"HEAD:{name}"))
    with suppress(OSError):
        content = (git.folder / name).read_bytes()
        return pointer is not None and hashlib.sha256(content).hexdigest() == pointer.oid
    return False


async def _require_unchanged(git: Git) -> None:
    changed = await changed_by_hand(git)
    if changed:
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        raise ReduxError(
            f"{git.folder} can't be moved to another commit: {', '.join(changed[:_SHOWN])}{more}"
            " were changed by hand there, and would be lost. Undo or commit that, or set repo_dir"
            " in the config to another folder."
        )


async def _require_room(git: Git, commit: str) -> None:
    """git's own trial run: it fails where a file of the person's own is in the way."""
    try:
        await git.read("read-tree", "-m", "-u", "-n", "HEAD", commit)
    except GitError as error:
        raise ReduxError(
            f"{git.folder} can't be moved to another commit: {error}. Move that file away, and try"
            " again."
        ) from error


async def _check_out(git: Git, commit: str, names: list[str]) -> None:
    try:
        await git.run("checkout", "--progress", "--force", "--detach", commit, "--")
        store = pointers.store(git.folder)
        for name in names:
            if (git.folder / name).is_file():
                pointers.put(store, git.folder / name)
    except (GitError, OSError) as error:
        raise InfrastructureError(
            f"Moving {git.folder} to {commit[:10]} stopped half way ({error}), so it can't be used"
            " now. `redux-tui clone` finishes it once the cause is gone; with --rebuild it clones"
            " anew."
        ) from error
    own = _git_dir(git.folder)
    (own / MOVING).unlink(missing_ok=True)
    sync_folder(own)


def _is_real(file: Path) -> bool:
    return file.is_file() and pointers.read_pointer(file) is None


def _git_dir(folder: Path) -> Path:
    own = git_dir(folder)
    assert own is not None
    return own
