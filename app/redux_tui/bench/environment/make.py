"""MLE-bench's own Python environment, beside the clone: made whole or not at all, never changed.

An environment is named by what is in it: the pins, the clone's commit, what is needed besides. So
another one can be made while a supervisor still works in the old one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

from redux_tui.bench.environment import interpreter
from redux_tui.bench.environment.install import install
from redux_tui.bench.process import alone
from redux_tui.bench.progress import Say, Tell
from redux_tui.bench.repository.clone import Clone
from redux_tui.files import require_free_space, write_json
from redux_tui.models import Competition, InfrastructureError

# pandas 3 grades valid submissions as invalid, silently; scikit-learn 1.11 lacks what graders call
PINS = (
    "pandas>=2.2,<3",
    "scikit-learn>=1.5,<1.11",
    "numpy>=1.26",
    "scipy>=1.13",
    "pyyaml>=6",
    "tqdm>=4.66",
    "appdirs>=1.4.4",
    "diskcache>=5.6.3",
    "tenacity>=8.5",
    "py7zr>=0.21",
    "pillow>=10.3",
    "Levenshtein>=0.25.1",
    "pyquaternion>=0.9.9",
    "shapely>=2.0.5",
    "pycocotools>=2.0.8",
    "pymongo>=4.8",
    "requests>=2.31",
)
_EXTRA = {"tensorflow": "tensorflow>=2.16", "fastparquet": "fastparquet>=2024.5"}
_NEEDED_BY = {  # to prepare their data; grading needs neither
    "siim-isic-melanoma-classification": ("tensorflow",),
    "cassava-leaf-disease-classification": ("tensorflow",),
    "icecube-neutrinos-in-deep-ice": ("fastparquet",),
}
_MARKER = "redux-tui.json"  # written last, touched when used
_ROOM = {"": 1_200_000_000, "tensorflow": 2_500_000_000, "fastparquet": 100_000_000}  # bytes
_UNUSED = 2 * 86400  # seconds; a run takes a day at most


def needs_of(competition: Competition) -> tuple[str, ...]:
    """What preparing this competition imports beyond the pins."""
    return _NEEDED_BY.get(competition.id, ()) if competition.repo is not None else ()


def find_environment(
    clone: Clone, python: Path | None = None, needs: Iterable[str] = ()
) -> Path | None:
    """An interpreter that is ready, or None. Starts nothing: ask as often as wanted.

    The person's own `python` is ready once `ensure_environment` found it good.
    """
    wanted = tuple(sorted(set(needs)))
    if python is not None:
        return python if interpreter.is_known_good(clone, python, wanted) else None
    others = sorted(set(_EXTRA) - set(wanted))
    for count in range(len(others) + 1):
        for more in combinations(others, count):
            folder = _folder(clone, (*wanted, *more))
            if _is_whole(folder):
                return _python(folder)
    return None


async def ensure_environment(
    clone: Clone,
    *,
    python: Path | None = None,
    needs: Iterable[str] = (),
    say: Say,
    tell: Tell,
) -> Path:
    """An interpreter that can import MLE-bench and `needs`; the environment is made if need be.

    With the person's own `python` nothing is installed. Raises ReduxError, with what the installer
    said last; the same call tries again.
    """
    wanted = tuple(sorted(set(needs)))
    found = find_environment(clone, python, wanted)
    if found is not None:
        return _used(found)
    if python is not None:
        await interpreter.check_own(clone, python, wanted, say)
        return python
    place = environments(clone.folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        waiting = "Waiting for another process, which installs MLE-bench's requirements."
        async with alone(place / ".lock", say, waiting) as hold:
            found = find_environment(clone, None, wanted)
            if found is None:
                found = await _make(clone, wanted, hold, say, tell)
                _remove_old(place, clone)
            return _used(found)
    except OSError as error:
        raise InfrastructureError(
            f"MLE-bench's environment could not be made in {place}: {error.strerror or error}."
            " Correct that, and try again; or set repo_python in the config to an interpreter that"
            " has MLE-bench's requirements."
        ) from error


def environments(repo_dir: Path) -> Path:
    """The folder of all environments of the clone in `repo_dir`."""
    return repo_dir.with_name(f"{repo_dir.name}-env")


async def _make(clone: Clone, needs: tuple[str, ...], hold: int, say: Say, tell: Tell) -> Path:
    folder = _folder(clone, needs)
    room = sum(_ROOM[each] for each in ("", *needs))
    require_free_space(folder.parent, room, "MLE-bench's environment")
    if folder.exists():
        shutil.rmtree(folder)  # half made
    python = _python(folder)
    try:
        pins = [*PINS, *(_EXTRA[each] for each in needs)]
        await install(folder, python, pins, hold, say, tell)
        facts = await interpreter.examine(python, clone, needs)
        interpreter.require_good(python, clone, facts, needs)
        write_json(folder / _MARKER, {"v": 1, **_recipe(clone, needs), "versions": facts.versions})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    say(f"MLE-bench's environment is ready: {folder}.")
    return python


def _recipe(clone: Clone, needs: tuple[str, ...]) -> dict[str, object]:
    """All that decides what is in an environment."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"commit": clone.commit, "pins": list(PINS), "needs": sorted(needs), "python": version}


def _folder(clone: Clone, needs: tuple[str, ...]) -> Path:
    name = hashlib.sha256(json.dumps(_recipe(clone, needs)).encode()).hexdigest()[:8]
    return environments(clone.folder) / name


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _is_whole(folder: Path) -> bool:
    """Its interpreter is a link to ours or the system's, which may have gone."""
    return (folder / _MARKER).is_file() and _python(folder).exists()


def _used(python: Path) -> Path:
    marker = python.parent.parent / _MARKER
    if marker.is_file():
        marker.touch()
    return python


def _remove_old(place: Path, clone: Clone) -> None:
    """Those of other commits or pins, unless a supervisor may still be working in one."""
    recipe = _recipe(clone, ())
    for folder in (each for each in place.iterdir() if each.is_dir()):
        try:
            marker = json.loads((folder / _MARKER).read_text())
            is_current = all(marker[key] == recipe[key] for key in ("commit", "pins", "python"))
            is_used = time.time() - (folder / _MARKER).stat().st_mtime < _UNUSED
        except (OSError, ValueError, KeyError):
            is_current = is_used = False  # half made
        if not is_current and not is_used:
            shutil.rmtree(folder, ignore_errors=True)
