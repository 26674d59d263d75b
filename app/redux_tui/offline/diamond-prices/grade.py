"""Grades diamond prices by the root mean squared error of their logarithm."""

import numpy as np
import pandas as pd

from redux_tui.offline import checks, metrics


def grade(submission: pd.DataFrame, answers: pd.DataFrame) -> float:
    """Return the RMSE of ln(price), lower is better; raises checks.InvalidSubmissionError."""
    rows = checks.align(submission, answers, "id", ["price"])
    guess = checks.numbers(rows, ["price"], 0.0, above=True)[:, 0]
    return metrics.rmse(np.log(answers["price"].to_numpy(dtype="float64")), np.log(guess))
