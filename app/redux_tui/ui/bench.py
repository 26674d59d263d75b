"""What the dashboard asks of MLE-bench's parts: clone, environment, Kaggle account, data.

Everything heavy is imported inside the functions, which are for threads and jobs.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from redux_tui.bench.progress import Say, Tell
from redux_tui.config import Settings, secrets
from redux_tui.models import Competition, ReduxError
from redux_tui.ui.jobs import JobError, Work
from redux_tui.ui.text import count

if TYPE_CHECKING:
    from redux_tui.bench.data.prepare_all import Outcome
    from redux_tui.bench.repository.clone import Clone


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of the Kaggle account without asking its server. Holds no secret."""

    found: str = ""  # in words, with where it was found; "" if there is none
    trouble: str = ""  # a sentence: it is there, but can't be used
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What is there of all that MLE-bench's competitions need."""

    clone: Clone | None
    environment: Path | None
    trouble: str  # a sentence: why the environment can't be told
    account: Account
    free: int  # bytes on the disk of the data


def look(settings: Settings) -> Found:
    """Reads small files only; no network."""
    from redux_tui.bench.repository.clone import find_clone

    clone = find_clone(settings.repo_dir)
    environment, trouble = None, ""
    if clone is not None:
        from redux_tui.bench.environment.make import find_environment

        try:
            environment = find_environment(clone, settings.repo_python)
        except ReduxError as error:
            trouble = str(error)
    return Found(
        clone, environment, trouble, look_for_account(settings), free_space(settings.data_dir)
    )


def look_for_account(settings: Settings) -> Account:
    from redux_tui.bench.kaggle import KaggleError, find_credentials, problems

    try:
        found = find_credentials(secrets(settings))
    except KaggleError as error:
        return Account(trouble=str(error))
    if found is None:
        return Account()
    whose = f" of {found.username}" if found.username else ""
    return Account(f"{found.what}{whose}, from {found.origin}", warnings=tuple(problems(found)))


def check_account(settings: Settings) -> str:
    """The account's name, asked of Kaggle. Blocks. Raises KaggleError."""
    from redux_tui.bench.kaggle import Kaggle, require_credentials

    with Kaggle(require_credentials(secrets(settings))) as kaggle:
        return kaggle.whoami()


def save_account(pasted: str) -> str:
    """Store what was pasted where the kaggle package finds it; a sentence on what became of it.

    Raises KaggleError, which never repeats what was pasted.
    """
    from redux_tui.bench.kaggle import hidden_by, parse_pasted, save

    file = save(parse_pasted(pasted))
    return hidden_by(file) or f"Stored in {file}, for you alone."


def free_space(folder: Path) -> int:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(existing).free


def clone_work(settings: Settings, ref: str | None, rebuild: bool) -> Work:
    async def work(say: Say, tell: Tell) -> None:
        from redux_tui.bench.repository.clone import clone

        made = await clone(
            settings.repo_url, settings.repo_dir, ref=ref, rebuild=rebuild, say=say, tell=tell
        )
        say(f"MLE-bench is in {made.folder}, at commit {made.commit[:12]}.")

    return work


def environment_work(settings: Settings) -> Work:
    async def work(say: Say, tell: Tell) -> None:
        from redux_tui.bench.environment.make import ensure_environment
        from redux_tui.bench.repository.clone import require_clone

        clone = require_clone(settings)
        python = await ensure_environment(clone, python=settings.repo_python, say=say, tell=tell)
        say(f"The environment is ready: {python}.")

    return work


def data_work(
    settings: Settings,
    competitions: Sequence[Competition],
    note: Callable[[Sequence[Outcome]], None],
    leave_out: Callable[[Sequence[str]], None],
) -> Work:
    """`note` is told what became of each. What failed fails the job; a retry does that alone.

    `leave_out` is told at once of those whose rules are not accepted, while the others go on.
    """

    async def work(say: Say, tell: Tell) -> None:
        from redux_tui.bench.data.prepare_all import prepare_all

        def foreseen(early: Sequence[Outcome]) -> None:
            if unread := refused(early):
                leave_out(unread)

        outcomes = await prepare_all(competitions, settings, say, tell, foreseen=foreseen)
        note(outcomes)
        failed = [each for each in outcomes if each.error is not None]
        say(f"{len(outcomes) - len(failed)} of {count(len(outcomes), 'competition')} prepared.")
        if failed:
            again = data_work(settings, [each.competition for each in failed], note, leave_out)
            raise _failure(failed, len(outcomes), again)

    return work


def refused(outcomes: Sequence[Outcome]) -> list[str]:
    """The competitions whose rules the account has not accepted."""
    from redux_tui.bench.kaggle import RulesNotAccepted

    return [each.competition.id for each in outcomes if isinstance(each.error, RulesNotAccepted)]


def rules_pages(slugs: Iterable[str]) -> tuple[str, ...]:
    """Where the rules of each are accepted."""
    from redux_tui.bench.kaggle import rules_page

    return tuple(rules_page(each) for each in slugs)


def _failure(failed: Sequence[Outcome], asked: int, again: Work) -> JobError:
    """One message for all whose rules are not accepted; one for each other trouble."""
    from redux_tui.bench.kaggle import rules_message

    unread = refused(failed)
    others: dict[str, list[str]] = {}  # several may have the same trouble
    for each in failed:
        if each.competition.id not in unread:
            others.setdefault(str(each.error), []).append(each.competition.id)
    parts = [f"{len(failed)} of {count(asked, 'competition')} could not be prepared."]
    parts += [rules_message(unread)] if unread else []
    parts += [f"{', '.join(names)}: {trouble}" for trouble, names in others.items()]
    text = "\n\n".join(parts) if asked > 1 or not parts[1:] else parts[1]
    return JobError(text, rules_pages(unread), again)
