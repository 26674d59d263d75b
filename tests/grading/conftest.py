"""A toy MLE-bench: cloned, its environment ready, the data of its competitions prepared."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from redux_tui.bench.environment.make import ensure_environment
from redux_tui.bench.progress import ignore
from redux_tui.bench.repository.clone import find_clone
from redux_tui.catalog import Catalog
from redux_tui.config import NAME, Settings, load
from redux_tui.models import Competition
from tests.support.mle_bench import board, make_mle_bench, toy_settings

IDS = list(range(0, 200, 5))
ALPHA = "id,label\n" + "".join(f"{n},{n // 5 % 2}\n" for n in IDS)
BETA = "id,price\n" + "".join(f"{n},{100 + n * 1.1:.3f}\n" for n in IDS)
GAMMA = [{"id": f"w{n:03d}", "word": f"word{n % 7}"} for n in IDS]


@dataclass(frozen=True)
class Toys:
    """`root` holds the config, the clone and the data."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / NAME

    @property
    def settings(self) -> Settings:
        return load(self.config)

    @property
    def repo(self) -> Path:
        return self.root / "mle-bench-work"

    def competition(self, name: str) -> Competition:
        return Catalog.of(self.settings).competition(name)


def _make_toys(root: Path) -> Toys:
    toys = Toys(root)
    make_mle_bench(root)
    leaderboard = toys.repo / "mlebench" / "competitions" / "toy-beta" / "leaderboard.csv"
    leaderboard.write_text(board("toy-beta"))
    _prepare(root / "data")
    clone = find_clone(toys.repo)
    assert clone is not None
    python = Path(sys.executable)
    asyncio.run(ensure_environment(clone, python=python, say=print, tell=ignore))
    return _configured(toys)


def _configured(toys: Toys) -> Toys:
    toys.config.write_text(toy_settings(toys.repo, data_dir="data", work_dir="work"))
    return toys


def _prepare(data: Path) -> None:
    """What their prepare functions make of raw data, as far as grading needs it."""
    gamma = "id,word\n" + "".join(f"{each['id']},word\n" for each in GAMMA)
    files = {
        "toy-alpha/prepared/private/test.csv": ALPHA,
        "toy-alpha/prepared/public/sample_submission.csv": ALPHA.replace(",1\n", ",0\n"),
        "toy-beta/prepared/private/answers.csv": BETA,
        "toy-beta/prepared/private/sample_submission.csv": BETA,
        "toy-gamma/prepared/private/answers.jsonl": "\n".join(map(json.dumps, GAMMA)) + "\n",
        "toy-gamma/prepared/public/sample_submission.csv": gamma,
    }
    for name, text in files.items():
        file = data / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture(scope="session")
def shared_toys(tmp_path_factory: pytest.TempPathFactory) -> Toys:
    """For tests that change nothing of it."""
    return _make_toys(tmp_path_factory.mktemp("toys"))


@pytest.fixture
def toys(shared_toys: Toys, tmp_path: Path) -> Toys:
    """A copy of one's own."""
    shutil.copytree(shared_toys.root, tmp_path, dirs_exist_ok=True)
    return _configured(Toys(tmp_path))
