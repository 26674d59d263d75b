"""The clone: whole or not at all, whatever happens on the way; with real git and real kills."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from redux_tui.bench.progress import Progress, ignore
from redux_tui.bench.repository.clone import Clone, clone, find_clone, require_clone
from redux_tui.bench.repository.folder import without_login
from redux_tui.bench.repository.use import using_clone
from redux_tui.config import Settings
from redux_tui.files import is_lfs_pointer
from redux_tui.models import InfrastructureError, ReduxError
from tests.mle_bench.conftest import BETA, commit_of, make, whole
from tests.support.mle_bench import beta_board, git


def test_a_clone_is_whole_shallow_and_says_its_commit(remote: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    folder = tmp_path / "deep" / "mle-bench"
    made = asyncio.run(clone(f"file://{remote}", folder, say=print, tell=told.append))
    assert made == Clone(folder, commit_of(remote, "main"), f"file://{remote}")
    assert whole(folder) and made == find_clone(folder)
    assert git(folder, "rev-list", "--count", "HEAD") == "1"
    assert is_lfs_pointer(folder / BETA)
    stages = {each.what for each in told}
    assert {"MLE-bench: receiving", "MLE-bench: checking out"} <= stages
    assert all(0 <= each.done <= (each.total or 0) for each in told)
    assert sorted(each.name for each in folder.parent.iterdir()) == [".mle-bench.lock", "mle-bench"]


def test_a_clone_that_is_there_needs_neither_git_nor_the_network(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(remote, tmp_path / "mle", ref="v-one")
    monkeypatch.setenv("PATH", "")
    for ref in (None, "v-one", made.commit, made.commit[:8]):
        assert make("file:///gone", tmp_path / "mle", ref=ref) == made


@pytest.mark.parametrize("name", ["v-one", "main", "HASH", "ABBREVIATED"])
def test_a_tag_branch_or_commit_can_be_chosen(remote: Path, tmp_path: Path, name: str) -> None:
    first = commit_of(remote, "v-one")
    wanted = {"main": commit_of(remote, "main")}.get(name, first)
    ref = {"HASH": first, "ABBREVIATED": first[:8]}.get(name, name)
    assert make(remote, tmp_path / "new", ref=ref).commit == wanted
    make(remote, tmp_path / "moved")
    assert make(remote, tmp_path / "moved", ref=ref).commit == wanted
    for folder in ("new", "moved"):
        assert whole(tmp_path / folder)
        is_second = (tmp_path / folder / "mlebench" / "second.txt").exists()
        assert is_second == (name == "main")


def test_a_move_keeps_the_boards_that_were_fetched(remote: Path, tmp_path: Path) -> None:
    made = make(remote, tmp_path / "mle")
    (made.folder / BETA).write_bytes(beta_board())
    moved = make(remote, made.folder, ref="v-one")
    assert moved.commit == commit_of(remote, "v-one")
    assert (moved.folder / BETA).read_bytes() == beta_board()
    rebuilt = make(remote, made.folder, rebuild=True)
    assert rebuilt.commit == commit_of(remote, "main")
    assert (rebuilt.folder / BETA).read_bytes() == beta_board()


def test_a_move_never_loses_what_a_person_changed(remote: Path, tmp_path: Path) -> None:
    made = make(remote, tmp_path / "mle", ref="v-one")
    for name, text in {"README.md": "mine\n", BETA: "rank,score\n1,1.0\n"}.items():
        before = (made.folder / name).read_bytes()
        (made.folder / name).write_text(text)
        with pytest.raises(ReduxError, match=name):
            make(remote, made.folder, ref="main")
        assert (made.folder / name).read_text() == text
        assert find_clone(made.folder) == made
        (made.folder / name).write_bytes(before)
    (made.folder / "mlebench" / "second.txt").write_text("mine, and in the way\n")
    with pytest.raises(ReduxError, match=r"second\.txt"):
        make(remote, made.folder, ref="main")
    assert find_clone(made.folder) == made
    (made.folder / "mlebench" / "second.txt").rename(made.folder / "notes.txt")
    assert make(remote, made.folder, ref="main").commit == commit_of(remote, "main")
    assert (made.folder / "notes.txt").read_text() == "mine, and in the way\n"


def test_a_persons_own_clone_is_taken_as_it_is(remote: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    git(tmp_path, "clone", "--quiet", f"file://{remote}", str(own))
    found = make("file:///elsewhere", own)
    assert found == Clone(own, commit_of(remote, "main"), f"file://{remote}")
    git(own, "pack-refs", "--all")
    assert find_clone(own) == found
    # moved, it keeps its history and its branch
    assert make(remote, own, ref="v-one").commit == commit_of(remote, "v-one")
    assert git(own, "rev-list", "--count", "main") == "2"
    git(own, "worktree", "add", "--quiet", str(tmp_path / "tree"), "main")
    tree = find_clone(tmp_path / "tree")
    assert tree is not None and tree.commit == found.commit and tree.url == found.url


def test_rebuild_puts_aside_what_may_be_a_persons_work(remote: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    git(tmp_path, "clone", "--quiet", f"file://{remote}", str(own))
    make(remote, own, rebuild=True)
    aside = [each for each in tmp_path.iterdir() if each.name.startswith("own.before-")]
    assert len(aside) == 1 and git(aside[0], "branch", "--show-current") == "main"
    (own / "notes.txt").write_text("mine\n")
    make(remote, own, rebuild=True)
    assert [file.read_text() for file in tmp_path.glob("own.before-*/notes.txt")] == ["mine\n"]
    make(remote, own, rebuild=True)
    assert len(list(tmp_path.glob("own.before-*"))) == 2
    assert not list(tmp_path.glob(".own.[cok]*"))


def test_a_rebuild_that_fails_leaves_the_old_clone_working(remote: Path, tmp_path: Path) -> None:
    made = make(remote, tmp_path / "mle")
    with pytest.raises(ReduxError):
        make("file:///gone", made.folder, rebuild=True)
    assert find_clone(made.folder) == made and whole(made.folder)


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_clone_is_left_alone(remote: Path, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "mle"
    if kind == "folder":
        place.mkdir()
    (place / "thesis.txt" if kind == "folder" else place).write_text("mine")
    for rebuild in (False, True):
        with pytest.raises(ReduxError, match="left alone"):
            make(remote, place, rebuild=rebuild)
    assert find_clone(place) is None
    assert (place / "thesis.txt" if kind == "folder" else place).read_text() == "mine"


def test_half_a_clone_of_somebody_else_is_not_used(remote: Path, tmp_path: Path) -> None:
    place = tmp_path / "mle"
    git(tmp_path, "clone", "--quiet", "--no-checkout", f"file://{remote}", str(place))
    assert find_clone(place) is None
    with pytest.raises(ReduxError, match="--rebuild"):
        make(remote, place)
    assert whole(make(remote, place, rebuild=True).folder)


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("file:///nowhere/at/all", "no git repository"),
        ("http://127.0.0.1:9/mle-bench.git", "can't be reached"),
        ("ext::sh -c touch% PWNED", "only https"),
        ("--upload-pack=touch PWNED", "no address"),
        ("", "no address"),
        ("http://me:secret@127.0.0.1:9/x.git", r"http://127\.0\.0\.1"),
    ],
)
def test_a_bad_url_is_a_sentence_and_does_no_harm(tmp_path: Path, url: str, match: str) -> None:
    with pytest.raises(ReduxError, match=match) as caught:
        make(url, tmp_path / "mle")
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "mle").exists() and not list(tmp_path.rglob("PWNED"))


@pytest.mark.parametrize(
    "ref", ["nonsense", "0" * 40, "abcdef12", "--upload-pack=x", "+a:b", "a b"]
)
def test_an_unknown_ref_is_said_and_changes_nothing(remote: Path, tmp_path: Path, ref: str) -> None:
    made = make(remote, tmp_path / "mle")
    with pytest.raises(ReduxError, match="tag, branch or commit"):
        make(remote, made.folder, ref=ref)
    assert find_clone(made.folder) == made
    with pytest.raises(ReduxError, match="tag, branch or commit"):
        make(remote, tmp_path / "new", ref=ref)
    assert not (tmp_path / "new").exists()


def test_another_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_text("x")
    git(tmp_path / "other", "init", "--quiet")
    git(tmp_path / "other", "add", "x")
    git(tmp_path / "other", "commit", "--quiet", "-m", "x")
    with pytest.raises(ReduxError, match="is not MLE-bench"):
        make(tmp_path / "other", tmp_path / "mle")
    assert not (tmp_path / "mle").exists()


def test_no_git_and_no_clone_are_said(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ReduxError, match="redux-tui clone"):
        require_clone(Settings(repo_dir=tmp_path / "mle"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReduxError, match="apt-get install git"):
        make(remote, tmp_path / "mle")


def test_a_git_that_is_years_old_will_do(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("git")
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    script = f"""#!/bin/sh
for each; do case $each in --initial-branch*) echo "error: unknown option" >&2; exit 129; esac; done
exec {real} "$@"
"""
    old.write_text(script)
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    assert whole(make(remote, tmp_path / "mle").folder)


@pytest.mark.parametrize("scheme", ["https", "ssh", "http"])
@pytest.mark.parametrize("password", ["secret", "sec@secret", ":secret"])
def test_no_login_is_left_in_an_address(scheme: str, password: str) -> None:
    text = f"fatal: unable to access '{scheme}://ada:{password}@host/x@1.git': no"
    assert without_login(text) == f"fatal: unable to access '{scheme}://host/x@1.git': no"


def test_a_full_disk_is_said(remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redux_tui.bench.repository.clone._ROOM", 1 << 60)
    with pytest.raises(InfrastructureError, match="free"):
        make(remote, tmp_path / "mle")


def test_a_cancelled_clone_leaves_nothing_and_no_git(remote: Path, tmp_path: Path) -> None:
    async def cancel_at(stage: str) -> None:
        reached = asyncio.Event()

        def tell(progress: Progress) -> None:
            if stage in progress.what:
                reached.set()

        work = asyncio.ensure_future(
            clone(f"file://{remote}", tmp_path / "mle", say=print, tell=tell)
        )
        await reached.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    for stage in ("counting", "receiving", "checking out"):
        asyncio.run(cancel_at(stage))
        assert [each.name for each in tmp_path.iterdir()] == [".mle.lock"]
    assert str(tmp_path) not in subprocess.check_output(["ps", "-eo", "args"], text=True)
    assert whole(make(remote, tmp_path / "mle").folder)


def test_of_two_at_once_the_second_finds_it_done(remote: Path, tmp_path: Path) -> None:
    async def both() -> list[Clone]:
        said: list[str] = []
        url = f"file://{remote}"
        work = [clone(url, tmp_path / "mle", say=said.append, tell=ignore) for _ in range(2)]
        made = await asyncio.gather(*work)
        assert sum(line.startswith("Cloning") for line in said) == 1
        return made

    first, second = asyncio.run(both())
    assert first == second and whole(first.folder)


@pytest.mark.parametrize("options", [{"ref": "v-one"}, {"rebuild": True, "ref": "v-one"}])
def test_a_clone_that_runs_use_is_changed_when_they_have_ended(
    remote: Path, tmp_path: Path, options: dict[str, object]
) -> None:
    before = make(remote, tmp_path / "repo")
    said: list[str] = []

    async def work() -> Clone:
        async with using_clone(before.folder, said.append):
            moving = asyncio.create_task(
                clone(str(remote), before.folder, say=said.append, tell=ignore, **options)  # type: ignore[arg-type]
            )
            while not any("runs that use it" in line for line in said):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            assert find_clone(before.folder) == before
        return await moving

    assert asyncio.run(work()).commit == commit_of(remote, "v-one") != before.commit


def test_finding_a_clone_is_cheap(remote: Path, tmp_path: Path) -> None:
    made = make(remote, tmp_path / "mle")
    begin = time.perf_counter()
    for _ in range(100):
        assert find_clone(made.folder) == made
    assert time.perf_counter() - begin < 0.5


def test_git_of_a_hook_around_us_is_not_followed(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "wrong"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "wrong-index"))
    made = make(remote, tmp_path / "mle")
    monkeypatch.undo()
    assert whole(made.folder) and not (tmp_path / "wrong").exists()


def test_a_server_that_knows_no_shallow_clones_serves_too(remote: Path, tmp_path: Path) -> None:
    """Plain files over HTTP, as any static host has them."""
    copy = tmp_path / "site" / "mle.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(remote), str(copy))
    git(copy, "update-server-info")
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=copy.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    try:
        port = server.stdout.readline().split(" port ")[1].split()[0]
        made = make(f"http://127.0.0.1:{port}/mle.git", tmp_path / "mle", ref="v-one")
    finally:
        os.kill(server.pid, signal.SIGTERM)
        server.wait()
        server.stdout.close()
    assert made.commit == commit_of(remote, "v-one") and whole(made.folder)
