"""What people type, and how values are written."""

from __future__ import annotations

import pytest

from redux_tui.models import ReduxError
from redux_tui.ui.forms import duration, duration_text
from redux_tui.ui.text import clock, number, span


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("15m", 900), ("1.5h", 5400), ("1h 30m", 5400), ("2d", 172800)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text, "Timeout") == seconds
    assert duration(duration_text(seconds), "Timeout") == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5", "0", "5 weeks", "1h later", "99999999"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ReduxError, match=r"^Timeout must be .*\.$"):
        duration(text, "Timeout")


def test_times_as_clocks_and_in_words() -> None:
    assert [clock(s) for s in (None, 5, 65, 7390)] == ["–", "0:05", "1:05", "2:03:10"]
    assert [span(s) for s in (40, 300, 3600, 5400)] == ["40 s", "5 min", "1 h", "1 h 30 min"]


def test_scores_have_five_places_at_most() -> None:
    assert [number(s) for s in (None, 0.5, 0.794254, 12.0)] == ["–", "0.5", "0.79425", "12"]
