"""Grades the five weathers' probabilities by the multi-class logarithmic loss."""

import pandas as pd

from redux_tui.offline import checks, metrics

CLASSES = ("drizzle", "fog", "rain", "snow", "sun")


def grade(submission: pd.DataFrame, answers: pd.DataFrame) -> float:
    """Return the log loss, lower is better; raises checks.InvalidSubmissionError."""
    rows = checks.align(submission, answers, "id", CLASSES)
    chance = checks.probabilities(rows, CLASSES)
    return metrics.log_loss(checks.labels(answers, "weather", CLASSES), chance, CLASSES)
