"""Bring one commit into a repository: only that where the server allows, all where it must."""

from __future__ import annotations

import json
import re
from pathlib import Path

from redux_tui.bench.repository.folder import common_dir, git_dir, head, without_login
from redux_tui.bench.repository.git import Git, GitError, explain
from redux_tui.files import write_json
from redux_tui.models import ReduxError

_KEPT = "refs/redux-tui/fetched"
_TAG = "redux-tui-tag.json"  # in .git: the tag fetched last
_FETCH = ("fetch", "--progress", "--no-recurse-submodules")
_ALL = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
_SHORT_HASH = re.compile(r"[0-9a-f]{4,64}")
# of git check-ref-format; "+" and ":" would make it say where to write
_NOT_IN_A_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^[-+/.]|[/.]$|\.lock$|//")
_UNKNOWN = "find remote ref|not our ref|unadvertised object|Server does not allow request"


def checked_ref(ref: str) -> str:
    if not ref or _NOT_IN_A_REF.search(ref):
        raise ReduxError(
            f"{ref!r} is no name of a tag, branch or commit. Name one that MLE-bench's repository"
            " has."
        )
    return ref


async def fetch(git: Git, url: str, ref: str | None) -> str:
    """Fetch `ref` (None: the default branch) from `url`; return its commit.

    Raises ReduxError where the server can't be reached or doesn't know it.
    """
    own = git_dir(git.folder)
    assert own is not None
    try:
        try:
            await git.run(*_FETCH, "--no-tags", *_depth(own), "--", url, ref or "HEAD")
        except GitError as error:
            if "shallow" not in str(error):
                raise
            await git.run(*_FETCH, "--no-tags", "--", url, ref or "HEAD")
    except GitError as error:
        if ref is None or not re.search(_UNKNOWN, str(error)):
            raise explain(error, url) from error
        return await _fetch_all(git, own, url, ref)
    commit = await _commit(git, "FETCH_HEAD", url, ref or "HEAD")
    await git.read("update-ref", _KEPT, commit)  # or the next fetch would bring all of it again
    if ref is not None:
        _remember_tag(own, ref, commit)
    return commit


async def _fetch_all(git: Git, own: Path, url: str, ref: str) -> str:
    """For part of a hash, and for servers that give out tips only."""
    if not _SHORT_HASH.fullmatch(ref):
        raise _unknown(url, ref)
    is_shallow = _shallow_file(own).exists()
    try:
        await git.run(*_FETCH, *(("--unshallow",) if is_shallow else ()), "--", url, *_ALL)
    except GitError as error:
        raise explain(error, url) from error
    return await _commit(git, ref, url, ref)


async def _commit(git: Git, name: str, url: str, ref: str) -> str:
    try:
        found = await git.read("rev-parse", "--verify", "--quiet", name + "^{commit}")
    except GitError as error:
        raise _unknown(url, ref) from error
    return found.decode().strip()


def is_known_tag(own: Path, ref: str, commit: str) -> bool:
    """Whether `ref` was fetched before and is a tag of `commit`: tags don't move."""
    try:
        return bool(json.loads((own / _TAG).read_text()) == {"tag": ref, "commit": commit})
    except (OSError, ValueError):
        return False


def _remember_tag(own: Path, ref: str, commit: str) -> None:
    said = (own / "FETCH_HEAD").read_text(errors="replace")
    if said.partition("\t")[2].strip().startswith(f"tag '{ref}' of"):
        write_json(own / _TAG, {"tag": ref, "commit": commit})


def _depth(own: Path) -> tuple[str, ...]:
    """History is not needed; but a whole one that a person has is not cut."""
    is_new = head(own) is None
    return ("--depth=1",) if is_new or _shallow_file(own).exists() else ()


def _shallow_file(own: Path) -> Path:
    return common_dir(own) / "shallow"


def _unknown(url: str, ref: str) -> ReduxError:
    return ReduxError(
        f"{without_login(url)} has no tag, branch or commit {ref!r}. `git ls-remote` lists what it"
        " has; leave --ref (and repo_ref in the config) out for its default branch."
    )
