"""Splits the caravan insurance customers; customers with the same answers stay on one side."""

from pathlib import Path

from redux_tui.offline import prepared

SEED = "caravan-insurance"


def prepare(raw: Path, public: Path, private: Path) -> None:
    """Write public and private files from the vendored raw data."""
    rows = prepared.read_raw(raw / "caravan.csv.gz").rename(columns={"Purchase": "purchase"})
    rows["purchase"] = rows["purchase"].map({"No": "0", "Yes": "1"})
    rows = prepared.shuffled(rows, SEED)
    # 602 rows are exact duplicates: were they on both sides, the test answers would leak.
    features = [name for name in rows.columns if name != "purchase"]
    rows["test"] = prepared.in_test(prepared.same_rows(rows, features), SEED, 0.3)
    train = prepared.numbered(rows[~rows["test"]].drop(columns="test"))
    test = prepared.numbered(rows[rows["test"]].drop(columns="test"), start=len(train))
    prepared.write(train, test, public, private, target="purchase", sample={"purchase": "0.5"})
