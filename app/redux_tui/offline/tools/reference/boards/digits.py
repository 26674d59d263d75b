"""Reference pipelines for optical-digits: kernels, neighbours, shifted copies and edges."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC

from redux_tui.offline.tools.reference import zoo
from redux_tui.offline.tools.reference.board import Array, Board, Entry, Maker, bind, crossed


class Shifted(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Learns from each picture and its copies shifted by one pixel; asks all of them."""

    def __init__(self, model: Any = None, ask_all: bool = False) -> None:
        self.model = model
        self.ask_all = ask_all

    def fit(self, pictures: Array, target: Array) -> "Shifted":
        """Fit the model on five copies of each picture."""
        copies = _copies(pictures)
        self.model.fit(np.vstack(copies), np.tile(target, len(copies)))
        self.classes_ = self.model.classes_
        return self

    def predict_proba(self, pictures: Array) -> Array:
        """Return probabilities, averaged over the copies if `ask_all`."""
        copies = _copies(pictures) if self.ask_all else [np.asarray(pictures)]
        return np.asarray(np.mean([self.model.predict_proba(copy) for copy in copies], axis=0))


def _copies(pictures: Array) -> list[Array]:
    square = np.asarray(pictures).reshape(len(pictures), 8, 8)
    padded = np.pad(square, ((0, 0), (1, 1), (1, 1)))
    moves = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    return [padded[:, y : y + 8, x : x + 8].reshape(len(square), 64) for y, x in moves]


def _pixels(train: pd.DataFrame, test: pd.DataFrame) -> tuple[Array, Array]:
    first, second = (side.drop(columns="id").to_numpy(dtype=float) for side in (train, test))
    return first / 16, second / 16


def _edges(train: pd.DataFrame, test: pd.DataFrame) -> tuple[Array, Array]:
    first, second = _pixels(train, test)
    return _with_edges(first), _with_edges(second)


def _with_edges(pixels: Array) -> Array:
    square = pixels.reshape(len(pixels), 8, 8)
    sideways, down = np.diff(square, axis=2), np.diff(square, axis=1)
    blocks = square.reshape(len(square), 4, 2, 4, 2).mean(axis=(2, 4))
    sums = [square.mean(axis=1), square.mean(axis=2)]
    parts = [square, sideways, down, np.abs(sideways[:, ::2]), blocks]
    return np.hstack([part.reshape(len(square), -1) for part in [*parts, *sums]])


def board() -> Board:
    """Return the board."""
    svms = [_svm(kernel, c) for kernel in ("rbf", "poly 2", "poly 3") for c in (1.0, 10.0)]
    neighbours: list[tuple[str, Maker]] = [
        (f"{k} nearest neighbours", bind(lambda k: KNeighborsClassifier(k, weights="distance"), k))
        for k in (1, 3, 5, 10, 30)
    ]
    networks: list[tuple[str, Maker]] = [
        (
            f"neural network {size}, alpha {alpha:g}",
            bind(
                lambda size, alpha: MLPClassifier(
                    (size,), alpha=alpha, max_iter=250, learning_rate_init=0.005, random_state=0
                ),
                size,
                alpha,
            ),
        )
        for size in (32, 128)
        for alpha in (0.01, 0.3)
    ]
    linear = zoo.linear_classifiers((0.003, 0.03, 0.3))
    linear.append(("linear discriminant", lambda: LinearDiscriminantAnalysis()))
    linear.append(("nearest centroid", lambda: make_pipeline(StandardScaler(), NearestCentroid())))
    forests = zoo.forest_classifiers((1, 3), trees=250)
    reduced = [_reduced(size, *pair) for size in (16, 30, 45) for pair in _on_components()]
    boosted = zoo.boosted_classifiers(60)[:3]
    entries = crossed(zoo.trivial_classifiers(), {"pixels": ""}, blend=False)
    entries += crossed(zoo.simple_classifiers(())[1:], {"pixels": "pixels", "edges": "edges"})
    both = {"pixels": "pixels", "edges": "pixels and edges"}
    entries += crossed(svms + neighbours + networks + linear + forests, both)
    entries += crossed(reduced, both) + crossed(boosted[:2], {"pixels": "pixels"})
    entries += crossed(_polynomials(), {"pixels": "products of pixels"})
    for name, make in [*svms[1:5], neighbours[1], neighbours[2], *networks[2:], forests[2]]:
        for ask_all in (False, True):
            words = f"{name}, shifted copies{', asked five times' if ask_all else ''}"
            entries.append(Entry(words, "pixels", _shifted(make, ask_all)))
    digits = tuple("0123456789")
    return Board(
        target="digit",
        columns=tuple(f"digit_{name}" for name in digits),
        classes=digits,
        metric="log-loss",
        split="random",
        folds=3,
        views={"pixels": _pixels, "edges": _edges},
        entries=entries,
    )


def _svm(kernel: str, strength: float) -> tuple[str, Maker]:
    kind, _, degree = kernel.partition(" ")
    return (
        f"{kernel} SVM C={strength:g}, calibrated",
        lambda: zoo.calibrated(SVC(C=strength, kernel=kind, degree=int(degree or 3), coef0=1.0)),
    )


def _on_components() -> list[tuple[str, Maker]]:
    return [
        ("quadratic discriminant", lambda: QuadraticDiscriminantAnalysis(reg_param=0.05)),
        ("logistic", lambda: LogisticRegression(C=3.0, max_iter=400)),
        ("5 nearest neighbours", lambda: KNeighborsClassifier(5, weights="distance")),
    ]


def _reduced(size: int, name: str, make: Maker) -> tuple[str, Maker]:
    return f"{name} on {size} components", lambda: make_pipeline(PCA(size, random_state=0), make())


def _polynomials() -> list[tuple[str, Maker]]:
    def products(model: Any) -> Any:
        pairs = PolynomialFeatures(2, interaction_only=True, include_bias=False)
        return make_pipeline(PCA(40, random_state=0), pairs, StandardScaler(), model)

    return [
        ("logistic C=0.01", lambda: products(LogisticRegression(C=0.01, max_iter=200))),
        ("logistic C=0.1", lambda: products(LogisticRegression(C=0.1, max_iter=200))),
        ("extra trees", lambda: products(ExtraTreesClassifier(200, random_state=0))),
    ]


def _shifted(make: Maker, ask_all: bool) -> Maker:
    return lambda: Shifted(make(), ask_all)
