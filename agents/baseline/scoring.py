"""Recognises the competition's metric in its description and computes it."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn import metrics

Array = NDArray[np.float64]

# The first that occurs in the evaluation section wins; longer names before those they contain.
PATTERNS = (
    ("rmsle", r"rmsle|root mean squared? logarithmic error|mean squared? log(arithmic)? error"),
    ("rmsle", r"root[- ]mean[- ]squared?[- ]error[^.]{0,60}\blog|rmse[^.]{0,40}\blog"),
    ("auc", r"\bauc\b|area under the (roc|receiver)|roc curve"),
    ("log_loss", r"log[- ]?loss|logarithmic loss|cross[- ]entropy"),
    ("macro_f1", r"macro[- ](averaged )?f1|f1[- ]macro"),
    ("f1", r"\bf1\b|f1[- ]score"),
    ("kappa", r"quadratic weighted kappa|cohen"),
    ("mae", r"mean absolute error|\bmae\b"),
    ("rmse", r"root mean squared? error|\brmse\b|mean squared error"),
    ("r2", r"\br2\b|r\^2|coefficient of determination"),
    ("accuracy", r"accuracy|percentage of|categorization"),
)
REGRESSION = ("rmsle", "rmse", "mae", "r2")
PROBABILITY = ("auc", "log_loss")


@dataclass(frozen=True)
class Metric:
    """A metric by name; `score` is always higher-is-better."""

    name: str

    @property
    def wants_probability(self) -> bool:
        """Whether a submission holds probabilities rather than labels."""
        return self.name in PROBABILITY

    @property
    def on_log_scale(self) -> bool:
        """Whether errors count on the logarithm of the target."""
        return self.name == "rmsle"

    def score(self, truth: NDArray[np.generic], guess: Array) -> float:
        """Score class positions against a (rows, classes) array, or numbers against numbers."""
        if self.name in REGRESSION:
            # A target on log scale has been transformed already, so RMSLE is RMSE here.
            error = truth.astype(float) - guess
            if self.name == "mae":
                return -float(np.mean(np.abs(error)))
            if self.name == "r2":
                return float(metrics.r2_score(truth, guess))
            return -float(np.sqrt(np.mean(error**2)))
        if self.name == "log_loss":
            chance = np.clip(guess[np.arange(len(truth)), truth.astype(int)], 1e-15, 1)
            return float(np.mean(np.log(chance)))
        if self.name == "auc":
            return _auc(truth, guess)
        label = guess.argmax(axis=1)
        if self.name in ("macro_f1", "f1"):
            average = "binary" if self.name == "f1" and guess.shape[1] == 2 else "macro"
            return float(metrics.f1_score(truth, label, average=average, zero_division=0))
        if self.name == "kappa":
            return float(metrics.cohen_kappa_score(truth, label, weights="quadratic"))
        return float(np.mean(truth == label))

    def shown(self, score: float) -> float:
        """The score as people know it: errors and losses positive."""
        return -score if self.name in (*REGRESSION[:3], "log_loss") else score


def find_metric(description: str) -> Metric | None:
    """Return the metric that the description names first in its evaluation section, if any."""
    text = description.lower()
    start = re.search(r"^#+\s*(evaluation|metric).*$", text, flags=re.MULTILINE)
    sections = [text[start.end() :].split("\n# ")[0][:2500]] if start else []
    for section in [*sections, text]:
        found = []
        for rank, (name, pattern) in enumerate(PATTERNS):
            match = re.search(pattern, section)
            if match:
                found.append((match.start(), rank, name))
        if found:
            return Metric(min(found)[2])
    return None


def _auc(truth: NDArray[np.generic], guess: Array) -> float:
    if guess.shape[1] == 2:
        # Mann-Whitney's form is many times faster than the library's, and blending asks often.
        ranks, positive = rankdata(guess[:, 1]), truth == 1
        ones, zeros = int(positive.sum()), int((~positive).sum())
        return float((ranks[positive].sum() - ones * (ones + 1) / 2) / max(1, ones * zeros))
    sums = guess.sum(axis=1, keepdims=True)
    return float(
        metrics.roc_auc_score(
            truth, guess / sums, multi_class="ovr", labels=list(range(guess.shape[1]))
        )
    )
