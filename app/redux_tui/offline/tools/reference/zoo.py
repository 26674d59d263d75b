"""Estimators that suit any tabular view: from trivial ones to boosted trees, with fixed seeds."""

from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from redux_tui.offline.tools.reference.board import Maker, bind

Models = list[tuple[str, Maker]]


def scaled(*steps: Any) -> Any:
    """Return a pipeline that fills gaps with medians and standardises before `steps`."""
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), *steps)


def filled(step: Any) -> Any:
    """Return a pipeline that fills gaps with medians before `step`."""
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), step)


def trivial_classifiers() -> Models:
    """The most frequent class, and the classes' shares."""
    return [
        ("always the most frequent class", lambda: DummyClassifier(strategy="most_frequent")),
        ("class shares of the training set", lambda: DummyClassifier(strategy="prior")),
        ("random guesses", lambda: DummyClassifier(strategy="stratified", random_state=0)),
    ]


def linear_classifiers(strengths: tuple[float, ...] = (0.01, 0.1, 1.0)) -> Models:
    """Logistic regressions and a linear discriminant."""
    models: Models = [
        (f"logistic C={c:g}", bind(lambda c: scaled(LogisticRegression(C=c, max_iter=400)), c))
        for c in strengths
    ]
    models.append(
        (
            "linear discriminant, shrunk",
            lambda: scaled(LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
        )
    )
    return models


def simple_classifiers(neighbours: tuple[int, ...] = (5, 25, 75)) -> Models:
    """Neighbours, naive Bayes and single trees."""
    models: Models = [
        (
            f"{k} nearest neighbours",
            bind(lambda k: scaled(KNeighborsClassifier(k, weights="distance")), k),
        )
        for k in neighbours
    ]
    models += [
        (
            f"tree of depth {d}",
            bind(lambda d: filled(DecisionTreeClassifier(max_depth=d, random_state=0)), d),
        )
        for d in (1, 3, 6)
    ]
    models.append(("Gaussian naive Bayes", lambda: scaled(GaussianNB())))
    return models


def kernel_classifiers() -> Models:
    """Support vector machines and small neural networks."""
    models: Models = [
        (f"RBF SVM C={c:g}, calibrated", bind(lambda c: scaled(calibrated(SVC(C=c))), c))
        for c in (0.5, 4)
    ]
    models += [
        (
            f"neural network {size}",
            bind(
                lambda size: scaled(
                    MLPClassifier(
                        (size,), alpha=1.0, max_iter=150, early_stopping=True, random_state=0
                    )
                ),
                size,
            ),
        )
        for size in (16, 64)
    ]
    return models


def calibrated(model: Any) -> Any:
    """Give a margin classifier probabilities, by cross-validation within its training rows."""
    return CalibratedClassifierCV(model, method="sigmoid", cv=3, ensemble=False)


def forest_classifiers(leaves: tuple[int, ...] = (1, 4, 12), trees: int = 150) -> Models:
    """Random forests and extra trees."""
    models: Models = []
    for kind, words in (
        (RandomForestClassifier, "random forest"),
        (ExtraTreesClassifier, "extra trees"),
    ):
        models += [
            (
                f"{words}, leaves of {leaf}",
                bind(
                    lambda kind, leaf: filled(kind(trees, min_samples_leaf=leaf, random_state=0)),
                    kind,
                    leaf,
                ),
            )
            for leaf in leaves
        ]
    return models


def boosted_classifiers(rounds: int = 120) -> Models:
    """Boosting by histogram, from stumps to deep trees, and two older ways of it."""
    models: Models = [
        (
            f"HistGB rate {rate:g}, {leaves} leaves",
            bind(
                lambda rate, leaves: HistGradientBoostingClassifier(
                    learning_rate=rate,
                    max_leaf_nodes=leaves,
                    max_iter=rounds,
                    l2_regularization=3.0,
                    early_stopping=False,
                    random_state=0,
                ),
                rate,
                leaves,
            ),
        )
        for rate, leaves in ((0.1, 31), (0.05, 12), (0.05, 4), (0.03, 7))
    ]
    return models


def older_boosting() -> Models:
    """Gradient boosting without histograms, and AdaBoost."""
    return [
        (
            "gradient boosting, subsampled",
            lambda: filled(
                GradientBoostingClassifier(
                    n_estimators=120, learning_rate=0.05, subsample=0.6, random_state=0
                )
            ),
        ),
        ("AdaBoost of stumps", lambda: filled(AdaBoostClassifier(n_estimators=80, random_state=0))),
    ]


def trivial_regressors() -> Models:
    """Mean and median."""
    return [
        ("mean of the training set", lambda: DummyRegressor()),
        ("median of the training set", lambda: DummyRegressor(strategy="median")),
    ]


def linear_regressors(degree: int = 1) -> Models:
    """Ridge regressions, on polynomials of that degree."""
    words = f"ridge on degree {degree}" if degree > 1 else "ridge"
    return [
        (
            f"{words}, alpha {alpha:g}",
            bind(
                lambda alpha: scaled(
                    PolynomialFeatures(degree, include_bias=False), StandardScaler(), Ridge(alpha)
                ),
                alpha,
            ),
        )
        for alpha in (1.0, 30.0)
    ]


def simple_regressors(neighbours: tuple[int, ...] = (3, 10, 40)) -> Models:
    """Neighbours and single trees."""
    models: Models = [
        (
            f"{k} nearest neighbours",
            bind(lambda k: scaled(KNeighborsRegressor(k, weights="distance")), k),
        )
        for k in neighbours
    ]
    models += [
        (
            f"tree of depth {d}",
            bind(lambda d: filled(DecisionTreeRegressor(max_depth=d, random_state=0)), d),
        )
        for d in (3, 7, 12)
    ]
    return models


def kernel_regressors() -> Models:
    """A support vector machine and neural networks."""
    models: Models = [("RBF SVR", lambda: scaled(SVR(C=3.0, epsilon=0.05)))]
    models += [
        (
            f"neural network {'x'.join(map(str, sizes))}",
            bind(
                lambda sizes: scaled(
                    MLPRegressor(
                        hidden_layer_sizes=sizes,
                        alpha=0.1,
                        max_iter=60,
                        early_stopping=True,
                        random_state=0,
                    )
                ),
                sizes,
            ),
        )
        for sizes in ((48,), (64, 32))
    ]
    return models


def forest_regressors(leaves: tuple[int, ...] = (1, 3, 8), trees: int = 80) -> Models:
    """Random forests and extra trees."""
    models: Models = []
    for kind, words in (
        (RandomForestRegressor, "random forest"),
        (ExtraTreesRegressor, "extra trees"),
    ):
        models += [
            (
                f"{words}, leaves of {leaf}",
                bind(
                    lambda kind, leaf: filled(
                        kind(trees, min_samples_leaf=leaf, max_features=0.5, random_state=0)
                    ),
                    kind,
                    leaf,
                ),
            )
            for leaf in leaves
        ]
    return models


def boosted_regressors(
    settings: tuple[tuple[float, int, int], ...], loss: str = "squared_error"
) -> Models:
    """Boosting by histogram; a setting is rate, leaves, rounds."""
    words = "HistGB" if loss == "squared_error" else f"HistGB {loss} loss"
    return [
        (
            f"{words} rate {rate:g}, {leaves} leaves, {rounds} rounds",
            bind(
                lambda rate, leaves, rounds: HistGradientBoostingRegressor(
                    loss=loss,
                    learning_rate=rate,
                    max_leaf_nodes=leaves,
                    max_iter=rounds,
                    l2_regularization=1.0,
                    early_stopping=False,
                    random_state=0,
                ),
                rate,
                leaves,
                rounds,
            ),
        )
        for rate, leaves, rounds in settings
    ]
