"""Progress as text: a bar, how much of how much, how fast, how long still."""

from __future__ import annotations

from rich.text import Text

from redux_tui.bench.progress import Progress
from redux_tui.ui.jobs import Bar, Job, JobState
from redux_tui.ui.text import BAD, BUSY, DIM, GOOD, WARN, clock, safe

_SCALES = ((1e9, "GB", 1), (1e6, "MB", 1), (1e3, "kB", 0))
_STATES = {
    JobState.RUNNING: ("⟳", "running", BUSY),
    JobState.DONE: ("✓", "done", GOOD),
    JobState.FAILED: ("✗", "failed", BAD),
    JobState.CANCELLED: ("■", "cancelled", WARN),
}
_DETAILS = 32  # cells at least for numbers, speed and time


def state_of_job(job: Job) -> Text:
    icon, word, style = _STATES[job.state]
    if job.is_running and job.is_stopping:
        icon, word, style = "■", "stopping", WARN
    return Text(f"{icon} {word}", style)


def percent(fraction: float | None) -> str:
    """Rounded down: 100 % is said of nothing that goes on."""
    return "" if fraction is None else f"{int(fraction * 100)} %"


def size(count: float) -> str:
    """Bytes as people say them."""
    for scale, unit, places in _SCALES:
        if count >= scale:
            return f"{count / scale:.{places}f} {unit}"
    return f"{count:.0f} B"


def draw(bar: Bar, width: int, *, is_moving: bool = True) -> Text:
    """One line: what, bar, how far; and while it moves, how fast and how long still."""
    details = _details(bar, is_moving)
    room = max(24, width - max(_DETAILS, details.cell_len) - 2)
    name_width = min(44, room - 8)
    name = safe(bar.progress.what)
    name.truncate(name_width, overflow="ellipsis", pad=True)
    return Text.assemble(name, " ", _blocks(bar.fraction, room - name_width), " ", details)


def overall(job: Job, width: int) -> Text:
    """How far the job is, with its speed."""
    bars = job.measure
    parts = [percent(job.fraction)] if job.fraction is not None else []
    if job.is_running and bars and bars[0].progress.unit == "bytes":
        counted = [bar.progress for bar in bars]
        done, total = sum(p.done for p in counted), sum(p.total or 0 for p in counted)
        parts.append(f"{size(done)} of {size(total)}")
        if speed := sum(bar.speed.per_second or 0.0 for bar in bars):
            parts.append(f"{size(speed)}/s")
        left = [bar.speed.left(bar.progress.total) for bar in bars]
        if known := [each for each in left if each is not None]:
            parts.append(f"{clock(max(known))} left")
    if not job.is_running:
        parts.append(f"took {clock(job.seconds)}")
    words = " · ".join(parts)
    if job.fraction is None:
        return Text(words)
    return Text.assemble(_blocks(job.fraction, max(6, min(30, width - 48))), " ", words)


def _blocks(fraction: float | None, width: int) -> Text:
    if fraction is None:
        return Text("·" * width, DIM)
    done = int(fraction * width)
    return Text.assemble(("█" * done, GOOD if fraction == 1 else BUSY), ("░" * (width - done), DIM))


def _details(bar: Bar, is_moving: bool) -> Text:
    progress, per_second = bar.progress, bar.speed.per_second
    if bar.is_done:
        return Text(f"✓ {_amount(progress)}", GOOD)
    parts = [f"{percent(bar.fraction):>4}", _amount(progress)]
    if is_moving and per_second and progress.unit == "bytes":
        parts.append(f"{size(per_second)}/s")
        left = bar.speed.left(progress.total)
        parts += [clock(left)] if left is not None else []
    return Text(" ".join(part for part in parts if part.strip()), no_wrap=True)


def _amount(progress: Progress) -> str:
    done, total = progress.done, progress.total
    if progress.unit == "bytes":
        whole = size(total) if total is not None else ""
        return size(done) if not whole or done == total else f"{size(done)} of {whole}"
    whole = f" of {total:,}" if total is not None and done != total else ""
    return f"{done:,}{whole} {safe(progress.unit).plain}"
