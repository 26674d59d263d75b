"""The YAML config: settings, and the state that the app remembers between two starts.

People edit this file: a write keeps its comments, key order, unknown keys, newlines and mode.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
)
from typing_extensions import TypedDict  # pydantic can't take typing's before Python 3.12

from redux_tui.files import locked, write_atomically
from redux_tui.models import Limits, ReduxError, SandboxKind
from redux_tui.yaml_file import change_yaml, read_yaml_mapping

NAME = "mle-bench-config.yaml"
MLE_BENCH = "https://github.com/openai/mle-bench.git"


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("Input should be a number")
    return value


def _expand(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("a path holds no NUL")
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError("the home folder of that user is not known") from error


def _none_is_empty(value: Any) -> Any:
    return {} if value is None else value


_Whole = Annotated[int, BeforeValidator(_no_bool)]
_Number = Annotated[FiniteFloat, BeforeValidator(_no_bool)]  # YAML's `true` is no 1
_Folder = Annotated[Path, AfterValidator(_expand)]
_Table = Annotated[dict[str, Any], BeforeValidator(_none_is_empty)]


class AgentSettings(TypedDict, total=False):
    """What the config sets for an agent, where its variant says nothing."""

    kwargs: _Table
    env_vars: _Table


class DockerSettings(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    host: str | None = None  # None: found as the docker command finds it
    base_image: str | None = None  # None: what the agent's Dockerfile names


class LimitSettings(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    memory: _Whole | None = Field(default=None, gt=0)  # bytes
    cpus: _Number | None = Field(default=None, gt=0)
    pids: _Whole = Field(default=4096, gt=0)
    log_bytes: _Whole | None = Field(default=None, gt=0)
    grace_seconds: _Number | None = Field(default=None, ge=0)


class Settings(BaseModel):
    """The config's keys with their defaults. Paths are absolute once `load` returned them."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    # as the older Plexe runner names them
    repo_url: str = MLE_BENCH
    repo_dir: _Folder = Path("mle-bench")
    repo_ref: str | None = None  # the tag, branch or commit to use; None: the default branch
    repo_python: _Folder | None = None  # has MLE-bench's requirements; None: we make one that has
    datasets: tuple[str, ...] = ()
    provider: str = "openai/gpt-4.1-mini"
    max_iterations: _Whole = Field(default=3, gt=0)
    timeout: _Number = Field(default=3600, gt=0)  # seconds

    agent: str = "baseline"
    sandbox: SandboxKind = SandboxKind.AUTO
    jobs: _Whole = Field(default=1, gt=0)
    seeds: _Whole = Field(default=1, gt=0)
    gpus: tuple[str | _Whole, ...] = ()
    # seconds before each retry of the harness's failures
    retry_after: tuple[Annotated[_Number, Field(ge=0)], ...] = (5, 30)
    work_dir: _Folder = Path("workdir")
    data_dir: _Folder = Field(default_factory=lambda: _mle_bench_cache())
    downloads: _Whole = Field(default=3, gt=0)  # at a time
    content_dirs: tuple[_Folder, ...] = ()
    agents: dict[str, Annotated[AgentSettings, BeforeValidator(_none_is_empty)]] = {}
    docker: DockerSettings = DockerSettings()
    limits: LimitSettings = LimitSettings()
    theme: str | None = None
    state: dict[str, Any] = {}

    file: Path | None = None  # where it was read from; None: there is none yet
    base: Path = Field(default_factory=Path.cwd)  # what relative paths are relative to

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


def load(path: Path | None, base: Path | None = None) -> Settings:
    """The settings in `path`; the defaults if it is None or not there yet.

    Relative paths start at the config's folder; without a config, at `base` (default: the
    current folder), which a process that runs elsewhere names.

    Raises ReduxError for broken YAML (file, line, trouble) and for a wrong value (its key and
    what it must be). The file is never changed by this.
    """
    exists = path is not None and path.exists()
    data = read_yaml_mapping(path) if path is not None and exists else {}
    data = {key: value for key, value in data.items() if value is not None}
    file = path.absolute() if path is not None and exists else None
    data.update(file=file, base=file.parent if file else (base or Path.cwd()).absolute())
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        raise ReduxError(_explain(path, error)) from error
    return _with_absolute_paths(settings, set(data))


def update(path: Path, changes: Mapping[str, Any]) -> None:
    """Replace only the keys in `changes` ("state.last_group" is a nested one), keep all else.

    A value of None takes the key out. The file is made if it is not there; a link stays one.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(_lock_file(path)):
        if not path.exists():
            return write_atomically(path, change_yaml("", changes))
        read_yaml_mapping(path)  # broken YAML: say so, and leave the file alone
        text = path.read_bytes().decode()
        bom = "\ufeff" if text.startswith("\ufeff") else ""
        newline = "\r\n" if "\r\n" in text else "\n"
        try:
            text = change_yaml(text.removeprefix(bom).replace("\r\n", "\n"), changes)
        except ValueError as error:
            raise ReduxError(
                f"{path} can't be changed, though it can be read ({error}). Correct it there; the"
                " file was left as it is."
            ) from error
        mode = stat.S_IMODE(path.stat().st_mode)
        write_atomically(path, bom + text.replace("\n", newline), mode)


def secrets(settings: Settings) -> dict[str, str]:
    """Secrets by name: from `.env` beside the config (or in `base`), and the environment.

    They are only handed out where an agent names one; they are never written anywhere.
    """
    from dotenv import dotenv_values

    file = settings.base / ".env"
    stored = {key: value for key, value in dotenv_values(file).items() if value}
    return {**stored, **os.environ}


def _explain(path: Path | None, error: ValidationError) -> str:
    lines = []
    for each in error.errors():
        key = ".".join(str(part) for part in each["loc"])
        given = repr(each.get("input"))[:200]
        message = each["msg"].removeprefix("Value error, ").rstrip(".")
        lines.append(f"{key} is {given}, which will not do: {message}.")
    return f"{path}: " + " ".join(lines) + " Correct it there; the file was left as it is."


def _with_absolute_paths(settings: Settings, given: set[str]) -> Settings:
    """What is not given lies in a checkout, or in the user's own place: found from any folder."""
    base = settings.base
    work_dir, repo_dir = base / settings.work_dir, base / settings.repo_dir
    users = Path(platformdirs.user_data_dir("redux-tui"))
    if not _is_checkout(base):
        work_dir = work_dir if "work_dir" in given else users
        repo_dir = repo_dir if "repo_dir" in given or repo_dir.exists() else users / repo_dir.name
    return settings.model_copy(
        update={
            "repo_dir": repo_dir,
            "repo_python": base / settings.repo_python if settings.repo_python else None,
            "work_dir": work_dir,
            "data_dir": base / settings.data_dir,
            "content_dirs": tuple(base / each for each in settings.content_dirs),
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
