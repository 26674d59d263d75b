"""Chooses a cross-validation that resembles the way the test set was split off."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from task import Task

Rows = NDArray[np.intp]
DATE = re.compile(r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}|^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")


@dataclass(frozen=True)
class Folds:
    """Pairs of training and validation rows, and the reason for cutting them so."""

    pairs: tuple[tuple[Rows, Rows], ...]
    reason: str


def make_folds(
    train: pd.DataFrame, test: pd.DataFrame, task: Task, key: str, count: int, seed: int
) -> Folds:
    """Cut by time if the test set lies after the train set, by group if ids group, else freely."""
    time = find_time(train, test)
    if time is not None:
        pairs = tuple(_forward(time, len(test), count))
        return Folds(pairs, "forward in time, since the test set lies after the train set")
    groups = find_groups(train, test, key)
    rows = np.arange(len(train))
    if groups is not None:
        splitter = GroupKFold(count, shuffle=True, random_state=seed)
        return Folds(tuple(splitter.split(rows, groups=groups)), f"grouped by the start of {key}")
    if task.is_regression:
        return Folds(tuple(KFold(count, shuffle=True, random_state=seed).split(rows)), "at random")
    labels = task.encode(train[task.target])
    largest = int(np.bincount(labels.astype(int)).max())
    if largest < count:
        return Folds(tuple(KFold(count, shuffle=True, random_state=seed).split(rows)), "at random")
    splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
    return Folds(tuple(splitter.split(rows, labels)), "stratified by class")


def is_date(column: "pd.Series[Any]") -> bool:
    """Whether a text column holds dates."""
    if pd.api.types.is_numeric_dtype(column) or column.notna().sum() == 0:
        return False
    values = column.dropna().astype(str).head(200)
    return bool(values.map(lambda value: bool(DATE.match(value))).mean() > 0.95)


def find_time(train: pd.DataFrame, test: pd.DataFrame) -> "NDArray[np.int64] | None":
    """Return each training row's time if a date column shows that all of the test is later."""
    for name in test.columns:
        if name in train.columns and is_date(test[name]) and is_date(train[name]):
            before = pd.to_datetime(train[name], errors="coerce")
            after = pd.to_datetime(test[name], errors="coerce")
            if before.notna().all() and before.max() <= after.min():
                return np.asarray(before.astype("int64"))
    return None


def find_groups(train: pd.DataFrame, test: pd.DataFrame, key: str) -> "NDArray[np.str_] | None":
    """Return the ids' first parts if they group rows and never occur on both sides."""
    if key not in train.columns or key not in test.columns:
        return None
    ids = [side[key].astype(str) for side in (train, test)]
    if any((side.str.count(r"[_-]") != 1).mean() > 0.01 for side in ids):
        return None
    first, second = (side.str.replace(r"[_-].*", "", regex=True) for side in ids)
    if first.nunique() > 0.9 * len(first) or first.nunique() < 10 or first.isin(second).any():
        return None
    return first.to_numpy(dtype=str)


def _forward(time: "NDArray[np.int64]", test_rows: int, count: int) -> Iterator[tuple[Rows, Rows]]:
    """Yield blocks at the end of the train set, each with all rows before it to train on."""
    order = np.argsort(time, kind="stable")
    block = min(test_rows, len(order) // (count + 1))
    for number in range(count, 0, -1):
        start = len(order) - number * block
        yield order[:start], order[start : start + block]
