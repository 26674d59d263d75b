"""The run groups there are, newest first, to look at another one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from redux_tui.logs.sanitize import one_line
from redux_tui.ui import keys
from redux_tui.ui.app import ReduxApp
from redux_tui.ui.session import GroupLine
from redux_tui.ui.text import count


class GroupsScreen(ModalScreen[Path | None]):
    """Answers with the folder of the chosen group."""

    CSS_PATH = "groups.tcss"
    BINDINGS = keys.GROUPS

    app = getters.app(ReduxApp)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Run groups"
            box.border_subtitle = "Enter opens, Escape closes"
            yield Static("Reading…", markup=False)
            yield OptionList()

    def on_mount(self) -> None:
        self.query_one(OptionList).display = False
        self.run_worker(self._fill(), exclusive=True)

    async def _fill(self) -> None:
        lines = await asyncio.to_thread(self.app.ready.group_lines)
        status, options = self.query_one(Static), self.query_one(OptionList)
        if not lines:
            where = self.app.ready.settings.work_dir / "runs"
            status.update(
                f"There is no run group in {one_line(str(where))} yet: start one on screen 2."
            )
            return
        status.display = False
        options.display = True
        options.add_options([Option(_describe(line), id=str(line.folder)) for line in lines])
        current = self.app.group
        places = [line.folder for line in lines]
        if current is not None and current.folder in places:
            options.highlighted = places.index(current.folder)
        options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Path(event.option.id or ""))


def _describe(line: GroupLine) -> Content:
    name = one_line(line.folder.name)
    if line.trouble:
        return Content.assemble((name, "bold"), "\n  ", (one_line(line.trouble), "$text-error"))
    state = (
        "▶ running"
        if line.is_alive
        else ("✓ finished" if line.finished == line.runs else "■ stopped")
    )
    runs, attempts = count(line.runs, "run"), count(line.attempts, "attempt")
    detail = f"{line.agent} · {line.finished} of {runs} finished · {attempts}"
    return Content.assemble((name, "bold"), f"\n  {state} · ", one_line(detail))
