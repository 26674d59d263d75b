"""`grade`: one submission, or many listed in a JSON-lines file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redux_tui.cli.output import print_json, print_table, say
from redux_tui.config import Settings, find_config, load
from redux_tui.files import write_json
from redux_tui.grading.graders import Graders
from redux_tui.models import Competition, InfrastructureError, ReduxError

if TYPE_CHECKING:  # imported once the workers have begun with their own imports
    from redux_tui.grading.report import Report


def grade_files(
    config: Path | None,
    submission: Path | None,
    competition: str | None,
    submissions: Path | None,
    output_dir: Path | None,
    as_json: bool,
) -> int:
    settings = load(find_config(config))
    if submissions is not None:
        if submission is not None:
            raise click.UsageError("Give either one SUBMISSION and its ID, or --submissions.")
        return asyncio.run(_grade_many(settings, submissions, output_dir, as_json))
    if submission is None or competition is None:
        raise click.UsageError("Give a SUBMISSION and its competition's ID, or --submissions FILE.")
    if not submission.exists():
        raise click.UsageError(f"There is no file {submission}.")
    return asyncio.run(_grade_one(settings, submission, competition, as_json))


async def _grade_one(settings: Settings, path: Path, name: str, as_json: bool) -> int:
    grader = _Grader(settings, workers=1)
    try:
        await grader.start([name])
        report = await grader.grade(path, name)
    finally:
        await grader.close()
    if as_json:
        print_json(report)
    else:
        from redux_tui.logs.sanitize import plain

        rows = [(key, plain(str(value))) for key, value in report.items() if value != ""]
        print_table(("FIELD", "VALUE"), rows)
    return 0 if report["valid_submission"] else 1


async def _grade_many(
    settings: Settings, file: Path, output_dir: Path | None, as_json: bool
) -> int:
    """Every line is graded or reported as an error; the report is MLE-bench's aggregate."""
    folder = output_dir or settings.work_dir / "grades"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [(number, _parse(line)) for number, line in _lines(file)]
    reports, errors = await _grade_lines(settings, file, lines)

    from redux_tui.grading.report import aggregate

    summary = aggregate(reports)
    path = _new_report(folder)
    write_json(path, summary)
    if as_json:
        print_json({**summary, "errors": errors, "path": str(path)})
    else:
        counts = [(key, str(value)) for key, value in summary.items() if isinstance(value, int)]
        print_table(("FIELD", "VALUE"), counts)
        say(f"Report: {path}")
    all_valid = all(report["valid_submission"] for report in reports)
    return 0 if all_valid and not errors else 1


_Line = tuple[int, tuple[Path, str] | ReduxError]


async def _grade_lines(
    settings: Settings, file: Path, lines: list[_Line]
) -> tuple[list[Report], list[dict[str, Any]]]:
    """Reports and errors, both in the order of the lines, which are graded at the same time."""
    wanted = [parsed[1] for _, parsed in lines if not isinstance(parsed, ReduxError)]
    grader = _Grader(settings, workers=max(1, min(os.cpu_count() or 1, len(wanted))))
    progress = _Counter(len(lines))

    async def one(number: int, parsed: tuple[Path, str] | ReduxError) -> Report | str:
        try:
            if isinstance(parsed, ReduxError):
                raise parsed
            return await grader.grade(*parsed)
        except (ReduxError, OSError, ValueError) as error:
            is_said = isinstance(error, ReduxError)
            text = str(error) if is_said else f"this line can't be graded ({error})."
            progress.say(f"{file}, line {number}: {text}")
            return text
        finally:
            progress.count()

    try:
        await grader.start(wanted)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(*line)) for line in lines]
    finally:
        await grader.close()
        progress.clear()
    found = [(number, task.result()) for (number, _), task in zip(lines, tasks, strict=True)]
    errors = [{"line": number, "error": text} for number, text in found if isinstance(text, str)]
    return [report for _, report in found if not isinstance(report, str)], errors


class _Grader:
    """Workers, the catalogue, and the bundled competitions' data, prepared on first use."""

    def __init__(self, settings: Settings, workers: int) -> None:
        self._settings = settings
        self._graders = Graders(settings, workers=workers)
        self._preparing: dict[str, asyncio.Task[None]] = {}

    async def start(self, names: list[str]) -> None:
        """Start the workers; what they and we need is imported at the same time."""
        theirs = self._settings.repo_dir / "mlebench" / "competitions"
        with contextlib.suppress(InfrastructureError):  # each submission's own grading says it
            for kind in sorted({os.path.lexists(theirs / name) for name in names}):
                await self._graders.start(mle_bench=kind)
        from redux_tui.catalog import Catalog

        self._catalog = Catalog.of(self._settings)

    async def grade(self, path: Path, name: str) -> Report:
        from redux_tui.grading.report import grade_submission

        competition = self._catalog.competition(name)
        if competition.source != "mle-bench":  # theirs would be a download nobody asked for
            await self._prepared(competition)
        # a person's own link is meant, an agent's never is: this path was given by a person
        real = Path(os.path.realpath(path))
        return await grade_submission(self._graders, competition, real.parent, real.name, path=path)

    async def _prepared(self, competition: Competition) -> None:
        from redux_tui.bench.data.prepare import prepare

        if competition.id not in self._preparing:
            work = prepare(competition, self._settings, say)
            self._preparing[competition.id] = asyncio.create_task(work)
        await asyncio.shield(self._preparing[competition.id])

    async def close(self) -> None:
        for task in self._preparing.values():
            task.cancel()
        await asyncio.gather(*self._preparing.values(), return_exceptions=True)
        await self._graders.close()


class _Counter:
    """How many are done, in one line of the terminal; nothing where there is none."""

    def __init__(self, total: int) -> None:
        self._done = 0
        self._total = total
        self._shows = sys.stderr.isatty() and total > 1

    def count(self) -> None:
        self._done += 1
        if self._shows:
            click.echo(f"\rGraded {self._done} of {self._total}", err=True, nl=False)

    def say(self, line: str) -> None:
        self.clear()
        say(line)

    def clear(self) -> None:
        if self._shows:
            click.echo("\r\x1b[K", err=True, nl=False)


def _new_report(folder: Path) -> Path:
    """An empty file of a new name: several may be graded within the same second."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S-UTC")
    number = 1
    while True:
        suffix = f"-{number}" if number > 1 else ""
        path = folder / f"{stamp}{suffix}_grading_report.json"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path


def _lines(file: Path) -> list[tuple[int, str]]:
    """Numbered lines without blank ones and comments, which MLE-bench skips as well."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReduxError(f"{file} can't be read as a text file: {error}.") from error
    numbered = ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    return [
        (number, line) for number, line in numbered if line and line[0] != "#" and line[:2] != "//"
    ]


def _parse(line: str) -> tuple[Path, str] | ReduxError:
    try:
        data = json.loads(line)
        return Path(str(data["submission_path"])), str(data["competition_id"])
    except (ValueError, RecursionError) as error:
        return ReduxError(f"this is not a JSON object ({error}).")
    except (KeyError, TypeError):
        return ReduxError('"submission_path" and "competition_id" must be there.')
