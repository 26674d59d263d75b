"""Checks a submission against the hidden answers' ids before anything is scored.

Every reason is one sentence and never holds an answer's value: it goes back to the agent's author.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Probabilities printed with three or more decimals still sum to 1 within this.
SUM_TOLERANCE = 1e-3


class InvalidSubmissionError(Exception):
    """The submission cannot be scored; the message says why in one sentence."""


def align(
    submission: pd.DataFrame, answers: pd.DataFrame, key: str, columns: Sequence[str]
) -> pd.DataFrame:
    """Return the submission's rows in the answers' order, having checked ids and columns.

    Ids may be strings or numbers on either side. Raises InvalidSubmissionError.
    """
    _check_columns(list(submission.columns), [key, *columns])
    if submission[key].isna().any():
        raise InvalidSubmissionError(f"Column {key!r} has empty values.")
    given = pd.Index([_as_text(value) for value in submission[key]])
    wanted = pd.Index([_as_text(value) for value in answers[key]])
    repeated = given[given.duplicated()]
    if len(repeated):
        raise InvalidSubmissionError(
            f"{len(repeated)} ids occur more than once, for example {repeated[0]!r}."
        )
    unknown = given.difference(wanted, sort=False)
    if len(unknown):
        raise InvalidSubmissionError(
            f"{len(unknown)} ids are not in the test set, for example {unknown[0]!r}."
        )
    missing = wanted.difference(given, sort=False)
    if len(missing):
        raise InvalidSubmissionError(
            f"{len(missing)} of {len(wanted)} test ids are missing, for example {missing[0]!r}."
        )
    rows = given.get_indexer(wanted)
    return submission.iloc[rows].reset_index(drop=True)


def numbers(
    frame: pd.DataFrame,
    columns: Sequence[str],
    low: float = -np.inf,
    high: float = np.inf,
    *,
    above: bool = False,
) -> NDArray[np.float64]:
    """Return the columns as a (rows, columns) array of finite numbers between `low` and `high`.

    With `above`, `low` itself is refused as well. Raises InvalidSubmissionError.
    """
    parts = [_as_numbers(frame[column], column) for column in columns]
    values = np.column_stack(parts) if parts else np.empty((len(frame), 0))
    for column, part in zip(columns, parts, strict=True):
        if np.isnan(part).any():
            raise InvalidSubmissionError(f"Column {column!r} has empty (NaN) values.")
        if np.isinf(part).any():
            raise InvalidSubmissionError(f"Column {column!r} has infinite values.")
        wrong = (part < low) | (part > high) | ((part == low) if above else False)
        if np.any(wrong):
            raise InvalidSubmissionError(
                f"Column {column!r} has {int(np.sum(wrong))} values that are not "
                f"{_range_text(low, high, above)}."
            )
    return values


def probabilities(frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.float64]:
    """Return one row of class probabilities a line, rescaled to sum to exactly 1.

    Raises InvalidSubmissionError if a row's sum is off by more than SUM_TOLERANCE.
    """
    values = numbers(frame, columns, 0.0, 1.0)
    sums = values.sum(axis=1)
    off = np.abs(sums - 1.0) > SUM_TOLERANCE
    if off.any():
        raise InvalidSubmissionError(
            f"In {int(off.sum())} rows the probabilities do not sum to 1 "
            f"(tolerance {SUM_TOLERANCE}); the first such row sums to {sums[off][0]:.6g}."
        )
    return np.asarray(values / sums[:, None], dtype=np.float64)


def labels(frame: pd.DataFrame, column: str, allowed: Sequence[str]) -> NDArray[np.str_]:
    """Return the column's class labels as text; raises InvalidSubmissionError for others."""
    if frame[column].isna().any():
        raise InvalidSubmissionError(f"Column {column!r} has empty (NaN) values.")
    values = np.array([_as_text(value) for value in frame[column]], dtype=np.str_)
    unknown = ~np.isin(values, np.array(allowed, dtype=np.str_))
    if unknown.any():
        raise InvalidSubmissionError(
            f"Column {column!r} has {int(unknown.sum())} values that are not one of "
            f"{', '.join(allowed)}; the first is {str(values[unknown][0])[:40]!r}."
        )
    return values


def _check_columns(given: Sequence[object], wanted: Sequence[str]) -> None:
    missing = [column for column in wanted if column not in given]
    if missing:
        raise InvalidSubmissionError(
            f"The submission lacks the column {_quoted(missing)}; it has {_quoted(given)}."
        )
    extra = [column for column in given if column not in wanted]
    if extra or len(given) != len(wanted):
        raise InvalidSubmissionError(
            f"The submission must have exactly the columns {_quoted(wanted)}; "
            f"it has {_quoted(given)}."
        )


def _as_text(value: object) -> str:
    """Ids and labels compare as text, whatever type a CSV reader gave them: 7, 7.0 and '7'."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _as_numbers(column: "pd.Series[Any]", name: str) -> NDArray[np.float64]:
    try:
        return np.asarray(pd.to_numeric(column), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidSubmissionError(f"Column {name!r} has values that are not numbers.") from error


def _range_text(low: float, high: float, above: bool) -> str:
    if np.isfinite(low) and np.isfinite(high):
        return f"between {low:g} and {high:g}"
    if np.isfinite(low):
        return f"above {low:g}" if above else f"{low:g} or more"
    return f"{high:g} or less"


def _quoted(names: Iterable[object]) -> str:
    texts = [repr(str(name)) for name in names]
    return ", ".join(texts[:12]) + (", ..." if len(texts) > 12 else "")
