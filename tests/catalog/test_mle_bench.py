"""MLE-bench's competitions, splits and known issues, read from a clone without importing it."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest

from redux_tui.catalog import Catalog
from redux_tui.catalog.boards import direction
from redux_tui.catalog.mle_bench import Issue
from redux_tui.models import ReduxError
from tests.support.mle_bench import write_mle_bench
from tests.support.world import World

README = """\
| Competition ID | Category | Dataset Size (GB) |
|----------------|----------|-------------------|
| toy-alpha      | Tabular  | 0.5               |
| toy-beta       | Audio    | much              |

| Competition ID | Other |
|---|---|
| toy-gamma | 1 |
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return write_mle_bench(tmp_path / "mle-bench")


def config_of(repo: Path, name: str) -> Path:
    return repo / "mlebench" / "competitions" / name / "config.yaml"


def test_a_competition_of_the_clone_is_all_that_its_config_says(repo: Path) -> None:
    beta = Catalog((), repo).competition("toy-beta")
    folder = repo / "mlebench" / "competitions" / "toy-beta"
    assert (beta.name, beta.kind, beta.metric) == ("Toy Beta", "simple", "mean-absolute-error")
    assert (beta.source, beta.repo, beta.folder) == ("mle-bench", repo, folder)
    assert beta.description == folder / "description.md"
    assert beta.answers == Path("toy-beta/prepared/private/answers.csv")
    assert beta.sample_submission == Path("toy-beta/prepared/private/sample_submission.csv")
    assert beta.grade_fn == "mlebench.competitions.toy-beta.grade:grade"
    assert beta.awards_medals
    assert not Catalog((), repo).competition("toy-gamma").awards_medals


def test_a_board_that_is_not_fetched_or_not_there_hides_no_competition(repo: Path) -> None:
    (repo / "mlebench/competitions/toy-alpha/leaderboard.csv").unlink()
    catalog = Catalog((), repo)
    assert {"toy-alpha", "toy-beta", "toy-gamma"} <= catalog.competitions.keys()
    assert catalog.problems == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id: toy-beta", "id: [", "line"),
        ("id: toy-beta", "id: other", "must be the same"),
        ("preparer: ", "prepares: ", "preparer must be there"),
        ("answers: toy-beta", "answers: ../toy-beta", "leads out of the data folder"),
        ("description: ml", "description: /ml", "is not in"),
        ("description.md", "nothing.md", "nothing.md"),
    ],
)
def test_an_odd_config_is_left_out_with_a_sentence_and_hides_no_other(
    repo: Path, old: str, new: str, message: str
) -> None:
    config = config_of(repo, "toy-beta")
    config.write_text(config.read_text().replace(old, new))
    catalog = Catalog((), repo)
    assert "toy-beta" not in catalog.competitions
    assert {"toy-alpha", "toy-gamma", "titanic-survival"} <= catalog.competitions.keys()
    assert len(catalog.problems) == 1
    assert message in catalog.problems[0]


def test_a_user_wins_over_mle_bench_and_mle_bench_over_ours(repo: Path, world: World) -> None:
    world.competition("toy-alpha")
    ours = repo / "mlebench" / "competitions" / "bike-demand"
    shutil.copytree(config_of(repo, "toy-gamma").parent, ours)
    for file in ours.glob("*.yaml"):
        file.write_text(file.read_text().replace("toy-gamma", "bike-demand"))
    catalog = Catalog(world.settings.content_dirs, repo)
    assert catalog.competition("toy-alpha").source == "user"
    assert catalog.competition("bike-demand").source == "mle-bench"
    assert catalog.competition("titanic-survival").source == "offline"


def test_a_folder_that_is_no_whole_clone_is_not_taken_for_one(repo: Path) -> None:
    (repo / "mlebench" / "registry.py").unlink()
    catalog = Catalog((), repo)
    assert catalog.repo is None
    assert "toy-alpha" not in catalog.competitions
    assert catalog.problems == []


def test_known_issues_come_from_the_readme_with_their_links(repo: Path) -> None:
    catalog = Catalog((), repo)
    assert catalog.competition("toy-alpha").known_issues == ()
    assert catalog.competition("toy-beta").known_issues == (
        "The board is crowded -- very little difference between the top score and the median"
        " score. #1",
    )
    assert catalog.issues["toy-gamma"] == (
        Issue("The words repeat. #2", ("https://example.org/issues/2",)),
        Issue("The ids are sorted."),
    )


def test_category_and_size_come_from_the_readme_and_better_from_the_table(repo: Path) -> None:
    (repo / "README.md").write_text(README)
    table = repo / "experiments" / "competition_categories.csv"
    table.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    catalog = Catalog((), repo)
    alpha, beta = catalog.competition("toy-alpha"), catalog.competition("toy-beta")
    assert (alpha.category, alpha.size_gb) == ("Tabular", 0.5)
    assert (beta.category, beta.size_gb) == ("Audio", None)
    assert catalog.competition("toy-gamma").category == ""
    table.write_text("competition_id,category,dataset_size_GB,Complexity\ntoy-gamma,Text,1.5,low\n")
    gamma = Catalog((), repo).competition("toy-gamma")
    assert (gamma.category, gamma.size_gb) == ("Text", 1.5)


def test_without_a_readme_there_are_no_issues_and_no_problem(repo: Path) -> None:
    (repo / "README.md").unlink()
    catalog = Catalog((), repo)
    assert catalog.competition("toy-beta").known_issues == ()
    assert catalog.problems == []


