"""Loads a bundled competition's folder: its prepare and grade functions and its vendored data."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd

OFFLINE = Path(__file__).resolve().parent

Prepare = Callable[[Path, Path, Path], None]
Grade = Callable[[pd.DataFrame, pd.DataFrame], float]


def competition_ids() -> list[str]:
    """Return the ids of all bundled competitions, sorted."""
    return sorted(path.parent.name for path in OFFLINE.glob("*/config.yaml"))


def load_prepare(competition: str) -> Prepare:
    """Return the folder's `prepare(raw, public, private)`."""
    found: Prepare = _module(competition, "prepare").prepare
    return found


def load_grade(competition: str) -> Grade:
    """Return the folder's `grade(submission, answers)`."""
    found: Grade = _module(competition, "grade").grade
    return found


def prepare_into(competition: str, folder: Path) -> tuple[Path, Path]:
    """Prepare into `folder`, as MLE-bench lays it out; returns the public and private folders."""
    public = folder / competition / "prepared" / "public"
    private = folder / competition / "prepared" / "private"
    load_prepare(competition)(OFFLINE / competition / "data", public, private)
    return public, private


def _module(competition: str, name: str) -> ModuleType:
    # Folder names hold dashes, so these files can only be loaded from their path.
    path = OFFLINE / competition / f"{name}.py"
    module_name = f"redux_tui_competition_{competition.replace('-', '_')}_{name}"
    specification = importlib.util.spec_from_file_location(module_name, path)
    if specification is None or specification.loader is None or not path.is_file():
        raise FileNotFoundError(f"The competition {competition!r} has no file {path}.")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
