"""`list`: competitions, agents, splits and run groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from redux_tui.bench.prepare import is_prepared
from redux_tui.catalog import Catalog
from redux_tui.cli.output import print_json, print_table, say
from redux_tui.config import Settings, find_config, load
from redux_tui.models import ReduxError
from redux_tui.runner.group import Group, list_groups


def list_things(config: Path | None, what: str, as_json: bool) -> int:
    settings = load(find_config(config))
    catalog = Catalog.of(settings)
    rows = {
        "competitions": _competitions,
        "agents": _agents,
        "splits": _splits,
        "groups": _groups,
    }[what](settings, catalog)
    for problem in catalog.problems:
        say(f"Left out: {problem}")
    if as_json:
        print_json(rows)
    elif rows:
        print_table(
            [key.upper() for key in rows[0]],
            [[_cell(value) for value in row.values()] for row in rows],
        )
    else:
        say(f"There are no {what} yet.")
    return 0


def _competitions(settings: Settings, catalog: Catalog) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "metric": each.metric,
            "category": each.category,
            "source": each.source,
            "prepared": is_prepared(each, settings.data_dir),
            "name": each.name,
        }
        for each in catalog.competitions.values()
    ]


def _agents(settings: Settings, catalog: Catalog) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "version": each.version,
            "network": each.network,
            "trusted": each.trusted,
            "description": each.description,
        }
        for each in catalog.agents.values()
    ]


def _splits(settings: Settings, catalog: Catalog) -> list[dict[str, Any]]:
    return [
        {"name": each.name, "competitions": list(each.competitions)}
        for each in catalog.splits.values()
    ]


def _groups(settings: Settings, catalog: Catalog) -> list[dict[str, Any]]:
    rows = []
    for folder in list_groups(settings.work_dir):
        try:
            group = Group(folder)
        except ReduxError as error:
            say(f"Left out: {error}")
            continue
        group.refresh()
        attempts = group.state.attempts.values()
        rows.append(
            {
                "group": group.name,
                "agent": group.request.agent,
                "sandbox": group.state.sandbox,
                "runs": len(group.request.runs()),
                "finished": sum(each.is_finished for each in attempts),
                "failed": len(group.state.failed_runs()),
                "running": group.is_alive,
            }
        )
    return rows


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value) or "-"
