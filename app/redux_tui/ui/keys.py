"""Every key of every screen, in one place: footer, help, palette and keymap come from here.

Each has an id (`live.cancel`), by which `state: keys:` of the config can give it other keys.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from textual.binding import Binding, BindingType


class Key(NamedTuple):
    """`shown`: in the footer too."""

    keys: str
    action: str
    label: str
    tooltip: str
    shown: bool = True


def _bind(scope: str, *keys: Key) -> list[BindingType]:
    return [_binding(scope, each) for each in keys]


def _binding(scope: str, key: Key) -> Binding:
    first = key.keys.split(",")[0]
    display = {"slash": "/", "question_mark": "?"}.get(first, first if first.isupper() else None)
    slug = re.sub(r"\W+", "_", key.label.lower()).strip("_")
    return Binding(
        key.keys,
        key.action,
        key.label,
        id=f"{scope}.{slug}",
        show=key.shown,
        key_display=display,
        tooltip=key.tooltip,
    )


APP = _bind(
    "app",
    Key("1,f1", "show('setup')", "Setup", "Health checks and settings", False),
    Key("2,f2", "show('competitions')", "Competitions", "Choose what to run, and start", False),
    Key("3,f3", "show('live')", "Live", "What runs now, with its log", False),
    Key("4,f4", "show('results')", "Results", "Scores and medals; rerun what failed", False),
    Key("5,f5,J", "show('jobs')", "Jobs", "Clones and downloads: how far they are", False),
    Key("m", "wizard", "MLE-bench", "Get MLE-bench, enter a Kaggle key", False),
    Key("g", "choose_group", "Groups", "Look at another run group", False),
    Key("question_mark", "help", "Help", "All keys of this screen"),
    Key("q", "quit", "Quit", "Leave; what runs goes on unless you stop it"),
)

SETUP = _bind(
    "setup",
    Key("o", "offline", "Try it offline", "The baseline on bundled data; no Docker", False),
    Key("n", "page(1)", "Next page", "Welcome, health, MLE-bench, settings"),
    Key("b", "page(-1)", "Page back", "Settings, MLE-bench, health, welcome", False),
    Key("h", "check", "Check health", "Look again at all that runs stand on"),
    Key("ctrl+s", "save", "Save settings", "Write the settings into the config file"),
    Key("c", "clone", "Clone", "Clone MLE-bench, or move the clone to the ref"),
    Key("C", "clone_anew", "Clone anew", "Clone again; until then the old one works", False),
    Key("e", "install", "Environment", "Install what MLE-bench's own code needs", False),
    Key("p", "enter_key", "Enter key", "Paste a Kaggle key or access token"),
    Key("k", "check_account", "Check Kaggle", "Ask Kaggle whether it knows the account", False),
    Key("x", "stop", "Stop", "Stop the clone or the installation that goes on"),
    Key("escape", "leave_field", "Leave field", "From a field back to the page"),
)

COMPETITIONS = _bind(
    "competitions",
    Key("space", "choose", "Choose", "Choose this competition, or don't"),
    Key("a", "choose_all", "All/none", "Choose all that are listed, or none of them", False),
    Key("slash", "filter", "Filter", "List only what contains some letters"),
    Key("p", "split", "Split", "List only a split: a named list of competitions"),
    Key("e", "options", "Options", "Agent, sandbox, seeds, jobs and time limit"),
    Key("d", "get_data", "Get data", "Download and prepare what is chosen, else this one"),
    Key("s,ctrl+s", "start", "Start", "Run the agent on what is chosen"),
    Key("escape", "leave_field", "Back to the list", "From a field to the list", False),
)

LIVE = _bind(
    "live",
    Key("u", "resume", "Resume", "Go on with a run group whose supervisor is gone"),
    Key("c", "cancel", "Cancel", "Stop this attempt; what it submitted is still graded"),
    Key("C", "cancel_all", "Cancel all", "Stop all attempts that are not finished"),
    Key("slash", "search", "Search", "Search the log by regular expression"),
    Key("n", "find(1)", "Next match", "The next match", False),
    Key("N", "find(-1)", "Previous match", "The match before", False),
    Key("f", "follow", "Follow", "Go to the log's end and follow it", False),
    Key("w", "wrap", "Wrap", "Wrap long lines, or don't"),
    Key("y", "copy", "Copy", "Copy the line that a search found, else the log's path", False),
    Key("Y", "copy_screen", "Copy lines", "Copy the log's lines that are on the screen", False),
    Key("g", "app.choose_group", "Groups", "Look at another run group"),
)

RESULTS = _bind(
    "results",
    Key("r", "rerun", "Rerun", "Try the selected run once more"),
    Key("R", "rerun_failed", "Rerun failed", "Try all runs once more that failed"),
    Key("l", "show_log", "Log", "The run's log, on the live screen"),
    Key("g", "app.choose_group", "Groups", "Look at another run group"),
)

JOBS = _bind(
    "jobs",
    Key("c", "cancel", "Cancel", "Stop this job; what it has got is kept"),
    Key("r", "retry", "Retry", "Do again what failed or was stopped"),
    Key("y", "copy", "Copy", "Copy the pages to open, else the error, else the last lines"),
)

TABLE = _bind(
    "table",
    Key("enter", "select_cursor", "Open", "What belongs to the row: its log, its details"),
    Key("j", "cursor_down", "Down", "The next row", False),
    Key("k", "cursor_up", "Up", "The row above", False),
)

LOG = _bind(
    "log",
    Key("j", "scroll_down", "Down", "A line down", False),
    Key("k", "scroll_up", "Up", "A line up", False),
    Key("end", "follow", "To the end", "Go to the end and follow it", False),
)

ASK = _bind(
    "ask",
    Key("escape", "back", "Back", "Change nothing"),
    Key("left", "app.focus_previous", "Previous", "The answer before", False),
    Key("right", "app.focus_next", "Next", "The next answer", False),
)

HELP = _bind("help", Key("escape,q,question_mark", "dismiss", "Close", "Close this"))
GROUPS = _bind("groups", Key("escape,g,q", "dismiss", "Close", "Choose none"))
DETAIL = _bind(
    "detail",
    Key("escape,q,enter", "dismiss", "Close", "Back to the table"),
    Key("y", "copy", "Copy", "Copy all of this text"),
)
