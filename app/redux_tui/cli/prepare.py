"""`prepare`: the data of competitions; one that fails does not stop the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

from redux_tui.bench.prepare import prepare, public_dir
from redux_tui.catalog import Catalog
from redux_tui.cli.output import print_json, say
from redux_tui.config import Settings, find_config, load
from redux_tui.models import Competition, InfrastructureError


def prepare_competitions(
    config: Path | None,
    split: str | None,
    competitions: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> int:
    settings = load(find_config(config))
    catalog = Catalog.of(settings)
    names = competitions or (() if split else settings.datasets)
    chosen = catalog.select(split, names)
    return asyncio.run(_prepare_all(settings, chosen, force, as_json))


async def _prepare_all(
    settings: Settings, competitions: list[Competition], force: bool, as_json: bool
) -> int:
    rows = []
    for each in competitions:
        error = None
        try:
            await prepare(each, settings.data_dir, say, force=force)
        except InfrastructureError as trouble:
            error = str(trouble)
        folder = str(public_dir(each, settings.data_dir))
        say(f"{each.id}: {error or 'prepared in ' + folder}")
        rows.append({"id": each.id, "prepared": error is None, "data": folder, "error": error})
    if as_json:
        print_json(rows)
    return 0 if all(row["prepared"] for row in rows) else 1
