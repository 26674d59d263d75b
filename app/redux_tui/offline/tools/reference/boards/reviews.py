"""Reference pipelines for review-sentiment: n-grams of words and letters, and their neighbours."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, LinearSVC

from redux_tui.offline.tools.reference import zoo
from redux_tui.offline.tools.reference.board import Board, Entry, Maker, View, bind, crossed

CLASSES = ("negative", "neutral", "positive")
NEGATIONS = r"\b(?:not|no|never|isn't|don't|doesn't|didn't|can't|won't|wasn't)\s+(\w+)"


def _words(high: int = 1, least: int = 2) -> TfidfVectorizer:
    return TfidfVectorizer(
        ngram_range=(1, high),
        min_df=least,
        sublinear_tf=True,
        token_pattern=r"(?u)\b\w[\w']*\b|[!?]",
    )


def _letters(low: int, high: int) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(low, high), min_df=3, sublinear_tf=True)


def _texts(frame: pd.DataFrame) -> "pd.Series[str]":
    # "not good" becomes "not good not_good", which a single word cannot say.
    return frame["text"].fillna("").str.replace(NEGATIONS, r"\g<0> not_\1", regex=True)


def _matrices(*vectorizers: Any, around: float = 0.0, shape: bool = False) -> View:
    """Return a view that fits the vocabulary on the training texts alone."""

    def view(train: pd.DataFrame, test: pd.DataFrame) -> tuple[Any, Any]:
        parts: list[list[Any]] = [[], []]
        for vectorizer in vectorizers:
            vectorizer.fit(_texts(train))
            for place, frame in enumerate((train, test)):
                matrix = vectorizer.transform(_texts(frame))
                parts[place].append(matrix)
                if around:
                    parts[place].append(_neighbours(frame, matrix) * around)
        if shape:
            for place, frame in enumerate((train, test)):
                parts[place].append(sparse.csr_matrix(_shape(frame)))
        return sparse.hstack(parts[0]).tocsr(), sparse.hstack(parts[1]).tocsr()

    return view


def _neighbours(frame: pd.DataFrame, matrix: Any) -> Any:
    """Return the mean of the sentences before and after, within the same review."""
    review = frame["id"].str.split("_").str[0].to_numpy()
    same = (review[1:] == review[:-1]).astype(float)
    links = sparse.diags([same, same], [1, -1], shape=(len(frame), len(frame)))
    return (links * 0.5) @ matrix


def _shape(frame: pd.DataFrame) -> "np.ndarray[Any, Any]":
    texts = frame["text"].fillna("")
    place = frame["id"].str.split("_").str[1].astype(float)
    columns = [
        texts.str.len() / 200,
        texts.str.count("!").clip(upper=2),
        texts.str.contains(r"\?").astype(float),
        texts.str.contains(r"\d").astype(float),
        texts.str.contains(NEGATIONS.replace("(\\w+)", "")).astype(float),
        (place == 1).astype(float),
        np.minimum(place, 20) / 20,
    ]
    return np.column_stack(columns)


def _dense(*vectorizers: Any, size: int) -> View:
    sparse_view = _matrices(*vectorizers, around=0.5)

    def view(train: pd.DataFrame, test: pd.DataFrame) -> tuple[Any, Any]:
        first, second = sparse_view(train, test)
        reducer = TruncatedSVD(size, random_state=0).fit(first)
        parts = [
            np.hstack([reducer.transform(side), _shape(frame)])
            for side, frame in ((first, train), (second, test))
        ]
        return parts[0], parts[1]

    return view


def _linear() -> list[tuple[str, Maker]]:
    models: list[tuple[str, Maker]] = []
    for c in (0.3, 2.0, 10.0):
        for weight in (None, "balanced"):
            words = f"logistic C={c:g}{', balanced' if weight else ''}"
            models.append((words, bind(lambda c, weight: _logistic(c, weight), c, weight)))
    for c in (0.05, 0.3):
        models.append(
            (
                f"linear SVM C={c:g}, balanced",
                bind(lambda c: LinearSVC(C=c, class_weight="balanced", random_state=0), c),
            )
        )
    models.append(("ridge, balanced", lambda: RidgeClassifier(2.0, class_weight="balanced")))
    return models


def _logistic(strength: float, weight: str | None) -> LogisticRegression:
    return LogisticRegression(C=strength, class_weight=weight, max_iter=300, tol=1e-3)


def _bayes() -> list[tuple[str, Maker]]:
    return [
        ("naive Bayes", lambda: MultinomialNB(alpha=0.3)),
        ("complement naive Bayes", lambda: ComplementNB(alpha=0.5)),
        ("Bernoulli naive Bayes", lambda: BernoulliNB(alpha=0.3)),
        ("15 nearest neighbours", lambda: KNeighborsClassifier(15, metric="cosine")),
        (
            "stochastic gradient, balanced",
            lambda: SGDClassifier(
                loss="modified_huber", alpha=3e-4, class_weight="balanced", random_state=0
            ),
        ),
    ]


def board() -> Board:
    """Return the board."""
    linear, bayes = _linear(), _bayes()
    best: Sequence[tuple[str, Maker]] = [linear[1], linear[3], linear[6]]
    entries = crossed(zoo.trivial_classifiers(), {"words": ""}, blend=False)
    entries += crossed(linear + bayes, {"words": "words", "pairs": "words and pairs"})
    entries += crossed(linear, {"letters": "letters 2-5", "both": "words, pairs and letters"})
    entries += crossed(list(best), {"short": "letters 1-3", "triples": "up to three words"})
    entries += crossed([*linear[1:8:2], linear[6]], {"shaped": "words, letters and shape"})
    for name, make in [*linear[1:6:2], linear[6], linear[8]]:
        for view, words in (
            ("around", "with the sentences around"),
            ("far", "with half of the sentences around"),
            ("all", "with shape and sentences around"),
        ):
            entries.append(Entry(f"{name}, {words}", view, make))
    dense: list[tuple[str, Maker]] = [
        *zoo.forest_classifiers((3,), trees=200),
        *zoo.linear_classifiers((0.05,)),
        *zoo.boosted_classifiers(80)[2:],
        ("RBF SVM, balanced", lambda: zoo.scaled(SVC(C=1.0, class_weight="balanced"))),
        (
            "neural network",
            lambda: zoo.scaled(MLPClassifier((32,), alpha=3.0, max_iter=40, random_state=0)),
        ),
    ]
    entries += crossed(dense, {"dense": "100 topics", "dense+": "250 topics"})
    return Board(
        target="sentiment",
        columns=("sentiment",),
        classes=CLASSES,
        metric="macro-f1",
        split="groups",
        folds=4,
        views={
            "words": _matrices(_words()),
            "pairs": _matrices(_words(2)),
            "triples": _matrices(_words(3)),
            "letters": _matrices(_letters(2, 5)),
            "short": _matrices(_letters(1, 3)),
            "both": _matrices(_words(2), _letters(2, 5)),
            "shaped": _matrices(_words(2), _letters(3, 5), shape=True),
            "around": _matrices(_words(2), around=0.7),
            "far": _matrices(_words(2), _letters(2, 5), around=0.35),
            "all": _matrices(_words(2), _letters(2, 5), around=0.35, shape=True),
            "dense": _dense(_words(2), size=100),
            "dense+": _dense(_words(2), _letters(2, 4), size=250),
        },
        entries=entries,
    )
