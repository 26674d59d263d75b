"""What is printed on the normal screen once the dashboard is closed."""

from __future__ import annotations

from redux_tui.logs.sanitize import one_line
from redux_tui.runner.summary import summarize
from redux_tui.ui.session import Session
from redux_tui.ui.text import count


def farewell(session: Session) -> str:
    """The results of the current group, what still runs, and how to come back. Safe to print."""
    group = session.group
    if group is None or not group.state.attempts:
        return ""
    group.refresh()
    lines = [f"{group.name} ({group.request.agent})", *summarize(group.state).lines()]
    unfinished = [each for each in group.state.attempts.values() if not each.is_finished]
    if unfinished and group.is_alive:
        lines.append(f"{count(len(unfinished), 'attempt')} still going on. Come back to them with:")
        lines.append(f"  {session.command}")
    elif unfinished:
        lines.append(f"{count(len(unfinished), 'attempt')} not finished, and nothing drives them.")
        lines.append(f"Go on with them from the live screen (u): {session.command}")
    return "\n".join("  " + one_line(line) if line[0] == " " else one_line(line) for line in lines)
