"""Prepare many competitions: downloads side by side, preparation one at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from redux_tui.bench.data.means import Account, Means, Options
from redux_tui.bench.data.overall import Overall
from redux_tui.bench.data.place import (
    find_zip,
    has_files,
    is_downloaded,
    is_prepared,
    name_some,
    raw_dir,
    space_needed,
)
from redux_tui.bench.data.prepare import prepare_with
from redux_tui.bench.progress import Say, Tell, ignore
from redux_tui.bench.work import aside, in_thread
from redux_tui.config import Settings
from redux_tui.files import require_free_space
from redux_tui.models import Competition, ReduxError

_DEFAULTS = Options()
_QUESTIONS = 4  # to Kaggle at a time, while no download runs yet


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one competition."""

    competition: Competition
    error: ReduxError | None = None


async def prepare_all(
    competitions: Sequence[Competition],
    settings: Settings,
    say: Say,
    tell: Tell = ignore,
    options: Options = _DEFAULTS,
    foreseen: Callable[[Sequence[Outcome]], None] = lambda early: None,
) -> list[Outcome]:
    """`prepare` each, `settings.downloads` of them downloading at a time; outcomes in their order.

    One that fails stops no other. What can be known before anything long starts is asked first:
    the account, accepted rules, sizes; `foreseen` is told of the failures found so, if any of
    the others goes on. Raises InfrastructureError if the disk is too small for
    all that is to be made.
    """
    turns = asyncio.Semaphore(settings.downloads)
    means = Means(settings, say, Account(settings), tell, options, downloads=turns)
    try:
        missing = [each for each in competitions if _is_missing(each, means)]
        sizes: dict[str, int | None] = {}
        failed = await _failures_before(means, competitions, missing, sizes)
        if failed and len(failed) < len(competitions):
            _say_rules(means, failed)
            early = [Outcome(each, failed[each.id]) for each in competitions if each.id in failed]
            foreseen(early)
        overall = Overall(tell, sizes)
        if len(sizes) > 1:
            means = replace(means, tell=overall)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_one(means, each, failed, overall)) for each in competitions]
        return [task.result() for task in tasks]
    finally:
        means.account.close()


async def _one(
    means: Means, competition: Competition, failed: Mapping[str, ReduxError], overall: Overall
) -> Outcome:
    error = failed.get(competition.id)
    if error is not None:
        return Outcome(competition, error)
    try:
        await prepare_with(means, competition)
    except ReduxError as trouble:
        overall.leave_out(competition.id)
        return Outcome(competition, trouble)
    return Outcome(competition)


def _say_rules(means: Means, failed: Mapping[str, ReduxError]) -> None:
    """Now, all at once: they can be accepted while the others download."""
    from redux_tui.bench.kaggle.errors import RulesNotAccepted, rules_message

    refused = [slug for slug, error in failed.items() if isinstance(error, RulesNotAccepted)]
    if refused:
        means.say(rules_message(refused))


def _is_missing(competition: Competition, means: Means) -> bool:
    return means.options.force or not is_prepared(competition, means.settings.data_dir)


async def _failures_before(
    means: Means,
    competitions: Sequence[Competition],
    missing: Sequence[Competition],
    sizes: dict[str, int | None],
) -> dict[str, ReduxError]:
    """Which can't be prepared, by id, as far as can be told without doing it. Fills `sizes`."""

    def lacks(each: Competition) -> bool:
        return _lacks_source(each, means.settings.data_dir)

    failed = await _without_mle_bench(means, competitions)
    wanted = [each for each in missing if each.id not in failed and lacks(each)]
    if wanted:
        failed |= await _ask_kaggle(means, wanted, sizes)
    await aside(lambda: _require_space(means, missing, failed, sizes))
    return failed


def must_download(competition: Competition, data_dir: Path) -> bool:
    """Whether preparing it needs Kaggle: nothing of its data is there."""
    return not is_prepared(competition, data_dir) and _lacks_source(competition, data_dir)


def _lacks_source(competition: Competition, data_dir: Path) -> bool:
    folder = data_dir / competition.id
    if not is_downloaded(competition) or has_files(raw_dir(competition, folder)):
        return False
    try:
        return find_zip(folder) is None
    except ReduxError:
        return False  # several archives: it will be said of this one alone


async def _without_mle_bench(
    means: Means, competitions: Iterable[Competition]
) -> dict[str, ReduxError]:
    """Those that lack the clone or its environment, which all have in common."""
    theirs = [each for each in competitions if each.repo is not None]
    if not theirs:
        return {}
    from redux_tui.bench.environment.make import ensure_environment
    from redux_tui.bench.repository.clone import require_clone
    from redux_tui.bench.repository.lfs import fetch_boards

    python = means.settings.repo_python
    try:
        clone = require_clone(means.settings)
        with suppress(ReduxError):  # each is asked for again alone, where its failure is said
            boards = [each for each in theirs if is_downloaded(each)]
            await fetch_boards(clone, boards, means.say, means.tell)
        await ensure_environment(clone, python=python, needs=(), say=means.say, tell=means.tell)
    except ReduxError as error:
        return {each.id: error for each in theirs}
    return {}


async def _ask_kaggle(
    means: Means, wanted: Sequence[Competition], sizes: dict[str, int | None]
) -> dict[str, ReduxError]:
    """Account and rules, before anything long starts. Fills `sizes`, in bytes."""
    try:
        kaggle = means.account.client()
        name = await in_thread(lambda cancelled: kaggle.whoami(cancelled, means.say))
    except ReduxError as error:
        return {each.id: error for each in wanted}
    means.say(f"Kaggle knows this account as {name}.")
    turns = asyncio.Semaphore(_QUESTIONS)
    failed: dict[str, ReduxError] = {}

    async def ask(slug: str) -> None:
        def work(cancelled: threading.Event) -> int | None:
            from redux_tui.bench.kaggle.errors import RulesNotAccepted

            if not kaggle.has_entered(slug, cancelled, means.say):
                raise RulesNotAccepted(slug)
            return kaggle.size(slug, cancelled, means.say)

        async with turns:
            try:
                sizes[slug] = await in_thread(work)
            except ReduxError as error:
                failed[slug] = error

    async with asyncio.TaskGroup() as group:
        for each in wanted:
            group.create_task(ask(each.id))
    return failed


def _require_space(
    means: Means,
    missing: Sequence[Competition],
    failed: Mapping[str, ReduxError],
    sizes: Mapping[str, int | None],
) -> None:
    data_dir = means.settings.data_dir
    chosen = [each for each in missing if each.id not in failed]
    needed = 0
    for each in chosen:
        with suppress(ReduxError):  # several archives: said of this one alone
            needed += space_needed(each, data_dir, sizes.get(each.id))
    if chosen:
        require_free_space(data_dir, needed, f"Preparing {name_some(chosen)}")
