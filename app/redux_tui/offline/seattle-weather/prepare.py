"""Splits Seattle's days in time: the test set is the last of the four years, 2015."""

from pathlib import Path

from redux_tui.offline import prepared


def prepare(raw: Path, public: Path, private: Path) -> None:
    """Write public and private files from the vendored raw data."""
    rows = prepared.read_raw(raw / "weather.csv.gz")
    rows["date"] = rows["date"].str.replace("/", "-")
    rows = rows.sort_values("date", ignore_index=True)
    in_test = rows["date"] >= "2015-01-01"
    train = prepared.numbered(rows[~in_test])
    test = prepared.numbered(rows[in_test], start=len(train))
    sample = dict.fromkeys(("drizzle", "fog", "rain", "snow", "sun"), "0.2")
    prepared.write(train, test, public, private, target="weather", sample=sample)
