"""`grade`: one submission, or many listed in a JSON-lines file."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from redux_tui.bench.prepare import prepare
from redux_tui.catalog import Catalog
from redux_tui.cli.output import print_json, print_table, say
from redux_tui.config import Settings, find_config, load
from redux_tui.files import write_json
from redux_tui.grading.client import GradingWorker
from redux_tui.grading.report import Report, aggregate, grade_submission
from redux_tui.logs.sanitize import plain
from redux_tui.models import ReduxError


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
    grader = _Grader(settings)
    try:
        report = await grader.grade(path, name)
    finally:
        await grader.close()
    if as_json:
        print_json(report)
    else:
        rows = [(key, plain(str(value))) for key, value in report.items() if value != ""]
        print_table(("FIELD", "VALUE"), rows)
    return 0 if report["valid_submission"] else 1


async def _grade_many(
    settings: Settings, file: Path, output_dir: Path | None, as_json: bool
) -> int:
    """Every line is graded or reported as an error; the report is MLE-bench's aggregate."""
    folder = output_dir or settings.work_dir / "grades"
    folder.mkdir(parents=True, exist_ok=True)
    reports: list[Report] = []
    errors: list[dict[str, Any]] = []
    grader = _Grader(settings)
    try:
        for number, line in _lines(file):
            try:
                reports.append(await grader.grade(*_parse(line)))
            except (ReduxError, OSError, ValueError) as error:
                is_said = isinstance(error, ReduxError)
                text = str(error) if is_said else f"this line can't be graded ({error})."
                errors.append({"line": number, "error": text})
                say(f"{file}, line {number}: {text}")
    finally:
        await grader.close()
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


class _Grader:
    """A worker, and the data prepared on first use of a competition."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._catalog = Catalog.of(settings)
        self._worker = GradingWorker(settings.data_dir)

    async def grade(self, path: Path, name: str) -> Report:
        competition = self._catalog.competition(name)
        await prepare(competition, self._settings.data_dir, say)
        # a person's own link is meant, an agent's never is: this path was given by a person
        path = Path(os.path.realpath(path))
        return await grade_submission(self._worker, competition, path.parent, path.name)

    async def close(self) -> None:
        await self._worker.close()


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


def _parse(line: str) -> tuple[Path, str]:
    try:
        data = json.loads(line)
        return Path(str(data["submission_path"])), str(data["competition_id"])
    except (ValueError, RecursionError) as error:
        raise ReduxError(f"this is not a JSON object ({error}).") from error
    except (KeyError, TypeError) as error:
        raise ReduxError('"submission_path" and "competition_id" must be there.') from error
