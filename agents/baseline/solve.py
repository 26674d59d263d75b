"""Solves one task: cross-validates the candidates one by one and keeps the best blend of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from blend import class_multipliers, greedy_weights, mix
from features import Features
from folds import Folds
from models import Array, Candidate, make_candidates
from numpy.typing import NDArray
from scoring import PROBABILITY
from settings import Settings
from task import Task

# Cross-validating on more rows than this would cost more than it tells; the final fit sees all.
ROWS_FOR_VALIDATION = 12_000


@dataclass
class Progress:
    """What is known of the candidates tried so far."""

    tried: list[Candidate] = field(default_factory=list)
    held_out: list[Array] = field(default_factory=list)
    answers: list[Array | None] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)


def solve(
    task: Task,
    target: NDArray[Any],
    features: Features,
    folds: Folds,
    settings: Settings,
    on_better: Callable[[pd.DataFrame], None],
) -> dict[str, Any]:
    """Call `on_better` with each better submission's columns; returns what to log."""
    rows = np.arange(features.rows)
    asked = np.arange(features.rows, features.total)
    checked = np.concatenate([held for _, held in folds.pairs])
    truth = target[checked]
    progress, best, factors = Progress(), -np.inf, np.ones(1)
    weights: list[float] = []
    for candidate in make_candidates(features, task, settings.seed)[: settings.steps]:
        last = max((float(entry["seconds"]) for entry in progress.log), default=0.0)
        if not settings.time_for(2 * last):
            print("baseline: little time is left, so I try no further model", flush=True)
            break
        began = time.monotonic()
        guess = _held_out(candidate, target, folds)
        progress.tried.append(candidate)
        progress.held_out.append(guess)
        progress.answers.append(None)
        new_weights, score = greedy_weights(task.metric, truth, progress.held_out)
        if score > best and _fit_all(progress, new_weights, rows, target, asked, settings):
            best, weights = score, new_weights
            factors = _factors(task, truth, mix(weights, progress.held_out))
            on_better(task.decode(mix(weights, progress.answers) * factors))
        entry = {
            "model": candidate.name,
            "score": task.metric.shown(task.metric.score(truth, guess)),
            "blend": task.metric.shown(best) if weights else None,
            "seconds": round(time.monotonic() - began, 2),
        }
        progress.log.append(entry)
        blend = f"blend {task.metric.shown(best):.5f}" if weights else "no blend yet"
        print(
            f"baseline: {candidate.name:36s} {task.metric.name} {entry['score']:.5f}   "
            f"{blend}   {entry['seconds']:.1f} s",
            flush=True,
        )
    weights += [0.0] * (len(progress.tried) - len(weights))
    return {
        "target": task.target,
        "metric": task.metric.name,
        "validation": folds.reason,
        "models": progress.log,
        "weights": {c.name: w for c, w in zip(progress.tried, weights, strict=True) if w},
        "class_factors": factors.tolist(),
        "blend_score": task.metric.shown(best) if any(weights) else None,
    }


def thin_out(folds: Folds, seed: int) -> Folds:
    """Keep as many of each fold's training rows as cross-validation can afford."""
    generator = np.random.default_rng(seed)
    pairs = []
    for fit, held in folds.pairs:
        if len(fit) > ROWS_FOR_VALIDATION:
            fit = np.sort(generator.choice(fit, ROWS_FOR_VALIDATION, replace=False))
        pairs.append((fit, held))
    return Folds(tuple(pairs), folds.reason)


def _held_out(candidate: Candidate, target: NDArray[Any], folds: Folds) -> Array:
    parts = [candidate.fit_predict(fit, target[fit], held) for fit, held in folds.pairs]
    return np.concatenate(parts)


def _fit_all(
    progress: Progress,
    weights: list[float],
    rows: NDArray[np.intp],
    target: NDArray[Any],
    asked: NDArray[np.intp],
    settings: Settings,
) -> bool:
    """Fit the models of the blend on all rows; False if there was no time for one of them."""
    for place, weight in enumerate(weights):
        if weight and progress.answers[place] is None:
            if not settings.time_for(0):
                return False
            progress.answers[place] = progress.tried[place].fit_predict(rows, target, asked)
    return True


def _factors(task: Task, truth: NDArray[Any], chance: Array) -> Array:
    if task.is_regression or task.metric.name in (*PROBABILITY, "accuracy", "kappa"):
        return np.ones(1)
    return class_multipliers(task.metric, truth, chance)
