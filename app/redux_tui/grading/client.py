"""Talks to the grading worker: starts it, asks it, stops it where it hangs."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redux_tui.models import Competition, InfrastructureError

_WORKER = Path(__file__).with_name("worker.py")
_LINE_LIMIT = 1 << 24  # bytes an answer may have


@dataclass(frozen=True, slots=True)
class Grade:
    """What the grade function made of a submission; no score: `reason` says why."""

    exists: bool
    score: float | None
    reason: str | None


class GradingWorker:
    """One worker process, started on first use and again after it died; one request at a time."""

    def __init__(self, data_dir: Path, timeout: float = 1800.0, log: Path | None = None) -> None:
        self._data_dir = data_dir
        self._timeout = timeout
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._numbers = itertools.count(1)

    async def grade(self, competition: Competition, root: Path, relative: str) -> Grade:
        """Grade the file `relative` beneath `root`.

        Raises InfrastructureError where the grader, not the submission, is to blame.
        """
        answers = self._data_dir / competition.answers
        request = {
            "id": next(self._numbers),
            "root": str(root),
            "relative": relative,
            "folder": str(competition.folder),
            "grade_fn": competition.grade_fn,
            "answers": str(answers),
        }
        async with self._turn:
            answer = await self._ask(request, competition.id)
        if "failure" in answer:
            raise InfrastructureError(
                f"The grader of {competition.id} failed: {answer['failure']}. The submission is"
                " kept; rerun grades it again."
            )
        return Grade(answer["exists"], answer["score"], answer["reason"])

    async def _ask(self, request: dict[str, Any], name: str) -> dict[str, Any]:
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._timeout):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
        except ConnectionError:  # it died: the empty line says so
            line = b""
        except TimeoutError:
            await self.close()
            raise InfrastructureError(
                f"Grading {name} took longer than {self._timeout:.0f} s and was stopped. The"
                " submission is kept; rerun grades it again."
            ) from None
        except asyncio.CancelledError:
            await self.close()  # its answer must not be taken for the next one's
            raise
        if not line:
            code = await process.wait()
            raise InfrastructureError(
                f"The grading worker died (exit code {code}) while it graded {name}. The"
                " submission is kept; rerun grades it again."
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            log = self._log.open("ab") if self._log else None
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",  # its own folder is no place to import from
                    str(_WORKER),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log or asyncio.subprocess.DEVNULL,
                    limit=_LINE_LIMIT,
                )
            finally:
                if log:
                    log.close()
        return self._process

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None
