"""`prepare`: the data of competitions; one that fails does not stop the others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from redux_tui.bench.data.means import Options
from redux_tui.bench.data.place import public_dir
from redux_tui.bench.data.prepare_all import Outcome, prepare_all
from redux_tui.catalog import Catalog
from redux_tui.cli.output import print_json, say
from redux_tui.cli.progress import Bars
from redux_tui.config import Settings, find_config, load
from redux_tui.models import Competition


def prepare_competitions(
    config: Path | None,
    split: str | None,
    competitions: tuple[str, ...],
    force: bool,
    skip_verification: bool,
    keep_raw: bool,
    as_json: bool,
) -> int:
    """Exit code 0: all is prepared, 1: some is not, 130: interrupted."""
    settings = load(find_config(config))
    catalog = Catalog.of(settings)
    names = competitions or (() if split else settings.datasets)
    chosen = catalog.select(split, names)
    options = Options(force=force, skip_verification=skip_verification, keep_raw=keep_raw)
    try:
        outcomes = asyncio.run(_prepare(settings, chosen, options))
    except KeyboardInterrupt:
        say("Interrupted. What is there so far is kept: the next start goes on from it.")
        return 130
    _say_outcomes(settings, outcomes)
    if as_json:
        print_json([_row(settings, each) for each in outcomes])
    return 0 if all(each.error is None for each in outcomes) else 1


async def _prepare(
    settings: Settings, competitions: list[Competition], options: Options
) -> list[Outcome]:
    bars = Bars()
    try:
        return await prepare_all(competitions, settings, bars.say, bars, options)
    finally:
        bars.close()


def _say_outcomes(settings: Settings, outcomes: list[Outcome]) -> None:
    """A line for each that is prepared, one message for all that failed alike."""
    from redux_tui.bench.kaggle.errors import RulesNotAccepted, rules_message

    refused: list[str] = []
    failed: dict[str, list[str]] = {}
    for each in outcomes:
        name, error = each.competition.id, each.error
        if isinstance(error, RulesNotAccepted):
            refused.append(error.slug)
        elif error is not None:
            failed.setdefault(str(error), []).append(name)
        else:
            say(f"{name}: prepared in {public_dir(each.competition, settings.data_dir)}")
    for message, names in failed.items():
        say(f"{', '.join(names)}: {message}")
    if refused:
        say(f"{', '.join(refused)}: {rules_message(refused)}")
    if len(outcomes) > 1:
        done = sum(each.error is None for each in outcomes)
        say(f"{done} of {len(outcomes)} competitions are prepared.")


def _row(settings: Settings, outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.competition.id,
        "prepared": outcome.error is None,
        "data": str(public_dir(outcome.competition, settings.data_dir)),
        "error": None if outcome.error is None else str(outcome.error),
    }
