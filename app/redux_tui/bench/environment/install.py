"""Make a virtual environment and install into it: by uv where it is, else by venv and pip."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from redux_tui.bench.process import run
from redux_tui.bench.progress import Progress, Say, Tell
from redux_tui.bench.repository.folder import without_login
from redux_tui.logs.sanitize import plain
from redux_tui.models import InfrastructureError, ReduxError

_WHAT = "MLE-bench's environment"
_TIMEOUT = 2 * 3600.0  # seconds: TensorFlow over a slow line
_LEADS_ASTRAY = (
    *("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT"),
    *("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "UV_SYSTEM_PYTHON"),
)
_ENVIRONMENT = {
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_PROGRESS_BAR": "off",
    "PYTHONUNBUFFERED": "1",
    "LC_ALL": "C.UTF-8",
}
_OFFLINE = (
    "Network is unreachable|Name or service not known|Temporary failure in name resolution|"
    "Failed to establish a new connection|Could not connect|Connection refused|dns error|"
    "error sending request|Failed to fetch|Connection broken|network connectivity|Could not resolve"
)


async def install(
    folder: Path, python: Path, pins: Sequence[str], hold: int, say: Say, tell: Tell
) -> None:
    """Make the environment `folder`, whose interpreter will be `python`, with `pins` in it.

    Raises ReduxError, with the last that the installer said.
    """
    uv = find_uv()
    how = "uv" if uv else "pip"
    say(f"Installing MLE-bench's requirements into {folder} ({how}); this takes a minute or so.")
    if uv:
        steps = [
            [uv, "venv", "--no-project", "--python", sys.executable, str(folder)],
            # compiled now, or each start of a worker would take seconds more
            [uv, "pip", "install", "--compile-bytecode", "--python", str(python), *pins],
        ]
    else:
        steps = [
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", *pins],
        ]
    counter = _Counter(tell)
    for step in steps:
        last: deque[str] = deque(maxlen=30)

        def take(line: str, last: deque[str] = last) -> None:
            text = without_login(plain(line))  # the index may be a private one
            last.append(text)
            say(text)
            counter.take(text)

        try:
            async with asyncio.timeout(_TIMEOUT):
                code = await run(
                    step, take, folder=folder.parent, environment=_environment(), hold=hold
                )
        except TimeoutError:
            raise InfrastructureError(
                f"Installing MLE-bench's requirements took longer than {_TIMEOUT / 3600:.0f} hours"
                " and was stopped. Try again; what was downloaded is kept."
            ) from None
        if code != 0:
            raise _explain(folder, list(last), code)
    counter.end()


def find_uv() -> str | None:
    """Also beside our own interpreter, whose environment need not be active."""
    places = os.pathsep.join((os.environ.get("PATH", ""), str(Path(sys.executable).parent)))
    return shutil.which("uv", path=places)


class _Counter:
    """Reads off the installer's lines how many packages are there, and of how many."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._done, self._total = tell, 0, 0

    def take(self, line: str) -> None:
        if found := re.match(r"Resolved (\d+) packages?", line):  # uv
            self._total = int(found[1])
        elif line.startswith("Installing collected packages: "):  # pip
            self._total = self._done = line.count(",") + 1
        elif re.match(r"(\+ |Collecting |Downloaded |Building )", line):
            self._done += 1
        else:
            return
        # not full before the end: a full bar has ended, and uv goes on to compile
        done = min(self._done, self._total - 1) if self._total else self._done
        self._tell(Progress(_WHAT, done, self._total or None, "packages"))

    def end(self) -> None:
        total = max(self._total, self._done)
        self._tell(Progress(_WHAT, total, total, "packages"))


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _LEADS_ASTRAY}
    return {**kept, **_ENVIRONMENT}


def _explain(folder: Path, last: list[str], code: int) -> ReduxError:
    said = "\n".join(last)
    begin = "MLE-bench's requirements could not be installed"
    if re.search("No space left on device|os error 28|Disk quota", said):
        return InfrastructureError(
            f"{begin}: the disk of {folder} is full. Free some space, and run `redux-tui clone`"
            " again."
        )
    if re.search(_OFFLINE, said):
        return InfrastructureError(
            f"{begin}: the package index can't be reached ({_gist(last)}). Check the network (and"
            " the index and proxy that pip or uv are set to), and run `redux-tui clone` again."
        )
    if "ensurepip" in said:
        return ReduxError(
            f"{begin}: this Python can't make virtual environments. Install that (Debian: `apt-get"
            " install python3-venv`), or uv, and run `redux-tui clone` again."
        )
    return ReduxError(
        f"{begin} (exit code {code}): {_gist(last)}. Correct that and run `redux-tui clone` again;"
        " or set repo_python in the config to an interpreter that has them."
    )


def _gist(last: list[str]) -> str:
    """The last lines that say something, errors before all."""
    errors = [line for line in last if re.search("error|×|No solution|not find", line, re.I)]
    text = " ".join((errors or last or ["the installer said nothing"])[-3:])
    return (text if len(text) < 400 else text[:399] + "…").rstrip(".")
