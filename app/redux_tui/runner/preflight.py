"""What a launch finds out before anything starts: what would stop all of its runs, or some."""

from __future__ import annotations

from collections.abc import Sequence

from redux_tui.bench.data.place import require_space
from redux_tui.bench.data.prepare_all import must_download
from redux_tui.catalog import Catalog
from redux_tui.config import Settings, secrets
from redux_tui.models import Competition, ReduxError, Request, SandboxKind
from redux_tui.runner.instructions import obfuscated_description
from redux_tui.runner.stage import resolved_agent
from redux_tui.sandbox.choose import require_engine, require_place


def preflight(settings: Settings, request: Request) -> list[str]:
    """Raises ReduxError for what would stop all runs; returns what will stop some, in sentences.

    Asks Kaggle only where something must be downloaded.
    """
    catalog = Catalog.of(settings)
    agent = resolved_agent(settings, catalog, request)
    require_place(request.sandbox, agent)
    if request.sandbox is SandboxKind.DOCKER or (
        request.sandbox is SandboxKind.AUTO and not agent.trusted
    ):
        require_engine(agent, settings.docker.host)
    chosen = [catalog.competition(name) for name in request.competitions]
    if request.obfuscated:
        for each in chosen:
            obfuscated_description(each)
    require_space(chosen, settings.data_dir)
    wanted = [each for each in chosen if must_download(each, settings.data_dir)]
    if not wanted:
        return []
    return _ask_kaggle(settings, wanted, all_of_them=len(wanted) == len(chosen))


def _ask_kaggle(
    settings: Settings, wanted: Sequence[Competition], *, all_of_them: bool
) -> list[str]:
    from redux_tui.bench.kaggle import Kaggle, require_credentials, rules_message

    with Kaggle(require_credentials(secrets(settings))) as kaggle:
        kaggle.whoami()
        refused = [each.id for each in wanted if not kaggle.has_entered(each.id)]
    if not refused:
        return []
    message = rules_message(refused)
    if all_of_them and len(refused) == len(wanted):
        raise ReduxError(message)
    return [f"{message}\nThe other competitions go on; `redux-tui rerun` then runs these."]
