"""The first frame: shown before config, catalogue or anything heavy is even imported."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static


class LoadingScreen(Screen[None]):
    def compose(self) -> ComposeResult:
        yield Static("redux-tui", classes="loading-name")
        yield Static("Loading…")
