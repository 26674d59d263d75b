"""Where content lies: in the user's folders, and in ours (the wheel's, or the checkout's)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def our_content() -> Path:
    """The folder that holds our agents/, graders/ and splits/."""
    shipped = _PACKAGE / "_content"
    return shipped if shipped.is_dir() else _PACKAGE.parents[1]


def content_folders(kind: str, user_dirs: Sequence[Path]) -> list[Path]:
    """Folders that hold `kind` (agents, splits, graders, competitions), ours last: theirs win."""
    ours = _PACKAGE / "offline" if kind == "competitions" else our_content() / kind
    folders = [folder / kind for folder in user_dirs]
    return [folder for folder in (*folders, ours) if folder.is_dir()]


def is_ours(folder: Path) -> bool:
    """Whether a content folder came with redux-tui, so is as trusted as the program itself."""
    places = [our_content() / kind for kind in ("agents", "graders", "splits")]
    # both: `..` and links lead out of a place of ours, and a person's link into it may change
    return any(
        folder.is_relative_to(place) and folder.resolve().is_relative_to(place)
        for place in (*places, _PACKAGE / "offline")
    )
