"""One run in full, as text: its report, every attempt, every path."""

from __future__ import annotations

from collections.abc import Iterator

from redux_tui.logs.sanitize import one_line
from redux_tui.models import Phase, Run
from redux_tui.runner.group import Group
from redux_tui.runner.state import AttemptState, result_attempt
from redux_tui.ui.text import clock, ended_of, medal_of, number, result_of, sandbox_word

Line = tuple[str, str]
"""A label and what it labels."""


Paragraph = tuple[str, list[Line]]
"""A title, and what stands below it."""


def describe_run(group: Group, run: Run) -> list[Paragraph]:
    """The attempt that counts as the result comes first. Safe to show."""
    attempts = group.state.runs()[run]
    counts = result_attempt(attempts)
    paragraphs = [("Run group", _safe(_about_group(group)))]
    for attempt in sorted(attempts, key=lambda each: each is not counts):
        title = f"Attempt {attempt.number} of {len(attempts)}"
        title += " (the result that counts)" if attempt is counts else f" ({attempt.cause})"
        paragraphs.append((title, _safe(_about_attempt(attempt))))
    return paragraphs


def as_text(paragraphs: list[Paragraph]) -> str:
    """To be copied."""
    return "\n\n".join(
        "\n".join([title, *(f"  {label:<20} {value}" for label, value in lines)])
        for title, lines in paragraphs
    )


def _about_group(group: Group) -> Iterator[Line]:
    yield "agent", group.request.agent
    yield "group", str(group.folder)
    if group.request.obfuscated:
        yield "obfuscated", "yes: descriptions and instructions do not name Kaggle"
    yield "sandbox", f"{sandbox_word(group.state.sandbox)}. {group.state.sandbox_reason}"
    if group.state.image:
        yield "image", f"{group.state.image} {group.state.digest}"


def _about_attempt(attempt: AttemptState) -> Iterator[Line]:
    for label, word, reason in (
        ("result", result_of(attempt), attempt.result_reason),
        ("ended", ended_of(attempt), attempt.reason),
    ):
        yield label, f"{word.plain}. {reason}" if reason else word.plain
    if attempt.exit_code is not None:
        yield "exit code", str(attempt.exit_code)
    if commit := mle_bench_commit(attempt):
        yield "MLE-bench", commit
    phases = [phase for phase in attempt.since if phase is not Phase.FINISHED]
    yield "times", ", ".join(f"{phase} {clock(attempt.seconds(phase))}" for phase in phases)
    if attempt.cpu_seconds is not None:
        yield "CPU time", clock(attempt.cpu_seconds)
    if attempt.peak_memory is not None:
        yield "memory", f"{attempt.peak_memory / 2**20:,.0f} MiB at most"
    for note in attempt.notes:
        yield "note", note
    yield "folder", str(attempt.folder)
    yield "log", str(attempt.log)
    if attempt.report:
        yield "medal", medal_of(attempt).plain
        for key, value in attempt.report.items():  # by the names that they have in report.json
            if value is not None:
                yield key, number(value) if isinstance(value, float) else str(value)


def mle_bench_commit(attempt: AttemptState) -> str:
    """The commit of MLE-bench that it was started with; "" for a competition that is not its."""
    return str((attempt.started or {}).get("commit") or "")


def _safe(lines: Iterator[Line]) -> list[Line]:
    return [(one_line(label), one_line(value)) for label, value in lines]
