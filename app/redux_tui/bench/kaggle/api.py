"""One question to Kaggle at a time, through kagglesdk; import it where it is used only."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urljoin

import requests
from kagglesdk.competitions.services.competition_api_service import CompetitionApiClient
from kagglesdk.competitions.types.competition_api_service import (
    ApiDownloadDataFilesRequest,
    ApiGetCompetitionRequest,
    ApiListCompetitionsRequest,
    ApiListDataFilesRequest,
)
from kagglesdk.competitions.types.competition_enums import CompetitionListTab
from kagglesdk.security.types.oauth_service import IntrospectTokenRequest
from kagglesdk.users.types.account_service import ApiVersion, GenerateAccessTokenRequest
from requests.auth import AuthBase, HTTPBasicAuth

from redux_tui.bench.kaggle.credentials import Credentials
from redux_tui.bench.kaggle.errors import (
    KaggleError,
    NotAllowed,
    NotFound,
    RulesNotAccepted,
    WrongCredentials,
)
from redux_tui.bench.kaggle.transport import (
    Bearer,
    close_client,
    host_of,
    not_understood,
    open_client,
    status_of,
    trouble_of,
    use_account,
)

_ABOUT_RULES = re.compile(r"\b(rules?|accept|participate)\b", re.IGNORECASE)
_PAGES = 50  # of a competition's list of files; what is longer stays uncounted
_LOGIN_MARGIN = 300.0  # seconds before its end at which an access token is replaced
_T = TypeVar("_T")


class Api:
    """Asks once, and raises a KaggleError if there is no answer; for any number of threads."""

    def __init__(self, credentials: Credentials, endpoint: str) -> None:
        self._credentials = credentials
        self._endpoint = endpoint
        self._host = host_of(endpoint)
        self._client = open_client(endpoint, _auth(credentials))
        self._token = credentials.secret  # of a login, soon the access token that it gives
        self._login = threading.Lock()
        self._login_ends = 0.0  # time.monotonic()

    def close(self) -> None:
        close_client(self._client)

    def whoami(self) -> str:
        if self._credentials.kind == "key":
            request = ApiListCompetitionsRequest()
            request.group = CompetitionListTab.COMPETITION_LIST_TAB_ENTERED
            request.page_size = 1
            self._ask(lambda: self._competitions.list_competitions(request), self._wrong)
            return self._credentials.username
        return self._ask(self._introspect, self._wrong)

    def has_entered(self, slug: str) -> bool:
        request = ApiGetCompetitionRequest()
        request.competition_name = slug
        answer = self._ask(
            lambda: self._competitions.get_competition(request),
            lambda said: NotAllowed(slug, said),
            slug,
        )
        return bool(answer.user_has_entered)

    def size(self, slug: str) -> int | None:
        request = ApiListDataFilesRequest()
        request.competition_name = slug
        request.page_size = 200
        total = 0
        for _ in range(_PAGES):
            answer = self._ask(
                lambda: self._competitions.list_data_files(request),
                lambda said: self._refused(slug, said),
                slug,
            )
            total += sum(int(file.total_bytes) for file in answer.files)
            if not answer.next_page_token:
                return total
            request.page_token = answer.next_page_token
        return None

    def locate(self, slug: str) -> str | requests.Response:
        """Where the competition's zip lies; signed, and good for a while only.

        Should the API send the zip itself, the open response.
        """
        request = ApiDownloadDataFilesRequest()
        request.competition_name = slug
        response: requests.Response = self._ask(
            lambda: self._competitions.download_data_files(request),
            lambda said: self._refused(slug, said),
            slug,
        )
        if not response.is_redirect:
            if "json" in response.headers.get("Content-Type", "json"):
                response.close()
                raise not_understood(self._host)
            return response
        response.close()
        return urljoin(response.url, response.headers["Location"])

    @property
    def _competitions(self) -> CompetitionApiClient:
        return self._client.competitions.competition_api_client

    def _ask(
        self, question: Callable[[], _T], refused: Callable[[str], KaggleError], slug: str = ""
    ) -> _T:
        """The answer, or one of our errors: `refused` makes that for a 403.

        Raised outside of `except`, so that no traceback shows what the cause carries.
        """
        if self._credentials.kind == "oauth":
            self._keep_logged_in()
        return self._translated(question, refused, slug)

    def _translated(
        self, question: Callable[[], _T], refused: Callable[[str], KaggleError], slug: str = ""
    ) -> _T:
        trouble: KaggleError
        try:
            return question()
        except requests.RequestException as error:
            said, status = self._said(error), status_of(error)
            is_theirs = _is_json(error)
            if error.response is not None:
                error.response.close()
            trouble = trouble_of(error, self._endpoint)
        # what kagglesdk makes of JSON that it does not expect
        except (ValueError, TypeError, KeyError, AttributeError):
            raise not_understood(self._host) from None
        if status == 401:
            trouble = self._wrong(said)
        elif status in (403, 404) and not is_theirs:
            trouble = not_understood(self._host)  # of something on the way
        elif status == 403:
            trouble = refused(said)
        elif status == 404 and slug:
            trouble = NotFound(slug)
        raise trouble

    def _introspect(self) -> str:
        request = IntrospectTokenRequest()
        request.token = self._token
        try:
            answer = self._client.security.oauth_client.introspect_token(request)
        except requests.HTTPError as error:
            if status_of(error) in (400, 404) and _is_json(error):  # so it says no to some
                raise self._wrong(self._said(error)) from None
            raise
        if not answer.active or not answer.username:
            raise self._wrong("")
        return str(answer.username)

    def _keep_logged_in(self) -> None:
        """Have an access token for the login's refresh token. Nothing of it is stored."""
        with self._login:
            if time.monotonic() < self._login_ends:
                return
            request = GenerateAccessTokenRequest()
            request.refresh_token = self._credentials.secret
            request.api_version = ApiVersion.API_VERSION_V1
            nobody = open_client(self._endpoint, None)
            try:
                answer = self._translated(
                    lambda: nobody.users.account_client.generate_access_token(request), self._wrong
                )
            finally:
                close_client(nobody)
            self._token = answer.token
            use_account(self._client, Bearer(answer.token))
            self._login_ends = time.monotonic() + answer.expires_in - _LOGIN_MARGIN

    def _refused(self, slug: str, said: str) -> KaggleError:
        if _ABOUT_RULES.search(said) or not self.has_entered(slug):
            return RulesNotAccepted(slug)
        return NotAllowed(slug, said)

    def _wrong(self, said: str) -> KaggleError:
        whose = f" of {self._credentials.username}" if self._credentials.username else ""
        return WrongCredentials(f"{self._credentials.what}{whose}", self._credentials.origin, said)

    def _said(self, error: requests.RequestException) -> str:
        """Kaggle's own message, without what we sent; "" where there is none in its form."""
        if not _is_json(error):
            return ""
        return str(error).replace(self._credentials.secret, "…")


def _is_json(error: requests.RequestException) -> bool:
    """Whether it is an answer in Kaggle's form: what stands on the way has others."""
    return error.response is not None and "json" in error.response.headers.get("Content-Type", "")


def _auth(credentials: Credentials) -> AuthBase | None:
    if credentials.kind == "key":
        return HTTPBasicAuth(credentials.username, credentials.secret)
    return Bearer(credentials.secret) if credentials.kind == "token" else None
