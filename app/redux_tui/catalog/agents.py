"""Agents and their variants read from agent.yaml, which is MLE-bench's agent config."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from redux_tui.catalog.content import is_ours
from redux_tui.models import Agent, ReduxError
from redux_tui.yaml_file import read_yaml_mapping

_NETWORKS = ("none", "models-only", "open")
_PLACEHOLDER = re.compile(r"\$\{\{\s*(secrets|config)\.(\w+)\s*\}\}")


def read_agents(folder: Path) -> list[Agent]:
    """All variants in `folder`/agent.yaml; keys that are no variants (anchors) have no `start`."""
    path = folder / "agent.yaml"
    ours = is_ours(folder)
    return [
        read_variant(
            folder,
            path,
            name,
            entry,
            id=name,
            name=folder.name,
            description=_text(path, name, entry, "description"),
            version=_text(path, name, entry, "version"),
            # only what came with us may run unsealed by itself: a folder can't vouch for itself
            trusted=entry.get("trusted") is True and ours,
            network=_network(path, name, entry),
            source="ours" if ours else "user",
        )
        for name, entry in entries_of(path, folder.name).items()
    ]


def entries_of(path: Path, agent: str) -> dict[str, dict[str, Any]]:
    """The variants that the file describes: its keys `agent` and `agent`/something."""
    return {
        str(name): entry
        for name, entry in read_yaml_mapping(path).items()
        if str(name).partition("/")[0] == agent and isinstance(entry, dict)
    }


def read_variant(folder: Path, path: Path, key: str, entry: dict[str, Any], **known: Any) -> Agent:
    """The variant `key` of the agent in `folder`: what its `entry` says, and what is `known`.

    Raises ReduxError naming the file and what is wrong in it.
    """
    kwargs, env_vars = entry.get("kwargs") or {}, entry.get("env_vars") or {}
    if not isinstance(kwargs, dict) or not isinstance(env_vars, dict):
        raise ReduxError(f"{path}: {key}.kwargs and {key}.env_vars must hold `key: value` lines.")
    kwargs_type = entry.get("kwargs_type")
    if kwargs and kwargs_type not in ("argparse", "omegaconf"):
        raise ReduxError(f"{path}: {key}.kwargs_type must be argparse or omegaconf.")
    start = _text(path, key, entry, "start", "start.sh")
    dockerfile = _text(path, key, entry, "dockerfile", "Dockerfile")
    return Agent(
        folder=folder,
        start=_own_file(folder, path, key, start),
        dockerfile=_own_file(folder, path, key, dockerfile),
        kwargs=kwargs,
        kwargs_type=kwargs_type,
        env_vars={str(key): str(value) for key, value in env_vars.items()},
        **known,
    )


def require_supported(agent: Agent) -> None:
    """Raise ReduxError, with the reason, for an agent that is listed but can't run here."""
    if agent.unsupported:
        raise ReduxError(agent.unsupported)


def resolve(
    agent: Agent,
    overrides: Mapping[str, Any],
    config: Mapping[str, Any],
    secrets: Mapping[str, str],
) -> Agent:
    """Fill in `${{ config.x }}` and `${{ secrets.X }}`, and what the config sets for the agent.

    `overrides` is the config's `agents.<name>`: its kwargs and env_vars stand where the variant
    says nothing. Raises ReduxError for a placeholder that has no value, and for an agent that
    can't run here.
    """
    require_supported(agent)
    sources = {"config": config, "secrets": secrets}

    def fill(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        whole = _PLACEHOLDER.fullmatch(value.strip())
        if whole:
            return _look_up(agent, sources, whole)
        return _PLACEHOLDER.sub(lambda match: str(_look_up(agent, sources, match)), value)

    kwargs = {**overrides.get("kwargs", {}), **agent.kwargs}
    env_vars = {**overrides.get("env_vars", {}), **agent.env_vars}
    return replace(
        agent,
        kwargs={key: fill(value) for key, value in kwargs.items()},
        env_vars={key: str(fill(value)) for key, value in env_vars.items()},
    )


def _look_up(agent: Agent, sources: Mapping[str, Mapping[str, Any]], match: re.Match[str]) -> Any:
    source, name = match.groups()
    value = sources[source].get(name)
    if value is None:
        where = "set it in the environment or in .env" if source == "secrets" else "set it there"
        place = "environment variable" if source == "secrets" else "config key"
        raise ReduxError(
            f"The agent {agent.id} needs the {place} {name}, which is not set: {where}."
        )
    # whole seconds, as in TIME_LIMIT_SECS: what an agent takes for an int must be one
    return int(value) if isinstance(value, float) else value


def _network(path: Path, name: str, entry: dict[str, Any]) -> str:
    network = _text(path, name, entry, "network", "none")
    if network not in _NETWORKS:
        raise ReduxError(f"{path}: {name}.network must be one of {', '.join(_NETWORKS)}.")
    return network


def _text(path: Path, name: str, entry: dict[str, Any], key: str, default: str = "") -> str:
    value = entry.get(key, default)
    if isinstance(value, (dict, list)) or value is None:
        raise ReduxError(f"{path}: {name}.{key} must be a text.")
    return str(value)


def _own_file(folder: Path, path: Path, name: str, relative: str) -> Path:
    """A path in the agent's folder; MLE-bench writes it from the folder above that."""
    for root in (folder, folder.parent):
        file = (root / relative).resolve()
        if file.is_file() and file.is_relative_to(folder.resolve()):
            return file.relative_to(folder.resolve())
    raise ReduxError(f"{path}: {name} names the file {relative}, which is not in {folder}.")
