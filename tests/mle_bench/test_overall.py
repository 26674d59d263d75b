"""The sum of all downloads."""

from __future__ import annotations

from redux_tui.bench.data.overall import WHAT, Overall
from redux_tui.bench.progress import Progress


def test_the_sum_of_downloads_follows_each_of_them_and_learns_their_sizes() -> None:
    told: list[Progress] = []
    overall = Overall(told.append, {"a": 100, "b": None})
    overall(Progress("a: download", 10, 90))
    assert told == [Progress("a: download", 10, 90), Progress(WHAT, 10, None)]
    overall(Progress("b: download", 5, 50))
    assert told[-1] == Progress(WHAT, 15, 140)
    overall(Progress("a: extract", 3, 4))
    assert told[-1] == Progress("a: extract", 3, 4)


def test_a_download_that_failed_is_not_waited_for() -> None:
    told: list[Progress] = []
    overall = Overall(told.append, {"a": 100, "b": 50})
    overall(Progress("a: download", 100, 100))
    overall.leave_out("b")
    assert told[-1] == Progress(WHAT, 100, 100)
