"""What the harness tells the agent through environment variables, and the clock it has to keep."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Folders, limits and the seed; `seconds` is the time limit, None if there is none."""

    competition: str
    data: Path
    submission: Path
    logs: Path
    code: Path
    instructions: Path | None
    seconds: float | None
    steps: int | None
    seed: int
    started: float

    def elapsed(self) -> float:
        """Seconds since the agent began."""
        return time.monotonic() - self.started

    def time_for(self, seconds: float) -> bool:
        """Whether work of about that many seconds fits into the first 60 % of the limit."""
        return self.seconds is None or self.elapsed() + seconds < 0.6 * self.seconds


def read_settings() -> Settings:
    """Read the environment; exits with a sentence if a folder or number is missing or wrong."""
    instructions = os.environ.get("INSTRUCTIONS_FILE")
    return Settings(
        competition=os.environ.get("COMPETITION_ID", "(unnamed)"),
        data=_folder("DATA_DIR"),
        submission=_folder("SUBMISSION_DIR"),
        logs=_folder("LOGS_DIR"),
        code=_folder("CODE_DIR"),
        instructions=Path(instructions) if instructions else None,
        seconds=_number("TIME_LIMIT_SECS"),
        steps=_whole("STEP_LIMIT"),
        seed=(_whole("SEED") or 0) % 2**32,
        started=time.monotonic(),
    )


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value or not Path(value).is_dir():
        sys.exit(f"baseline: {variable} must name a folder that exists, but it is {value!r}.")
    return Path(value)


def _number(variable: str) -> float | None:
    value = os.environ.get(variable, "").strip()
    if not value:
        return None
    try:
        return float(value)
    except ValueError:
        sys.exit(f"baseline: {variable} must be a number, but it is {value!r}.")


def _whole(variable: str) -> int | None:
    value = _number(variable)
    return None if value is None else int(value)
