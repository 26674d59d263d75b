"""What commands print: data on stdout, narration on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from redux_tui.files import to_json


def print_json(value: Any) -> None:
    click.echo(to_json(value, default=str))


def say(line: str) -> None:
    click.echo(line, err=True)


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell; nothing is cut off, so that it can be piped on."""
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    for row in (headers, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
