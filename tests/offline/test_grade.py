"""Graders score what is right and refuse what is malformed, with a reason that tells no answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from redux_tui.offline import metrics
from redux_tui.offline.checks import InvalidSubmissionError
from tests.offline.conftest import Prepared

Change = Callable[[pd.DataFrame], pd.DataFrame]
HIGHER = {"caravan-insurance", "titanic-survival", "review-sentiment"}
LABELS = {"titanic-survival", "review-sentiment"}
CHANCES = {"caravan-insurance", "optical-digits", "seattle-weather"}


def set_first(value: object) -> Change:
    """Put `value` into the first prediction."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype(object)
        frame.iloc[0, 1] = value
        return frame

    return change


BROKEN: dict[str, tuple[Change, str]] = {
    "a row missing": (lambda frame: frame.iloc[1:], "missing"),
    "nothing but the header": (lambda frame: frame.iloc[:0], "missing"),
    "an id twice": (lambda frame: pd.concat([frame, frame.iloc[:1]]), "more than once"),
    "an unknown id": (lambda frame: frame.assign(id=["x", *frame["id"][1:]]), "not in the test"),
    "an empty id": (lambda frame: frame.assign(id=[None, *frame["id"][1:]]), "empty"),
    "no id column": (lambda frame: frame.drop(columns="id"), "lacks the column 'id'"),
    "no prediction": (lambda frame: frame.iloc[:, :1], "lacks the column"),
    "a column too many": (lambda frame: frame.assign(more=1), "exactly the columns"),
    "a renamed column": (lambda frame: frame.rename(columns={frame.columns[1]: "x"}), "lacks"),
    "a NaN": (set_first(np.nan), "NaN"),
    "a word": (set_first("nonsense"), r"not numbers|not one of"),
    "infinity": (set_first(np.inf), r"infinite|not one of"),
    "a negative number": (set_first(-0.5), r"not between|not 0 or more|not above|not one of"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_malformed_submissions_are_refused_with_a_reason(competition: Prepared, kind: str) -> None:
    change, expected = BROKEN[kind]
    with pytest.raises(InvalidSubmissionError, match=expected) as caught:
        competition.grade(change(competition.sample), competition.answers)
    reason = str(caught.value)
    assert reason.endswith(".") and "\n" not in reason and len(reason) < 400


def test_probabilities_above_one_are_refused(prepared: Callable[[str], Prepared]) -> None:
    for name in CHANCES:
        competition = prepared(name)
        with pytest.raises(InvalidSubmissionError, match="between 0 and 1"):
            competition.grade(set_first(1.01)(competition.sample), competition.answers)


@pytest.mark.parametrize("name", ["optical-digits", "seattle-weather"])
def test_probabilities_must_sum_to_one(prepared: Callable[[str], Prepared], name: str) -> None:
    competition = prepared(name)
    first = float(competition.sample.iloc[0, 1])
    with pytest.raises(InvalidSubmissionError, match="do not sum to 1"):
        competition.grade(set_first(first + 0.002)(competition.sample), competition.answers)
    within = competition.grade(set_first(first + 0.0005)(competition.sample), competition.answers)
    exact = competition.grade(competition.sample, competition.answers)
    assert within == pytest.approx(exact, abs=1e-4)


def test_a_price_of_zero_is_refused(prepared: Callable[[str], Prepared]) -> None:
    competition = prepared("diamond-prices")
    with pytest.raises(InvalidSubmissionError, match="not above 0"):
        competition.grade(set_first(0)(competition.sample), competition.answers)


def test_reasons_never_hold_answers(prepared: Callable[[str], Prepared]) -> None:
    competition = prepared("review-sentiment")
    answers = competition.answers.assign(sentiment="secret")
    for change, _ in BROKEN.values():
        with pytest.raises(InvalidSubmissionError) as caught:
            competition.grade(change(competition.sample), answers)
        assert "secret" not in str(caught.value)


def test_the_sample_submission_gets_a_score(competition: Prepared) -> None:
    score = competition.grade(competition.sample, competition.answers)
    assert isinstance(score, float) and np.isfinite(score)


def test_perfect_answers_get_the_best_score(competition: Prepared) -> None:
    score = competition.grade(competition.perfect(), competition.answers)
    assert score == (1.0 if competition.id in HIGHER else pytest.approx(0.0, abs=1e-12))


def test_the_order_of_rows_does_not_matter(competition: Prepared) -> None:
    generator = np.random.default_rng(0)
    guess = competition.perfect()
    for column in guess.columns[1:]:
        guess[column] = generator.permutation(guess[column].to_numpy())
    if competition.id in {"optical-digits", "seattle-weather"}:
        shares = guess.iloc[:, 1:] + 0.1
        guess.iloc[:, 1:] = shares.div(shares.sum(axis=1), axis=0)
    shuffled = guess.sample(frac=1, random_state=1)
    expected = competition.grade(guess, competition.answers)
    assert competition.grade(shuffled, competition.answers) == pytest.approx(expected, abs=1e-12)
    assert expected != pytest.approx(1.0 if competition.id in HIGHER else 0.0)


def test_ids_may_be_text_or_numbers(competition: Prepared) -> None:
    perfect, answers = competition.perfect(), competition.answers
    best = competition.grade(perfect, answers)
    assert competition.grade(perfect.assign(id=perfect["id"].astype(str)), answers) == best
    if pd.api.types.is_integer_dtype(perfect["id"]):
        assert competition.grade(perfect.assign(id=perfect["id"].astype(float)), answers) == best
        assert competition.grade(perfect, answers.assign(id=answers["id"].astype(str))) == best


def test_metrics_agree_with_scikit_learn() -> None:
    generator = np.random.default_rng(7)
    truth = generator.integers(0, 2, 300)
    chance = np.round(generator.random(300), 2)
    assert metrics.auc(truth.astype(float), chance) == pytest.approx(
        reference.roc_auc_score(truth, chance)
    )
    names = np.array(["a", "b", "c"])
    label, guess = names[generator.integers(0, 3, 300)], names[generator.integers(0, 3, 300)]
    assert metrics.accuracy(label, guess) == pytest.approx(reference.accuracy_score(label, guess))
    assert metrics.macro_f1(label, guess, ("a", "b", "c")) == pytest.approx(
        reference.f1_score(label, guess, average="macro")
    )
    shares = generator.dirichlet([1, 1, 1], 300)
    assert metrics.log_loss(label, shares, ("a", "b", "c")) == pytest.approx(
        reference.log_loss(label, shares)
    )
    numbers = generator.random(300)
    assert metrics.rmse(numbers, chance) == pytest.approx(
        reference.root_mean_squared_error(numbers, chance)
    )


def test_labels_may_be_numbers_of_any_type(prepared: Callable[[str], Prepared]) -> None:
    competition = prepared("titanic-survival")
    perfect = competition.perfect()
    for kind in (int, float, str):
        guess = perfect.assign(survived=perfect["survived"].astype(kind))
        assert competition.grade(guess, competition.answers) == 1.0
    assert LABELS <= HIGHER
