"""What works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from redux_tui.bench.data.place import is_prepared
from redux_tui.bench.environment.make import find_environment
from redux_tui.bench.kaggle import Kaggle, KaggleError, Patience, find_credentials, problems
from redux_tui.bench.repository.about import about
from redux_tui.bench.repository.clone import find_clone
from redux_tui.catalog import Catalog
from redux_tui.config import Settings, secrets
from redux_tui.models import InfrastructureError
from redux_tui.sandbox.engine import find_engine
from redux_tui.sandbox.facts import describe

_LOW_DISK = 10e9  # bytes
_HASTE = Patience(tries=1, unreachable=1)  # someone waits for the answer


class Health(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `fix` is a command or a sentence, "" where nothing is to be done."""

    name: str
    health: Health
    detail: str
    fix: str = ""


async def examine(settings: Settings) -> list[Check]:
    """Look at everything that a run stands on; takes at most a few seconds."""
    return await asyncio.to_thread(_examine, settings)


def _examine(settings: Settings) -> list[Check]:
    catalog = Catalog.of(settings)
    return [
        _python(),
        _config(settings),
        *_engine(settings),
        *(_folder(name, path) for name, path in _folders(settings)),
        _competitions(catalog, settings.data_dir),
        *(Check("content", Health.WARNING, problem) for problem in _problems(catalog)),
        *_git(),
        _mle_bench(settings),
        *_kaggle(settings),
    ]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", Health.OK, f"{version} at {sys.executable}")


def _config(settings: Settings) -> Check:
    if settings.file is None:
        return Check("config", Health.OK, "none yet: the defaults hold", "redux-tui --rebuild")
    return Check("config", Health.OK, str(settings.file))


def _engine(settings: Settings) -> list[Check]:
    try:
        engine = find_engine(settings.docker.host)
        facts = describe(engine)
    except InfrastructureError as error:
        return [
            Check(
                "docker",
                Health.WARNING,
                str(error),
                "Without it, only trusted agents (baseline, dummy) run, as plain processes.",
            )
        ]
    detail = (
        f"{facts.name} {facts.version} at {engine.url} ({engine.rule}); {facts.cpus} CPUs,"
        f" {facts.memory / 1e9:.0f} GB; storage {facts.storage_driver},"
        f" cgroup v{facts.cgroup_version}{', rootless' if facts.rootless else ''}"
    )
    return [Check("docker", Health.OK, detail)]


def _folders(settings: Settings) -> list[tuple[str, Path]]:
    return [("work folder", settings.work_dir), ("data folder", settings.data_dir)]


def _folder(name: str, path: Path) -> Check:
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    key = "work_dir" if name.startswith("work") else "data_dir"
    if not os.access(existing, os.W_OK):
        fix = f"Set {key} in the config to a folder of yours, or: chown {os.getuid()} {existing}"
        return Check(name, Health.FAILED, f"{path} can't be written", fix)
    free = shutil.disk_usage(existing).free
    detail = f"{path}, {free / 1e9:.0f} GB free"
    if free < _LOW_DISK:
        return Check(name, Health.WARNING, detail, f"Free some space, or set {key} to another disk")
    return Check(name, Health.OK, detail)


def _competitions(catalog: Catalog, data_dir: Path) -> Check:
    names = catalog.competitions.values()
    prepared = sum(is_prepared(each, data_dir) for each in names)
    fix = "" if prepared == len(names) else "redux-tui prepare -s offline (a run does it by itself)"
    return Check("competitions", Health.OK, f"{len(names)} known, {prepared} prepared", fix)


def _problems(catalog: Catalog) -> list[str]:
    """What could not be read, once everything has been tried."""
    _ = catalog.agents, catalog.splits, catalog.competitions
    return catalog.problems


def _git() -> list[Check]:
    git = shutil.which("git")
    if git is None:
        return [Check("git", Health.WARNING, "not found: MLE-bench can't be cloned", "install git")]
    lfs = shutil.which("git-lfs")
    if lfs is None:
        trouble = "not found: MLE-bench's leaderboards can't be fetched, so nothing of it graded"
        fix = "Debian: apt-get install git-lfs; macOS: brew install git-lfs"
        return [Check("git", Health.OK, git), Check("git-lfs", Health.WARNING, trouble, fix)]
    return [Check("git", Health.OK, git), Check("git-lfs", Health.OK, lfs)]


def _mle_bench(settings: Settings) -> Check:
    """The clone and its environment; offline competitions need neither."""
    found = find_clone(settings.repo_dir)
    if found is None:
        trouble = f"not cloned into {settings.repo_dir} yet; the bundled competitions work without"
        return Check("MLE-bench", Health.OK, trouble, "redux-tui clone")
    detail = f"commit {about(found)} in {found.folder}"
    python = find_environment(found, settings.repo_python)
    if python is None:
        trouble = f"{detail}; its Python environment is not ready"
        return Check("MLE-bench", Health.WARNING, trouble, "redux-tui clone")
    return Check("MLE-bench", Health.OK, f"{detail}, graded by {python}")


def _kaggle(settings: Settings) -> list[Check]:
    """Whether Kaggle takes the credentials, if there are any; asks its server."""
    try:
        credentials = find_credentials(secrets(settings))
        if credentials is None:
            trouble = (
                "no credentials; what is downloaded already, and what is bundled, works without"
            )
            return [Check("Kaggle", Health.OK, trouble, "redux-tui (setup screen, MLE-bench)")]
        with Kaggle(credentials, patience=_HASTE) as kaggle:
            name = kaggle.whoami()
    except KaggleError as error:
        return [Check("Kaggle", Health.WARNING, str(error))]
    found = Check("Kaggle", Health.OK, f"signed in as {name} ({credentials.origin})")
    return [found, *(Check("Kaggle", Health.WARNING, each) for each in problems(credentials))]
