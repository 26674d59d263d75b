"""Grades hourly rentals by the root mean squared logarithmic error."""

import numpy as np
import pandas as pd

from redux_tui.offline import checks, metrics


def grade(submission: pd.DataFrame, answers: pd.DataFrame) -> float:
    """Return the RMSLE, lower is better; raises checks.InvalidSubmissionError."""
    rows = checks.align(submission, answers, "id", ["bikers"])
    guess = checks.numbers(rows, ["bikers"], 0.0)[:, 0]
    return metrics.rmse(np.log1p(answers["bikers"].to_numpy(dtype="float64")), np.log1p(guess))
