"""Competitions, splits and agents are found in content folders; names that don't exist say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from redux_tui.catalog import Catalog
from redux_tui.catalog import content as our_places
from redux_tui.catalog.agents import resolve
from redux_tui.catalog.content import is_ours
from redux_tui.models import ReduxError
from tests.support.world import World

AGENT = """\
vars: &kwargs
  steps: 500
mine:
  start: mine/start.sh
  dockerfile: mine/Dockerfile
  kwargs_type: omegaconf
  kwargs: {<<: *kwargs, model: gpt}
  trusted: true
mine/dev:
  start: start.sh
  dockerfile: Dockerfile
  kwargs_type: argparse
  kwargs: {steps: "${{ config.max_iterations }}"}
  env_vars:
    OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}
"""


@pytest.fixture
def content(tmp_path: Path) -> Path:
    agent = tmp_path / "agents" / "mine"
    agent.mkdir(parents=True)
    (agent / "agent.yaml").write_text(AGENT)
    (agent / "start.sh").write_text("true\n")
    (agent / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "splits").mkdir()
    return tmp_path


def test_what_ships_is_found_and_whole() -> None:
    catalog = Catalog()
    assert {"baseline", "dummy"} <= catalog.agents.keys()
    assert len(catalog.select("offline", [])) >= 7
    assert catalog.competitions.keys() >= set(catalog.split("offline").competitions)
    assert catalog.problems == []


def test_a_dropped_in_agent_has_its_variants(content: Path) -> None:
    catalog = Catalog([content])
    assert catalog.agent("mine").arguments == ["steps=500", "model=gpt"]
    assert catalog.agent("mine/dev").name == "mine"


def test_a_folder_of_the_users_cannot_vouch_for_itself(content: Path) -> None:
    assert not Catalog([content]).agent("mine").trusted
    assert Catalog().agent("baseline").trusted


def test_a_users_agent_hides_ours_of_the_same_name(content: Path) -> None:
    mine = content / "agents" / "baseline"
    mine.mkdir()
    (mine / "agent.yaml").write_text("baseline: {version: mine}")
    (mine / "start.sh").write_text("")
    (mine / "Dockerfile").write_text("")
    baseline = Catalog([content]).agent("baseline")
    assert baseline.version == "mine"
    assert not baseline.trusted


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose own agent is `ours`, beside which lies a foreign one."""
    root = tmp_path / "checkout"
    for folder in ("app/redux_tui/offline/toy", "agents/ours", "mine/agents/x", "workdir/agents/x"):
        (root / folder).mkdir(parents=True)
    (tmp_path / "foreign").mkdir()
    (root / "agents" / "link").symlink_to(tmp_path / "foreign")
    (tmp_path / "foreign" / "ours").symlink_to(root / "agents" / "ours")
    monkeypatch.setattr(our_places, "_PACKAGE", root / "app" / "redux_tui")
    return root


@pytest.mark.parametrize("folder", ["agents/ours", "app/redux_tui/offline/toy"])
def test_what_came_with_us_is_ours(checkout: Path, folder: str) -> None:
    assert is_ours(checkout / folder)


@pytest.mark.parametrize(
    "folder",
    [
        "mine/agents/x",
        "workdir/agents/x",
        "agents/../mine/agents/x",
        "agents/../../foreign",
        "agents/link",
        "../foreign/ours",
        "app/redux_tui/catalog",
    ],
)
def test_no_other_folder_of_a_checkout_is_ours_however_it_is_written(
    checkout: Path, folder: str
) -> None:
    assert (checkout / folder).parent.is_dir()
    assert not is_ours(checkout / folder)


@pytest.mark.parametrize("name", ["description.md", "leaderboard.csv", "grade.py", "prepare.py"])
def test_a_competition_that_lacks_a_file_is_left_out_and_the_file_named(
    world: World, name: str
) -> None:
    world.competition("whole")
    (world.root / "content" / "competitions" / "toy" / name).unlink()
    catalog = Catalog(world.settings.content_dirs)
    assert "toy" not in catalog.competitions
    assert "whole" in catalog.competitions
    assert name in catalog.problems[0]


def test_placeholders_are_filled_and_a_missing_secret_is_named(content: Path) -> None:
    agent = Catalog([content]).agent("mine/dev")
    filled = resolve(agent, {}, {"max_iterations": 3}, {"OPENAI_API_KEY": "sk"})
    assert filled.arguments == ["--steps", "3"]
    assert filled.env_vars == {"OPENAI_API_KEY": "sk"}
    with pytest.raises(ReduxError, match="OPENAI_API_KEY, which is not set"):
        resolve(agent, {}, {"max_iterations": 3}, {})


def test_the_variant_wins_over_the_config_of_the_agent(content: Path) -> None:
    overrides = {"kwargs": {"steps": 1, "extra": 2}}
    filled = resolve(Catalog([content]).agent("mine"), overrides, {}, {})
    assert filled.kwargs == {"steps": 500, "extra": 2, "model": "gpt"}


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("broken: [", "line"),
        ("broken: {start: ../outside.sh}", "not in"),
        ("broken: {network: everywhere}", "none, models-only, open"),
        ("broken: {kwargs: {a: 1}}", "kwargs_type must be argparse or omegaconf"),
    ],
)
def test_one_broken_agent_is_left_out_and_said_and_hides_no_other(
    content: Path, yaml: str, message: str
) -> None:
    broken = content / "agents" / "broken"
    broken.mkdir()
    (broken / "agent.yaml").write_text(yaml)
    (broken / "start.sh").write_text("")
    (broken / "Dockerfile").write_text("")
    catalog = Catalog([content])
    assert "broken" not in catalog.agents
    assert "mine" in catalog.agents
    assert message in catalog.problems[0]


def test_a_split_may_have_comments_blank_lines_and_repeats(content: Path) -> None:
    (content / "splits" / "few.txt").write_text("# mine\n\nb # second\na\nb\r\n")
    assert Catalog([content]).split("few").competitions == ("b", "a")


def test_unknown_names_get_the_nearest_ones() -> None:
    catalog = Catalog()
    with pytest.raises(ReduxError, match="Did you mean titanic-survival"):
        catalog.competition("titanic")
    with pytest.raises(ReduxError, match="Did you mean baseline"):
        catalog.agent("basline")
    with pytest.raises(ReduxError, match=r"There is no split named 'xyz'\. There is .*offline"):
        catalog.split("xyz")
    with pytest.raises(ReduxError, match="No competition is selected"):
        catalog.select(None, [])
