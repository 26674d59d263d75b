"""Grades survival labels by accuracy."""

import pandas as pd

from redux_tui.offline import checks, metrics

CLASSES = ("0", "1")


def grade(submission: pd.DataFrame, answers: pd.DataFrame) -> float:
    """Return the accuracy, 0 to 1, higher is better; raises checks.InvalidSubmissionError."""
    rows = checks.align(submission, answers, "id", ["survived"])
    guess = checks.labels(rows, "survived", CLASSES)
    return metrics.accuracy(checks.labels(answers, "survived", CLASSES), guess)
