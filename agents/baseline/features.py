"""Turns the tables into matrices: one for trees, one for linear models, one for text."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from folds import is_date
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

# A column of longer texts is prose for TF-IDF; shorter ones are names to look for words in.
PROSE_LETTERS = 40
WORDS_OF_NAMES = 30
MANY_CATEGORIES = 100


@dataclass
class Features:
    """Columns of train and test below each other: the first `rows` belong to train."""

    rows: int
    numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    categories: dict[str, NDArray[np.str_]] = field(default_factory=dict)
    prose: dict[str, list[str]] = field(default_factory=dict)

    def add_numbers(self, name: str, values: object) -> None:
        """Add a column unless it never varies."""
        array = np.asarray(values, dtype=np.float64)
        known = array[~np.isnan(array)]
        if len(known) and (known.min() < known.max() or len(known) < len(array)):
            self.numbers[name] = array

    def codes(self) -> NDArray[np.float64]:
        """Return the matrix for trees: numbers, then categories as codes with NaN for unknown."""
        parts = list(self.numbers.values())
        for values in self.categories.values():
            codes = np.unique(values, return_inverse=True)[1].astype(np.float64)
            codes[values == ""] = np.nan
            parts.append(codes)
        return np.column_stack(parts) if parts else np.zeros((self.total, 1))

    def categorical_mask(self) -> list[bool]:
        """Say which columns of `codes` are categories few enough to be split as such."""
        small = [len(np.unique(values)) < MANY_CATEGORIES for values in self.categories.values()]
        return [False] * len(self.numbers) + small if self.total_columns else [False]

    def one_hot(self, *, whole_numbers: bool = False) -> NDArray[np.float64]:
        """Return the matrix for linear models: scaled numbers, 0/1 columns for categories.

        With `whole_numbers`, numbers with few distinct whole values are categories as well:
        an hour or a code is not a quantity.
        """
        parts: list[NDArray[np.float64]] = []
        for values in self.numbers.values():
            if whole_numbers and _is_code(values):
                parts.append(_dummies(np.array([f"{value:g}" for value in values])))
            else:
                parts.append(_scaled(values, self.rows))
        parts += [_dummies(values) for values in self.categories.values()]
        return np.hstack(parts) if parts else np.zeros((self.total, 1))

    @property
    def total(self) -> int:
        """Rows of train and test together."""
        for group in (self.numbers, self.categories, self.prose):
            for column in group.values():
                return len(column)
        return 0

    @property
    def total_columns(self) -> int:
        """Columns without prose."""
        return len(self.numbers) + len(self.categories)


def build_features(train: pd.DataFrame, test: pd.DataFrame, leave_out: set[str]) -> Features:
    """Look at every column that both tables have; targets are never among them."""
    features = Features(rows=len(train))
    both = pd.concat([train, test], ignore_index=True)
    for name in [str(name) for name in test.columns]:
        if name in leave_out or name not in train.columns:
            continue
        column = both[name]
        if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
            features.add_numbers(name, column.astype("float64"))
        elif is_date(column):
            _add_date(features, name, column)
        else:
            _add_text(features, name, column.fillna("").astype(str))
    return features


def _add_date(features: Features, name: str, column: "pd.Series[Any]") -> None:
    when = pd.to_datetime(column, errors="coerce")
    year_angle = 2 * np.pi * when.dt.dayofyear / 365.25
    day_angle = 2 * np.pi * (when.dt.hour + when.dt.minute / 60) / 24
    days = (when - when.min()).dt.total_seconds() / 86400
    parts: dict[str, Any] = {
        "days": days,
        "month": when.dt.month,
        "day": when.dt.day,
        "weekday": when.dt.weekday,
        "hour": when.dt.hour,
        "year sin": np.sin(year_angle),
        "year cos": np.cos(year_angle),
        "day sin": np.sin(day_angle),
        "day cos": np.cos(day_angle),
    }
    for part, values in parts.items():
        if pd.Series(values).nunique() > 1:
            features.add_numbers(f"{name} {part}", values)


def _add_text(features: Features, name: str, column: "pd.Series[str]") -> None:
    known = column[column != ""]
    if known.empty:
        return
    unique = known.nunique() / len(known)
    if known.str.len().mean() > PROSE_LETTERS and unique > 0.3:
        features.prose[name] = column.tolist()
        return
    pieces = known.str.count(r"[/_]")
    if 0 < pieces.iloc[0] < 5 and (pieces == pieces.iloc[0]).mean() > 0.95 and unique > 0.05:
        split = column.str.split(r"[/_]", regex=True, expand=True)
        for place in range(int(pieces.iloc[0]) + 1):
            part = split[place].fillna("")
            as_number = pd.to_numeric(part, errors="coerce")
            if as_number.notna().mean() > 0.8:
                features.add_numbers(f"{name} {place}", as_number)
            elif part.nunique() < MANY_CATEGORIES:
                features.categories[f"{name} {place}"] = part.to_numpy(dtype=str)
        return
    if known.nunique() <= MANY_CATEGORIES or unique < 0.05:
        features.categories[name] = column.to_numpy(dtype=str)
        return
    features.add_numbers(f"{name} length", column.str.len())
    counter = CountVectorizer(
        binary=True, max_features=WORDS_OF_NAMES, min_df=0.005, token_pattern=r"[A-Za-z]{2,}"
    )
    try:
        words = counter.fit_transform(column).toarray()
    except ValueError:  # no word is frequent enough: then the column says nothing
        return
    for place, word in enumerate(counter.get_feature_names_out()):
        features.add_numbers(f"{name} has {word}", words[:, place])


def _is_code(values: NDArray[np.float64]) -> bool:
    known = np.unique(values[~np.isnan(values)])
    return 2 < len(known) <= 50 and bool(np.all(known == np.round(known)))


def _dummies(values: "NDArray[np.str_]") -> NDArray[np.float64]:
    names, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    columns = np.eye(len(names))[:, counts >= 3]
    return np.asarray(columns[places])


def _scaled(values: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    unknown = np.isnan(values)
    middle = float(np.nanmedian(values[:rows])) if (~unknown[:rows]).any() else 0.0
    filled = np.where(unknown, middle, values)
    spread = float(filled[:rows].std()) or 1.0
    scaled = np.clip((filled - filled[:rows].mean()) / spread, -8, 8)[:, None]
    return np.hstack([scaled, unknown[:, None]]) if unknown.any() else scaled
