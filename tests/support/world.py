"""A small world for tests: a config, a toy competition, agents made of a few lines of shell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from redux_tui.config import NAME, Settings, load
from redux_tui.models import Limits, Request, SandboxKind
from redux_tui.runner.client import launch
from redux_tui.runner.group import Group

CONFIG = """\
id: toy
name: Toy
competition_type: simple
category: tabular
awards_medals: true
description: description.md
dataset:
  answers: toy/prepared/private/test.csv
  sample_submission: toy/prepared/public/sample_submission.csv
grader:
  name: accuracy
  grade_fn: grade:grade
preparer: prepare:prepare
"""

PREPARE = """\
def prepare(raw, public, private):
    print("preparing toy")
    (public / "train.csv").write_text("id,x,y\\n1,0,0\\n2,1,1\\n")
    (public / "test.csv").write_text("id,x\\n3,1\\n4,0\\n")
    (public / "sample_submission.csv").write_text("id,y\\n3,0\\n4,0\\n")
    (private / "test.csv").write_text("id,y\\n3,1\\n4,0\\n")
"""

GRADE = """\
class InvalidSubmissionError(Exception):
    pass

def grade(submission, answers):
    if list(submission.columns) != ["id", "y"]:
        raise InvalidSubmissionError("The columns must be id, y.")
    merged = submission.merge(answers, on="id")
    return float((merged.y_x == merged.y_y).mean())
"""

# 0.95, 0.945 … 0.46: gold at 0.905, the sample submission's 0.5 is below the median
LEADERBOARD = "rank,score\n" + "".join(f"{n + 1},{0.95 - n * 0.005:.3f}\n" for n in range(100))

SUBMIT_BEST = 'printf "id,y\\n3,1\\n4,0\\n" > "$SUBMISSION_DIR/submission.csv"\n'
SUBMIT_SAMPLE = 'cp "$DATA_DIR/sample_submission.csv" "$SUBMISSION_DIR/submission.csv"\n'


@dataclass(frozen=True)
class World:
    """`root` holds the config, the data, the work folder and the content."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / NAME

    @property
    def settings(self) -> Settings:
        return load(self.config)

    def agent(self, name: str, script: str, yaml: str = "", dockerfile: str = "") -> str:
        """An agent whose start.sh is `script`."""
        folder = self.root / "content" / "agents" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "start.sh").write_text(script)
        (folder / "agent.yaml").write_text(f"{name}:\n  start: start.sh\n{yaml}")
        default = "ARG BASE=redux-base:latest\nFROM ${BASE}\nCOPY . /home/agent\n"
        (folder / "Dockerfile").write_text(dockerfile or default)
        return name

    def competition(self, name: str = "toy", **files: str) -> str:
        """A toy competition; `files` replace prepare, grade, leaderboard or config."""
        folder = self.root / "content" / "competitions" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(files.get("config", CONFIG).replace("toy", name))
        (folder / "prepare.py").write_text(files.get("prepare", PREPARE))
        (folder / "grade.py").write_text(files.get("grade", GRADE))
        (folder / "leaderboard.csv").write_text(files.get("leaderboard", LEADERBOARD))
        (folder / "description.md").write_text("# Toy\n\nPredict y. Metric: accuracy.\n")
        return name

    def request(
        self,
        agent: str,
        competitions: Sequence[str] = ("toy",),
        *,
        timeout: float = 60,
        sandbox: SandboxKind = SandboxKind.PROCESS,
        seeds: int = 1,
        jobs: int = 1,
        gpus: tuple[str, ...] = (),
        **limits: int,
    ) -> Request:
        return Request(
            agent=agent,
            competitions=tuple(competitions),
            seeds=tuple(range(seeds)),
            sandbox=sandbox,
            jobs=jobs,
            limits=Limits(timeout=timeout, **limits),
            gpus=gpus,
        )

    async def run(self, request: Request) -> Group:
        """Launch and wait for the end."""
        return await until_finished(await launch(self.settings, request))


def make_world(root: Path) -> World:
    world = World(root)
    world.config.write_text("work_dir: work\ndata_dir: data\ncontent_dirs: [content]\n")
    world.competition()
    return world


async def until(group: Group, condition: Callable[[Group], bool], seconds: float = 60) -> Group:
    """Follow the group until `condition` holds."""
    deadline = time.monotonic() + seconds
    while True:
        group.refresh()
        if condition(group):
            return group
        assert time.monotonic() < deadline, f"{group.state}"
        await asyncio.sleep(0.02)


async def until_finished(group: Group) -> Group:
    return await until(group, lambda g: g.state.is_finished and not g.is_alive)
