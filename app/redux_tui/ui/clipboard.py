"""Copying that also works over SSH: OSC 52, with a file for terminals that refuse it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import platformdirs
from textual.app import App

_MOST = 100_000  # characters; many terminals drop longer OSC 52 sequences


def copy(app: App[Any], text: str, what: str) -> None:
    """Copy `text` and say where it went; `what` names it ("The log's path")."""
    file = Path(platformdirs.user_cache_dir("redux-tui")) / "clipboard.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    if len(text) <= _MOST:
        app.copy_to_clipboard(text)
        how = f"was copied through the terminal (OSC 52), and is in {file} should that be refused."
    else:
        how = f"is too long for a terminal's clipboard: it is in {file}."
    app.notify(f"{what} {how}", markup=False)
