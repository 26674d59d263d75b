"""Grades sentiment labels by the mean F1 of the three classes."""

import pandas as pd

from redux_tui.offline import checks, metrics

CLASSES = ("negative", "neutral", "positive")


def grade(submission: pd.DataFrame, answers: pd.DataFrame) -> float:
    """Return macro-F1, 0 to 1, higher is better; raises checks.InvalidSubmissionError."""
    rows = checks.align(submission, answers, "id", ["sentiment"])
    guess = checks.labels(rows, "sentiment", CLASSES)
    truth = checks.labels(answers, "sentiment", CLASSES)
    return metrics.macro_f1(truth, guess, CLASSES)
