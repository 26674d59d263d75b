"""Tables fit the width that they have, whatever it is."""

from __future__ import annotations

import pytest

from redux_tui.ui import picker
from redux_tui.ui.screens import jobs, live, results
from redux_tui.ui.widgets.table import lay_out


@pytest.mark.parametrize("screen", [picker, live, results, jobs])
def test_no_width_clips_a_column_or_squeezes_the_names(screen: object) -> None:
    columns = screen.COLUMNS  # type: ignore[attr-defined]
    names = {"id", "run", "competition", "title"}
    for width in range(70, 240):
        layout = lay_out(columns, width)
        assert sum(cells + 2 for _, cells in layout) <= width
        assert all(cells >= 16 for column, cells in layout if column.key in names), width
