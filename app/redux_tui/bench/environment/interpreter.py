"""Whether an interpreter can grade with MLE-bench: tried in a child, remembered for one's own."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redux_tui.bench.process import read
from redux_tui.bench.progress import Say
from redux_tui.bench.repository.clone import Clone
from redux_tui.files import write_json
from redux_tui.logs.sanitize import plain
from redux_tui.models import ReduxError

# graded wrongly, and without a word, by pandas 3
_BREAK_WITH_PANDAS_3 = (
    "text-normalization-challenge-english-language",
    "text-normalization-challenge-russian-language",
    "tgs-salt-identification-challenge",
)
_USED_BY_SOME = ("Levenshtein", "pyquaternion", "shapely", "pycocotools", "bson", "requests")
_TIMEOUT = 120.0  # seconds; the first import after an install is slow on a slow disk
_LEADS_ASTRAY = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP")
_EXAMINATION = """\
import importlib.util, json, os, sys
sys.path.insert(0, sys.argv[1])
import numpy, pandas, scipy, sklearn
import mlebench.registry
names = sys.argv[2].split(",")
modules = {"numpy": numpy, "pandas": pandas, "scipy": scipy, "scikit-learn": sklearn}
print(json.dumps({
    "versions": {
        "python": ".".join(map(str, sys.version_info[:3])),
        **{name: module.__version__ for name, module in modules.items()},
    },
    "missing": [name for name in names if importlib.util.find_spec(name) is None],
    "site": os.path.dirname(os.path.dirname(os.path.abspath(pandas.__file__))),
}))
"""


@dataclass(frozen=True, slots=True)
class Facts:
    versions: dict[str, str]
    missing: tuple[str, ...]  # modules
    site: Path  # where pandas lies: changes whenever something is installed there


def environment() -> dict[str, str]:
    """For an interpreter that is not ours: nothing of ours leads it astray."""
    kept = {name: value for name, value in os.environ.items() if name not in _LEADS_ASTRAY}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}


async def examine(python: Path, clone: Clone, needs: tuple[str, ...]) -> Facts:
    """Import MLE-bench with `python`. Raises ReduxError if that fails, with its last words."""
    names = ",".join((*_USED_BY_SOME, *needs))
    with tempfile.TemporaryDirectory(prefix="redux-tui-") as scratch:  # it may leave ./cache
        command = [str(python), "-c", _EXAMINATION, str(clone.folder.resolve()), names]
        try:
            async with asyncio.timeout(_TIMEOUT):
                code, out, err = await read(
                    command, folder=Path(scratch), environment=environment()
                )
            found: dict[str, Any] = json.loads(out) if code == 0 else {}
            trouble = (err.decode(errors="replace").strip().splitlines() or [f"exit code {code}"])[
                -1
            ]
        except TimeoutError:
            found, trouble = {}, f"it took longer than {_TIMEOUT:.0f} s"
        except (OSError, ValueError) as error:
            found, trouble = {}, str(error)
    if not found:
        raise ReduxError(
            f"{python} can't import MLE-bench: {plain(trouble).rstrip('.')}. Install its"
            " requirements there, or take repo_python out of the config, and redux-tui makes an"
            " environment."
        )
    return Facts(found["versions"], tuple(found["missing"]), Path(found["site"]))


def require_good(python: Path, clone: Clone, facts: Facts, needs: tuple[str, ...]) -> None:
    """Raise ReduxError where it would grade wrongly, or lacks one of `needs`."""
    pandas = facts.versions["pandas"]
    competitions = clone.folder / "mlebench" / "competitions"
    broken = [each for each in _BREAK_WITH_PANDAS_3 if (competitions / each).is_dir()]
    if int(pandas.partition(".")[0]) >= 3 and broken:
        raise ReduxError(
            f"{python} has pandas {pandas}, with which valid submissions of {broken[0]} are graded"
            ' as invalid. Install "pandas<3" there, or take repo_python out of the config.'
        )
    lacking = [each for each in needs if each in facts.missing]
    if lacking:
        raise ReduxError(
            f"{python} lacks {' and '.join(lacking)}, without which this data can't be prepared."
            " Install that there, or take repo_python out of the config."
        )


async def check_own(clone: Clone, python: Path, needs: tuple[str, ...], say: Say) -> None:
    """Examine the person's own interpreter, and remember that it is good. Raises ReduxError."""
    if not python.is_file() or not os.access(python, os.X_OK):
        raise ReduxError(
            f"repo_python in the config is {python}, which is no program that can be run. Correct"
            " it, or take it out, and redux-tui makes an environment of its own."
        )
    facts = await examine(python, clone, needs)
    require_good(python, clone, facts, needs)
    rest = [each for each in facts.missing if each not in needs]
    if rest:
        say(
            f"{python} lacks {', '.join(rest)}: the few competitions that use that can't be graded."
        )
    note = {
        "v": 1,
        "python": str(python),
        "commit": clone.commit,
        "needs": list(needs),
        "site": str(facts.site),
        "state": _state(python, facts.site),
    }
    with suppress(OSError):  # a clone that is not ours to write beside: it is examined each time
        file = _note(clone, python)
        file.parent.mkdir(exist_ok=True)
        write_json(file, note)


def is_known_good(clone: Clone, python: Path, needs: tuple[str, ...]) -> bool:
    """Whether `check_own` found it good, and nothing was installed there since."""
    try:
        note = json.loads(_note(clone, python).read_text())
        return bool(
            note["commit"] == clone.commit
            and set(needs) <= set(note["needs"])
            and note["state"] == _state(python, Path(note["site"]))
        )
    except (OSError, ValueError, KeyError):
        return False


def _note(clone: Clone, python: Path) -> Path:
    name = hashlib.sha256(str(python).encode()).hexdigest()[:8]
    return clone.folder.with_name(f"{clone.folder.name}-env") / f"own-{name}.json"


def _state(python: Path, site: Path) -> list[int]:
    return [python.stat().st_mtime_ns, site.stat().st_mtime_ns]
