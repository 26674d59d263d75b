"""`run` and `rerun`: launch or ask, follow until the end, print the results."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

from redux_tui.catalog import Catalog
from redux_tui.cli.follow import Followed, Interruptions, follow
from redux_tui.cli.output import print_json, print_table, say
from redux_tui.config import Settings, find_config, load
from redux_tui.logs.sanitize import plain
from redux_tui.models import ReduxError, Request, SandboxKind
from redux_tui.runner.client import launch, rerun, resume
from redux_tui.runner.derived import describe, explain
from redux_tui.runner.group import BUSY, Group, find_group, read_group_file
from redux_tui.runner.state import AttemptState
from redux_tui.runner.summary import summarize


def supervise_group(folder: Path, ask: bool) -> int:
    """The supervisor's own process; its stderr is the group's supervisor.log."""
    from redux_tui.runner.supervisor import SupervisedElsewhereError, supervise

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    origin = read_group_file(folder)
    config = Path(origin["config"]) if origin["config"] else None
    message = json.load(sys.stdin) if ask else None
    try:
        supervise(folder, load(config, Path(origin["base"])), message)
    except SupervisedElsewhereError:
        return BUSY
    return 0


def launch_and_follow(
    config: Path | None,
    agent: str | None,
    split: str | None,
    competitions: tuple[str, ...],
    seeds: int | None,
    jobs: int | None,
    timeout: float | None,
    sandbox: str | None,
    obfuscated: bool,
    as_json: bool,
) -> int:
    settings = load(find_config(config))
    catalog = Catalog.of(settings)
    names = competitions or (() if split else settings.datasets)
    chosen = catalog.select(split, names)
    request = Request(
        agent=catalog.agent(agent or settings.agent).id,
        competitions=tuple(each.id for each in chosen),
        seeds=tuple(range(seeds or settings.seeds)),
        sandbox=SandboxKind(sandbox) if sandbox else settings.sandbox,
        jobs=jobs or settings.jobs,
        limits=settings.limits_of_attempt(timeout),
        gpus=tuple(map(str, settings.gpus)),
        obfuscated=obfuscated,
    )
    return asyncio.run(_run(settings, request, as_json))


def rerun_and_follow(config: Path | None, name: str | None, as_json: bool) -> int:
    settings = load(find_config(config))
    group = Group(find_group(settings.work_dir, name))
    group.refresh()
    return asyncio.run(_rerun(group, as_json))


async def _run(settings: Settings, request: Request, as_json: bool) -> int:
    interruptions = Interruptions()
    group = await launch(settings, request, say)
    say(f"Run group {group.name} in {group.folder}")
    return await _follow_to_the_end(group, interruptions, as_json)


async def _rerun(group: Group, as_json: bool) -> int:
    interruptions = Interruptions()
    failed = group.state.failed_runs()
    if failed:
        say(f"Running {len(failed)} of {group.name} again: {', '.join(r.label for r in failed)}.")
        await rerun(group, failed)
    elif not group.state.is_finished:
        say(f"{group.name} has not finished; it goes on.")
        await resume(group)
    else:
        say(f"Nothing failed in {group.name}.")
    return await _follow_to_the_end(group, interruptions, as_json)


async def _follow_to_the_end(group: Group, interruptions: Interruptions, as_json: bool) -> int:
    outcome = await follow(group, interruptions)
    if outcome is Followed.LEFT:
        say(f"{group.name} goes on by itself. See it with `redux-tui`.")
        return 130
    if outcome is Followed.STOPPED:
        why = f"stopped ({group.state.stopped})" if group.state.stopped else "was killed"
        raise ReduxError(
            f"The supervisor of {group.name} {why} before the end. Attempts that had begun go on;"
            f" `redux-tui rerun {group.name}` takes them over."
        )
    if as_json:
        print_json(_as_json(group))
    else:
        _print_results(group)
    if outcome is Followed.CANCELLED:
        return 130
    return 1 if group.state.failed_runs() else 0


def _as_json(group: Group) -> dict[str, Any]:
    attempts = [
        {"id": each.id, **describe(each), "report": each.report}
        for each in group.state.attempts.values()
    ]
    return {
        "group": group.name,
        "dir": str(group.folder),
        "attempts": attempts,
        "summary": summarize(group.state).as_dict(),
    }


def _print_results(group: Group) -> None:
    rows = [_row(each) for each in group.state.shown().values()]
    print_table(("COMPETITION", "SEED", "SCORE", "MEDAL", "GOLD AT", "ENDED", "RESULT"), rows)
    for each in group.state.shown().values():
        reason = plain(explain(each))
        if reason:
            print(f"  {each.run.label}: {reason}", file=sys.stdout)  # noqa: T201
    for line in summarize(group.state).lines():
        print(line)  # noqa: T201


def _row(attempt: AttemptState) -> tuple[str, ...]:
    report = attempt.report
    return (
        attempt.run.competition,
        str(attempt.run.seed),
        f"{attempt.score:.5f}" if attempt.score is not None else "-",
        str(attempt.medal) if attempt.score is not None else "-",
        f"{report['gold_threshold']:.5f}" if report else "-",
        str(attempt.ended or "-"),
        str(attempt.result or "-"),
    )
