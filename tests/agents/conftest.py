"""Runs an agent as a plain process under the environment contract, as the harness does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from redux_tui.offline import loading

AGENTS = Path(__file__).parents[2] / "agents"


@dataclass
class Attempt:
    """What an agent left behind."""

    returncode: int
    output: str
    seconds: float
    submission: Path
    code: Path
    logs: Path

    def table(self) -> pd.DataFrame:
        return pd.read_csv(self.submission / "submission.csv")


RunAgent = Callable[..., Attempt]


@pytest.fixture
def run_agent(tmp_path: Path) -> RunAgent:
    """Return a function that runs an agent on a data folder."""
    # start.sh asks for python3; it must be the one that has pandas.
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (commands / "python3").chmod(0o755)

    def run(agent: str, data: Path, **variables: str) -> Attempt:
        base = tmp_path / f"attempt-{len(list(tmp_path.iterdir()))}"
        folders = {name: base / name for name in ("submission", "code", "logs", "home")}
        for folder in folders.values():
            folder.mkdir(parents=True)
        environment = {
            "PATH": f"{commands}:{os.environ['PATH']}",
            "HOME": str(folders["home"]),
            "OMP_NUM_THREADS": "1",
            "COMPETITION_ID": "a-competition",
            "TIME_LIMIT_SECS": "120",
            "STEP_LIMIT": "500",
            "SEED": "0",
            "DATA_DIR": str(data),
            "SUBMISSION_DIR": str(folders["submission"]),
            "CODE_DIR": str(folders["code"]),
            "LOGS_DIR": str(folders["logs"]),
            "AGENT_DIR": str(AGENTS / agent),
            "INSTRUCTIONS_FILE": str(data / "description.md"),
        } | variables
        began = time.monotonic()
        done = subprocess.run(
            ["sh", str(AGENTS / agent / "start.sh")],
            env=environment,
            cwd=folders["home"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )
        return Attempt(
            done.returncode,
            done.stdout,
            time.monotonic() - began,
            folders["submission"],
            folders["code"],
            folders["logs"],
        )

    return run


@pytest.fixture(scope="session")
def public(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives a competition's public folder, with its description."""
    base = tmp_path_factory.mktemp("data")

    def prepare(competition: str) -> Path:
        folder, _ = loading.prepare_into(competition, base)
        text = (loading.OFFLINE / competition / "description.md").read_text()
        (folder / "description.md").write_text(text)
        return folder

    return prepare


def grade(competition: str, public_folder: Path, attempt: Attempt) -> float:
    """Grade an attempt's submission."""
    answers = pd.read_csv(public_folder.parent / "private" / "test.csv")
    return loading.load_grade(competition)(attempt.table(), answers)
