"""Reference pipelines for seattle-weather: calendars, neighbouring days and windows in time."""

import numpy as np
import pandas as pd

from redux_tui.offline.tools.reference import zoo
from redux_tui.offline.tools.reference.board import Board, Entry, View, crossed

CLASSES = ("drizzle", "fog", "rain", "snow", "sun")
MEASURES = ["precipitation", "temp_max", "temp_min", "wind"]


def _features(*extras: str) -> View:
    def view(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        both = pd.concat([train, test], ignore_index=True)
        table = both[MEASURES].astype(float)
        when = pd.to_datetime(both["date"])
        if "calendar" in extras:
            angle = 2 * np.pi * when.dt.dayofyear / 365.25
            table["sin"], table["cos"] = np.sin(angle), np.cos(angle)
            table["month"] = when.dt.month
        if "derived" in extras:
            table["wet"] = (both["precipitation"] > 0).astype(float)
            table["log rain"] = np.log1p(both["precipitation"])
            table["range"] = both["temp_max"] - both["temp_min"]
            table["frost"] = (both["temp_min"] < 1).astype(float)
            table["wet frost"] = table["wet"] * table["frost"]
        if "neighbours" in extras:
            for name in MEASURES:
                for days in (-1, 1):
                    table[f"{name} {days}"] = both[name].shift(days).bfill().ffill()
                table[f"{name} week"] = both[name].rolling(7, min_periods=1, center=True).mean()
        if "trend" in extras:
            table["days"] = (when - when.min()).dt.days
        return table.iloc[: len(train)], table.iloc[len(train) :]

    return view


def board() -> Board:
    """Return the board."""
    models = zoo.linear_classifiers((0.05, 1.0)) + zoo.boosted_classifiers(80)
    models += zoo.forest_classifiers((3, 8), trees=120)
    everything = models + zoo.simple_classifiers((15, 50)) + zoo.kernel_classifiers()
    entries = crossed(zoo.trivial_classifiers(), {"raw": ""}, blend=False)
    entries += crossed(everything, {"raw": "raw measures"})
    views = {
        "season": "with season",
        "derived": "with season and derived measures",
        "around": "with neighbouring days",
        "trend": "with trend and neighbours",
    }
    entries += crossed(models, {"season": views["season"]})
    entries += crossed(everything[:10], {"derived": views["derived"]})
    entries += crossed(models, {"around": views["around"], "trend": views["trend"]})
    for window in (365, 540, 730):
        for view in ("derived", "around"):
            entries += [
                Entry(f"{name}, {views[view]}, last {window} days", view, make, window=window)
                for name, make in (models[1], models[5], models[6], models[9])
            ]
    return Board(
        target="weather",
        columns=CLASSES,
        classes=CLASSES,
        metric="log-loss",
        split="forward",
        folds=3,
        views={
            "raw": _features(),
            "season": _features("calendar"),
            "derived": _features("calendar", "derived"),
            "around": _features("calendar", "derived", "neighbours"),
            "trend": _features("calendar", "derived", "neighbours", "trend"),
        },
        entries=entries,
    )
