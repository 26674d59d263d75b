"""`clone`: MLE-bench and the environment that its code needs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from redux_tui.bench.environment.make import ensure_environment
from redux_tui.bench.repository.about import about
from redux_tui.bench.repository.clone import Clone, clone
from redux_tui.cli.output import print_json, say
from redux_tui.cli.progress import Bars
from redux_tui.config import Settings, find_config, load, update


def clone_command(config: Path | None, ref: str | None, rebuild: bool, as_json: bool) -> int:
    """Clone or update, then make the environment; a `ref` is remembered in the config."""
    settings = load(find_config(config))
    try:
        made, python = asyncio.run(_clone(settings, ref, rebuild))
    except KeyboardInterrupt:
        say("Interrupted. Nothing is half done; `redux-tui clone` goes on from here.")
        return 130
    if as_json:
        folder, python_path = str(made.folder), str(python)
        print_json(
            {"folder": folder, "commit": made.commit, "url": made.url, "python": python_path}
        )
    else:
        say(f"MLE-bench {about(made)} is in {made.folder}; its code runs in {python}.")
    return 0


async def _clone(settings: Settings, ref: str | None, rebuild: bool) -> tuple[Clone, Path]:
    with Bars() as bars:
        made = await clone(
            settings.repo_url,
            settings.repo_dir,
            ref=ref or settings.repo_ref,
            rebuild=rebuild,
            say=bars.say,
            tell=bars,
        )
        # kept as soon as it is true: the environment may fail, and be tried again
        if ref is not None and settings.file is not None and ref != settings.repo_ref:
            update(settings.file, {"repo_ref": ref})
        python = await ensure_environment(
            made, python=settings.repo_python, say=bars.say, tell=bars
        )
    return made, python
