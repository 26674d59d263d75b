"""Grades the ten digits' probabilities by the multi-class logarithmic loss."""

import pandas as pd

from redux_tui.offline import checks, metrics

CLASSES = tuple("0123456789")


def grade(submission: pd.DataFrame, answers: pd.DataFrame) -> float:
    """Return the log loss, lower is better; raises checks.InvalidSubmissionError."""
    columns = [f"digit_{name}" for name in CLASSES]
    rows = checks.align(submission, answers, "id", columns)
    chance = checks.probabilities(rows, columns)
    return metrics.log_loss(checks.labels(answers, "digit", CLASSES), chance, CLASSES)
