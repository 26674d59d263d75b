"""What the app tells the screen that is shown. All else a screen finds out by asking the app."""

from __future__ import annotations

from textual.message import Message


class GroupChanged(Message, bubble=False):
    """The journal of the current run group has something new, or another group is current."""


class Tick(Message, bubble=False):
    """A second went by while something runs: elapsed times are to be shown anew."""
