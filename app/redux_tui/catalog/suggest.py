"""Errors for names that don't exist, with the nearest ones that do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from redux_tui.models import ReduxError


def unknown(kind: str, name: str, names: Iterable[str]) -> ReduxError:
    """An error for an unknown `name` of a `kind` ("agent"), suggesting the nearest of `names`."""
    known = sorted(names)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    near += [other for other in known if name and name in other and other not in near][
        : 3 - len(near)
    ]
    if near:
        hint = f"Did you mean {_either(near)}?"
    elif known:
        hint = f"There is {', '.join(known[:8])}{', …' if len(known) > 8 else ''}."
    else:
        hint = "There is none at all."
    return ReduxError(f"There is no {kind} named {name!r}. {hint}")


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
