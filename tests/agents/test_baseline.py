"""The baseline agent solves tables and texts it has never seen, in time, and says what it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from redux_tui.offline import loading
from tests.agents.conftest import RunAgent, grade

Public = Callable[[str], Path]


def nothing(competition: str, data: Path) -> float:
    """The sample submission's score."""
    sample = pd.read_csv(data / "sample_submission.csv")
    answers = pd.read_csv(data.parent / "private" / "test.csv")
    return loading.load_grade(competition)(sample, answers)


def test_beats_the_sample_and_keeps_its_log(run_agent: RunAgent, public: Public) -> None:
    data = public("seattle-weather")
    attempt = run_agent("baseline", data, STEP_LIMIT="4")
    assert attempt.returncode == 0, attempt.output
    assert grade("seattle-weather", data, attempt) < nothing("seattle-weather", data) - 0.4
    log = json.loads((attempt.logs / "baseline.json").read_text())
    target = log["targets"][0]
    assert target["metric"] == "log_loss" and "forward in time" in target["validation"]
    assert sum(target["weights"].values()) > 0.999
    assert all(entry["seconds"] >= 0 for entry in target["models"])
    assert attempt.output.count("log_loss") >= len(target["models"])
    assert {"main.py", "models.py", "requirements.txt"} <= {
        path.name for path in attempt.code.iterdir()
    }


@pytest.mark.long
def test_the_same_seed_gives_the_same_submission(run_agent: RunAgent, public: Public) -> None:
    data = public("titanic-survival")
    first, second = (run_agent("baseline", data, SEED="3", STEP_LIMIT="5") for _ in range(2))
    assert first.returncode == second.returncode == 0, first.output + second.output
    assert first.table().equals(second.table())
    assert grade("titanic-survival", data, first) > nothing("titanic-survival", data) + 0.05


def test_a_tiny_time_limit_leaves_a_valid_submission(run_agent: RunAgent, public: Public) -> None:
    data = public("titanic-survival")
    attempt = run_agent("baseline", data, TIME_LIMIT_SECS="6")
    assert attempt.returncode == 0, attempt.output
    assert attempt.seconds < 6
    grade("titanic-survival", data, attempt)


def test_text_labels_and_string_ids_are_written_as_they_came(
    run_agent: RunAgent, tmp_path: Path
) -> None:
    data = space_travellers(tmp_path / "data")
    attempt = run_agent("baseline", data, STEP_LIMIT="2")
    assert attempt.returncode == 0, attempt.output
    table = pd.read_csv(attempt.submission / "submission.csv", dtype=str)
    truth = pd.read_csv(tmp_path / "truth.csv", dtype=str)
    assert table["PassengerId"].tolist() == truth["PassengerId"].tolist()
    assert set(table["Transported"]) == {"True", "False"}
    assert (table["Transported"] == truth["Transported"]).mean() > 0.85
    assert "grouped by the start of PassengerId" in attempt.output


def test_several_targets_are_filled_one_by_one(run_agent: RunAgent, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"id": range(300), "a": generator.random(300), "b": generator.random(300)})
    targets = {"sum": table["a"] + table["b"], "difference": table["a"] - table["b"]}
    table.assign(**targets).iloc[:200].to_csv(data / "train.csv", index=False)
    table.iloc[200:].to_csv(data / "test.csv", index=False)
    table[["id"]].iloc[200:].assign(sum=0.5, difference=0.5).to_csv(
        data / "sample_submission.csv", index=False
    )
    attempt = run_agent("baseline", data, STEP_LIMIT="1", TIME_LIMIT_SECS="")
    assert attempt.returncode == 0, attempt.output
    for name, values in targets.items():
        assert np.abs(attempt.table()[name] - values.iloc[200:].to_numpy()).mean() < 0.05


def test_without_tables_it_submits_the_sample_and_fails(
    run_agent: RunAgent, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    (data / "sample_submission.csv").write_text("id,label\n1,0\n")
    attempt = run_agent("baseline", data)
    assert attempt.returncode == 1
    assert "no train.csv and test.csv" in attempt.output
    assert (attempt.submission / "submission.csv").read_text() == "id,label\n1,0\n"


def space_travellers(data: Path) -> Path:
    """Write a competition like spaceship-titanic: grouped string ids, a cabin, a bool target."""
    data.mkdir()
    generator = np.random.default_rng(1)
    group = np.repeat(np.arange(400), 2)
    table = pd.DataFrame(
        {
            "PassengerId": [f"{g:04d}_{n % 2 + 1:02d}" for n, g in enumerate(group)],
            "CryoSleep": generator.random(800) < 0.4,
            "Cabin": [f"{'ABC'[n % 3]}/{n}/{'PS'[n % 2]}" for n in generator.integers(0, 99, 800)],
            "Spent": generator.exponential(100, 800),
        }
    )
    table.loc[::17, "Spent"] = np.nan
    table["Transported"] = table["CryoSleep"] | table["Cabin"].str.startswith("A")
    train, test = table.iloc[:600], table.iloc[600:]
    train.to_csv(data / "train.csv", index=False)
    test.drop(columns="Transported").to_csv(data / "test.csv", index=False)
    sample = test[["PassengerId"]].assign(Transported=False)
    sample.to_csv(data / "sample_submission.csv", index=False)
    (data / "description.md").write_text(
        "# Space\n\n## Evaluation\n\nSubmissions are evaluated on classification accuracy.\n"
    )
    test[["PassengerId", "Transported"]].to_csv(data.parent / "truth.csv", index=False)
    return data
