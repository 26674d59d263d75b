"""Tells an agent whether a submission is valid, as MLE-bench's grading server does, and no more.

POST /validate with the multipart field `file` answers {"result": "Submission is valid."} or
{"result": "Submission invalid! <one of a fixed set of reasons>"}; GET /health answers
{"status": "running"}. Nothing that a grader says reaches the agent, for that may carry answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redux_tui.grading.upload import FORM, BadUploadError, TooLargeError, receive
from redux_tui.grading.verdict import Reason, Verdict
from redux_tui.models import InfrastructureError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

_log = logging.getLogger(__name__)

NAME = "submission.csv"  # of the uploaded file on our disk, whatever the agent calls it
_USAGE = "Send the submission as the field `file` of a form: curl -F file=@submission.csv URL."


Check = Callable[[Path], Awaitable[Verdict]]
"""Takes a file called submission.csv. Raises InfrastructureError where the grader is to blame."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much one attempt may ask for; agents that validate after every step stay far below."""

    size: int = 1 << 30  # bytes of an upload; MLE-bench's largest submissions have about as many
    requests: int = 120  # per minute
    in_a_row: float = 60.0  # seconds of checks before half of the time is left to others
    waiting: int = 8  # requests that wait for their turn
    upload_seconds: float = 600.0
    check_seconds: float = 900.0  # with the time that it waits for other attempts' checks


@dataclass
class Validation:
    """The checker of one attempt."""

    check: Check
    uploads: Path  # a folder of our own for the file that is being checked; made and removed here
    allowance: Allowance = field(default_factory=Allowance)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: int = 0
    _busy_until: float = 0.0
    _asked: deque[float] = field(default_factory=deque)

    def app(self) -> Starlette:
        """As an ASGI application."""
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
        from starlette.routing import Route

        shutil.rmtree(self.uploads, ignore_errors=True)  # what a killed process of ours left
        return Starlette(
            routes=[
                Route("/validate", self._validate, methods=["POST"]),
                Route("/health", self._health, methods=["GET"]),
            ],
            exception_handlers={HTTPException: _as_json, Exception: _as_json},
        )

    async def _health(self, request: Request) -> Any:
        await self._count()
        return _answer({"status": "running"})

    async def _validate(self, request: Request) -> Any:
        await self._count()
        if self._waiting >= self.allowance.waiting:
            raise _refusal(
                429, "Too many submissions wait to be checked. Wait for an answer first."
            )
        self._waiting += 1
        try:
            # the upload as well: at any time there is one file of an attempt on our disk
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            verdict = await self._verdict(request)
        finally:
            self._turn.release()
        return _answer({"result": self._text(verdict)})

    async def _verdict(self, request: Request) -> Verdict:
        from starlette.requests import ClientDisconnect

        try:
            async with asyncio.timeout(self.allowance.upload_seconds):
                path = await self._receive(request)
            async with self._half_of_the_time(), asyncio.timeout(self.allowance.check_seconds):
                return await self.check(path)
        except BadUploadError as error:
            raise _refusal(400, f"{error} {_USAGE}") from None
        except TimeoutError:
            raise _refusal(503, "The check took too long and was stopped.") from None
        except ClientDisconnect:
            raise _refusal(400, "The upload broke off.") from None
        except (InfrastructureError, OSError) as error:
            _log.error("the check of a submission failed: %s", error)
            raise _refusal(
                500, "The submission could not be checked; nothing is known of it."
            ) from None
        finally:
            shutil.rmtree(self.uploads, ignore_errors=True)

    async def _receive(self, request: Request) -> Path:
        self.uploads.mkdir(mode=0o700)
        path, headers = self.uploads / NAME, request.headers
        # no upload takes more than a quarter of what is free on our disk
        limit = min(self.allowance.size, shutil.disk_usage(self.uploads).free // 4)
        try:
            if int(headers.get("content-length", 0)) > limit + FORM:
                raise TooLargeError  # before it is sent
            with path.open("xb") as file:
                await receive(request.stream(), headers.get("content-type", ""), file, limit)
        except TooLargeError:
            most = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit} bytes"
            raise _refusal(413, f"A file of more than {most} is not checked.") from None
        return path

    def _text(self, verdict: Verdict) -> str:
        if verdict.valid:
            return "Submission is valid."
        if not isinstance(verdict.reason, Reason):  # or some text of a grader's gets through
            raise TypeError(f"a reason for an agent is {type(verdict.reason).__name__}, no Reason")
        return f"Submission invalid! {verdict.reason}"

    async def _count(self) -> None:
        """Refuse who asks too often, and slowly: one who does not wait is made to."""
        now = time.monotonic()
        while self._asked and self._asked[0] < now - 60:
            self._asked.popleft()
        if len(self._asked) >= self.allowance.requests:
            await asyncio.sleep(1)
            most = self.allowance.requests
            raise _refusal(429, f"More than {most} requests in a minute. Wait a minute.")
        self._asked.append(now)

    @contextlib.asynccontextmanager
    async def _half_of_the_time(self) -> AsyncIterator[None]:
        """After a minute of checks in a row, rest as long as they take: large files must not keep
        the grader busy for ever."""
        await asyncio.sleep(max(0.0, self._busy_until - time.monotonic() - self.allowance.in_a_row))
        begin = time.monotonic()
        try:
            yield
        finally:
            end = time.monotonic()
            self._busy_until = max(begin, self._busy_until) + 2 * (end - begin)


def _refusal(status: int, sentence: str) -> Exception:
    from starlette.exceptions import HTTPException

    return HTTPException(status, sentence)


def _as_json(request: Request, error: Exception) -> Any:
    status = getattr(error, "status_code", 500)
    sentence = str(getattr(error, "detail", "The submission checker failed."))
    return _answer({"error": sentence}, status)


def _answer(content: dict[str, str], status: int = 200) -> Any:
    import json

    from starlette.responses import Response

    text = json.dumps(content) + "\n"  # a terminal's prompt comes after it
    return Response(text, status, media_type="application/json")
