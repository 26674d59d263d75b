"""Reference pipelines for bike-demand: hours of work days and of week-ends, weather, and trend."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import PoissonRegressor

from redux_tui.offline.tools.reference import zoo
from redux_tui.offline.tools.reference.board import Board, Entry, View, crossed

SKIES = {"clear": 0.0, "cloudy/misty": 1.0, "light rain/snow": 2.0, "heavy rain/snow": 3.0}
WEATHER = ["temp", "atemp", "hum", "windspeed", "sky"]


def _features(*extras: str) -> View:
    def view(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        both = pd.concat([train, test], ignore_index=True)
        when = pd.to_datetime(both["datetime"])
        both["sky"] = both["weathersit"].map(SKIES)
        table = both[["season", "hour", "holiday", "weekday", "workingday", *WEATHER]].astype(float)
        if "no calendar" in extras:
            table = table.drop(columns=["season", "weekday"])
        if "cycles" in extras:
            _add_cycles(table, both)
        if "peaks" in extras:
            hour, work = both["hour"], both["workingday"]
            table["rush"] = (hour.isin([7, 8, 9, 16, 17, 18, 19]) & (work == 1)).astype(float)
            table["leisure"] = (hour.between(10, 18) & (work == 0)).astype(float)
            table["night"] = (hour < 6).astype(float)
            table["hour of kind"] = hour + 24 * (work == 0)
            table["discomfort"] = (both["temp"] - 0.6).abs() + 0.5 * both["hum"]
        if "around" in extras:
            _add_weather_around(table, both, when.dt.date)
        if "trend" in extras:
            table["days"] = (when - when.min()).dt.days.astype(float)
        if "one-hot" in extras:
            kinds = both["hour"].astype(str) + "/" + both["workingday"].astype(str)
            names = pd.DataFrame({"h": kinds, "w": both["weekday"].astype(str)})
            table = pd.concat([table, pd.get_dummies(names, dtype=float)], axis=1)
            table["temp squared"] = both["temp"] ** 2
        return table.iloc[: len(train)], table.iloc[len(train) :]

    return view


def _add_cycles(table: pd.DataFrame, both: pd.DataFrame) -> None:
    for turns in (1, 2, 3):
        angle = 2 * np.pi * turns * both["hour"] / 24
        table[f"sin {turns}"], table[f"cos {turns}"] = np.sin(angle), np.cos(angle)
    table["work sin"] = table["sin 1"] * both["workingday"]
    table["work cos"] = table["cos 1"] * both["workingday"]


def _add_weather_around(table: pd.DataFrame, both: pd.DataFrame, day: "pd.Series[Any]") -> None:
    for name in WEATHER:
        for hours in (1, 3):
            table[f"{name} before {hours}"] = table[name].shift(hours).bfill()
    for name in ("temp", "sky"):
        table[f"day {name}"] = both[name].groupby(day).transform("mean")


def board() -> Board:
    """Return the board."""
    boosted = zoo.boosted_regressors(
        ((0.1, 31, 150), (0.05, 15, 300), (0.05, 40, 250), (0.1, 6, 250), (0.03, 25, 300))
    )
    poisson = zoo.boosted_regressors(((0.08, 20, 200), (0.05, 10, 300)), loss="poisson")
    forests = zoo.forest_regressors((1, 3), trees=60)
    entries = crossed(zoo.trivial_regressors(), {"raw": ""}, blend=False)
    entries += crossed(
        zoo.linear_regressors() + zoo.linear_regressors(2)[1:] + zoo.simple_regressors(),
        {"raw": "raw codes", "cycles": "with cycles"},
    )
    entries += crossed(
        zoo.linear_regressors(), {"one-hot": "hours as categories", "all": "all features"}
    )
    views = {
        "raw": "raw codes",
        "peaks": "with cycles and peaks",
        "around": "with peaks and weather before",
        "plain": "without season",
        "trend": "with peaks and trend",
    }
    entries += crossed(boosted, views) + crossed(forests, views)
    entries += crossed(boosted[:3], {"all": "all features"})
    for view in ("raw", "peaks", "around"):
        for name, make in poisson:
            entries.append(Entry(f"{name}, {views[view]}", view, make, raw=True))
    for view in ("peaks", "around"):
        for name, make in (boosted[1], boosted[2], forests[2]):
            words = f"{name}, {views[view]}, last 3 months"
            entries.append(Entry(words, view, make, window=2160))
    entries += crossed(zoo.kernel_regressors(), {"cycles": "with cycles", "one-hot": "one-hot"})
    for view, words in (("raw", "raw codes"), ("one-hot", "hours as categories")):
        entries.append(
            Entry(
                f"Poisson regression, {words}",
                view,
                lambda: zoo.scaled(PoissonRegressor(alpha=0.01, max_iter=200)),
                raw=True,
            )
        )
    for name, make in (boosted[1], forests[0]):
        entries.append(Entry(f"{name}, on plain counts, raw codes", "raw", make, raw=True))
    return Board(
        target="bikers",
        columns=("bikers",),
        classes=(),
        metric="rmse",
        split="forward",
        folds=3,
        to_scale=np.log1p,
        from_scale=np.expm1,
        views={
            "raw": _features(),
            "cycles": _features("cycles"),
            "plain": _features("no calendar", "cycles", "peaks"),
            "peaks": _features("cycles", "peaks"),
            "around": _features("cycles", "peaks", "around"),
            "trend": _features("cycles", "peaks", "trend"),
            "one-hot": _features("cycles", "one-hot"),
            "all": _features("cycles", "peaks", "around", "trend", "one-hot"),
        },
        entries=entries,
    )
