"""The nouns of redux-tui: plain values that every layer shares. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class ReduxError(Exception):
    """Something went wrong that a person can act on; the message is a full sentence or two."""

    exit_code = 2
    is_passing = False  # whether the same may go well a little later, without a person's doing


class InfrastructureError(ReduxError):
    """The harness or what it stands on failed (engine, disk, image build): never the agent."""

    is_passing = True


class Phase(StrEnum):
    """Where an attempt is in its life."""

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    GRADING = "grading"
    FINISHED = "finished"


class Ended(StrEnum):
    """How the agent's process came to its end."""

    COMPLETED = "completed"
    EXIT_NONZERO = "exit_nonzero"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    BUDGET = "budget"
    LOG_LIMIT = "log_limit"
    CANCELLED = "cancelled"
    INFRASTRUCTURE = "infrastructure"


class Result(StrEnum):
    """What grading made of the attempt's submission."""

    SCORED = "scored"
    INVALID = "invalid"
    NONE = "none"
    NOT_APPLICABLE = "not_applicable"
    UNGRADED = "ungraded"

    @property
    def is_failure(self) -> bool:
        """What `R` reruns and what makes an exit code 1."""
        return self not in (Result.SCORED, Result.NOT_APPLICABLE)


class SandboxKind(StrEnum):
    """Where an attempt executes; `auto` is a wish, the other two are places."""

    AUTO = "auto"
    DOCKER = "docker"
    PROCESS = "process"


class Medal(StrEnum):
    GOLD = "gold"
    SILVER = "silver"
    BRONZE = "bronze"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Competition:
    """A competition in MLE-bench's folder format.

    `answers` and `sample_submission` are relative to the data directory, as in config.yaml.
    """

    id: str
    name: str
    folder: Path
    source: str  # "offline", "user", "mle-bench"
    metric: str
    category: str
    awards_medals: bool
    description: Path
    leaderboard: Path
    grade_fn: str  # "grade:grade": file grade.py of the folder, function grade
    prepare_fn: str
    answers: Path
    sample_submission: Path
    kind: str = ""  # MLE-bench's competition_type: "simple", "code"
    size_gb: float | None = None  # of the download, where it is known
    known_issues: tuple[str, ...] = ()  # from MLE-bench's README
    repo: Path | None = None  # the clone of MLE-bench whose code prepares and grades it

    @property
    def checksums(self) -> Path:
        return self.folder / "checksums.yaml"


@dataclass(frozen=True, slots=True)
class Agent:
    """One variant of an agent folder, as `agent.yaml` describes it."""

    id: str  # "aide/dev"
    name: str  # "aide": the folder
    folder: Path
    start: Path  # in the folder, as is the next
    dockerfile: Path
    description: str = ""
    version: str = ""
    trusted: bool = False
    network: str = "none"  # none, models-only, open
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    kwargs_type: str | None = None
    env_vars: Mapping[str, str] = field(default_factory=dict)
    source: str = "user"  # "ours", "user", "mle-bench"
    unsupported: str = ""  # why it can't run here, as a sentence

    @property
    def arguments(self) -> list[str]:
        """`kwargs` as start.sh gets them: `--key value` (argparse) or `key=value` (omegaconf)."""
        if self.kwargs_type == "argparse":
            return [part for key, value in self.kwargs.items() for part in (f"--{key}", str(value))]
        return [f"{key}={value}" for key, value in self.kwargs.items()]


@dataclass(frozen=True, slots=True)
class Run:
    """One agent on one competition, or a technique task of it, with one seed."""

    competition: str
    seed: int = 0
    task: str | None = None

    @property
    def label(self) -> str:
        task = f":{self.task}" if self.task else ""
        return f"{self.competition}{task}#{self.seed}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one attempt may use."""

    timeout: float  # seconds; what the agent is told
    memory: int | None = None  # bytes
    cpus: float | None = None
    pids: int = 4096
    log_bytes: int | None = None  # None: 20 GiB or 10 % of the free disk
    grace_seconds: float | None = None

    @property
    def grace(self) -> float:
        """Seconds after `timeout` until the harness stops it, so the agent's own limit is first."""
        if self.grace_seconds is not None:
            return self.grace_seconds
        return max(60.0, 0.02 * self.timeout)


@dataclass(frozen=True, slots=True)
class Request:
    """What one launch asks for; `group.json` holds exactly this."""

    agent: str
    competitions: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    tasks: tuple[str, ...] = ()
    sandbox: SandboxKind = SandboxKind.AUTO
    jobs: int = 1
    limits: Limits = Limits(timeout=3600.0)
    gpus: tuple[str, ...] = ()
    obfuscated: bool = False  # descriptions and instructions that don't name Kaggle

    def runs(self) -> list[Run]:
        """Seeds outermost, as MLE-bench does: a full first round comes early."""
        return [Run(name, seed) for seed in self.seeds for name in self.competitions]
