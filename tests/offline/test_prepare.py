"""Bundled competitions are prepared alike on every machine and leak nothing."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from redux_tui.offline import loading
from tests.offline.conftest import IDS, Prepared

SPLIT = Path(__file__).parents[2] / "splits" / "offline.txt"
# A prepared competition that changes makes its leaderboard worthless: rebuild both together.
SHA256 = {
    "bike-demand": "4ba0ccada6ba3e8d4dde8614ea4a8b1b10c74803dc69ead39767a1d65af5062d",
    "caravan-insurance": "33c5e3cc5ebe9726c006268cfe2250cab41ead6c5813541b1c3325a5e1961a56",
    "diamond-prices": "0bac55771fbbc6b217ea4ef81d5f3fb496edecdd49a7bedb57c9b9626c1ad935",
    "optical-digits": "1a91071266e26e8e746842cdfb8b78f4028024bdc9b199092fdd11d856e1b722",
    "review-sentiment": "ce1e108b97923480ec15266a687ccd153a631c40a64cfe9fe804eeac93f8392e",
    "seattle-weather": "5fc9ee2c3468348e76dddebdb263b11b2ee944a116b5fee07d76ecec28d80b0b",
    "titanic-survival": "676cd72e275d3c41d4680ba28a2331760dd9d424003ba65a224c2c1409cbed30",
}


def digest(prepared: Prepared) -> str:
    """Hash all prepared files in a fixed order."""
    files = [prepared.public / name for name in ("train.csv", "test.csv", "sample_submission.csv")]
    files.append(prepared.private / "test.csv")
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def test_all_seven_competitions_are_in_the_split() -> None:
    lines = SPLIT.read_text().splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert sorted(listed) == IDS and len(IDS) == 7


def test_preparing_gives_the_recorded_bytes(competition: Prepared) -> None:
    assert digest(competition) == SHA256[competition.id]


def test_preparing_twice_gives_the_same_bytes(
    prepared: Callable[[str], Prepared], tmp_path: Path
) -> None:
    assert digest(Prepared("titanic-survival", tmp_path)) == digest(prepared("titanic-survival"))


def test_config_names_files_that_exist(competition: Prepared) -> None:
    config = yaml.safe_load((competition.folder / "config.yaml").read_text())
    root = competition.public.parents[2]
    assert config["id"] == competition.id
    assert (root / config["dataset"]["answers"]).is_file()
    assert (root / config["dataset"]["sample_submission"]).is_file()
    assert (competition.folder / config["description"]).is_file()
    assert (config["grader"]["grade_fn"], config["preparer"]) == ("grade:grade", "prepare:prepare")


def test_test_set_is_of_a_sensible_size_and_has_no_target(competition: Prepared) -> None:
    train, test = competition.table("train"), competition.table("test")
    assert 0.2 <= len(test) / (len(train) + len(test)) <= 0.31
    assert competition.target in train.columns and competition.target not in test.columns
    assert list(test.columns) == [name for name in train.columns if name != competition.target]


def test_ids_are_unique_and_on_one_side_only(competition: Prepared) -> None:
    train, test = competition.table("train")["id"], competition.table("test")["id"]
    assert train.is_unique and test.is_unique and not train.isin(test).any()
    assert competition.sample["id"].tolist() == test.tolist() == competition.answers["id"].tolist()


def test_no_row_of_the_test_set_occurs_in_the_train_set(competition: Prepared) -> None:
    train, test = competition.table("train"), competition.table("test")
    features = [name for name in test.columns if name != "id"]
    both = train[features].merge(test[features].drop_duplicates(), how="inner", on=features)
    assert both.empty


@pytest.mark.parametrize(
    "name", ["caravan-insurance", "titanic-survival", "diamond-prices", "optical-digits"]
)
def test_ids_do_not_betray_the_target(prepared: Callable[[str], Prepared], name: str) -> None:
    competition = prepared(name)
    answers = competition.answers
    order = answers["id"].rank().corr(answers[competition.target].rank())
    assert abs(order) < 3.5 / len(answers) ** 0.5
    neighbours = answers[competition.target].rank().autocorr(1)
    assert abs(neighbours) < 3.5 / len(answers) ** 0.5


def test_sample_submission_is_constant(competition: Prepared) -> None:
    sample = competition.sample.drop(columns="id")
    assert (sample.nunique() == 1).all()
    assert sample.iloc[0].nunique() == 1


@pytest.mark.parametrize(
    ("name", "column"), [("bike-demand", "datetime"), ("seattle-weather", "date")]
)
def test_the_test_set_lies_after_the_train_set(
    prepared: Callable[[str], Prepared], name: str, column: str
) -> None:
    competition = prepared(name)
    assert competition.table("train")[column].max() < competition.table("test")[column].min()


def test_bikes_leave_out_what_adds_up_to_the_target(prepared: Callable[[str], Prepared]) -> None:
    columns = set(prepared("bike-demand").table("train").columns)
    assert not columns & {"casual", "registered"}


def test_no_review_is_on_both_sides(prepared: Callable[[str], Prepared]) -> None:
    reviews = prepared("review-sentiment")
    sides = [set(reviews.table(name)["id"].str.split("_").str[0]) for name in ("train", "test")]
    assert not sides[0] & sides[1]


def test_description_says_what_a_competitor_needs(competition: Prepared) -> None:
    text = (competition.folder / "description.md").read_text()
    for words in ("## Evaluation", "### Submission file", "house leaderboard", "licence"):
        assert words in text
    assert ",".join(competition.sample.columns) in text
    for name in competition.table("train").columns:
        if "_" not in name and not name.isupper():
            assert name in text, name


def test_leaderboard_is_sorted_and_points_the_right_way(competition: Prepared) -> None:
    path = competition.folder / "leaderboard.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["rank", "teamName", "score"]
    scores = [float(row["score"]) for row in rows]
    assert 100 <= len(rows) < 250
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    assert len({row["teamName"] for row in rows}) == len(rows)
    best = competition.grade(competition.perfect(), competition.answers)
    higher = best == 1.0
    assert scores == sorted(scores, reverse=higher)
    assert scores[0] != scores[-1]
    nothing = competition.grade(competition.sample, competition.answers)
    assert (scores[9] > nothing) == higher
    assert (best >= scores[0]) == higher


def test_loading_an_unknown_competition_names_it() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-one"):
        loading.load_grade("no-such-one")


def test_prepared_tables_are_plain_csv(competition: Prepared) -> None:
    raw = pd.read_csv(competition.public / "train.csv", dtype=str)
    assert len(raw) == len(competition.table("train"))
    assert not any(str(name).startswith("Unnamed") for name in raw.columns)
