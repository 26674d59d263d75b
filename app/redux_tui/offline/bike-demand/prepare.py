"""Splits the hours of bike rental in time: the test set is the last quarter of the year 2011."""

from pathlib import Path

import pandas as pd

from redux_tui.offline import prepared

FIRST_TEST_DAY = 274  # 1 October


def prepare(raw: Path, public: Path, private: Path) -> None:
    """Write public and private files from the vendored raw data."""
    rows = prepared.read_raw(raw / "bikeshare.csv.gz")
    # The target is their sum.
    rows = rows.drop(columns=["casual", "registered"])
    day = rows["day"].astype(int)
    # The year is not in the file; its 1 January is a Saturday, as in 2011, the data set's first.
    start = pd.to_datetime("2011-01-01") + pd.to_timedelta(day - 1, unit="D")
    hour = rows["hr"].str.zfill(2)
    rows.insert(0, "datetime", start.dt.strftime("%Y-%m-%d") + " " + hour + ":00:00")
    rows = rows.drop(columns="day").rename(columns={"mnth": "month", "hr": "hour"})
    train = prepared.numbered(rows[day < FIRST_TEST_DAY])
    test = prepared.numbered(rows[day >= FIRST_TEST_DAY], start=len(train))
    prepared.write(train, test, public, private, target="bikers", sample={"bikers": "0"})
