"""Fits entries on the training set alone and scores their predictions of the test set."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from redux_tui.offline import loading, metrics
from redux_tui.offline.tools.reference.board import Array, Board, Entry

Rows = NDArray[np.intp]
# A zero probability of a class can cost a whole leaderboard place in the log loss.
FLOOR = 1e-4


@dataclass
class Problem:
    """A prepared competition together with its board."""

    competition: str
    board: Board
    train: pd.DataFrame
    test: pd.DataFrame
    answers: pd.DataFrame

    @cached_property
    def truth(self) -> NDArray[Any]:
        """The training target: class positions, or numbers on the metric's scale."""
        values = self.train[self.board.target]
        if not self.board.classes:
            return self.board.to_scale(values.to_numpy(dtype=np.float64))
        position = {name: place for place, name in enumerate(self.board.classes)}
        return np.array([position[str(value)] for value in values])

    @cached_property
    def folds(self) -> list[tuple[Rows, Rows]]:
        """Cross-validation that resembles the competition's own split."""
        rows, count = np.arange(len(self.train)), self.board.folds
        if self.board.split == "forward":
            block = min(len(self.test), len(rows) // (count + 1))
            starts = [len(rows) - number * block for number in range(count, 0, -1)]
            return [(rows[:start], rows[start : start + block]) for start in starts]
        if self.board.split == "groups":
            groups = self.train["id"].str.split("_").str[0]
            splitter = GroupKFold(count, shuffle=True, random_state=0)
            return list(splitter.split(rows, groups=groups))
        if self.board.classes:
            return list(
                StratifiedKFold(count, shuffle=True, random_state=0).split(rows, self.truth)
            )
        return list(KFold(count, shuffle=True, random_state=0).split(rows))

    @cached_property
    def held_out(self) -> Rows:
        """The rows that cross-validation predicts, in its order."""
        return np.concatenate([held for _, held in self.folds])

    def cv_score(self, guess: Array) -> float:
        """Score held-out predictions, higher is better whatever the metric."""
        return score(self.board, self.truth[self.held_out], guess)

    def test_score(self, guess: Array) -> float:
        """Score test predictions with the competition's own grader."""
        table = pd.DataFrame({"id": self.test["id"]})
        board = self.board
        if not board.classes:
            table[board.columns[0]] = np.maximum(board.from_scale(guess), 1e-9)
        elif board.metric in ("accuracy", "macro-f1"):
            table[board.columns[0]] = np.array(board.classes)[guess.argmax(axis=1)]
        elif board.metric == "auc":
            table[board.columns[0]] = guess[:, 1]
        else:
            table[list(board.columns)] = guess / guess.sum(axis=1, keepdims=True)
        return loading.load_grade(self.competition)(table, self.answers)


def load_problem(competition: str, board: Board, folder: Path) -> Problem:
    """Read a competition that was prepared into `folder`."""
    base = folder / competition / "prepared"
    texts = {"id": str} if board.split == "groups" else {}
    train, test = (
        pd.read_csv(base / "public" / f"{n}.csv", dtype=texts) for n in ("train", "test")
    )
    answers = pd.read_csv(base / "private" / "test.csv", dtype=texts)
    return Problem(competition, board, train, test, answers)


def score(board: Board, truth: NDArray[Any], guess: Array) -> float:
    """Score predictions by the board's metric, turned so that higher is better."""
    if not board.classes:
        return -metrics.rmse(truth, guess)
    if board.metric == "auc":
        return metrics.auc(truth.astype(np.float64), guess[:, 1])
    names = np.array(board.classes)
    if board.metric == "log-loss":
        chance = guess / guess.sum(axis=1, keepdims=True)
        return -metrics.log_loss(names[truth], chance, board.classes)
    if board.metric == "accuracy":
        return metrics.accuracy(truth, guess.argmax(axis=1))
    return metrics.macro_f1(names[truth], names[guess.argmax(axis=1)], board.classes)


def run(problem: Problem, entry: Entry) -> tuple[Array, Array | None]:
    """Return the entry's test predictions and, if it may be blended, its held-out ones."""
    train, test = problem.board.views[entry.view](
        problem.train.drop(columns=problem.board.target), problem.test
    )
    answer = _fit_predict(problem, entry, train, np.arange(len(problem.train)), test)
    if not entry.blend:
        return answer, None
    parts = [
        _fit_predict(problem, entry, train, fit, _take(train, held)) for fit, held in problem.folds
    ]
    return answer, np.concatenate(parts)


def _fit_predict(problem: Problem, entry: Entry, train: Any, fit: Rows, ask: Any) -> Array:
    if entry.window is not None:
        fit = fit[-entry.window :]
    model, target, board = entry.make(), problem.truth[fit], problem.board
    if not board.classes:
        model.fit(_take(train, fit), board.from_scale(target) if entry.raw else target)
        guess = np.asarray(model.predict(ask), dtype=np.float64)
        if entry.raw:
            guess = board.to_scale(np.maximum(guess, 0.1))
        return np.clip(guess, target.min(), target.max())
    model.fit(_take(train, fit), target)
    chance = np.full((_length(ask), len(board.classes)), FLOOR)
    chance[:, model.classes_] += _chances(model, ask)
    return np.asarray(chance / chance.sum(axis=1, keepdims=True))


def _chances(model: Any, ask: Any) -> Array:
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(ask))
    margin = np.asarray(model.decision_function(ask))
    if margin.ndim == 1:
        margin = np.column_stack([-margin, margin])
    power = np.exp(2 * (margin - margin.max(axis=1, keepdims=True)))
    return np.asarray(power / power.sum(axis=1, keepdims=True))


def _take(data: Any, rows: Rows) -> Any:
    return data.iloc[rows] if hasattr(data, "iloc") else data[rows]


def _length(data: Any) -> int:
    return int(data.shape[0])


def slug(name: str) -> str:
    """Shorten a pipeline's name for progress lines."""
    return re.sub(r"\s+", " ", name)[:60]
