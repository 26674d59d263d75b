"""The candidate models: linear ones, boosted trees and extra trees, each with its own matrix."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from features import Features
from numpy.typing import NDArray
from scipy import sparse
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import ComplementNB
from task import Task

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """A named model on a matrix whose rows are those of train and, below, of test."""

    name: str
    matrix: Any
    make: Callable[[], Any]
    classes: int  # 0 for regression

    def fit_predict(self, fit: NDArray[np.intp], target: NDArray[Any], ask: Any) -> Array:
        """Fit on the rows `fit` and predict the rows `ask`: numbers, or a column a class."""
        model = self.make()
        model.fit(self.matrix[fit], target)
        if not self.classes:
            # A linear model may leave the range of all that was ever seen; nothing else does.
            low, high = float(target.min()), float(target.max())
            return np.asarray(np.clip(model.predict(self.matrix[ask]), low, high))
        chance = np.full((len(ask), self.classes), 1e-6)
        # A fold may lack a rare class.
        chance[:, model.classes_.astype(int)] += model.predict_proba(self.matrix[ask])
        return np.asarray(chance / chance.sum(axis=1, keepdims=True))


def make_candidates(features: Features, task: Task, seed: int) -> list[Candidate]:
    """Return the candidates, the quickest first; what they cost depends on the data alone."""
    classes = len(task.classes)
    candidates: list[Candidate] = []

    def add(name: str, matrix: Any, make: Callable[[], Any]) -> None:
        candidates.append(Candidate(name, matrix, make, classes))

    if features.prose:
        _add_text(add, features, task)
    if features.total_columns:
        _add_linear(add, features, task)
        _add_trees(add, features, task, seed)
    return candidates


def _add_linear(add: Callable[..., None], features: Features, task: Task) -> None:
    matrices = {"": features.one_hot()}
    coded = features.one_hot(whole_numbers=True)
    if matrices[""].shape[1] < coded.shape[1] <= 600:
        matrices[" on codes"] = coded
    for suffix, matrix in matrices.items():
        if task.is_regression:
            add(f"ridge{suffix}", matrix, lambda: Ridge(alpha=3.0))
        else:
            for strength in (0.02, 0.5):
                add(f"logistic C={strength:g}{suffix}", matrix, _logistic(strength, task))


def _add_trees(add: Callable[..., None], features: Features, task: Task, seed: int) -> None:
    codes, mask = features.codes(), features.categorical_mask()
    regression, trees_a_round = task.is_regression, max(1, _outputs(task))
    # A round of boosting grows a tree a class, so many classes get fewer rounds.
    rounds = 150 if trees_a_round < 3 else 80
    settings = {
        "boosting, 31 leaves": {
            "learning_rate": 0.08,
            "max_leaf_nodes": 31,
            "l2_regularization": 1,
        },
        "boosting, 6 leaves": {"learning_rate": 0.08, "max_leaf_nodes": 6, "l2_regularization": 3},
    }
    if trees_a_round > 5:
        del settings["boosting, 31 leaves"]
    boosting = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    for name, options in settings.items():
        add(
            name,
            codes,
            lambda options=options: boosting(
                max_iter=rounds,
                categorical_features=mask,
                early_stopping=False,
                random_state=seed,
                **options,
            ),
        )
    one_hot = features.one_hot()
    forest = ExtraTreesRegressor if regression else ExtraTreesClassifier
    flat = one_hot if one_hot.shape[1] <= 200 else np.nan_to_num(codes, nan=-1.0)
    # Trees are grown to the end, so their cost rises with the rows while more of them help less.
    trees = int(np.clip(500_000 / features.rows, 30, 120))
    for leaf in (1, 5) if features.rows < 20_000 else (2,):
        share: Any = 0.5 if regression else "sqrt"
        add(
            f"extra trees, leaves of {leaf} up",
            flat,
            lambda leaf=leaf, share=share: forest(
                n_estimators=trees, min_samples_leaf=leaf, max_features=share, random_state=seed
            ),
        )


def _add_text(add: Callable[..., None], features: Features, task: Task) -> None:
    words, letters = [], []
    for prose in features.prose.values():
        word = TfidfVectorizer(
            ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=200_000
        )
        letter = TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=(2, 5),
            min_df=3,
            sublinear_tf=True,
            max_features=200_000,
        )
        words.append(word.fit_transform(prose))
        letters.append(letter.fit_transform(prose))
    word_matrix, letter_matrix = sparse.hstack(words).tocsr(), sparse.hstack(letters).tocsr()
    both = sparse.hstack([word_matrix, letter_matrix]).tocsr()
    if features.total_columns:
        both = sparse.hstack([both, sparse.csr_matrix(features.one_hot())]).tocsr()
    if task.is_regression:
        add("TF-IDF words, ridge", word_matrix, lambda: Ridge(alpha=2.0))
        add("TF-IDF words and letters, ridge", both, lambda: Ridge(alpha=2.0))
        return
    add("TF-IDF words, logistic", word_matrix, _logistic(3.0, task))
    add("TF-IDF words, naive Bayes", word_matrix, lambda: ComplementNB(alpha=0.5))
    add("TF-IDF letters, logistic", letter_matrix, _logistic(3.0, task))
    add("TF-IDF words and letters, logistic", both, _logistic(3.0, task))


def _logistic(strength: float, task: Task) -> Callable[[], Any]:
    # Where every class counts alike, rare ones must weigh as much as frequent ones.
    weight = "balanced" if task.metric.name in ("macro_f1", "f1") else None
    return lambda: LogisticRegression(C=strength, class_weight=weight, max_iter=300, tol=1e-3)


def _outputs(task: Task) -> int:
    return len(task.classes) if len(task.classes) > 2 else 1
