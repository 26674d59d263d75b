"""The YAML config: settings, and the state that the app remembers between two starts.

PyYAML reads; ruamel.yaml writes, so that comments, key order and unknown keys survive.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from redux_tui.files import locked, write_atomically
from redux_tui.models import Limits, ReduxError, SandboxKind
from redux_tui.yaml_file import read_yaml_mapping

NAME = "mle-bench-config.yaml"
MLE_BENCH = "https://github.com/openai/mle-bench.git"


class DockerSettings(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    host: str | None = None  # None: found as the docker command finds it
    base_image: str | None = None  # None: what the agent's Dockerfile names


class LimitSettings(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    memory: int | None = Field(default=None, gt=0)  # bytes
    cpus: float | None = Field(default=None, gt=0)
    pids: int = Field(default=4096, gt=0)
    log_bytes: int | None = Field(default=None, gt=0)
    grace_seconds: float | None = Field(default=None, ge=0)


class Settings(BaseModel):
    """The config's keys with their defaults. Paths are absolute once `load` returned them."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    # as the older Plexe runner names them
    repo_url: str = MLE_BENCH
    repo_dir: Path = Path("mle-bench")
    datasets: tuple[str, ...] = ()
    provider: str = "openai/gpt-4.1-mini"
    max_iterations: int = Field(default=3, gt=0)
    timeout: float = Field(default=3600, gt=0)  # seconds

    agent: str = "baseline"
    sandbox: SandboxKind = SandboxKind.AUTO
    jobs: int = Field(default=1, gt=0)
    seeds: int = Field(default=1, gt=0)
    gpus: tuple[str | int, ...] = ()
    retry_after: tuple[float, ...] = (5, 30)  # seconds before each retry of the harness's failures
    work_dir: Path = Path("workdir")
    data_dir: Path = Field(default_factory=lambda: _mle_bench_cache())
    content_dirs: tuple[Path, ...] = ()
    agents: dict[str, dict[str, Any]] = {}
    docker: DockerSettings = DockerSettings()
    limits: LimitSettings = LimitSettings()
    theme: str | None = None
    state: dict[str, Any] = {}

    file: Path | None = None  # where it was read from; None: there is none yet

    def limits_of_attempt(self, timeout: float | None = None) -> Limits:
        return Limits(timeout=timeout or self.timeout, **self.limits.model_dump())

    @property
    def placeholders(self) -> dict[str, Any]:
        """What `${{ config.x }}` in an agent.yaml may name."""
        return self.model_dump(include={"provider", "max_iterations", "timeout"})

    def base_image(self, environment: Mapping[str, str] = os.environ) -> str | None:
        return environment.get("REDUX_BASE_IMAGE") or self.docker.base_image


def find_config(explicit: Path | None = None, folder: Path | None = None) -> Path | None:
    """The config in use: the one named, else in the current folder, else the user's. Or none."""
    if explicit is not None:
        return explicit.absolute()
    places = [(folder or Path.cwd()) / NAME, _user_config_dir() / NAME]
    return next((place for place in places if place.is_file()), None)


def new_config_path(explicit: Path | None = None) -> Path:
    """Where the wizard writes a first config: as named, in a checkout, or in the user's folder."""
    if explicit is not None:
        return explicit.absolute()
    return (Path.cwd() if _is_checkout(Path.cwd()) else _user_config_dir()) / NAME


def load(path: Path | None) -> Settings:
    """The settings in `path`; the defaults if it is None or not there yet.

    Raises ReduxError for broken YAML (file, line, trouble) and for a wrong value (its key and
    what it must be). The file is never changed by this.
    """
    exists = path is not None and path.exists()
    data = read_yaml_mapping(path) if path is not None and exists else {}
    data = {key: value for key, value in data.items() if value is not None}
    data.pop("file", None)
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        raise ReduxError(_explain(path, error)) from error
    return _with_absolute_paths(settings, path if exists else None, data)


def update(path: Path, changes: Mapping[str, Any]) -> None:
    """Replace only the keys in `changes` ("state.last_group" is a nested one), keep all else.

    A value of None takes the key out. The file is made if it is not there.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.util import load_yaml_guess_indent

    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(_lock_file(path)):
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if text.strip():
            read_yaml_mapping(path)  # broken YAML: say so, and leave the file alone
        _, indent, offset = load_yaml_guess_indent(text)
        yaml = YAML()
        yaml.preserve_quotes = True
        yaml.width = 4096  # never fold a person's long line
        if indent:
            yaml.indent(sequence=indent, offset=offset or 0)
        document = yaml.load(text)
        head = ""
        if document is None:
            document, head = CommentedMap(), text  # nothing, or nothing but comments
        for key, value in changes.items():
            _set(document, key.split("."), value)
        stream = io.StringIO()
        yaml.dump(document, stream)
        write_atomically(path, head + stream.getvalue())


def secrets(settings: Settings) -> dict[str, str]:
    """Secrets by name: from `.env` beside the config (or in the current folder), the environment.

    They are only handed out where an agent names one; they are never written anywhere.
    """
    from dotenv import dotenv_values

    folder = settings.file.parent if settings.file else Path.cwd()
    stored = {key: value for key, value in dotenv_values(folder / ".env").items() if value}
    return {**stored, **os.environ}


def _set(document: Any, keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        if not isinstance(document.get(key), dict):
            document[key] = {}
        document = document[key]
    if value is None:
        document.pop(keys[-1], None)
    else:
        document[keys[-1]] = value


def _explain(path: Path | None, error: ValidationError) -> str:
    lines = []
    for each in error.errors():
        key = ".".join(str(part) for part in each["loc"])
        given = each.get("input")
        lines.append(f"{key} is {given!r}, which will not do: {each['msg']}.")
    return f"{path}: " + " ".join(lines) + " Correct it there; the file was left as it is."


def _with_absolute_paths(
    settings: Settings, path: Path | None, data: Mapping[str, Any]
) -> Settings:
    """Relative paths are relative to the config file (without one: to the current folder)."""
    base = path.parent if path else Path.cwd()
    work_dir = base / settings.work_dir.expanduser()
    if "work_dir" not in data and not _is_checkout(base):
        work_dir = Path(platformdirs.user_data_dir("redux-tui"))
    return settings.model_copy(
        update={
            "file": path,
            "repo_dir": base / settings.repo_dir.expanduser(),
            "work_dir": work_dir,
            "data_dir": base / settings.data_dir.expanduser(),
            "content_dirs": tuple(base / each.expanduser() for each in settings.content_dirs),
        }
    )


def _is_checkout(folder: Path) -> bool:
    return (folder / "app" / "redux_tui").is_dir()


def _user_config_dir() -> Path:
    return Path(platformdirs.user_config_dir("redux-tui"))


def _mle_bench_cache() -> Path:
    """MLE-bench's own place, so that data that is there already is found."""
    return Path(platformdirs.user_cache_dir("mle-bench")) / "data"


def _lock_file(path: Path) -> Path:
    """Beside nothing of the user's: a lock on the file itself would be lost by the rename."""
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    return Path(platformdirs.user_cache_dir("redux-tui")) / "locks" / name
