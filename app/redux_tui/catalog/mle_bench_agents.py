"""MLE-bench's own agents, read from the clone's agents/<name>/config.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from redux_tui.catalog.agents import entries_of, read_variant
from redux_tui.catalog.mle_bench import SOURCE
from redux_tui.models import Agent, ReduxError

PREFIX = "mle-bench:"
"""Sets their names apart from ours: `mle-bench:aide/dev`."""

OBFUSCATED = "OBFUSCATED"
"""Is "true" in the environment of an agent that wants data which doesn't name Kaggle.

MLE-bench's `OBFUSCATE` asks the agent's own script to replace files in the mounted data. It is
read-only with us, so the harness does that, and the script must not try.
"""

_TIME_LIMIT = "TIME_LIMIT_SECS"
_TOLD_LIMIT = "${{ config.timeout }}"


def read_mle_bench_agents(folder: Path) -> list[Agent]:
    """All variants in `folder`/config.yaml: the keys named `folder` or `folder`/something.

    The others (vars, defaults) are there for their anchors only. Raises ReduxError.
    """
    path = folder / "config.yaml"
    entries = entries_of(path, folder.name)
    if not entries:
        raise ReduxError(f"{path} describes no agent: none of its keys is {folder.name}.")
    return [_read(folder, path, name, entry) for name, entry in entries.items()]


def is_obfuscated(agent: Agent) -> bool:
    """Whether this variant is one that gets obfuscated descriptions and instructions."""
    return agent.env_vars.get(OBFUSCATED) == "true"


def _read(folder: Path, path: Path, name: str, entry: dict[str, Any]) -> Agent:
    return read_variant(
        folder,
        path,
        name,
        _adapted(entry),
        id=PREFIX + name,
        name=PREFIX + folder.name,
        description=_description(folder.name, entry),
        network="open",  # MLE-bench runs all of them so; what they call has no gateway there
        source=SOURCE,
        unsupported=_unsupported(PREFIX + name, entry),
    )


def _adapted(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with what the harness decides taken out of it.

    The time limit in it is MLE-bench's 24 hours: an agent must be told the one that it has. What
    repeats it among the arguments (`agent.time_limit`, `max-time`) gets the harness's own.
    """
    env_vars, kwargs = entry.get("env_vars", {}), entry.get("kwargs", {})
    if not isinstance(env_vars, dict) or not isinstance(kwargs, dict):
        return entry  # whoever reads on says so
    limit = env_vars.get(_TIME_LIMIT)
    obfuscated = str(env_vars.get("OBFUSCATE", "")).lower() == "true"
    dropped = (_TIME_LIMIT, "OBFUSCATE")
    env_vars = {key: value for key, value in env_vars.items() if key not in dropped}
    if obfuscated:
        env_vars[OBFUSCATED] = "true"
    if limit is not None:
        repeats = [key for key, value in kwargs.items() if "time" in str(key) and value == limit]
        kwargs = {**kwargs, **dict.fromkeys(repeats, _TOLD_LIMIT)}
    return {**entry, "env_vars": env_vars, "kwargs": kwargs}


def _description(folder: str, entry: dict[str, Any]) -> str:
    kwargs = entry.get("kwargs")
    values = kwargs.items() if isinstance(kwargs, dict) else ()
    models = {str(value): None for key, value in values if str(key).endswith(("model", "llm-name"))}
    using = f" with {', '.join(models)}" if models else ""
    return f"MLE-bench's {folder}{using}. Its network is open: it could look up solutions"


def _unsupported(name: str, entry: dict[str, Any]) -> str:
    if not entry.get("privileged"):
        return ""
    return (
        f"{name} wants a privileged container, which could do anything to this machine, so"
        " redux-tui does not run it. MLE-bench's own run_agent.py does, on a machine that you can"
        " do without."
    )
