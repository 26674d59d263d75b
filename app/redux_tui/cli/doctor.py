"""`doctor`: the checks, with what to do about each that is not well."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path

import click

from redux_tui.cli.output import print_json
from redux_tui.config import find_config, load
from redux_tui.runner.doctor import Health, examine

_MARKS = {Health.OK: "✓ ok     ", Health.WARNING: "! warning", Health.FAILED: "✗ failed "}


def print_checks(config: Path | None, as_json: bool) -> int:
    checks = asyncio.run(examine(load(find_config(config))))
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        for check in checks:
            click.echo(f"{_MARKS[check.health]}  {check.name}: {check.detail}")
            if check.fix:
                click.echo(f"             → {check.fix}")
    return 1 if any(check.health is Health.FAILED for check in checks) else 0
