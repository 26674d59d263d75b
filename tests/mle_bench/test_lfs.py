"""Leaderboards out of Git LFS, with the real git-lfs over file://."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from redux_tui.bench.progress import Progress, ignore
from redux_tui.bench.repository.clone import Clone, clone, find_clone
from redux_tui.bench.repository.lfs import fetch_boards
from redux_tui.bench.repository.pointers import put, store
from redux_tui.files import is_lfs_pointer
from redux_tui.models import ReduxError
from tests.support.mle_bench import (
    beta_board,
    git,
    lfs_object,
    make_mle_bench,
    store_board,
    toy_competition,
)

pytestmark = pytest.mark.skipif(not shutil.which("git-lfs"), reason="git-lfs is not installed")
BETA = "mlebench/competitions/toy-beta/leaderboard.csv"


@pytest.fixture
def made(tmp_path: Path) -> Clone:
    (tmp_path / "remote").mkdir()
    remote = make_mle_bench(tmp_path / "remote")
    return asyncio.run(clone(f"file://{remote}", tmp_path / "mle", say=print, tell=ignore))


def fetch(made: Clone, *names: str) -> list[Progress]:
    told: list[Progress] = []
    competitions = [toy_competition(made.folder, name) for name in names or ("toy-beta",)]
    asyncio.run(fetch_boards(made, competitions, print, told.append))
    return told


def test_a_board_is_fetched_whole_and_its_progress_told(made: Clone) -> None:
    told = fetch(made, "toy-alpha", "toy-beta")
    assert (made.folder / BETA).read_bytes() == beta_board()
    assert told[-1].done == told[-1].total == len(beta_board()) and told[-1].unit == "bytes"
    assert find_clone(made.folder) == made


def test_it_works_where_lfs_was_never_set_up(
    made: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    fetch(made)
    assert (made.folder / BETA).read_bytes() == beta_board()


def test_what_is_there_needs_nothing(made: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert fetch(made, "toy-alpha", "toy-gamma") == []
    assert is_lfs_pointer(made.folder / BETA)


def test_what_was_fetched_once_is_put_back_without_git_lfs(
    made: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(made)
    (made.folder / BETA).write_text(git(made.folder, "show", f"HEAD:{BETA}") + "\n")
    monkeypatch.setenv("PATH", "")
    fetch(made)
    assert (made.folder / BETA).read_bytes() == beta_board()


def test_without_git_lfs_it_is_said_how_to_install_it(
    made: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReduxError, match=r"toy-beta.*apt-get install git-lfs.*brew"):
        fetch(made)


def test_a_board_that_the_server_has_not_is_said(made: Clone, tmp_path: Path) -> None:
    stored = lfs_object(tmp_path / "remote" / "mle-bench.git", beta_board())
    stored.rename(tmp_path / "gone")
    with pytest.raises(ReduxError, match="toy-beta in its LFS store"):
        fetch(made)
    assert is_lfs_pointer(made.folder / BETA)
    (tmp_path / "gone").rename(stored)
    fetch(made)
    assert (made.folder / BETA).read_bytes() == beta_board()


def test_a_remote_that_is_gone_is_said(made: Clone, tmp_path: Path) -> None:
    (tmp_path / "remote").rename(tmp_path / "elsewhere")
    with pytest.raises(ReduxError, match="toy-beta"):
        fetch(made)


def test_a_damaged_object_is_fetched_again(made: Clone) -> None:
    fetch(made)
    pointer = git(made.folder, "show", f"HEAD:{BETA}") + "\n"
    for damaged in (beta_board()[:-10], beta_board()[::-1]):
        (made.folder / BETA).write_text(pointer)
        stored = lfs_object(made.folder / ".git", beta_board())
        stored.unlink()  # over file:// it is one file with the server's
        stored.write_bytes(damaged)
        fetch(made)
        assert (made.folder / BETA).read_bytes() == beta_board()


def test_killed_while_a_board_is_put_in_place_nothing_is_left_in_the_work_tree(
    made: Clone,
) -> None:
    """What git does not know would pass for a person's own."""
    store_board(made.folder / ".git", beta_board())
    child = os.fork()
    if child == 0:
        os.fsync = lambda *_: os._exit(9)  # half way through writing it
        put(store(made.folder), made.folder / BETA)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert git(made.folder, "status", "--porcelain") == ""
    assert put(store(made.folder), made.folder / BETA)
    assert (made.folder / BETA).read_bytes() == beta_board()


def test_a_kill_leaves_no_half_board(made: Clone) -> None:
    board = made.folder / BETA
    for wait in (0.0, 0.02, 0.04, 0.06, 0.08, 0.1):
        child = os.fork()
        if child == 0:
            try:
                fetch(made)
            finally:
                os._exit(0)
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert is_lfs_pointer(board) or board.read_bytes() == beta_board()
    fetch(made)
    assert board.read_bytes() == beta_board()
