"""Reference pipelines for diamond-prices: ordered grades, volumes and logarithms of carats."""

import numpy as np
import pandas as pd

from redux_tui.offline.tools.reference import zoo
from redux_tui.offline.tools.reference.board import Board, Entry, View, crossed

ORDERS = {
    "cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"],
    "color": list("JIHGFED"),
    "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
}
MEASURES = ["carat", "depth", "table", "x", "y", "z"]


def _features(*extras: str) -> View:
    def view(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        both = pd.concat([train, test], ignore_index=True)
        table = both[MEASURES].astype(float)
        if "carat" in extras:
            table = table[["carat"]]
        if "alphabet" in extras:
            for name in ORDERS:
                table[name] = both[name].astype("category").cat.codes.astype(float)
        if "one-hot" in extras:
            table = pd.concat([table, pd.get_dummies(both[list(ORDERS)], dtype=float)], axis=1)
        if "ordered" in extras:
            for name, order in ORDERS.items():
                table[name] = both[name].map({grade: place for place, grade in enumerate(order)})
        if "logs" in extras:
            table["log carat"] = np.log(both["carat"])
            # A few lengths are 0 or absurd: an unknown is better than a wrong number.
            size = both[["x", "y", "z"]].astype(float)
            size = size.where((size > 1) & (size < 15))
            table["log volume"] = np.log(size.prod(axis=1, skipna=False))
            table["density"] = table["log carat"] - table["log volume"]
            table["roundness"] = size["x"] / size["y"]
            table["flatness"] = size["z"] / size["x"]
            table["log x"] = np.log(size["x"])
        if "crosses" in extras:
            table["grades"] = table["color"] + table["clarity"] * 1.5 + table["cut"] * 0.5
            table["carat by clarity"] = table["log carat"] * table["clarity"]
            table["carat by color"] = table["log carat"] * table["color"]
            # Prices jump at weights that sell well.
            table["over a step"] = both["carat"] - (both["carat"] * 2).round() / 2
            table["alike"] = both.groupby("carat")["id"].transform("size")
        return table.iloc[: len(train)], table.iloc[len(train) :]

    return view


def board() -> Board:
    """Return the board."""
    quick = zoo.boosted_regressors(((0.3, 15, 60), (0.1, 31, 100), (0.1, 8, 150)))
    strong = zoo.boosted_regressors(((0.06, 31, 350), (0.05, 63, 300), (0.1, 20, 300)))
    best = zoo.boosted_regressors(((0.04, 40, 600), (0.03, 90, 450)))
    forests = zoo.forest_regressors((1, 3), trees=30)
    simple = zoo.simple_regressors((3, 10, 40))
    views = {
        "alphabet": "grades in alphabetical order",
        "ordered": "ordered grades",
        "logs": "ordered grades and logarithms",
        "crosses": "grades, logarithms and crosses",
    }
    entries = crossed(zoo.trivial_regressors(), {"carat": ""}, blend=False)
    small = zoo.linear_regressors() + simple[:1] + simple[3:5]
    entries += crossed(small, {"carat": "carat alone"}, blend=False)
    entries += crossed(zoo.linear_regressors(), {"one-hot": "one-hot"}, blend=False)
    entries += crossed(zoo.linear_regressors(2), {"one-hot": "one-hot"}, blend=False)
    weak = zoo.linear_regressors() + zoo.linear_regressors(2) + simple + quick
    entries += crossed(
        weak, {"alphabet": views["alphabet"], "ordered": views["ordered"]}, blend=False
    )
    entries += crossed(weak[:4] + quick[1:], {"logs": views["logs"]}, blend=False)
    entries += crossed(zoo.linear_regressors(3)[1:], {"logs": views["logs"]})
    entries += crossed(strong, views) + crossed(forests[:1] + forests[3:], views, blend=False)
    entries += crossed(best, {"logs": views["logs"], "crosses": views["crosses"]})
    entries += crossed(forests[1:3], {"logs": views["logs"]})
    entries += crossed(zoo.kernel_regressors()[1:], {"ordered": views["ordered"]}, blend=False)
    entries += crossed(zoo.kernel_regressors()[1:], {"logs": views["logs"]})
    for name, make in strong[:1] + forests[:1]:
        words = f"{name}, on plain prices, ordered grades"
        entries.append(Entry(words, "ordered", make, raw=True, blend=False))
    for rows in (1000, 4000, 12000):
        for name, make in (strong[0], forests[3], zoo.kernel_regressors()[0]):
            words = f"{name}, ordered grades, {rows} diamonds"
            entries.append(Entry(words, "ordered", make, window=rows, blend=False))
    return Board(
        target="price",
        columns=("price",),
        classes=(),
        metric="rmse",
        split="random",
        folds=3,
        to_scale=np.log,
        from_scale=np.exp,
        views={
            "carat": _features("carat"),
            "alphabet": _features("alphabet"),
            "one-hot": _features("one-hot"),
            "ordered": _features("ordered"),
            "logs": _features("ordered", "logs"),
            "crosses": _features("ordered", "logs", "crosses"),
        },
        entries=entries,
    )
