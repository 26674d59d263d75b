"""The jobs that get MLE-bench and its data: how they are started, what follows their end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from redux_tui.models import Competition
from redux_tui.ui import bench
from redux_tui.ui.jobs import Job
from redux_tui.ui.text import count

if TYPE_CHECKING:
    from redux_tui.bench.data.prepare_all import Outcome
    from redux_tui.ui.app import ReduxApp

_RESUMES = "What was downloaded is kept, and the next start goes on from there."
_CLONE_KEEPS = "A clone is made whole or not at all; one that is there stays as it was."


def start_clone(
    app: ReduxApp, ref: str | None, *, rebuild: bool = False, is_there: bool = False
) -> None:
    """Clone, or move what is there to `ref`; its environment follows by itself.

    None is the default branch. The ref is kept in the config once the clone is there.
    """
    if _is_busy(app, "clone", "environment", "data"):
        return
    session = app.ready
    title = "Clone MLE-bench anew" if rebuild else "Clone MLE-bench"
    title = "Update MLE-bench" if is_there else title
    work = bench.clone_work(session.settings, ref or ("HEAD" if is_there else None), rebuild)

    def then() -> None:
        if ref != session.settings.repo_ref:
            keep = asyncio.to_thread(session.write, {"repo_ref": ref})
            app.perform(keep, "Keeping the ref")
        start_environment(app)

    app.start_job(Job("clone", title, work, _CLONE_KEEPS, then=then))


def start_environment(app: ReduxApp) -> None:
    """Install what MLE-bench's own code needs."""
    work = bench.environment_work(app.ready.settings)
    keeps = "It is made whole or not at all; the next start goes on with what was downloaded."
    app.start_job(Job("environment", "MLE-bench's environment", work, keeps))


def install(app: ReduxApp) -> None:
    """`start_environment`, asked for by a person."""
    if not _is_busy(app, "clone", "environment"):
        start_environment(app)


def start_data(app: ReduxApp, competitions: Sequence[Competition]) -> bool:
    """Download and prepare; what another job already works on is left to that."""
    taken = app.jobs.working_on()
    left = [each for each in competitions if each.id not in taken]
    if not left:
        app.say("A job works on that already: see screen 5.")
        return False
    title = f"Data of {left[0].id}" if len(left) == 1 else f"Data of {len(left)} competitions"

    def note(outcomes: Sequence[Outcome]) -> None:
        without = set(bench.refused(outcomes))
        known = {each.competition.id for each in outcomes}
        app.ready.refused = (app.ready.refused - known) | without

    def leave_out(unread: Sequence[str]) -> None:
        app.ready.refused |= set(unread)
        job.left_out, job.pages = frozenset(unread), bench.rules_pages(unread)
        app.say(
            f"The rules of {', '.join(unread)} are not accepted yet: screen 5 has the pages to"
            " open. The others go on.",
            severity="warning",
        )

    work = bench.data_work(app.ready.settings, left, note, leave_out)
    job = Job("data", title, work, _RESUMES, frozenset(each.id for each in left))
    app.start_job(job)
    app.say(f"Getting the data of {count(len(left), 'competition')}: screen 5 shows how far it is.")
    return True


def _is_busy(app: ReduxApp, *kinds: str) -> bool:
    """Whether a job of these kinds stands in the way; it is said."""
    busy = [job for job in app.jobs.running if job.kind in kinds]
    if busy:
        app.say(f"First this must end: {busy[0].title}. See screen 5.", severity="warning")
    return bool(busy)
