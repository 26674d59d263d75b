"""Splits the diamonds at random; diamonds with the same description stay on one side."""

from pathlib import Path

from redux_tui.offline import prepared

SEED = "diamond-prices"


def prepare(raw: Path, public: Path, private: Path) -> None:
    """Write public and private files from the vendored raw data."""
    # 146 rows are exact duplicates of another.
    rows = prepared.read_raw(raw / "diamonds.csv.gz").drop_duplicates(ignore_index=True)
    # The file is sorted by price, so ids must come after the shuffle.
    rows = prepared.shuffled(rows, SEED)
    features = [name for name in rows.columns if name != "price"]
    rows["test"] = prepared.in_test(prepared.same_rows(rows, features), SEED, 0.25)
    rows = rows[[*features, "price", "test"]]
    train = prepared.numbered(rows[~rows["test"]].drop(columns="test"))
    test = prepared.numbered(rows[rows["test"]].drop(columns="test"), start=len(train))
    prepared.write(train, test, public, private, target="price", sample={"price": "1"})
