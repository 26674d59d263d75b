"""What the wizard says of each step: an icon and a word, what it means, what to do next."""

from __future__ import annotations

from rich.text import Text

from redux_tui.config import Settings
from redux_tui.logs.sanitize import one_line
from redux_tui.ui.bars import draw, size, state_of_job
from redux_tui.ui.bench import Account, Found
from redux_tui.ui.jobs import Job, JobState
from redux_tui.ui.text import BAD, DIM, GOOD, WARN

_BARS = 3  # of a job; all are on screen 5
_HOW = (
    "get a key on kaggle.com → Settings → API. Paste kaggle.json's content, “username key” or an"
    " access token. Without one, all that is offline goes on working."
)
_CHECKED = {
    None: ("⟳", "checking", DIM),
    True: ("✓", "confirmed", GOOD),
    False: ("✗", "not confirmed", BAD),
}


def about_clone(found: Found, settings: Settings, job: Job | None, width: int) -> Text:
    text = _head(1, "MLE-bench's competitions, graders and agents")
    if found.clone is not None:
        _state(text, "✓", "there", GOOD, f"at commit {found.clone.commit[:12]}")
        origin = found.clone.url or "no remote"
    else:
        _state(text, "○", "not there", WARN, "its competitions can't be listed yet")
        origin = settings.repo_url
    _line(text, f"{origin} in {settings.repo_dir} (page Settings)", DIM)
    _append_job(text, job, width)
    return text


def about_environment(found: Found, settings: Settings, job: Job | None, width: int) -> Text:
    text = _head(2, "Its environment, in which its own code prepares and grades")
    if found.environment is not None:
        _state(text, "✓", "ready", GOOD, str(found.environment))
    elif found.trouble:
        _state(text, "✗", "not usable", BAD, found.trouble)
    elif found.clone is None:
        _state(text, "○", "not there", DIM, "follows by itself once MLE-bench is there")
    elif settings.repo_python is not None:
        _state(text, "○", "not checked", WARN, f"{settings.repo_python}; e checks what it has")
    else:
        _state(text, "○", "not installed", WARN, "e installs it; else the first job that needs it")
    _append_job(text, job, width)
    return text


def about_account(account: Account, checked: str, is_known: bool | None) -> Text:
    text = _head(3, "A Kaggle account, to download data")
    if account.trouble:
        _state(text, "✗", "not usable", BAD, account.trouble)
    elif account.found:
        _state(text, "✓", "found", GOOD, account.found)
    else:
        _state(text, "○", "none", WARN, _HOW)
    for warning in account.warnings:
        _state(text, "!", "warning", WARN, warning)
    if checked:
        _state(text, *_CHECKED[is_known], checked)
    return text


def about_data(found: Found, settings: Settings) -> Text:
    text = _head(4, "The data of competitions")
    _line(text, f"{settings.data_dir}, {size(found.free)} free")
    _line(text, "Choose competitions on screen 2; d gets their data. Jobs are on screen 5.")
    return text


def _head(number: int, title: str) -> Text:
    text = Text(overflow="fold")
    text.append(f"{number}  ", "bold")
    text.append(title, "bold")
    return text


def _state(text: Text, icon: str, word: str, style: str, detail: str) -> None:
    text.append(f"\n   {icon} {word}", style)
    text.append(f": {one_line(detail)}" if detail else "")


def _line(text: Text, line: str, style: str = "") -> None:
    text.append(f"\n   {one_line(line)}", style)


def _append_job(text: Text, job: Job | None, width: int) -> None:
    """How far it is; how it failed."""
    if job is None or job.state is JobState.DONE:
        return
    text.append("\n   ")
    text.append_text(state_of_job(job))
    text.append(": " + (one_line(job.error) or _last(job)))
    if job.is_running:
        going = [bar for bar in job.bars.values() if not bar.is_done] or list(job.bars.values())
        for bar in going[-_BARS:]:
            text.append("\n   ")
            text.append_text(draw(bar, width - 3))


def _last(job: Job) -> str:
    if not job.is_running:
        return job.keeps
    return one_line(job.lines[-1]) if job.lines else f"{job.title}. x stops it."
