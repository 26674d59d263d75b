"""A run group's folder: made, found, listed; `group.json` holds the request and nothing else."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redux_tui.catalog.suggest import unknown
from redux_tui.config import Settings
from redux_tui.files import is_locked, sync_folder, write_json
from redux_tui.models import Limits, ReduxError, Request, SandboxKind
from redux_tui.runner.journal import Reader
from redux_tui.runner.state import GroupState

LOCK = "supervisor.lock"
SUPERVISOR_LOG = "supervisor.log"
BUSY = 3  # exit code of a supervisor that found the lock taken
_REQUEST = "group.json"


class Group:
    """One run group as a reader sees it: `refresh` takes in what the journal has got since."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.request = read_request(folder)
        self.state = GroupState(folder)
        self.reader = Reader(folder)

    @property
    def name(self) -> str:
        return self.folder.name

    def refresh(self) -> bool:
        """Read on in the journal; whether there was anything new."""
        events = self.reader.read()
        self.state.apply(events)
        return bool(events)

    @property
    def is_alive(self) -> bool:
        """Whether a supervisor drives it now."""
        return is_locked(self.folder / LOCK)


def create_group(settings: Settings, request: Request) -> Path:
    """Make the folder of a new run group, named as MLE-bench names them, and write its request.

    Raises ReduxError if the work folder can't be written.
    """
    runs = settings.work_dir / "runs"
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReduxError(
            f"The work folder {settings.work_dir} can't be written ({error.strerror}). Set work_dir"
            " in the config to a folder of yours."
        ) from error
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S-UTC")
    agent = request.agent.partition("/")[0].replace(":", "-")  # a colon parts paths in lists
    base = f"{stamp}_run-group_{agent}"
    folder = _make_unique(runs, base)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    # the config is named, not copied: the supervisor reads it, as every client does
    config = str(settings.file) if settings.file else None
    origin = {"v": 1, "created_at": created, "config": config, "base": str(settings.base)}
    write_json(folder / _REQUEST, {**origin, **asdict(request)})
    sync_folder(runs)
    return folder


def read_request(folder: Path) -> Request:
    """The request of the group in `folder`. Raises ReduxError if there is none to be read."""
    data = read_group_file(folder)
    try:
        return Request(
            agent=data["agent"],
            competitions=tuple(data["competitions"]),
            seeds=tuple(data["seeds"]),
            tasks=tuple(data["tasks"]),
            sandbox=SandboxKind(data["sandbox"]),
            jobs=data["jobs"],
            limits=Limits(**data["limits"]),
            gpus=tuple(data["gpus"]),
            obfuscated=data.get("obfuscated", False),  # younger than the first groups
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ReduxError(
            f"{folder / _REQUEST} is not the request of a run group ({error!r}): it was changed by"
            " hand, or written by another version of redux-tui."
        ) from error


def read_group_file(folder: Path) -> dict[str, Any]:
    try:
        data = json.loads((folder / _REQUEST).read_text())
    except FileNotFoundError:
        raise ReduxError(f"{folder} is not a run group: it has no {_REQUEST}.") from None
    except ValueError as error:
        raise ReduxError(f"{folder / _REQUEST} is not valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise ReduxError(f"{folder / _REQUEST} must hold a JSON object.")
    return data


def list_groups(work_dir: Path) -> list[Path]:
    """The folders of all run groups, newest first."""
    runs = work_dir / "runs"
    if not runs.is_dir():
        return []
    folders = [entry for entry in runs.iterdir() if (entry / _REQUEST).is_file()]
    return sorted(folders, key=lambda folder: folder.name, reverse=True)


def find_group(work_dir: Path, name: str | None) -> Path:
    """The folder of the named group, or of the newest. A path to a group's folder serves too."""
    if name is not None and os.sep in name and (Path(name) / _REQUEST).is_file():
        return Path(name).resolve()
    folders = list_groups(work_dir)
    if not folders:
        raise ReduxError(
            f"There is no run group in {work_dir / 'runs'} yet. Start one with `redux-tui run`."
        )
    if name is None:
        return folders[0]
    for folder in folders:
        if folder.name == name:
            return folder
    raise unknown("run group", name, [folder.name for folder in folders])


def _make_unique(runs: Path, base: str) -> Path:
    for suffix in ["", *(f"-{number:03}" for number in range(2, 1000))]:
        folder = runs / (base + suffix)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise ReduxError(f"A thousand run groups were started within one second in {runs}.")
