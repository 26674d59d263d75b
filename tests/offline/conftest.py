"""Prepares every bundled competition once for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from redux_tui.offline import loading

IDS = loading.competition_ids()


class Prepared:
    """A prepared competition: its folders, tables and grade function."""

    def __init__(self, competition: str, folder: Path) -> None:
        self.id = competition
        self.folder = loading.OFFLINE / competition
        self.public, self.private = loading.prepare_into(competition, folder)
        self.grade = loading.load_grade(competition)

    def table(self, name: str) -> pd.DataFrame:
        """Read a prepared file as a grader does, a fresh copy each time."""
        return pd.read_csv((self.private if name == "answers" else self.public) / _FILES[name])

    @property
    def sample(self) -> pd.DataFrame:
        return self.table("sample")

    @property
    def answers(self) -> pd.DataFrame:
        return self.table("answers")

    @property
    def target(self) -> str:
        return str(self.answers.columns[1])

    def perfect(self) -> pd.DataFrame:
        """The best submission there is."""
        answers = self.answers
        columns = list(self.sample.columns[1:])
        if columns == [self.target]:
            return answers
        table = answers[["id"]].copy()
        for column in columns:
            label = column.removeprefix("digit_")
            table[column] = (answers[self.target].astype(str) == label).astype(float)
        return table


_FILES = {
    "train": "train.csv",
    "test": "test.csv",
    "sample": "sample_submission.csv",
    "answers": "test.csv",
}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Prepared]:
    """Return a function that prepares a competition by its id, once a session."""
    folder = tmp_path_factory.mktemp("competitions")
    return cache(lambda competition: Prepared(competition, folder))


@pytest.fixture(params=IDS)
def competition(request: pytest.FixtureRequest, prepared: Callable[[str], Prepared]) -> Prepared:
    """Each bundled competition in turn."""
    return prepared(request.param)
