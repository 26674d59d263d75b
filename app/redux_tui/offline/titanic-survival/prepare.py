"""Splits the passengers of the Titanic at random."""

from pathlib import Path

from redux_tui.offline import prepared

SEED = "titanic-survival"


def prepare(raw: Path, public: Path, private: Path) -> None:
    """Write public and private files from the vendored raw data."""
    rows = prepared.read_raw(raw / "titanic.csv.gz")
    # One passenger's class is recorded as "*": unknown.
    rows["class"] = rows["class"].replace("*", "")
    # The file is sorted by class and name, so ids must come after the shuffle.
    rows = prepared.shuffled(rows, SEED)
    rows["test"] = prepared.in_test([str(row) for row in rows.index], SEED, 0.3)
    train = prepared.numbered(rows[~rows["test"]].drop(columns="test"))
    test = prepared.numbered(rows[rows["test"]].drop(columns="test"), start=len(train))
    prepared.write(train, test, public, private, target="survived", sample={"survived": "0"})
