"""`build`: the image of an agent, with all that it builds on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from redux_tui.catalog import Catalog
from redux_tui.catalog.agents import require_supported
from redux_tui.cli.output import print_json, say
from redux_tui.config import Settings, find_config, load
from redux_tui.models import Agent, SandboxKind
from redux_tui.sandbox.choose import choose
from redux_tui.sandbox.protocol import Image


def build_agent(config: Path | None, agent: str, as_json: bool) -> int:
    """Build it as its first run would, and print the image's name and digest."""
    settings = load(find_config(config))
    chosen = Catalog.of(settings).agent(agent)
    require_supported(chosen)
    image = asyncio.run(_build(settings, chosen))
    if as_json:
        print_json({"agent": chosen.id, "image": image.reference, "digest": image.digest})
    else:
        click.echo(f"{image.reference} {image.digest}")
    return 0


async def _build(settings: Settings, agent: Agent) -> Image:
    choice = await choose(
        SandboxKind.DOCKER,
        agent,
        docker_host=settings.docker.host,
        base_image=settings.base_image(),
        say=say,
    )
    await choice.sandbox.close()
    return choice.image
