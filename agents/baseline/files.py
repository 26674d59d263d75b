"""Finds and reads the competition's CSV files and writes the submission, never half of it."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

ENDINGS = (".csv", ".csv.gz", ".csv.zip", ".zip")


class Data(NamedTuple):
    """The three tables; ids and labels are as the files spell them."""

    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame


def find_table(folder: Path, *names: str) -> Path | None:
    """Return the file of the first name found, spelled in any case, shallowest folder first."""
    files = sorted(
        (path for path in folder.rglob("*") if path.is_file()),
        key=lambda path: (len(path.parts), str(path)),
    )
    for name in names:
        for ending in ENDINGS:
            for path in files:
                if path.name.lower() == name.lower() + ending:
                    return path
    return None


def find_sample(folder: Path) -> Path | None:
    """Return the sample submission, whose name Kaggle's competitions spell in many ways."""
    exact = find_table(folder, "sample_submission", "sampleSubmission", "sample-submission")
    if exact is not None:
        return exact
    for path in sorted(folder.rglob("*"), key=lambda path: (len(path.parts), str(path))):
        name = path.name.lower()
        if path.is_file() and "sample" in name and "sub" in name and name.endswith(ENDINGS):
            return path
    return None


def read_sample(path: Path) -> pd.DataFrame:
    """Read the sample submission with its ids as text, so that they are written as they came."""
    columns = pd.read_csv(path, nrows=0).columns
    return pd.read_csv(path, dtype={columns[0]: str})


def read_table(path: Path, key: str) -> pd.DataFrame:
    """Read a CSV, its id column as text."""
    return pd.read_csv(path, dtype={key: str}, low_memory=False)


def describe(data: Path, instructions: Path | None) -> str:
    """Return the competition's description, or whatever text comes nearest; "" if none."""
    candidates = [data / "description.md", data / "description.txt"]
    if instructions is not None:
        candidates.append(instructions)
    for path in candidates:
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")
    return ""


def submit(submission: pd.DataFrame, folder: Path) -> Path:
    """Write submission.csv by renaming a finished file."""
    target = folder / "submission.csv"
    temporary = folder / ".submission.csv.partial"
    submission.to_csv(temporary, index=False)
    temporary.replace(target)
    return target
