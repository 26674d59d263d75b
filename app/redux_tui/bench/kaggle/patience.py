"""When to try again: not for ever, as late as the server asks, and not once one is stopped."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TypeVar

from redux_tui.bench.kaggle.errors import (
    Cancelled,
    KaggleError,
    NoNetwork,
    TooManyRequests,
)
from redux_tui.bench.progress import Say

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often is tried, and the seconds between. Waits double, up to `longest`."""

    tries: int = 6  # in a row without progress
    first: float = 1.0
    longest: float = 30.0
    longest_asked: float = 900.0  # a 429 that asks for more is given up at once
    unreachable: int = 2  # tries of a question that found no network: someone waits for the answer

    def after(self, failures: int) -> float:
        """Seconds to wait after that many failures in a row, never the same for two clients."""
        return min(self.first * 2.0 ** (failures - 1), self.longest) * random.uniform(0.75, 1.25)


class Retries:
    """The failures of one piece of work, and the waits between its tries."""

    def __init__(
        self,
        patience: Patience,
        cancelled: threading.Event,
        say: Say,
        about: str,
        *,
        unreachable: int | None = None,
    ) -> None:
        self._patience, self._cancelled, self._say, self._about = patience, cancelled, say, about
        self._unreachable = patience.tries if unreachable is None else unreachable
        self._failures = 0

    def wait(self, trouble: KaggleError, *, progressed: bool = False) -> None:
        """Wait until the next try. Raises `trouble` if there is none left, Cancelled if asked."""
        self._failures = 1 if progressed else self._failures + 1
        tries = self._unreachable if isinstance(trouble, NoNetwork) else self._patience.tries
        if not trouble.is_passing or self._failures >= tries:
            raise trouble
        seconds = self._patience.after(self._failures)
        if isinstance(trouble, TooManyRequests) and trouble.seconds is not None:
            if trouble.seconds > self._patience.longest_asked:
                raise trouble
            seconds = trouble.seconds
        self._say(f"{self._about}: {_why(trouble)}; going on in {seconds:.0f} s.")
        pause(seconds, self._cancelled)


def answer_of(question: Callable[[], _T], cancelled: threading.Event) -> _T:
    """What `question` returns or raises; Cancelled as soon as that is set.

    A question that stands still, or whose answer drips, is left behind: it holds nothing.
    """
    answer: Future[_T] = Future()

    def ask() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            answer.set_exception(error)

    threading.Thread(target=ask, name="kaggle-question", daemon=True).start()
    while not wait([answer], timeout=0.1).done:
        stop_if(cancelled)
    return answer.result()


def stop_if(cancelled: threading.Event) -> None:
    """Raises Cancelled if that is set."""
    if cancelled.is_set():
        raise Cancelled


def pause(seconds: float, cancelled: threading.Event) -> None:
    """Sleep. Raises Cancelled as soon as `cancelled` is set."""
    if cancelled.wait(seconds):
        raise Cancelled


def retry_after(header: str | None) -> float | None:
    """The seconds that a Retry-After header names, as a number or a date; None where it doesn't."""
    if header is None:
        return None
    try:
        return float(int(header)) if header.strip().isdigit() else _until(header)
    except (ValueError, OverflowError):
        return None


def _until(date: str) -> float:
    moment = parsedate_to_datetime(date)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - time.time())


def _why(trouble: KaggleError) -> str:
    if isinstance(trouble, TooManyRequests):
        return "Kaggle asks to wait (429, too many requests)"
    return str(trouble).split(". ", 1)[0]
