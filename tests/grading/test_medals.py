"""Medals come out as Kaggle and MLE-bench award them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from redux_tui.grading.medals import read_leaderboard, thresholds
from redux_tui.models import InfrastructureError

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.parametrize(
    ("teams", "places"),
    [
        (1, (1, 1, 1)),
        (9, (1, 1, 3)),
        (99, (9, 19, 39)),
        (100, (10, 20, 40)),
        (249, (10, 49, 99)),
        (250, (10, 50, 100)),
        (999, (11, 50, 100)),
        (1000, (12, 50, 100)),
        (5001, (20, 250, 500)),
    ],
)
def test_places_follow_the_number_of_teams(teams: int, places: tuple[int, int, int]) -> None:
    board = thresholds([float(place) for place in range(1, teams + 1)])
    assert (board.gold, board.silver, board.bronze) == places
    assert board.median == (teams + 1) / 2
    assert board.lower_is_better == (teams > 1)


def test_the_direction_is_read_off_the_board() -> None:
    falling = thresholds([0.9, 0.8, 0.1])
    assert not falling.lower_is_better
    assert falling.reaches(0.9, falling.gold)
    assert not falling.beats_median(0.8)
    rising = thresholds([0.1, 0.8, 0.9])
    assert rising.reaches(0.1, rising.gold)
    assert rising.beats_median(0.7)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real leaderboards are not on this machine")
def test_real_leaderboards_give_the_published_thresholds() -> None:
    published = json.loads((SHARED / "medal_thresholds_published.json").read_text())
    equal = []
    for name, (gold, silver, bronze, _median) in published.items():
        board = thresholds(read_leaderboard(SHARED / "leaderboards" / f"{name}.csv"))
        if (board.gold, board.silver, board.bronze) == (gold, silver, bronze):
            equal.append(name)
    # mlsp-2013-birds differs in the data, not in the rule
    assert published.keys() - set(equal) == {"mlsp-2013-birds"}


@pytest.mark.parametrize(
    "text",
    [
        "rank,points\n1,2\n",
        "rank,score\n1,\n",
        "rank,score\n",
        "\x00",
        "rank,score\n1,NaN\n",
        "rank,score\n1,0.5\n2,-inf\n",
    ],
)
def test_a_board_that_cannot_be_read_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "leaderboard.csv"
    path.write_text(text)
    with pytest.raises(InfrastructureError, match="leaderboard"):
        read_leaderboard(path)
