"""Splits vendored raw data into public and private files, the same bytes on every machine.

Rows stay text from reading to writing, and the split and the shuffle come from SHA-256: so neither
the version of pandas nor of numpy can change a prepared competition under its leaderboard.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd


def read_raw(path: Path) -> pd.DataFrame:
    """Read a vendored CSV with every value as the text that stands in the file."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def shuffled(frame: pd.DataFrame, seed: str) -> pd.DataFrame:
    """Return the rows in an order that depends on `seed` and the row count alone."""
    order = sorted(range(len(frame)), key=lambda row: _digest(seed, str(row)))
    return frame.iloc[order].reset_index(drop=True)


def in_test(groups: Sequence[str], seed: str, share: float) -> list[bool]:
    """Choose about `share` of the groups for the test set; equal groups go the same way."""
    return [int(_digest(seed, group)[:8], 16) / 2**32 < share for group in groups]


def same_rows(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Name each row by its values, so that rows alike in `columns` fall into one group."""
    return ["\x1f".join(values) for values in zip(*(frame[name] for name in columns), strict=True)]


def numbered(frame: pd.DataFrame, key: str = "id", start: int = 0) -> pd.DataFrame:
    """Put an id column of running numbers first."""
    ids = [str(number) for number in range(start, start + len(frame))]
    return pd.concat([pd.DataFrame({key: ids}), frame.reset_index(drop=True)], axis=1)


def write(
    train: pd.DataFrame,
    test: pd.DataFrame,
    public: Path,
    private: Path,
    *,
    target: str,
    sample: dict[str, str],
    key: str = "id",
) -> None:
    """Write the four files of a competition; `sample` holds one constant for each column."""
    public.mkdir(parents=True, exist_ok=True)
    private.mkdir(parents=True, exist_ok=True)
    constant = pd.DataFrame({key: test[key], **sample})
    _save(train, public / "train.csv")
    _save(test.drop(columns=target), public / "test.csv")
    _save(constant, public / "sample_submission.csv")
    _save(test[[key, target]], private / "test.csv")


def _save(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _digest(seed: str, text: str) -> str:
    return hashlib.sha256(f"{seed}\x1f{text}".encode()).hexdigest()
