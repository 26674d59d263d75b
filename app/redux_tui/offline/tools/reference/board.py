"""What a house leaderboard is made of: entries (pipelines) on views (features) of a competition."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
View = Callable[[pd.DataFrame, pd.DataFrame], tuple[Any, Any]]
Maker = Callable[[], Any]


@dataclass(frozen=True)
class Entry:
    """One pipeline: an estimator on a view of the data.

    `window` fits on that many last rows only. `raw` fits a regression on the target's own scale
    instead of its logarithm. Only entries with `blend` are cross-validated and blended.
    """

    name: str
    view: str
    make: Maker
    window: int | None = None
    raw: bool = False
    blend: bool = True


@dataclass(frozen=True)
class Board:
    """A competition's entries and how its target is split, scored and written."""

    target: str
    columns: tuple[str, ...]  # of the submission, without the id
    classes: tuple[str, ...]  # empty for regression
    metric: str  # accuracy | auc | log-loss | macro-f1 | rmse
    split: str  # random | forward | groups, as the competition itself is split
    views: dict[str, View]
    entries: list[Entry]
    to_scale: Callable[[Array], Array] = np.asarray
    from_scale: Callable[[Array], Array] = np.asarray
    folds: int = 4

    @property
    def higher_is_better(self) -> bool:
        """The direction of the competition's own score."""
        return self.metric in ("accuracy", "auc", "macro-f1")


def bind(build: Callable[..., Any], *values: Any) -> Maker:
    """Return a maker that builds with these values: a lambda in a loop would see the last ones."""
    return partial(build, *values)


def crossed(
    models: list[tuple[str, Maker]], views: dict[str, str], *, blend: bool = True
) -> list[Entry]:
    """Return an entry for every model on every view; `views` maps a view to its words."""
    return [
        Entry(f"{name}, {words}" if words else name, view, make, blend=blend)
        for view, words in views.items()
        for name, make in models
    ]
