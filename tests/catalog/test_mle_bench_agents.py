"""MLE-bench's own agents, as its clone describes them and as our contract lets them run."""

from __future__ import annotations

from pathlib import Path

import pytest

from redux_tui.catalog import Catalog
from redux_tui.catalog.agents import resolve
from redux_tui.catalog.mle_bench_agents import is_obfuscated
from redux_tui.models import Agent, ReduxError
from tests.support.mle_bench import write_mle_bench

KEYS = {"OPENAI_API_KEY": "sk"}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return write_mle_bench(tmp_path / "mle-bench")


def resolved(repo: Path, name: str, timeout: float = 3600.0) -> Agent:
    return resolve(Catalog((), repo).agent(name), {}, {"timeout": timeout}, KEYS)


def test_they_are_listed_beside_ours_and_anchors_are_no_agents(repo: Path) -> None:
    catalog = Catalog((), repo)
    assert list(catalog.agents) == [
        "baseline",
        "dummy",
        "mle-bench:aide",
        "mle-bench:aide/dev",
        "mle-bench:aide/obfuscated",
        "mle-bench:dummy",
        "mle-bench:opendevin",
    ]
    assert catalog.problems == []
    aide = catalog.agent("mle-bench:aide/dev")
    assert (aide.name, aide.source, aide.network) == ("mle-bench:aide", "mle-bench", "open")
    assert (aide.start, aide.dockerfile) == (Path("start.sh"), Path("Dockerfile"))
    assert not aide.trusted
    assert "with gpt-4o. Its network is open" in aide.description
    assert catalog.agent("dummy").source == "ours"


def test_an_agent_is_told_the_time_limit_that_it_has(repo: Path) -> None:
    aide = resolved(repo, "mle-bench:aide", 1800.0)
    assert "TIME_LIMIT_SECS" not in aide.env_vars  # the harness sets it
    assert aide.env_vars == {"STEP_LIMIT": "500", "OPENAI_API_KEY": "sk"}
    assert aide.arguments == [
        "agent.time_limit=1800",
        "copy_data=False",
        "agent.code.model=gpt-4o",
        "agent.steps=500",
    ]


def test_a_missing_key_is_named(repo: Path) -> None:
    with pytest.raises(ReduxError, match="mle-bench:aide needs the environment variable OPENAI"):
        resolve(Catalog((), repo).agent("mle-bench:aide"), {}, {"timeout": 1}, {})


def test_obfuscation_is_the_harnesss_and_not_the_scripts(repo: Path) -> None:
    agent = resolved(repo, "mle-bench:aide/obfuscated")
    assert is_obfuscated(agent)
    assert "OBFUSCATE" not in agent.env_vars
    assert "agent.obfuscate=True" in agent.arguments
    assert not is_obfuscated(resolved(repo, "mle-bench:aide"))


def test_a_privileged_agent_is_listed_and_refused_with_the_reason(repo: Path) -> None:
    assert "privileged" in Catalog((), repo).agent("mle-bench:opendevin").unsupported
    with pytest.raises(ReduxError, match="wants a privileged container"):
        resolved(repo, "mle-bench:opendevin")


def test_a_broken_agent_of_the_clone_hides_no_other(repo: Path) -> None:
    (repo / "agents/aide/config.yaml").write_text("defaults: {start: aide/start.sh}\n")
    (repo / "agents/opendevin/config.yaml").write_text("opendevin: {start: ../aide/start.sh}\n")
    catalog = Catalog((), repo)
    assert "mle-bench:dummy" in catalog.agents
    assert [name for name in catalog.agents if "aide" in name or "opendevin" in name] == []
    assert "describes no agent: none of its keys is aide" in catalog.problems[0]
    assert "not in" in catalog.problems[1]
