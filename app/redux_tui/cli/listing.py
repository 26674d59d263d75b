"""`list`: competitions, agents, splits and run groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from redux_tui.bench.data.place import is_prepared
from redux_tui.catalog import Catalog
from redux_tui.catalog.boards import direction
from redux_tui.catalog.splits import ALIASES, enumerated
from redux_tui.cli.output import print_json, print_table, say
from redux_tui.config import Settings, find_config, load
from redux_tui.models import Competition, ReduxError
from redux_tui.runner.group import Group, list_groups

Row = dict[str, Any]


def list_things(config: Path | None, what: str, as_json: bool, split: str | None = None) -> int:
    """Print all there is of `what`; of competitions, those of the split only, in its order."""
    if split and what != "competitions":
        raise ReduxError(f"A split is of competitions; `list {what}` takes no --split.")
    settings = load(find_config(config))
    catalog = Catalog.of(settings)
    rows = _rows(settings, catalog, what, split)
    for problem in catalog.problems:
        say(f"Problem: {problem}")
    if catalog.repo is None and what in ("competitions", "agents"):
        say(f"MLE-bench's own {what} are not among them: run `redux-tui clone` first.")
    if as_json:
        print_json(rows)
    elif rows:
        if what in _SHORT:
            rows = [_SHORT[what](row) for row in rows]
        print_table(
            [key.upper() for key in rows[0]],
            [[_cell(value) for value in row.values()] for row in rows],
        )
    else:
        say(f"There are no {what} yet.")
    return 0


def _rows(settings: Settings, catalog: Catalog, what: str, split: str | None) -> list[Row]:
    if what == "competitions":
        return _competitions(settings, catalog, split)
    if what == "agents":
        return _agents(catalog)
    return _splits(catalog) if what == "splits" else _groups(settings)


def _competitions(settings: Settings, catalog: Catalog, split: str | None) -> list[Row]:
    chosen = catalog.select(split, []) if split else catalog.competitions.values()
    return [
        {
            "id": each.id,
            "name": each.name,
            "kind": each.kind,
            "metric": each.metric,
            "direction": direction(each),
            "complexity": catalog.complexity(each.id),
            "splits": [one.name for one in catalog.splits.values() if each.id in one.competitions],
            "category": each.category,
            "size_gb": each.size_gb,
            "awards_medals": each.awards_medals,
            "source": each.source,
            "prepared": is_prepared(each, settings.data_dir),
            "known_issues": _issues(catalog, each),
        }
        for each in chosen
    ]


def _issues(catalog: Catalog, competition: Competition) -> list[Row]:
    if not competition.known_issues:
        return []
    found = catalog.issues.get(competition.id, ())
    return [{"text": issue.text, "urls": list(issue.urls)} for issue in found]


def _short_competition(row: Row) -> Row:
    size = row["size_gb"]
    return {
        "id": row["id"],
        "kind": row["kind"],
        "metric": row["metric"],
        "direction": row["direction"] or "",
        "split": row["complexity"] or " ".join(row["splits"]),
        "category": row["category"],
        "size": "" if size is None else f"{size:.3g} GB" if size >= 1 else f"{size * 1e3:.3g} MB",
        "medals": row["awards_medals"],
        "source": row["source"],
        "prepared": row["prepared"],
        "issues": str(len(row["known_issues"]) or ""),
        "name": row["name"],
    }


def _agents(catalog: Catalog) -> list[Row]:
    return [
        {
            "id": each.id,
            "version": each.version,
            "network": each.network,
            "trusted": each.trusted,
            "source": each.source,
            "unsupported": each.unsupported,
            "description": each.description,
        }
        for each in catalog.agents.values()
    ]


def _short_agent(row: Row) -> Row:
    reason = row["unsupported"]
    short = {key: value for key, value in row.items() if key != "unsupported"}
    return {**short, "description": f"UNSUPPORTED: {reason}" if reason else row["description"]}


def _splits(catalog: Catalog) -> list[Row]:
    return [
        {
            "name": each.name,
            "aliases": [alias for alias, name in ALIASES.items() if name == each.name],
            "competitions": list(each.competitions),
        }
        for each in catalog.splits.values()
    ]


def _short_split(row: Row) -> Row:
    ids = row["competitions"]
    also = f" ({', '.join(row['aliases'])})" if row["aliases"] else ""
    return {"name": row["name"] + also, "count": len(ids), "competitions": enumerated(ids)}


def _groups(settings: Settings) -> list[Row]:
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


_SHORT = {"competitions": _short_competition, "agents": _short_agent, "splits": _short_split}
"""What a line has room for; the JSON has all."""
