"""Reference pipelines for titanic-survival: titles, families and decks of features from names."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from redux_tui.offline.tools.reference import zoo
from redux_tui.offline.tools.reference.board import Board, Entry, Maker, View, bind, crossed

TITLES = {
    "Mr": "Mr",
    "Mrs": "Mrs",
    "Miss": "Miss",
    "Master": "Master",
    "Ms": "Miss",
    "Mlle": "Miss",
    "Mme": "Mrs",
}


class KinFate(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Replaces the last column, a surname's number, by how the others of that name fared.

    A passenger's own fate never enters its own feature: while fitting it is taken out again.
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def fit_transform(self, table: Any, target: Any = None, **_: Any) -> NDArray[np.float64]:
        """Learn each surname's survivors and return the training rows without their own fate."""
        values = np.asarray(table, dtype=float)
        fate = np.asarray(target, dtype=float)
        self.mean_ = fate.mean()
        sums = pd.DataFrame({"name": values[:, -1], "fate": fate}).groupby("name")["fate"]
        self.known_ = sums.agg(["sum", "count"])
        return self._with_rates(values, fate)

    def fit(self, table: Any, target: Any) -> "KinFate":
        """Learn each surname's survivors."""
        self.fit_transform(table, target)
        return self

    def transform(self, table: Any) -> NDArray[np.float64]:
        """Return rows that were not learned from."""
        return self._with_rates(np.asarray(table, dtype=float), None)

    def _with_rates(
        self, values: NDArray[np.float64], own: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        found = self.known_.reindex(values[:, -1]).fillna(0.0).to_numpy()
        survived, count = found[:, 0], found[:, 1]
        if own is not None:
            survived, count = survived - own, count - 1
        rate = (survived + self.weight * self.mean_) / (count + self.weight)
        return np.column_stack([values[:, :-1], rate, np.minimum(count, 6)])


def _features(*extras: str) -> View:
    def view(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        both = pd.concat([train, test], ignore_index=True)
        table = pd.DataFrame(
            {
                "female": (both["sex"] == "female").astype(float),
                "class": both["class"].map({"1st": 1.0, "2nd": 2.0, "3rd": 3.0}),
                "age": both["age"],
            }
        )
        parts = both["name"].str.extract(r"^([^,]+),?\s*(\w+)?")
        title = parts[1].map(TITLES).fillna("other")
        if "titles" in extras:
            table = pd.concat([table, pd.get_dummies(title, dtype=float)], axis=1)
        if "families" in extras:
            size = both.groupby(parts[0])["name"].transform("size")
            women = table["female"].groupby(parts[0]).transform("sum")
            table["family"], table["family women"] = size.clip(upper=8), women
            table["alone"] = (size == 1).astype(float)
        if "ages" in extras:
            typical = both["age"].groupby([title, both["class"]]).transform("median")
            table["age"] = both["age"].fillna(typical)
            table["age unknown"] = both["age"].isna().astype(float)
            table["child"] = ((both["age"] < 14) | (title == "Master")).astype(float)
        if "crosses" in extras:
            for level in (1.0, 2.0, 3.0):
                table[f"woman of class {level}"] = table["female"] * (table["class"] == level)
                table[f"class {level}"] = (table["class"] == level).astype(float)
            table["name length"] = both["name"].str.len()
            table["in brackets"] = both["name"].str.contains(r"\(").astype(float)
        if "kin" in extras:
            table["surname"] = pd.factorize(parts[0])[0].astype(float)
        return table.iloc[: len(train)], table.iloc[len(train) :]

    return view


def _names(train: pd.DataFrame, test: pd.DataFrame) -> tuple[Any, Any]:
    return train["name"].to_numpy(dtype=object), test["name"].to_numpy(dtype=object)


def _sex_only(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    first, second = _features()(train, test)
    return first[["female"]], second[["female"]]


def board() -> Board:
    """Return the board."""
    rich = {
        "rich": "titles, families, ages and crosses",
        "family": "titles, families and ages",
        "title": "titles and ages",
    }
    models = zoo.linear_classifiers((0.03, 1.0)) + zoo.boosted_classifiers(100)
    models += zoo.forest_classifiers((2, 6)) + zoo.kernel_classifiers() + zoo.older_boosting()
    models += zoo.simple_classifiers((7, 25))
    basic = zoo.linear_classifiers((0.1,)) + zoo.simple_classifiers((5, 15))
    basic += zoo.forest_classifiers((1, 4)) + zoo.boosted_classifiers(60)[:2]
    entries = crossed(zoo.trivial_classifiers(), {"basic": ""}, blend=False)
    entries += crossed(zoo.linear_classifiers((1.0,))[:1], {"sex": "sex alone"})
    entries += crossed(basic, {"basic": "class, sex and age"}) + crossed(models, rich)
    kin = [*models[:6], models[7], models[8], models[9], models[12]]
    for weight in (0.5, 2.0):
        entries += [
            Entry(f"{name}, rich and fate of kin (weight {weight:g})", "kin", _kin(make, weight))
            for name, make in kin
        ]
    for low, high in ((2, 4), (3, 6)):
        entries += [
            Entry(f"letters {low}-{high} of names, {words}", "names", maker)
            for words, maker in (
                (
                    "logistic",
                    bind(lambda low, high: _text(low, high, LogisticRegression(C=3)), low, high),
                ),
                (
                    "naive Bayes",
                    bind(lambda low, high: _text(low, high, MultinomialNB()), low, high),
                ),
            )
        ]
    return Board(
        target="survived",
        columns=("survived",),
        classes=("0", "1"),
        metric="accuracy",
        split="random",
        folds=5,
        views={
            "basic": _features(),
            "sex": _sex_only,
            "title": _features("titles", "ages"),
            "family": _features("titles", "families", "ages"),
            "rich": _features("titles", "families", "ages", "crosses"),
            "kin": _features("titles", "families", "ages", "crosses", "kin"),
            "names": _names,
        },
        entries=entries,
    )


def _kin(make: Maker, weight: float) -> Maker:
    return lambda: make_pipeline(KinFate(weight), make())


def _text(low: int, high: int, model: object) -> object:
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(low, high), min_df=2)
    return make_pipeline(letters, model)
