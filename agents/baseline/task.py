"""Works out what is to be predicted, from the sample submission and the training table."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from files import Data
from numpy.typing import NDArray
from scoring import PROBABILITY, REGRESSION, Metric

# More distinct numbers than this are a quantity, not classes.
MANY = 20


class NotUnderstoodError(Exception):
    """The tables don't look like a supervised tabular competition; the message says why."""


@dataclass(frozen=True)
class Task:
    """One target column of the training table and the submission columns it fills."""

    target: str
    columns: tuple[str, ...]
    metric: Metric
    classes: tuple[object, ...]  # empty for regression
    labels: bool  # the submission holds class labels rather than probabilities

    @property
    def is_regression(self) -> bool:
        """Whether a quantity is predicted."""
        return not self.classes

    def encode(self, values: "pd.Series[Any]") -> NDArray[np.generic]:
        """Turn the target into class positions, or into numbers on the metric's scale."""
        if self.is_regression:
            numbers = np.asarray(values, dtype=np.float64)
            return np.log1p(numbers) if self.metric.on_log_scale else numbers
        position = {name: number for number, name in enumerate(self.classes)}
        return np.array([position[value] for value in values])

    def decode(self, guess: NDArray[np.float64]) -> pd.DataFrame:
        """Turn predictions into the submission's columns."""
        if self.is_regression:
            numbers = np.expm1(guess) if self.metric.on_log_scale else guess
            return pd.DataFrame({self.columns[0]: numbers})
        if self.labels:
            chosen = [self.classes[place] for place in guess.argmax(axis=1)]
            return pd.DataFrame({self.columns[0]: chosen})
        if len(self.columns) == 1:
            return pd.DataFrame({self.columns[0]: guess[:, -1]})
        sums = guess.sum(axis=1, keepdims=True)
        return pd.DataFrame(guess / sums, columns=list(self.columns))


def find_tasks(data: Data, metric: Metric | None) -> list[Task]:
    """Return one task a target; raises NotUnderstoodError if no target can be told."""
    key, columns = data.sample.columns[0], [str(name) for name in data.sample.columns[1:]]
    in_train = [name for name in columns if name in data.train.columns]
    if columns and len(in_train) == len(columns):
        return [_single(data, name, name, metric) for name in columns]
    unseen = [
        str(name) for name in data.train.columns if name not in data.test.columns and name != key
    ]
    if len(columns) > 1:
        for name in unseen:
            task = _one_column_a_class(data, name, columns, metric)
            if task is not None:
                return [task]
    elif len(columns) == 1 and len(unseen) == 1:
        return [_single(data, unseen[0], columns[0], metric)]
    raise NotUnderstoodError(
        f"I cannot tell which column of the training table to predict: the sample submission has "
        f"{columns[:8]}, and only the training table has {unseen[:8]}."
    )


def _single(data: Data, target: str, column: str, metric: Metric | None) -> Task:
    values = data.train[target].dropna()
    sample = data.sample[column]
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    fractions = is_number and bool((values % 1 != 0).any())
    many = is_number and (fractions or values.nunique() > MANY)
    if metric is not None and metric.name in REGRESSION:
        many = bool(is_number)
    if many:
        usable = metric if metric is not None and metric.name in REGRESSION else Metric("rmse")
        if usable.on_log_scale and float(values.min()) <= -1:
            usable = Metric("rmse")
        return Task(target, (column,), usable, (), labels=False)
    classes = tuple(sorted(values.unique().tolist()))
    if metric is None or metric.name in REGRESSION:
        share = pd.api.types.is_float_dtype(sample) and bool((sample % 1 != 0).any())
        metric = Metric("auc" if share and len(classes) == 2 else "accuracy")
    as_label = metric.name not in PROBABILITY or len(classes) > 2
    return Task(target, (column,), metric, classes, labels=as_label)


def _one_column_a_class(
    data: Data, target: str, columns: list[str], metric: Metric | None
) -> Task | None:
    """Match the sample's columns to the target's classes: `sun`, `Status_C`, `digit_3`."""
    classes = data.train[target].dropna().unique().tolist()
    if len(classes) > len(columns):
        return None
    order: list[object] = []
    for column in columns:
        exact = [name for name in classes if str(name) == column]
        ends = [name for name in classes if column.endswith(("_" + str(name), " " + str(name)))]
        # A class that never occurs in training keeps its column, as None.
        order.append((exact or ends or [None])[0])
    found = [name for name in order if name is not None]
    if len(set(map(str, found))) != len(classes) or len(found) != len(classes):
        return None
    usable = metric if metric is not None and metric.name in PROBABILITY else Metric("log_loss")
    placeholders = [
        name if name is not None else f"(no {columns[i]})" for i, name in enumerate(order)
    ]
    return Task(target, tuple(columns), usable, tuple(placeholders), labels=False)
