"""What preparing works with: options, an account, whom to tell, and turns to be taken."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redux_tui.bench.progress import Say, Tell, ignore
from redux_tui.config import Settings, secrets

if TYPE_CHECKING:
    from redux_tui.bench.kaggle.client import Kaggle


@dataclass(frozen=True, slots=True)
class Options:
    """How data is prepared. `timeout` is what one prepare function may take, in seconds."""

    force: bool = False  # though it is prepared
    skip_verification: bool = False  # of the archive and of what is made
    keep_raw: bool = False  # the extracted files
    timeout: float = 6 * 3600.0


class Account:
    """The Kaggle account, looked for only when something must be downloaded."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Kaggle | None = None

    def client(self) -> Kaggle:
        """Raises KaggleError where there are no credentials, or broken ones."""
        if self._client is None:
            from redux_tui.bench.kaggle.client import Kaggle
            from redux_tui.bench.kaggle.credentials import require_credentials

            self._client = Kaggle(require_credentials(secrets(self._settings)))
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


@dataclass(frozen=True)
class Means:
    """Shared by all that is prepared together."""

    settings: Settings
    say: Say
    account: Account
    tell: Tell = ignore
    options: Options = Options()
    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    work: asyncio.Lock = field(default_factory=asyncio.Lock)  # disk and processor: one at a time
