"""Errors for names that don't exist, with the nearest ones that do."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence

from redux_tui.catalog.splits import Split, enumerated
from redux_tui.models import ReduxError

NOT_CLONED = "which is not cloned yet: run `redux-tui clone` (or clone it in the setup screen)."


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


def no_competitions(
    split: Split | None, names: Sequence[str], uncloned: Collection[str], known: Iterable[str]
) -> ReduxError:
    """An error for `names` of which there is no competition, some of them being of `split`.

    `uncloned` are those that a clone of MLE-bench would bring.
    """
    of_split = [name for name in names if split and name in split.competitions]
    named = [name for name in names if name not in of_split]
    if split and (waiting := [name for name in of_split if name in uncloned]):
        count = f"{len(waiting)} competition{'s' if len(waiting) > 1 else ''}"
        return ReduxError(f"The split {split.name} has {count} of MLE-bench, {NOT_CLONED}")
    if waiting := [name for name in named if name in uncloned]:
        are = "is a competition" if len(waiting) == 1 else "are competitions"
        return ReduxError(f"{enumerated(waiting)} {are} of MLE-bench, {NOT_CLONED}")
    if split and of_split:
        return ReduxError(
            f"The split {split.name} names {enumerated(of_split)}, of which there is no"
            " competition. Correct the split; or see `redux-tui list competitions`, which says what"
            " was left out and why."
        )
    return unknown("competition", named[0], known)


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
