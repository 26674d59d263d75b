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
    entries = read_yaml_mapping(path)
    return [
        _read_variant(folder, path, str(name), entry)
        for name, entry in entries.items()
        if str(name).partition("/")[0] == folder.name and isinstance(entry, dict)
    ]


def resolve(
    agent: Agent,
    overrides: Mapping[str, Any],
    config: Mapping[str, Any],
    secrets: Mapping[str, str],
) -> Agent:
    """Fill in `${{ config.x }}` and `${{ secrets.X }}`, and what the config sets for the agent.

    `overrides` is the config's `agents.<name>`: its kwargs and env_vars stand where the variant
    says nothing. Raises ReduxError for a placeholder that has no value.
    """
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
    return value


def _read_variant(folder: Path, path: Path, name: str, entry: dict[str, Any]) -> Agent:
    def text(key: str, default: str = "") -> str:
        value = entry.get(key, default)
        if isinstance(value, (dict, list)) or value is None:
            raise ReduxError(f"{path}: {name}.{key} must be a text.")
        return str(value)

    network = text("network", "none")
    if network not in _NETWORKS:
        raise ReduxError(f"{path}: {name}.network must be one of {', '.join(_NETWORKS)}.")
    kwargs, env_vars = entry.get("kwargs", {}), entry.get("env_vars", {})
    if not isinstance(kwargs, dict) or not isinstance(env_vars, dict):
        raise ReduxError(f"{path}: {name}.kwargs and {name}.env_vars must hold `key: value` lines.")
    kwargs_type = entry.get("kwargs_type")
    if kwargs and kwargs_type not in ("argparse", "omegaconf"):
        raise ReduxError(f"{path}: {name}.kwargs_type must be argparse or omegaconf.")
    return Agent(
        id=name,
        name=folder.name,
        folder=folder,
        start=_own_file(folder, path, name, text("start", "start.sh")),
        dockerfile=_own_file(folder, path, name, text("dockerfile", "Dockerfile")),
        description=text("description"),
        version=text("version"),
        # only what came with us may run unsealed by itself: a folder can't vouch for itself
        trusted=entry.get("trusted") is True and is_ours(folder),
        network=network,
        kwargs=kwargs,
        kwargs_type=kwargs_type,
        env_vars={str(key): str(value) for key, value in env_vars.items()},
    )


def _own_file(folder: Path, path: Path, name: str, relative: str) -> Path:
    """A path in the agent's folder; MLE-bench writes it from the folder above that."""
    for root in (folder, folder.parent):
        file = (root / relative).resolve()
        if file.is_file() and file.is_relative_to(folder.resolve()):
            return file.relative_to(folder.resolve())
    raise ReduxError(f"{path}: {name} names the file {relative}, which is not in {folder}.")
