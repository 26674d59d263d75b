"""What can go wrong between us and Kaggle: each trouble a class, each message says what to do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from redux_tui.models import ReduxError

SETTINGS_PAGE = "https://www.kaggle.com/settings"
_ACCEPT = "press Join Competition or Late Submission, and accept them"


class KaggleError(ReduxError):
    """Kaggle can't give what was asked for."""


class NoCredentials(KaggleError):
    """Nothing that names an account was found."""

    def __init__(self) -> None:
        super().__init__(
            "No Kaggle credentials were found: neither KAGGLE_API_TOKEN nor KAGGLE_USERNAME and"
            " KAGGLE_KEY is set, and ~/.kaggle holds neither access_token nor kaggle.json. Create a"
            f" token on {SETTINGS_PAGE} (API), and enter it in the setup of redux-tui or put it in"
            " ~/.kaggle/access_token."
        )


class BrokenCredentials(KaggleError):
    """Credentials are there, but can't be used as they are."""

    def __init__(self, origin: str | Path, trouble: str) -> None:
        super().__init__(
            f"The Kaggle credentials in {origin} can't be used: {trouble}. Correct that, or create"
            f" a new token on {SETTINGS_PAGE} (API) and enter it in the setup of redux-tui."
        )


class WrongCredentials(KaggleError):
    """Kaggle was asked, and said no to the account."""

    def __init__(self, what: str, origin: str, said: str = "") -> None:
        super().__init__(
            f"Kaggle does not accept the {what} from {origin}{_quoted(said)}. It may have expired"
            f" or been replaced: create a new one on {SETTINGS_PAGE} (API), and put it in place of"
            " the old one."
        )


class RulesNotAccepted(KaggleError):
    """The account has not entered the competition; only its owner can, in a browser."""

    def __init__(self, slug: str) -> None:
        super().__init__(rules_message([slug]))
        self.slug = slug
        self.page = rules_page(slug)


class NotAllowed(KaggleError):
    """Kaggle refuses, though the rules are accepted."""

    def __init__(self, slug: str, said: str = "") -> None:
        super().__init__(
            f"Kaggle refuses the data of {slug} to this account, though not for its"
            f" rules{_quoted(said)}. See in a browser whether"
            f" https://www.kaggle.com/c/{slug}/data lets you download it: some"
            " competitions ask for an account verified by phone, or no longer give their data out."
        )
        self.slug = slug


class NoNetwork(KaggleError):
    """The server was not reached, or the connection broke. Says nothing about credentials."""

    is_passing = True

    def __init__(self, host: str, trouble: str) -> None:
        super().__init__(
            f"There is no working connection to {host}: {trouble}. Check this machine's network,"
            " and HTTPS_PROXY where a proxy is needed, then try again; a download goes on where"
            " it stopped."
        )


class TooManyRequests(KaggleError):
    """Status 429. `seconds` is the wait that Kaggle asked for, None where it named none."""

    is_passing = True

    def __init__(self, seconds: float | None) -> None:
        wait = "a while" if seconds is None else f"{seconds:.0f} s"
        super().__init__(
            f"Kaggle had too many requests from this account and asks to wait (429): try again in"
            f" {wait}. What was downloaded so far is kept."
        )
        self.seconds = seconds


class NotFound(KaggleError):
    """Kaggle knows no such competition."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Kaggle has no competition {slug} (404), or shows it to invited accounts only. Check"
            f" its name on https://www.kaggle.com/c/{slug}."
        )
        self.slug = slug


class ServerTrouble(KaggleError):
    """Kaggle, or what stands before it, answered something of no use."""

    def __init__(self, trouble: str, *, passing: bool = True) -> None:
        super().__init__(
            f"{trouble}. The trouble is on the other side: try again later; what was downloaded so"
            " far is kept."
        )
        self.is_passing = passing


class Cancelled(KaggleError):
    """Stopped because the caller asked for it."""

    def __init__(self) -> None:
        super().__init__(
            "The work with Kaggle was stopped, as asked. What was downloaded is kept, and the next"
            " start goes on from there."
        )


def rules_page(slug: str) -> str:
    """Where a person accepts the competition's rules."""
    return f"https://www.kaggle.com/c/{slug}/rules"


def rules_message(slugs: Iterable[str]) -> str:
    """One message for all competitions whose rules are not accepted, with each page to open."""
    pages = [rules_page(slug) for slug in dict.fromkeys(slugs)]
    if len(pages) == 1:
        return (
            "Kaggle gives this data only to those who accepted the competition's rules, which can"
            f" be done in a browser only. Open {pages[0]}, {_ACCEPT}, then try again."
        )
    lines = "\n".join(f"  {page}" for page in pages)
    return (
        f"Kaggle gives the data of {len(pages)} competitions only to those who accepted their"
        f" rules, which can be done in a browser only. Open each of these pages, {_ACCEPT}, then"
        f" try again:\n{lines}"
    )


def _quoted(said: str) -> str:
    """What the server said, fit for one line of a terminal."""
    line = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    return f' ("{line[:200].rstrip(".")}")' if line else ""
