"""What MLE-bench's own code grades gets MLE-bench's own report, to the last digit."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from redux_tui.bench.environment.make import ensure_environment
from redux_tui.bench.progress import ignore
from redux_tui.bench.repository.clone import find_clone
from redux_tui.config import load
from redux_tui.grading.graders import Graders
from redux_tui.grading.report import aggregate, grade_submission
from redux_tui.models import InfrastructureError
from tests.grading.conftest import ALPHA, BETA, GAMMA, Toys
from tests.grading.submissions import make_submissions
from tests.support.mle_bench import board, git, pointer

OURS = ("reason", "sandbox", "created_at")
GOOD = {
    "toy-alpha": ALPHA,
    "toy-beta": BETA,
    "toy-gamma": "id,word\n" + "".join(f"{each['id']},{each['word']}\n" for each in GAMMA),
}


def _mle_bench(toys: Toys, lines: list[tuple[str, str]]) -> dict[str, Any]:
    """What `mlebench grade` makes of them."""
    folder = toys.root / "theirs"
    folder.mkdir()  # for their stray ./cache
    rows = [{"submission_path": path, "competition_id": name} for path, name in lines]
    (folder / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, "-m", "mlebench.cli", "grade", "--submission", "all.jsonl"]
    subprocess.run(
        [*command, "--output-dir", "reports", "--data-dir", str(toys.settings.data_dir)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(toys.repo)},
        check=True,
        stderr=subprocess.DEVNULL,
    )
    summary: dict[str, Any] = json.loads(next((folder / "reports").iterdir()).read_text())
    return summary


def _lines(toys: Toys) -> list[tuple[str, str]]:
    """Paths and competitions of all sorts of submissions."""
    found = []
    for seed, (name, good) in enumerate(GOOD.items()):
        folder = toys.root / "submissions" / name
        (folder / "folder.csv").mkdir(parents=True)
        for kind, content in make_submissions(good, seed).items():
            (folder / f"{kind}.csv").write_bytes(content)
        for other in ("CAPITALS.CSV", "no_table.txt"):
            (folder / other).write_text(good)
        files = [*sorted(folder.iterdir()), folder / "none.csv"]
        found += [(str(file), name) for file in files]
    return found


async def _ours(toys: Toys, lines: list[tuple[str, str]]) -> list[dict[str, Any]]:
    graders = Graders(toys.settings)
    competitions = {name: toys.competition(name) for name in GOOD}
    reports = []
    try:
        for path, name in lines:
            file, competition = Path(path), competitions[name]
            reports.append(await grade_submission(graders, competition, file.parent, file.name))
    finally:
        await graders.close()
    return reports


def _without(report: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key not in fields}


async def test_reports_are_those_of_mle_bench_field_for_field(toys: Toys) -> None:
    lines = _lines(toys)
    ours = await _ours(toys, lines)
    reasons = [report["reason"] or "" for report in ours]
    # their whole command ends at a file that pandas can't read
    readable = [place for place, text in enumerate(reasons) if "readable CSV" not in text]
    summary = _mle_bench(toys, [lines[place] for place in readable])
    theirs = summary["competition_reports"]
    assert len(theirs) > 200
    same = []
    for mine, other in zip([ours[place] for place in readable], theirs, strict=True):
        assert list(mine)[:-2] == list(other)
        if other["score"] is not None and not math.isfinite(other["score"]):
            assert "not a finite number" in mine["reason"]  # theirs is no JSON
            continue
        assert _without(mine, *OURS) == _without(other, *OURS), mine["reason"]
        assert (mine["reason"] is None) == mine["valid_submission"]
        same.append(mine)
    total = _without(aggregate(same), "competition_reports")
    infinite = len(theirs) - len(same)
    for field in ("total_runs", "total_runs_with_submissions", "total_valid_submissions"):
        total[field] += infinite
    assert infinite < 5
    assert total == _without(summary, "competition_reports")
    assert 50 < total["total_valid_submissions"] < total["total_runs"] - 50
    assert all(total[f"total_{medal}_medals"] for medal in ("gold", "silver", "bronze"))


async def _grade_one(toys: Toys, name: str = "toy-alpha") -> dict[str, Any]:
    file = toys.root / "one.csv"
    file.write_text(GOOD[name])
    return (await _ours(toys, [(str(file), name)]))[0]


async def test_nothing_is_left_in_the_current_folder_nor_in_the_clone(
    toys: Toys, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here, temporary = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("temporary")
    monkeypatch.chdir(here)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = sorted(toys.repo.rglob("*"))
    assert (await _grade_one(toys))["gold_medal"]
    assert list(here.iterdir()) == []
    assert list(temporary.iterdir()) == []
    assert sorted(toys.repo.rglob("*")) == before


@pytest.mark.parametrize("number", ["nan", "inf"])
async def test_a_score_that_is_no_finite_number_is_invalid(toys: Toys, number: str) -> None:
    _grader(toys).write_text(f"def grade(s, a):\n    return float('{number}')\n")
    report = await _grade_one(toys)
    assert (report["score"], report["valid_submission"]) == (None, False)
    assert f"not a finite number: {number}" in report["reason"]


async def test_a_clone_that_is_moved_is_graded_with_its_new_code(toys: Toys) -> None:
    competition, folder = toys.competition("toy-alpha"), toys.root
    (folder / "one.csv").write_text(ALPHA)
    graders = Graders(toys.settings)
    assert (await graders.grade(competition, folder, "one.csv")).score == 1.0
    _grader(toys).write_text("def grade(s, a):\n    return 0.25\n")
    git(toys.repo, "commit", "--quiet", "--all", "-m", "Three")
    with pytest.raises(InfrastructureError, match="redux-tui clone"):
        await graders.grade(competition, folder, "one.csv")
    clone = find_clone(toys.repo)
    assert clone is not None
    python = Path(sys.executable)
    await ensure_environment(clone, python=python, say=print, tell=ignore)
    assert (await graders.grade(competition, folder, "one.csv")).score == 0.25
    await graders.close()


def _grader(toys: Toys) -> Path:
    return toys.repo / "mlebench" / "competitions" / "toy-alpha" / "grade.py"


async def test_a_board_that_was_not_fetched_or_is_but_a_page_is_refused(toys: Toys) -> None:
    leaderboard = toys.competition("toy-alpha").leaderboard
    leaderboard.write_text(pointer(board("toy-alpha").encode()))
    with pytest.raises(InfrastructureError, match=r"not fetched.*redux-tui prepare -c toy-alpha"):
        await _grade_one(toys)
    leaderboard.write_text("\n".join(board("toy-alpha").splitlines()[:21]) + "\n")
    with pytest.raises(InfrastructureError, match="first page of the real one"):
        await _grade_one(toys)
    leaderboard.unlink()
    with pytest.raises(InfrastructureError, match="can't be read"):
        await _grade_one(toys)


async def test_without_a_clone_or_its_environment_the_command_that_makes_it_is_named(
    toys: Toys,
) -> None:
    competition = toys.competition("toy-alpha")
    file = toys.root / "one.csv"
    file.write_text(ALPHA)
    without = toys.settings.model_copy(update={"repo_python": Path("/nowhere/python")})
    with pytest.raises(InfrastructureError, match=r"environment.*redux-tui clone"):
        await Graders(without).grade(competition, file.parent, file.name)
    shutil.rmtree(toys.repo / ".git")
    with pytest.raises(InfrastructureError, match=r"no whole clone.*redux-tui clone"):
        await Graders(toys.settings).grade(competition, file.parent, file.name)


async def test_a_users_competition_may_import_mle_bench(toys: Toys) -> None:
    theirs = toys.repo / "mlebench" / "competitions" / "toy-alpha"
    mine = toys.root / "content" / "competitions" / "toy-mine"
    shutil.copytree(theirs, mine)
    config = (mine / "config.yaml").read_text()
    config = config.replace("mlebench.competitions.toy-alpha.", "").replace("toy-alpha", "toy-mine")
    (mine / "config.yaml").write_text(config)
    shutil.copytree(toys.root / "data" / "toy-alpha", toys.root / "data" / "toy-mine")
    with toys.config.open("a") as file:
        file.write("content_dirs: [content]\n")
    competition = toys.competition("toy-mine")
    assert competition.source == "user"
    (toys.root / "one.csv").write_text(ALPHA)
    graders = Graders(load(toys.config))
    report = await grade_submission(graders, competition, toys.root, "one.csv")
    await graders.close()
    assert report["gold_medal"]


def test_the_command_grades_what_is_prepared_and_says_what_is_not(toys: Toys) -> None:
    shutil.rmtree(toys.root / "data" / "toy-beta")
    lines = []
    for name in ("toy-alpha", "toy-beta", "toy-gamma", "toy-alpha"):
        path = toys.root / f"{name}.csv"
        path.write_text(GOOD[name])
        lines.append(json.dumps({"submission_path": str(path), "competition_id": name}))
    linked = toys.root / "link.csv"
    linked.symlink_to(toys.root / "toy-alpha.csv")
    lines.append(json.dumps({"submission_path": str(linked), "competition_id": "toy-alpha"}))
    file = toys.root / "submissions.jsonl"
    file.write_text("\n".join(lines))
    command = [sys.executable, "-m", "redux_tui", "--config", str(toys.config), "grade"]
    done = subprocess.run(
        [*command, "--submissions", str(file), "--json"], capture_output=True, text=True
    )
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert [each["line"] for each in answer["errors"]] == [2]
    assert "redux-tui prepare -c toy-beta" in answer["errors"][0]["error"]
    reports = answer["competition_reports"]
    ids = [report["competition_id"] for report in reports]
    assert ids == ["toy-alpha", "toy-gamma", "toy-alpha", "toy-alpha"]
    assert all(report["gold_medal"] for report in reports)
    assert reports[-1]["submission_path"] == str(linked)  # as it was given
