"""Splits rated sentences by the review they come from."""

from pathlib import Path

import pandas as pd

from redux_tui.offline import prepared

SEED = "review-sentiment"


def prepare(raw: Path, public: Path, private: Path) -> None:
    """Write public and private files from the vendored raw data."""
    rows = prepared.read_raw(raw / "reviews.csv.gz")
    rows["sentiment"] = [sentiment(float(rating)) for rating in rows["rating"]]
    # A few sentences, such as "great player.", occur in several reviews.
    rows = rows.drop_duplicates("text", ignore_index=True)
    parts = rows["id"].str.split("_", expand=True)
    # The source numbers reviews by product; new numbers say nothing about it.
    reviews = prepared.shuffled(pd.DataFrame({"review": parts[0].unique()}), SEED)["review"]
    number = {review: f"{place:03d}" for place, review in enumerate(reviews)}
    rows["id"] = parts[0].map(number) + "_" + parts[1].str.zfill(2)
    rows["test"] = prepared.in_test(list(parts[0]), SEED, 0.3)
    rows = rows.sort_values("id", ignore_index=True)[["id", "text", "sentiment", "test"]]
    train = rows[~rows["test"]].drop(columns="test")
    test = rows[rows["test"]].drop(columns="test")
    prepared.write(
        train, test, public, private, target="sentiment", sample={"sentiment": "neutral"}
    )


def sentiment(rating: float) -> str:
    """Name the mean rating of twenty people, from -4 to 4."""
    if rating <= -0.5:
        return "negative"
    return "positive" if rating >= 0.5 else "neutral"