@pytest.mark.parametrize(
    ("board", "found"),
    [
        ("rank,score\n1,0.9\n2,0.1\n", "higher"),
        ("rank,score\n1,-3.2\n2,0.1\n\n", "lower"),
        ("rank,score\n1,0.5\n2,0.5\n", "higher"),
        ("rank,score\n1,0.5\n", "higher"),
        ('team,score\n"a, b",1\n"c ""d""",2\n', "lower"),
        ('team,score\n"a",1\n"c\nd, e",2\n', None),
        ("score\n3\r\n" + "2\r\n" * 9000 + "1\r\n", "higher"),
        ("rank,points\n1,1\n2,2\n", None),
        ("rank,score\n1,high\n", None),
        ("rank,score\n", None),
        ("", None),
        ("\xff\xfe", None),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", None),
    ],
)
def test_the_direction_is_read_off_both_ends_of_the_board(
    repo: Path, board: str, found: str | None
) -> None:
    alpha = Catalog((), repo).competition("toy-alpha")
    alpha.leaderboard.write_bytes(board.encode("latin-1"))
    assert direction(alpha) == found


def test_a_board_that_is_not_there_has_no_direction(repo: Path) -> None:
    alpha = Catalog((), repo).competition("toy-alpha")
    alpha.leaderboard.unlink()
    assert direction(alpha) is None


def test_mle_benchs_splits_ship_with_us_and_partition_its_75() -> None:
    catalog = Catalog()
    low, medium, high = (
        set(catalog.split(each).competitions) for each in ("low", "medium", "high")
    )
    assert (len(low), len(medium), len(high)) == (22, 38, 15)
    assert low | medium | high == set(catalog.split("split75").competitions)
    assert len(catalog.split("dev").competitions) == 7
    assert catalog.split("lite").name == "low"
    assert "lite" not in catalog.splits


def test_a_users_split_may_be_called_lite(world: World) -> None:
    splits = world.root / "content" / "splits"
    splits.mkdir(parents=True)
    (splits / "lite.txt").write_text("toy\n")
    assert Catalog([world.root / "content"]).split("lite").competitions == ("toy",)


def test_complexity_is_mle_benchs_whatever_a_user_calls_low(world: World) -> None:
    splits = world.root / "content" / "splits"
    splits.mkdir(parents=True)
    (splits / "low.txt").write_text("AI4Code\n")
    catalog = Catalog([world.root / "content"])
    assert catalog.complexity("AI4Code") == "medium"
    assert catalog.complexity("leaf-classification") == "low"
    assert catalog.complexity("spaceship-titanic") == ""


def test_a_split_that_differs_from_the_clones_is_said_with_the_ids(repo: Path) -> None:
    theirs = repo / "experiments" / "splits"
    dev = Catalog().split("dev").competitions
    for name in ("low", "medium", "high", "split75"):
        (theirs / f"{name}.txt").unlink()
    (theirs / "dev.txt").write_text("\n".join(dev))
    catalog = Catalog((), repo)
    assert catalog.split("dev").competitions == dev
    assert catalog.problems == []
    (theirs / "dev.txt").write_text("\n".join(["new-one", *dev[1:]]))
    catalog = Catalog((), repo)
    assert catalog.split("dev").competitions == dev
    (problem,) = catalog.problems
    assert "The split dev is not the one of this version of MLE-bench" in problem
    assert f"new-one is in {theirs / 'dev.txt'} only, and {dev[0]} is in ours only" in problem


def test_choosing_what_is_not_cloned_yet_names_the_command_that_clones(repo: Path) -> None:
    catalog = Catalog()
    with pytest.raises(
        ReduxError, match="split low has 22 competitions of MLE-bench, which is not"
    ):
        catalog.select("lite", [])
    with pytest.raises(
        ReduxError, match=r"leaf-classification is a competition .* `redux-tui clone`"
    ):
        catalog.select(None, ["titanic-survival", "leaf-classification"])
    with pytest.raises(ReduxError, match="leaf-classification is a competition"):
        catalog.competition("leaf-classification")
    with pytest.raises(ReduxError, match="mle-bench:aide is an agent of MLE-bench, which is not"):
        catalog.agent("mle-bench:aide")
    with pytest.raises(ReduxError, match="There is no competition named 'leaf-classification'"):
        Catalog((), repo).competition("leaf-classification")


def test_a_split_whose_ids_are_unknown_names_them(repo: Path, world: World) -> None:
    splits = world.root / "content" / "splits"
    splits.mkdir(parents=True)
    (splits / "mine.txt").write_text("toy-alpha # known\n\n# no more:\nnowhere\nnothing\n")
    catalog = Catalog([world.root / "content"], repo)
    with pytest.raises(ReduxError, match="The split mine names nowhere, nothing, of which"):
        catalog.select("mine", [])
    (splits / "fine.txt").write_text("toy-gamma\ntoy-alpha\n")
    chosen = Catalog([world.root / "content"], repo).select("fine", ["toy-beta"])
    assert [each.id for each in chosen] == ["toy-gamma", "toy-alpha", "toy-beta"]


def test_82_competitions_are_read_quickly_and_mle_bench_is_not_imported(repo: Path) -> None:
    folder = config_of(repo, "toy-beta").parent
    for number in range(79):
        copy = folder.with_name(f"toy-{number:02}")
        shutil.copytree(folder, copy)
        config = copy / "config.yaml"
        config.write_text(config.read_text().replace("toy-beta", copy.name))
    (repo / "mlebench" / "__init__.py").write_text("raise SystemExit('imported')\n")
    seconds = []
    for _ in range(3):  # the quickest: other work of this machine is not ours to measure
        began = time.perf_counter()
        found = Catalog((), repo).competitions
        ways = [direction(each) for each in found.values()]
        seconds.append(time.perf_counter() - began)
        assert len(ways) >= 82
    assert min(seconds) < 0.3
    assert "mlebench" not in sys.modules
