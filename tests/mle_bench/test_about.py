"""What is said of the clone's commit."""

from __future__ import annotations

import shutil
from pathlib import Path

from redux_tui.bench.repository.about import about
from redux_tui.bench.repository.clone import find_clone
from tests.support.mle_bench import git, make_mle_bench


def test_the_commit_is_told_with_its_date_and_subject(tmp_path: Path) -> None:
    make_mle_bench(tmp_path)
    work = tmp_path / "mle-bench-work"
    git(work, "commit", "--quiet", "--allow-empty", "-m", "A [bold]\x1b[31m subject")
    clone = find_clone(work)
    assert clone is not None
    assert about(clone) == f"{clone.commit[:10]} of 2025-01-01 (A [bold] subject)"


def test_a_commit_that_cannot_be_read_is_told_by_its_hash(tmp_path: Path) -> None:
    make_mle_bench(tmp_path)
    clone = find_clone(tmp_path / "mle-bench-work")
    assert clone is not None
    shutil.rmtree(clone.folder / ".git" / "objects")
    assert about(clone) == clone.commit[:10]
