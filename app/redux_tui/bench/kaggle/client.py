"""What we ask Kaggle: who an account is, what it may have, its data. Blocking: for threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from redux_tui.bench.kaggle.credentials import Credentials
from redux_tui.bench.kaggle.errors import KaggleError
from redux_tui.bench.kaggle.patience import Patience, Retries, answer_of, stop_if
from redux_tui.bench.progress import Say, Tell

if TYPE_CHECKING:
    from redux_tui.bench.kaggle.api import Api

ENDPOINT_VARIABLE = "REDUX_KAGGLE_ENDPOINT"  # for tests, and for mirrors of the API

_ENDPOINT = "https://api.kaggle.com"
_PATIENCE = Patience()
_T = TypeVar("_T")


def quiet(line: str) -> None:
    """A Say for those who don't listen."""


class Kaggle:
    """One account at one endpoint, for any number of threads.

    `endpoint` stands in for https://api.kaggle.com; None: $REDUX_KAGGLE_ENDPOINT, or that itself.
    Proxies are taken from the environment (HTTPS_PROXY). Every method asks again after a 429 or a
    5xx, saying so before each wait, and stops soon after `cancelled` is set.

    All raise WrongCredentials, NoNetwork, TooManyRequests, ServerTrouble, Cancelled.
    """

    def __init__(
        self,
        credentials: Credentials,
        endpoint: str | None = None,
        *,
        patience: Patience = _PATIENCE,
    ) -> None:
        self.credentials = credentials
        self._endpoint = _checked(endpoint or os.environ.get(ENDPOINT_VARIABLE) or _ENDPOINT)
        self._patience = patience
        self._made = threading.Lock()
        self._api: Api | None = None

    def __enter__(self) -> Kaggle:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. It can be used again."""
        with self._made:
            if self._api is not None:
                self._api.close()
            self._api = None

    def whoami(self, cancelled: threading.Event | None = None, say: Say = quiet) -> str:
        """The account's user name, once the server has confirmed it."""
        return self._ask(lambda: self._asked.whoami(), "Kaggle account", cancelled, say)

    def has_entered(
        self, slug: str, cancelled: threading.Event | None = None, say: Say = quiet
    ) -> bool:
        """Whether the account accepted the competition's rules. Raises NotFound, NotAllowed."""
        return self._ask(lambda: self._asked.has_entered(slug), slug, cancelled, say)

    def size(
        self, slug: str, cancelled: threading.Event | None = None, say: Say = quiet
    ) -> int | None:
        """Bytes of all data files, unpacked; None if they are too many to count.

        Raises NotFound, RulesNotAccepted, NotAllowed.
        """
        return self._ask(lambda: self._asked.size(slug), slug, cancelled, say)

    def download(
        self,
        slug: str,
        target: Path,
        tell: Tell,
        cancelled: threading.Event,
        say: Say = quiet,
    ) -> None:
        """Bring the whole competition as one zip to `target`; returns at once if that is there.

        Goes on where an earlier call, or a killed process, stopped: what is there so far lies in
        `target` + ".part". One process downloads; others wait for it, and find it done.
        Raises NotFound, RulesNotAccepted, NotAllowed, InfrastructureError (disk).
        """
        from redux_tui.bench.kaggle.download import Download

        retries = Retries(self._patience, cancelled, say, f"{slug}: download")
        with Download(slug, target, tell, cancelled) as work:
            while not work.is_done:
                stop_if(cancelled)
                before = work.furthest
                try:
                    work.fetch(answer_of(lambda: self._asked.locate(slug), cancelled))
                except KaggleError as trouble:
                    retries.wait(trouble, progressed=work.furthest > before)

    @property
    def _asked(self) -> Api:
        """Made at the first question, in the thread that asks: kagglesdk takes 0.2 s to import."""
        from redux_tui.bench.kaggle.api import Api

        with self._made:
            if self._api is None:
                self._api = Api(self.credentials, self._endpoint)
            return self._api

    def _ask(
        self,
        question: Callable[[], _T],
        about: str,
        cancelled: threading.Event | None,
        say: Say,
    ) -> _T:
        cancelled = cancelled or threading.Event()
        unreachable = self._patience.unreachable
        retries = Retries(self._patience, cancelled, say, about, unreachable=unreachable)
        while True:
            stop_if(cancelled)
            try:
                return answer_of(question, cancelled)
            except KaggleError as trouble:
                retries.wait(trouble)


def _checked(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise KaggleError(
            f"{endpoint!r} is no address of a Kaggle API. Set {ENDPOINT_VARIABLE} to one like"
            f" {_ENDPOINT}, or take it out of the environment."
        )
    return endpoint.rstrip("/")
