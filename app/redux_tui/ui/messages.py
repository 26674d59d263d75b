"""What the app tells the screen that is shown. All else a screen finds out by asking the app."""

from __future__ import annotations

from textual.message import Message


class GroupChanged(Message, bubble=False):
    """The journal of the current run group has something new, or another group is current."""


class Tick(Message, bubble=False):
    """A second went by while something runs: elapsed times are to be shown anew."""


class JobsChanged(Message, bubble=False):
    """Jobs got on, began or ended."""

    def __init__(self, ended: bool) -> None:
        super().__init__()
        self.ended = ended
        """Whether one came to its end, so that there may be new data."""

    def can_replace(self, message: Message) -> bool:
        """Whether `message`, which came later, says all that this one does."""
        return isinstance(message, JobsChanged) and self.ended <= message.ended
