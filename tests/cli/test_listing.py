"""`list` and `build`: what a person and a script read about competitions, agents and splits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from redux_tui.cli.build import build_agent
from redux_tui.cli.listing import list_things
from redux_tui.models import ReduxError
from tests.support.mle_bench import write_mle_bench
from tests.support.world import World

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def config(world: World, tmp_path: Path) -> Path:
    repo = write_mle_bench(tmp_path / "mle-bench")
    world.config.write_text(world.config.read_text() + f"repo_dir: {repo}\n")
    splits = world.root / "content" / "splits"
    splits.mkdir(parents=True, exist_ok=True)
    (splits / "toys.txt").write_text("toy-gamma\ntoy-alpha\n")
    return world.config


def listed(
    config: Path, what: str, capsys: Capture, split: str | None = None
) -> list[dict[str, object]]:
    assert list_things(config, what, True, split) == 0
    rows: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return rows


def test_the_json_of_competitions_has_everything(config: Path, capsys: Capture) -> None:
    gamma, alpha = listed(config, "competitions", capsys, "toys")
    assert gamma == {
        "id": "toy-gamma",
        "name": "Toy Gamma",
        "kind": "code",
        "metric": "exact-match",
        "direction": "higher",
        "complexity": "",
        "splits": ["toys"],
        "category": "",
        "size_gb": None,
        "awards_medals": False,
        "source": "mle-bench",
        "prepared": False,
        "known_issues": [
            {"text": "The words repeat. #2", "urls": ["https://example.org/issues/2"]},
            {"text": "The ids are sorted.", "urls": []},
        ],
    }
    assert alpha["known_issues"] == []


def test_a_line_of_a_competition_counts_its_issues(config: Path, capsys: Capture) -> None:
    assert list_things(config, "competitions", False, "toys") == 0
    header, gamma, _ = capsys.readouterr().out.splitlines()
    assert " ".join(header.split()) == (
        "ID KIND METRIC DIRECTION SPLIT CATEGORY SIZE MEDALS SOURCE PREPARED ISSUES NAME"
    )
    assert " ".join(gamma.split()) == (
        "toy-gamma code exact-match higher toys - - no mle-bench no 2 Toy Gamma"
    )


def test_an_agent_that_can_not_run_here_says_why(config: Path, capsys: Capture) -> None:
    rows = {row["id"]: row for row in listed(config, "agents", capsys)}
    assert "privileged" in str(rows["mle-bench:opendevin"]["unsupported"])
    assert rows["mle-bench:aide"]["unsupported"] == ""
    list_things(config, "agents", False)
    assert "UNSUPPORTED: mle-bench:opendevin wants" in capsys.readouterr().out
    with pytest.raises(ReduxError, match="privileged"):
        build_agent(config, "mle-bench:opendevin", False)


def test_without_a_clone_the_command_that_makes_one_is_named(world: World, capsys: Capture) -> None:
    list_things(world.config, "competitions", False)
    assert "run `redux-tui clone` first" in capsys.readouterr().err
    with pytest.raises(ReduxError, match="22 competitions of MLE-bench, which is not cloned yet"):
        list_things(world.config, "competitions", False, "lite")


def test_lite_is_listed_as_another_name_of_low(config: Path, capsys: Capture) -> None:
    list_things(config, "splits", False)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("low (lite)") and "22" in line for line in lines)
    rows = {row["name"]: row for row in listed(config, "splits", capsys)}
    assert rows["low"]["aliases"] == ["lite"]
    assert "lite" not in rows


def test_a_split_selects_competitions_only(config: Path) -> None:
    with pytest.raises(ReduxError, match="`list agents` takes no --split"):
        list_things(config, "agents", False, "low")


@pytest.mark.docker
def test_build_prints_the_images_name_and_digest_and_nothing_else_on_stdout(
    config: Path, capsys: Capture, docker_base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDUX_BASE_IMAGE", docker_base)
    assert build_agent(config, "dummy", True) == 0
    built = json.loads(capsys.readouterr().out)
    assert built["agent"] == "dummy"
    assert built["image"].startswith("redux-tui/dummy:")
    assert build_agent(config, "dummy", False) == 0
    assert capsys.readouterr().out == f"{built['image']} {built['digest']}\n"
