"""Blends and stacks of entries, chosen by their cross-validated predictions alone."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression, Ridge

from redux_tui.offline.tools.reference.board import Array
from redux_tui.offline.tools.reference.evaluate import Problem


def combinations(
    problem: Problem, answers: Sequence[Array], held_out: Sequence[Array]
) -> Iterator[tuple[str, Array]]:
    """Yield named test predictions; all that is chosen is chosen on `held_out`."""
    scores = [problem.cv_score(guess) for guess in held_out]
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    for size in _sizes((2, 3, 5, 8, 12, 20, 40), order):
        yield f"mean of the {size} best by CV", _mean(answers, order[:size])
    varied = _varied(held_out, order)
    for size in (3, 5, 8):
        yield f"mean of {size} good and unlike by CV", _mean(answers, varied[:size])
    for rounds in (5, 15, 40):
        counts = _greedy(problem, held_out, order, rounds)
        yield f"greedy blend by CV, {rounds} rounds", _weighted(answers, counts)
    for size in _sizes((6, 15, 30), order):
        counts = _greedy(problem, held_out, order[:size], 25)
        yield f"greedy blend of the {size} best by CV", _weighted(answers, counts)
    yield "bagged greedy blends", _weighted(answers, _bagged_greedy(problem, held_out, order))
    for size in _sizes((4, 10, 25), order):
        for strength in (0.05, 1.0):
            stack = _stack(problem, answers, held_out, order[:size], strength)
            yield f"stack of the {size} best, strength {strength:g}", stack
    if problem.board.metric == "auc":
        for size in (3, 8, 20):
            ranks = [_ranked(answers[place]) for place in order[:size]]
            yield f"rank average of the {size} best by CV", np.mean(ranks, axis=0)


def _sizes(wanted: Sequence[int], order: Sequence[int]) -> list[int]:
    return [size for size in wanted if size <= len(order)]


def _mean(answers: Sequence[Array], places: Sequence[int]) -> Array:
    return np.asarray(np.mean([answers[place] for place in places], axis=0))


def _weighted(answers: Sequence[Array], counts: dict[int, int]) -> Array:
    total = sum(counts.values())
    return np.asarray(sum(answers[place] * (count / total) for place, count in counts.items()))


def _varied(held_out: Sequence[Array], order: Sequence[int]) -> list[int]:
    """Take the best, then again and again the best that is unlike all taken before."""
    flat = {place: held_out[place].ravel() for place in order[:40]}
    taken: list[int] = []
    for limit in (0.95, 0.98, 0.99, 1.1):
        for place in flat:
            alike = [np.corrcoef(flat[place], flat[other])[0, 1] for other in taken]
            if place not in taken and max(alike, default=0.0) < limit:
                taken.append(place)
    return taken


def _greedy(
    problem: Problem,
    held_out: Sequence[Array],
    allowed: Sequence[int],
    rounds: int,
) -> dict[int, int]:
    counts: dict[int, int] = {}
    total = np.zeros_like(held_out[0])
    for size in range(1, rounds + 1):
        scores = {
            place: problem.cv_score((total + held_out[place]) / size) for place in allowed[:40]
        }
        best = max(scores, key=lambda place: scores[place])
        counts[best] = counts.get(best, 0) + 1
        total = total + held_out[best]
    return counts


def _bagged_greedy(
    problem: Problem, held_out: Sequence[Array], order: Sequence[int]
) -> dict[int, int]:
    generator, counts = np.random.default_rng(0), dict[int, int]()
    for _ in range(8):
        some = generator.choice(order[:40], min(12, len(order)), replace=False).tolist()
        for place, count in _greedy(problem, held_out, some, 8).items():
            counts[place] = counts.get(place, 0) + count
    return counts


def _stack(
    problem: Problem,
    answers: Sequence[Array],
    held_out: Sequence[Array],
    places: Sequence[int],
    strength: float,
) -> Array:
    truth = problem.truth[problem.held_out]
    model: Any
    if not problem.board.classes:
        model = Ridge(alpha=1.0 / strength, positive=True)
        model.fit(np.column_stack([held_out[place] for place in places]), truth)
        return np.asarray(model.predict(np.column_stack([answers[place] for place in places])))
    before = np.hstack([_logits(held_out[place]) for place in places])
    after = np.hstack([_logits(answers[place]) for place in places])
    model = LogisticRegression(C=0.01 * strength, max_iter=500)
    model.fit(before, truth)
    chance = np.full((len(after), len(problem.board.classes)), 1e-4)
    chance[:, model.classes_] += model.predict_proba(after)
    return np.asarray(chance / chance.sum(axis=1, keepdims=True))


def _logits(chance: Array) -> Array:
    return np.log(np.clip(chance, 1e-4, 1.0))


def _ranked(chance: Array) -> Array:
    share = rankdata(chance[:, 1]) / len(chance)
    return np.column_stack([1 - share, share])
