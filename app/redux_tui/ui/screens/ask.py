"""A question before something that can't be undone, answered by a key or a button."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from redux_tui.logs.sanitize import one_line
from redux_tui.ui import keys

Choice = tuple[str, str, str]
"""A key, a label, and the answer that it gives."""


class AskScreen(ModalScreen[str | None]):
    """Answers with one of the choices, the first being the default; Escape answers None."""

    CSS_PATH = "ask.tcss"
    BINDINGS = keys.ASK

    def __init__(self, title: str, text: str, choices: list[Choice]) -> None:
        super().__init__()
        self._title, self._text = title, text
        self._answers = {key: answer for key, _, answer in choices}
        self._choices = choices

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(one_line(self._title))
            yield Static(one_line(self._text), markup=False)
            with Horizontal():
                for key, label, _ in self._choices:
                    text = Content.assemble((key, "bold underline"), " ", label)
                    yield Button(text, id=f"answer-{key}", compact=True)

    def action_back(self) -> None:
        self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        if event.character in self._answers:
            event.stop()
            self.dismiss(self._answers[event.character])

    def on_button_pressed(self, event: Button.Pressed) -> None:
        key = (event.button.id or "").removeprefix("answer-")
        self.dismiss(self._answers[key])
