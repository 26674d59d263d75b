"""Grades purchase probabilities by the area under the ROC curve."""

import pandas as pd

from redux_tui.offline import checks, metrics


def grade(submission: pd.DataFrame, answers: pd.DataFrame) -> float:
    """Return the AUC, 0 to 1, higher is better; raises checks.InvalidSubmissionError."""
    rows = checks.align(submission, answers, "id", ["purchase"])
    chance = checks.numbers(rows, ["purchase"], 0.0, 1.0)[:, 0]
    return metrics.auc(answers["purchase"].to_numpy(dtype="float64"), chance)
