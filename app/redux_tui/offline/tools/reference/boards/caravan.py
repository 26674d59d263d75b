"""Reference pipelines for caravan-insurance: categories as such, sums, and the few that matter."""

import pandas as pd
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, GaussianNB

from redux_tui.offline.tools.reference import zoo
from redux_tui.offline.tools.reference.board import Board, Entry, View, bind, crossed

FEW = ["PPERSAUT", "APERSAUT", "PBRAND", "PWAPART", "MKOOPKLA", "MINKGEM", "PPLEZIER", "MOPLLAAG"]


def _features(*extras: str) -> View:
    def view(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        both = pd.concat([train, test], ignore_index=True).drop(columns="id").astype(float)
        table = both.copy()
        if "few" in extras:
            table = both[FEW].copy()
        if "kinds" in extras:
            for name in ("MOSTYPE", "MOSHOOFD"):
                kinds = pd.get_dummies(both[name].astype(int), prefix=name, dtype=float)
                table = pd.concat([table.drop(columns=name, errors="ignore"), kinds], axis=1)
        if "sums" in extras:
            paid = both[[name for name in both.columns if name.startswith("P")]]
            owned = both[[name for name in both.columns if name.startswith("A")]]
            table["paid"], table["owned"] = paid.sum(axis=1), owned.sum(axis=1)
            table["kinds owned"] = (owned > 0).sum(axis=1)
            table["car and fire"] = both["PPERSAUT"] * both["PBRAND"]
            table["car, wealthy"] = both["PPERSAUT"] * both["MKOOPKLA"]
            table["car, income"] = both["PPERSAUT"] * both["MINKGEM"]
            table["high car"] = (both["PPERSAUT"] >= 6).astype(float)
            table["fire squared"] = both["PBRAND"] ** 2
        if "levels" in extras:
            parts = [
                pd.get_dummies(both[name].astype(int), prefix=name, dtype=float)
                for name in both.columns
                if both[name].nunique() > 2
            ]
            table = pd.concat([*parts, table.iloc[:, both.shape[1] :]], axis=1)
            table = table.loc[:, table.sum() >= 30]
        return table.iloc[: len(train)], table.iloc[len(train) :]

    return view


def board() -> Board:
    """Return the board."""
    trees = zoo.boosted_classifiers(100) + zoo.forest_classifiers((5, 15), trees=120)
    linear = zoo.linear_classifiers((0.001, 0.01, 0.1))
    entries = crossed(zoo.trivial_classifiers(), {"raw": ""}, blend=False)
    entries += crossed(linear + trees, {"raw": "raw codes"})
    entries += crossed(linear + trees, {"sums": "with kinds, sums and crosses"})
    entries += crossed(linear + trees, {"few": "eight variables and crosses"})
    entries += crossed(linear, {"kinds": "customer kinds as categories"})
    entries += crossed(
        linear, {"levels": "all codes as categories", "levels+": "codes and crosses"}
    )
    entries += crossed(
        zoo.simple_classifiers((25, 100, 250)), {"few": "eight variables and crosses"}
    )
    entries += crossed(zoo.simple_classifiers((50, 250)), {"raw": "raw codes"})
    entries += crossed(zoo.older_boosting(), {"raw": "raw codes", "sums": "with kinds and sums"})
    entries += crossed(
        zoo.kernel_classifiers()[2:], {"few": "eight variables", "sums": "with sums"}
    )
    for count in (10, 25, 50):
        for words, make in (
            ("logistic C=0.1", lambda: LogisticRegression(C=0.1, max_iter=300)),
            ("Gaussian naive Bayes", lambda: GaussianNB()),
        ):
            entries.append(
                Entry(
                    f"{words}, the {count} most informative",
                    "levels+",
                    bind(
                        lambda count, make: zoo.scaled(
                            SelectKBest(mutual_info_classif_fixed, k=count), make()
                        ),
                        count,
                        make,
                    ),
                )
            )
    for alpha in (1.0, 20.0):
        name = f"Bernoulli naive Bayes, smoothing {alpha:g}, all codes as categories"
        entries.append(Entry(name, "levels", bind(lambda alpha: BernoulliNB(alpha=alpha), alpha)))
    return Board(
        target="purchase",
        columns=("purchase",),
        classes=("0", "1"),
        metric="auc",
        split="random",
        folds=4,
        views={
            "raw": _features(),
            "kinds": _features("kinds"),
            "sums": _features("kinds", "sums"),
            "few": _features("few", "sums"),
            "levels": _features("levels"),
            "levels+": _features("sums", "levels"),
        },
        entries=entries,
    )


def mutual_info_classif_fixed(table: object, target: object) -> object:
    """Mutual information with a fixed seed, since its estimate adds noise."""
    return mutual_info_classif(table, target, discrete_features=True, random_state=0)
