"""A group's results as the field reports them: any-medal %, mean ± one standard error."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from redux_tui.models import Medal, Result
from redux_tui.runner.state import AttemptState, GroupState, counts


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over a group's runs. A run without a result counts as one without a medal."""

    runs: int
    finished: int
    results: dict[str, int]
    medals: dict[str, int]
    above_median: int
    any_medal_percent: float
    any_medal_sem: float | None  # percent points over seeds, ddof = 1; None for a single seed
    any_medal_percent_after_reruns: float
    attempts: int
    sandbox: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """The summary in sentences."""
        medals = ", ".join(f"{self.medals[m]} {m}" for m in ("gold", "silver", "bronze"))
        spread = f" ± {self.any_medal_sem:.1f}" if self.any_medal_sem is not None else ""
        lines = [
            f"{self.results['scored']} of {self.runs} runs scored; medals: {medals}.",
            f"Any medal: {self.any_medal_percent:.1f}{spread} %;"
            f" above the median: {self.above_median} of {self.runs}.",
        ]
        if self.finished < self.runs:
            missing = self.runs - self.finished
            lines.append(f"Without a result yet, so without a medal: {missing} of {self.runs}.")
        if self.attempts > self.runs:
            lines.append(
                f"After reruns ({self.attempts} attempts): any medal"
                f" {self.any_medal_percent_after_reruns:.1f} %."
            )
        if self.sandbox == "process":
            lines.append("Not isolated: the agent ran as a plain process.")
        return lines


def summarize(state: GroupState) -> Summary:
    runs = state.runs()
    results = state.results()
    by_seed: dict[int, list[bool]] = {}
    for run in runs:  # a missing result is no medal
        has_medal = run in results and results[run].medal is not Medal.NONE
        by_seed.setdefault(run.seed, []).append(has_medal)
    shares = [100 * statistics.mean(medals) for medals in by_seed.values()]
    best_medals = [
        any(counts(each) and each.medal is not Medal.NONE for each in tries)
        for tries in runs.values()
    ]
    counted = Counter(each.result for each in results.values())
    medals = Counter(each.medal for each in results.values())
    return Summary(
        runs=len(runs),
        finished=len(results),
        results={str(result): counted[result] for result in Result},
        medals={str(medal): medals[medal] for medal in Medal},
        above_median=sum(_is_above_median(each) for each in results.values()),
        any_medal_percent=statistics.mean(shares) if shares else 0.0,
        any_medal_sem=statistics.stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else None,
        any_medal_percent_after_reruns=100 * statistics.mean(best_medals) if best_medals else 0.0,
        attempts=len(state.attempts),
        sandbox=state.sandbox,
    )


def _is_above_median(attempt: AttemptState) -> bool:
    return bool(attempt.report and attempt.report["above_median"])
