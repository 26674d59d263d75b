"""From nothing to graded runs on a toy MLE-bench: clone, download, prepare, run, rerun, grade."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.kaggle_server import FakeKaggle
from tests.support.mle_bench import make_mle_bench, toy_zip

NO_KEYS = ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN")


@dataclass
class Person:
    """Someone at a shell, in a folder of their own, with a home of their own."""

    root: Path
    environment: dict[str, str]

    def type(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "redux_tui", *words],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def ask(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.type(*words, "--json", code=code).stdout)

    def attempt(self, *words: str, code: int = 0) -> tuple[dict[str, Any], Path]:
        """Run one attempt; what is said of it, and its folder."""
        answer = self.ask("run", *words, code=code)
        attempt = answer["attempts"][-1]
        return attempt, Path(answer["dir"]) / attempt["id"]


@pytest.fixture
def kaggle() -> Iterator[FakeKaggle]:
    with FakeKaggle() as server:
        for name in ("toy-alpha", "toy-beta", "toy-gamma"):
            server.add(name, toy_zip(name))
        yield server


@pytest.fixture
def person(tmp_path: Path, kaggle: FakeKaggle) -> Person:
    home = tmp_path / "home"
    home.mkdir()
    remote = make_mle_bench(tmp_path)
    (tmp_path / "mle-bench-config.yaml").write_text(
        f"repo_url: file://{remote}\nrepo_dir: mle-bench\nrepo_python: {sys.executable}\n"
        "work_dir: work\ndata_dir: data\nretry_after: [0.1]\n"
    )
    environment = {key: value for key, value in os.environ.items() if key not in NO_KEYS}
    return Person(tmp_path, {**environment, "HOME": str(home), **kaggle.environment})


def test_a_person_with_an_account_gets_from_nothing_to_graded_results(person: Person) -> None:
    before = person.type("run", "-c", "spaceship-titanic", code=2)
    assert "redux-tui clone" in before.stderr
    cloned = person.ask("clone")
    listed = {each["id"]: each for each in person.ask("list", "competitions")}
    assert listed["toy-alpha"]["source"] == "mle-bench"
    attempt, folder = person.attempt("-c", "toy-alpha", "-a", "dummy", "--sandbox", "process")
    assert attempt["result"] == "scored"
    assert attempt["commit"] == cloned["commit"]
    assert attempt["report"]["gold_threshold"] == pytest.approx(0.99 - 9 * 0.004)
    assert "toy bench of Kaggle competitions" in (folder / "instructions.txt").read_text()
    report = person.ask("grade", str(folder / "submission" / "submission.csv"), "toy-alpha")
    same = set(report) - {"created_at", "submission_path", "sandbox"}
    assert {key: report[key] for key in same} == {key: attempt["report"][key] for key in same}


def test_obfuscated_runs_do_not_name_kaggle(person: Person) -> None:
    person.ask("clone")
    where = ("-c", "toy-alpha", "-a", "reader", "--sandbox", "process")
    agent = person.root / "content" / "agents" / "reader"
    agent.mkdir(parents=True)
    (agent / "agent.yaml").write_text("reader:\n  start: start.sh\n")
    (agent / "Dockerfile").write_text("FROM scratch\n")
    (agent / "start.sh").write_text(
        'cat "$INSTRUCTIONS_FILE" "$DATA_DIR/description.md"; ls "$DATA_DIR"\n'
        'cp "$DATA_DIR/sample_submission.csv" "$SUBMISSION_DIR/submission.csv"\n'
    )
    config = person.root / "mle-bench-config.yaml"
    config.write_text(config.read_text() + "content_dirs: [content]\n")
    plain, plain_folder = person.attempt(*where)
    hidden, hidden_folder = person.attempt(*where, "--obfuscated")
    assert plain["result"] == "scored"
    assert hidden["report"]["score"] == plain["report"]["score"]
    assert "Kaggle" in (plain_folder / "container.log").read_text()
    said = (hidden_folder / "container.log").read_text()
    assert "Kaggle" not in said
    assert "train.csv" in said
    assert not (hidden_folder / "data").exists()


@pytest.mark.long
def test_rules_that_are_not_accepted_stop_only_their_own_competitions(
    person: Person, kaggle: FakeKaggle
) -> None:
    kaggle.competitions["toy-gamma"].entered = False
    person.ask("clone")
    words = ("run", "-c", "toy-alpha", "-c", "toy-gamma", "-a", "dummy", "--sandbox", "process")
    done = person.type(*words, "--json", code=1)
    attempts = json.loads(done.stdout)["attempts"]
    assert [each["competition"] for each in attempts if each["result"] == "scored"] == ["toy-alpha"]
    (refused,) = [each for each in attempts if each["competition"] == "toy-gamma"]
    assert refused["ended"] == "infrastructure"  # and not tried again by itself
    assert "https://www.kaggle.com/c/toy-gamma/rules" in refused["reason"]
    assert "https://www.kaggle.com/c/toy-gamma/rules" in done.stderr
    kaggle.competitions["toy-gamma"].entered = True
    person.type("rerun")


@pytest.mark.long
def test_wrong_credentials_are_told_before_anything_starts(person: Person) -> None:
    person.ask("clone")
    person.environment["KAGGLE_KEY"] = "wrong"
    done = person.type("run", "-c", "toy-alpha", "-a", "dummy", "--sandbox", "process", code=2)
    assert "KAGGLE_USERNAME" in done.stderr
    assert not (person.root / "work").exists()


@pytest.mark.long
def test_prepared_data_needs_neither_network_nor_credentials(
    person: Person, kaggle: FakeKaggle
) -> None:
    person.ask("clone")
    person.ask("prepare", "-c", "toy-alpha")
    asked = len(kaggle.requests)
    for name in NO_KEYS:
        person.environment.pop(name, None)
    person.environment["REDUX_KAGGLE_ENDPOINT"] = "http://127.0.0.1:1"
    attempt, _ = person.attempt("-c", "toy-alpha", "-a", "dummy", "--sandbox", "process")
    assert attempt["result"] == "scored"
    assert len(kaggle.requests) == asked


@pytest.mark.docker
def test_mle_benchs_own_dummy_runs_in_a_container(person: Person, docker_base: str) -> None:
    person.environment["REDUX_BASE_IMAGE"] = docker_base
    person.root.chmod(0o755)
    person.ask("clone")
    built = person.ask("build", "mle-bench:dummy")
    assert built["digest"].startswith("sha256:")
    attempt, folder = person.attempt("-c", "toy-alpha", "-a", "mle-bench:dummy", "--obfuscated")
    log = (folder / "container.log").read_text()
    assert attempt["result"] == "scored", log
    assert "Submission is valid." in log
    assert "Kaggle" not in log
