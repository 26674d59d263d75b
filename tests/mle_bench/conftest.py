"""What the tests of clone, Kaggle and data share: a toy MLE-bench, a server for Kaggle."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from redux_tui.bench.data.means import Options
from redux_tui.bench.data.prepare import prepare
from redux_tui.bench.environment.make import ensure_environment
from redux_tui.bench.kaggle import (
    Credentials,
    Kaggle,
    Patience,
)
from redux_tui.bench.progress import Progress, ignore
from redux_tui.bench.repository.clone import Clone, clone, find_clone
from redux_tui.catalog import Catalog
from redux_tui.config import NAME, Settings, load
from redux_tui.models import Competition
from tests.support.kaggle_server import FakeKaggle, Pattern
from tests.support.mle_bench import (
    TOYS,
    board,
    git,
    make_mle_bench,
    toy_settings,
    toy_zip,
    write_mle_bench,
)

DOWNLOAD = "DownloadDataFiles"


@dataclass
class Bench:
    """A config, a clone, a data folder, and Kaggle."""

    root: Path
    kaggle: FakeKaggle

    @property
    def config(self) -> Path:
        return self.root / NAME

    @property
    def repo(self) -> Path:
        return self.root / "mle-bench"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def settings(self) -> Settings:
        return load(self.config)

    def toy(self, name: str = "toy-alpha") -> Competition:
        return Catalog.of(self.settings).competition(name)

    def source(self, name: str) -> Path:
        return self.repo / "mlebench" / "competitions" / name

    async def prepare(self, name: str = "toy-alpha", options: Options | None = None) -> list[str]:
        """What was said meanwhile."""
        said: list[str] = []
        await prepare(self.toy(name), self.settings, said.append, options=options or Options())
        return said

    def downloads(self) -> int:
        return len(self.kaggle.asked(DOWNLOAD))

    def place(self, name: str = "toy-alpha") -> Path:
        """Kaggle's zip is there already."""
        file = self.data / name / f"{name}.zip"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(toy_zip(name))
        return file

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "redux_tui", "--config", str(self.config), "prepare"]
        return subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.root
        )


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone, and beside it the note that this interpreter can work with it: seconds each."""
    root = tmp_path_factory.mktemp("made-once")
    repo = write_mle_bench(root / "mle-bench")
    (repo / "mlebench/competitions/toy-beta/leaderboard.csv").write_text(board("toy-beta"))
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "One")
    clone = find_clone(repo)
    assert clone is not None
    python = Path(sys.executable)
    asyncio.run(ensure_environment(clone, python=python, say=print, tell=ignore))
    return root


@pytest.fixture
def bench(tmp_path: Path, made_once: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    with FakeKaggle() as kaggle:
        made = Bench(tmp_path, kaggle)
        made.config.write_text(toy_settings(made.repo, data_dir=made.data))
        for name in TOYS:
            kaggle.add(name, toy_zip(name), files={"train.csv": 10_000})
        for key, value in kaggle.environment.items():
            monkeypatch.setenv(key, value)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        yield made


@pytest.fixture
def offline(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Without network and credentials."""
    monkeypatch.setenv("REDUX_KAGGLE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("KAGGLE_USERNAME")
    monkeypatch.delenv("KAGGLE_KEY")
    return bench


QUICK = Patience(tries=3, first=0.01, longest=0.05)

KEY = Credentials("key", FakeKaggle.username, FakeKaggle.key, "the test")

MB = 1_000_000

# the beginning of a process of its own, which can be killed and measured
CHILD = """
import resource, sys, threading
from pathlib import Path
from redux_tui.bench.kaggle import Kaggle, Patience, require_credentials
from redux_tui.bench.progress import ignore

def fetch(slug, target):
    patience = Patience(tries=3, first=0.01, longest=0.05)
    Kaggle(require_credentials(), patience=patience).download(
        slug, Path(target), ignore, threading.Event())
"""


@pytest.fixture
def server() -> Iterator[FakeKaggle]:
    with FakeKaggle() as fake:
        fake.add("toy", Pattern(3 * MB))
        yield fake


class Fetcher:
    """Downloads toy into a folder of its own, and remembers what was told."""

    def __init__(self, server: FakeKaggle, folder: Path) -> None:
        self.server, self.target = server, folder / "toy" / "toy.zip"
        self.progress: list[Progress] = []
        self.lines: list[str] = []
        self.cancelled = threading.Event()

    def __call__(self, slug: str = "toy", patience: Patience = QUICK) -> None:
        with Kaggle(KEY, self.server.url, patience=patience) as kaggle:
            kaggle.download(
                slug, self.target, self.progress.append, self.cancelled, self.lines.append
            )

    @property
    def part(self) -> Path:
        return self.target.with_name("toy.zip.part")

    @property
    def is_whole(self) -> bool:
        names = {each.name for each in self.target.parent.iterdir()}
        body = self.server.competitions["toy"].body
        return names == {"toy.zip", ".toy.zip.lock"} and sha256(self.target) == body.sha256()


@pytest.fixture
def fetch(server: FakeKaggle, tmp_path: Path) -> Fetcher:
    return Fetcher(server, tmp_path)


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def child(server: FakeKaggle, code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + code],
        env={**os.environ, **server.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


BETA = "mlebench/competitions/toy-beta/leaderboard.csv"


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_mle_bench(tmp_path_factory.mktemp("remote"))


def make(remote: Path | str, folder: Path, **options: object) -> Clone:
    url = f"file://{remote}" if isinstance(remote, Path) else remote
    said: list[str] = []
    return asyncio.run(clone(url, folder, say=said.append, tell=ignore, **options))  # type: ignore[arg-type]


def commit_of(remote: Path, name: str) -> str:
    return git(remote, "rev-parse", f"{name}^{{commit}}")


def whole(folder: Path) -> bool:
    """Every file is as its commit has it, but fetched boards."""
    changed = git(folder, "status", "--porcelain").splitlines()
    return all(line.endswith(BETA) for line in changed) and find_clone(folder) is not None


def files_of(folder: Path) -> dict[str, str]:
    """Each file's sum, but for the lock's."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    sums = {str(f.relative_to(folder)): hashlib.md5(f.read_bytes()).hexdigest() for f in files}
    return {name: sum_ for name, sum_ in sums.items() if not Path(name).name.startswith(".zip.")}
