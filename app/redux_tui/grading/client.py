"""Talks to one grading worker: starts it, asks it, stops it where it hangs."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redux_tui.models import Competition, InfrastructureError

_WORKER = Path(__file__).with_name("worker.py")
_LINE_LIMIT = 1 << 24  # bytes an answer may have
_KEPT = "The submission is kept; rerun grades it again."


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What grades: a Python, and the clone of MLE-bench that it imports, where it needs one.

    A clone that is moved to another `commit` is another interpreter: it has other code.
    """

    python: Path
    clone: Path | None = None
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Grade:
    """What the grade function made of a submission; no score: `reason` says why."""

    exists: bool
    score: float | None
    reason: str | None
    report: dict[str, Any] | None = None  # MLE-bench's own, where its code graded


class GradingWorker:
    """One worker process, started on first use and again after it died; one request at a time."""

    def __init__(
        self, interpreter: Interpreter, memory: int, timeout: float, log: Path | None = None
    ) -> None:
        self._interpreter = interpreter
        self._memory = memory  # bytes of address space
        self._timeout = timeout  # seconds a request may take
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._scratch: Path | None = None
        self._numbers = itertools.count(1)
        self.warm: set[str] = set()  # competitions whose grader and answers it has in memory

    async def start(self) -> None:
        """Have it import what it needs, before there is anything to ask."""
        await self._running()

    async def ask(
        self, competition: Competition, request: dict[str, Any], timeout: float | None = None
    ) -> dict[str, Any]:
        """Its answer to `request`: see `worker.py`.

        Raises InfrastructureError where the grader, not the submission, is to blame.
        """
        seconds = min(timeout or self._timeout, self._timeout)
        request = {"id": next(self._numbers), "seconds": seconds, **request}
        answer = await self._ask(request, competition.id, seconds)
        if "failure" in answer:
            raise InfrastructureError(
                f"The grader of {competition.id} failed: {answer['failure']}. {_KEPT}"
            )
        self.warm.add(competition.id)
        return answer

    async def _ask(self, request: dict[str, Any], name: str, seconds: float) -> dict[str, Any]:
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
        except ConnectionError:  # it died: the empty line says so
            line = b""
        except ValueError:  # longer than any answer
            line = b"{}"
        except TimeoutError:
            await self.close()
            raise InfrastructureError(
                f"Grading {name} took longer than {seconds:.0f} s and was stopped. {_KEPT}"
            ) from None
        except asyncio.CancelledError:
            await self.close()  # its answer must not be taken for the next one's
            raise
        if not line:
            code = await process.wait()
            raise InfrastructureError(
                f"The grading worker died (exit code {code}) while it graded {name}. {_KEPT}"
            )
        answer = _parse(line)
        if answer.get("id") != request["id"]:
            # a grader forked, or wrote where answers go: nothing that may still come is for us
            await self.close()
            raise InfrastructureError(
                f"The grading worker gave a wrong answer while it graded {name}. {_KEPT}"
            )
        return answer

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            await self.close()
            self._process = await self._start()
        return self._process

    async def _start(self) -> asyncio.subprocess.Process:
        """In a folder of its own: MLE-bench leaves a `cache` wherever it is imported."""
        python, clone = self._interpreter.python, self._interpreter.clone
        self._scratch = Path(tempfile.mkdtemp(prefix="redux-tui-grading-"))
        log = self._log.open("ab") if self._log else None
        try:
            return await asyncio.create_subprocess_exec(
                str(python),
                "-P",  # its own folder is no place to import from
                str(_WORKER),
                str(self._memory),
                str(self._scratch),
                *([str(clone)] if clone else []),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log or asyncio.subprocess.DEVNULL,
                cwd=self._scratch,
                env=_environment() if clone else None,
                limit=_LINE_LIMIT,
                start_new_session=True,  # a group, to be killed with what graders start
            )
        except OSError as error:
            raise InfrastructureError(
                f"The grading worker can't be started with {python}: {error.strerror}."
            ) from error
        finally:
            if log:
                log.close()

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        self._process = None
        self.warm.clear()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None


def _parse(line: bytes) -> dict[str, Any]:
    """No answer at all, where it is none."""
    try:
        answer = json.loads(line)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _environment() -> dict[str, str]:
    """Ours without what would lead another Python astray."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if key not in dropped}
    return {**kept, "PYTHONNOUSERSITE": "1"}
