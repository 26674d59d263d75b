"""All keys of the screen below, made from its bindings: so help can't differ from what is true."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from redux_tui.ui import keys

_ORDER = ("This screen", "Everywhere", "Moving around")


class HelpScreen(ModalScreen[None]):
    CSS_PATH = "help.tcss"
    BINDINGS = keys.HELP

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._screen = screen

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Keys"
            box.border_subtitle = "Escape closes"
            with VerticalScroll():
                yield Static(self._table())

    def _table(self) -> Table:
        """Keys by where they work: the screen's own first, the app's last."""
        table = Table(box=None, show_header=False, pad_edge=False, expand=True)
        table.add_column(width=13)
        table.add_column(width=20)
        table.add_column(ratio=1, style="dim")
        for title in _ORDER:
            actions = self._actions(title)
            if actions:
                table.add_row(Text(title, "bold"), "", "")
            for same in actions.values():
                binding = same[0].binding
                names = " ".join(self.app.get_key_display(each.binding) for each in same)
                table.add_row(Text(f"  {names}"), Text(binding.description), Text(binding.tooltip))
        return table

    def _actions(self, title: str) -> dict[str, list[ActiveBinding]]:
        """Bindings by what they do: several keys may do the same."""
        actions: dict[str, list[ActiveBinding]] = {}
        for active in self._screen.active_bindings.values():
            binding = active.binding
            is_told = binding.description and not binding.system
            if is_told and self._place(active) == title:
                actions.setdefault(binding.action, []).append(active)
        return actions

    def _place(self, active: ActiveBinding) -> str:
        if active.binding.id is None:  # Textual's own
            return "Moving around"
        return "Everywhere" if active.node is self.app else "This screen"
