"""Splits the handwritten digits at random."""

from pathlib import Path

from redux_tui.offline import prepared

SEED = "optical-digits"


def prepare(raw: Path, public: Path, private: Path) -> None:
    """Write public and private files from the vendored raw data."""
    # The file often counts 0, 1, 2, ..., so ids must come after the shuffle.
    rows = prepared.shuffled(prepared.read_raw(raw / "digits.csv.gz"), SEED)
    pixels = [name for name in rows.columns if name != "digit"]
    rows["test"] = prepared.in_test(prepared.same_rows(rows, pixels), SEED, 0.3)
    train = prepared.numbered(rows[~rows["test"]].drop(columns="test"))
    test = prepared.numbered(rows[rows["test"]].drop(columns="test"), start=len(train))
    sample = {f"digit_{digit}": "0.1" for digit in range(10)}
    prepared.write(train, test, public, private, target="digit", sample=sample)
