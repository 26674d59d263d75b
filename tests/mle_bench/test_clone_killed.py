"""A clone whose making was killed, at any moment."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from redux_tui.bench.repository import pointers
from redux_tui.bench.repository.clone import find_clone
from redux_tui.bench.repository.folder import MOVING
from redux_tui.models import InfrastructureError
from tests.mle_bench.conftest import BETA, commit_of, make, whole
from tests.support.mle_bench import beta_board


def kill_somewhere(remote: Path, folder: Path, within: float, **options: object) -> None:
    child = os.fork()
    if child == 0:
        try:
            make(remote, folder, **options)
        finally:
            os._exit(0)
    time.sleep(random.uniform(0, within))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_killed_at_any_moment_the_next_start_goes_on(remote: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mle"
    for _ in range(6):
        kill_somewhere(remote, folder, 0.15)
        assert find_clone(folder) is None or whole(folder)
    assert whole(make(remote, folder).folder)
    (folder / BETA).write_bytes(beta_board())
    for round_ in range(8):
        ref = ("v-one", "main")[round_ % 2]
        kill_somewhere(remote, folder, 0.15, ref=ref)
        if round_ % 3 == 2:
            kill_somewhere(remote, folder, 0.3, rebuild=True)
        moved = make(remote, folder, ref=ref)
        assert moved.commit == commit_of(remote, ref) and whole(folder)
        assert (folder / BETA).read_bytes() == beta_board()
    left = {each.name for each in tmp_path.iterdir()} - {".mle.lock", ".mle.use.lock"}
    assert left == {"mle"}


@pytest.mark.parametrize("at", ["before", "after"])
def test_killed_in_the_middle_of_a_swap_the_old_or_the_new_one_is_there(
    remote: Path, tmp_path: Path, at: str
) -> None:
    made = make(remote, tmp_path / "mle")
    (made.folder / "notes.txt").write_text("mine")
    make(remote, tmp_path / "other")
    made.folder.rename(tmp_path / ".mle.kept-x")
    (tmp_path / "other").rename(tmp_path / ("mle" if at == "after" else ".mle.clone-x"))
    assert find_clone(make(remote, tmp_path / "mle").folder)
    kept = list(tmp_path.glob("*/notes.txt"))
    assert [file.read_text() for file in kept] == ["mine"]
    assert not list(tmp_path.glob(".mle.[cko]*"))


def test_a_move_cut_short_is_finished_and_never_used_before(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(remote, tmp_path / "mle")
    (made.folder / BETA).write_bytes(beta_board())

    async def die(*_: object) -> None:
        (made.folder / "README.md").write_text("half\n")
        (made.folder / ".git" / "index.lock").touch()
        raise InfrastructureError("as if killed")

    with monkeypatch.context() as patch:
        patch.setattr("redux_tui.bench.repository.move._check_out", die)
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        with pytest.raises(InfrastructureError):
            make(remote, made.folder, ref="v-one")
    assert find_clone(made.folder) is None
    finished = make("file:///gone", made.folder)
    assert finished.commit == commit_of(remote, "v-one") and whole(made.folder)
    assert (made.folder / BETA).read_bytes() == beta_board()


def test_a_rebuild_after_a_move_cut_short_has_the_fetched_boards(
    remote: Path, tmp_path: Path
) -> None:
    folder = make(remote, tmp_path / "mle").folder
    pointer = (folder / BETA).read_bytes()
    (folder / BETA).write_bytes(beta_board())
    pointers.keep(pointers.store(folder), folder / BETA)
    (folder / BETA).write_bytes(pointer)  # as a checkout does, before the board is put back
    (folder / ".git" / MOVING).write_text("{}")
    make(remote, folder, rebuild=True)
    assert (folder / BETA).read_bytes() == beta_board()
