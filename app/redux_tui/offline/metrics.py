"""The metrics of the bundled competitions, in numpy alone so that grading needs no scikit-learn."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Kaggle's clipping: a wrong answer given with certainty costs 34.5, not infinity.
SMALLEST = 1e-15


def accuracy(truth: NDArray[np.str_], guess: NDArray[np.str_]) -> float:
    """Share of rows that are right, 0 to 1."""
    return float(np.mean(truth == guess))


def auc(truth: Floats, score: Floats) -> float:
    """Area under the ROC curve for truth in {0, 1}; ties count one half."""
    ranks = pd.Series(score).rank().to_numpy()
    positive = truth == 1
    ones, zeros = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def log_loss(truth: NDArray[np.str_], chance: Floats, classes: Sequence[str]) -> float:
    """Mean of -ln(probability given to the true class); `chance` has a column for each class."""
    position = {name: number for number, name in enumerate(classes)}
    column = np.array([position[str(name)] for name in truth])
    given = np.clip(chance[np.arange(len(column)), column], SMALLEST, 1.0)
    return float(-np.mean(np.log(given)))


def macro_f1(truth: NDArray[np.str_], guess: NDArray[np.str_], classes: Sequence[str]) -> float:
    """Unweighted mean of the classes' F1; a class that is never right counts 0."""
    scores = []
    for name in classes:
        right = float(np.sum((truth == name) & (guess == name)))
        total = float(np.sum(truth == name) + np.sum(guess == name))
        scores.append(2 * right / total if total else 0.0)
    return float(np.mean(scores))


def rmse(truth: Floats, guess: Floats) -> float:
    """Root of the mean squared error, in the target's unit."""
    return float(np.sqrt(np.mean((truth - guess) ** 2)))
