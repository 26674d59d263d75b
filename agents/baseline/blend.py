"""Greedy blending: add the model that helps the cross-validated score most, again and again."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scoring import Array, Metric

ROUNDS = 20


def greedy_weights(
    metric: Metric, truth: NDArray[np.generic], guesses: Sequence[Array]
) -> tuple[list[float], float]:
    """Return a weight for each model (they sum to 1) and the blend's score.

    Models may be added repeatedly, which makes weights of 1/20ths; a first step takes the best
    single model, so that the blend is never worse than that on these rows.
    """
    counts = [0] * len(guesses)
    total = np.zeros_like(guesses[0])
    best, kept = -np.inf, list(counts)
    for size in range(1, ROUNDS + 1):
        scores = [metric.score(truth, (total + guess) / size) for guess in guesses]
        choice = int(np.argmax(scores))
        counts[choice] += 1
        total = total + guesses[choice]
        if scores[choice] > best + 1e-9:
            best, kept = scores[choice], list(counts)
    return [count / sum(kept) for count in kept], best


def mix(weights: Sequence[float], guesses: Sequence[Array | None]) -> Array:
    """Return the weighted mean of the models' predictions; those of weight 0 may be missing."""
    parts = [
        weight * guess
        for weight, guess in zip(weights, guesses, strict=True)
        if weight and guess is not None
    ]
    return np.asarray(np.sum(parts, axis=0))


def class_multipliers(metric: Metric, truth: NDArray[np.generic], chance: Array) -> Array:
    """Return factors for the classes' probabilities that lift a label metric such as macro-F1."""
    factors = np.ones(chance.shape[1])
    best = metric.score(truth, chance)
    for _ in range(2):
        for place in range(len(factors)):
            for factor in (0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.35, 1.5, 1.8):
                trial = factors.copy()
                trial[place] *= factor
                score = metric.score(truth, chance * trial)
                # Small gains on these rows are luck.
                if score > best + 0.002:
                    best, factors = score, trial
    return factors
