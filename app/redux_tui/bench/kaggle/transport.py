"""The one place that knows the inside of kagglesdk and requests; import it where it is used only.

kagglesdk's http client takes no timeout, follows redirects with the session that holds the
account, looks for other credentials on its own, and knows fixed endpoints. It keeps its session in
`_session` and makes one only if there is none, so we hand it ours (kagglesdk is pinned for that).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from kagglesdk.kaggle_client import KaggleClient
from kagglesdk.kaggle_env import KaggleEnv
from requests.auth import AuthBase

import redux_tui
from redux_tui.bench.kaggle.errors import KaggleError, NoNetwork, ServerTrouble, TooManyRequests
from redux_tui.bench.kaggle.patience import retry_after

TIMEOUTS = (10.0, 60.0)  # seconds: until connected, and between two bytes

_HEADERS = {"User-Agent": f"redux-tui/{redux_tui.__version__}"}


class Bearer(AuthBase):
    """An access token. It has no repr that shows it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Nobody(AuthBase):
    """Sends nothing, not even what a netrc file would add."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def open_client(endpoint: str, auth: AuthBase | None) -> KaggleClient:
    """kagglesdk's client, for this endpoint and this account only. `close_client` ends it."""
    client = KaggleClient(env=KaggleEnv.PROD)  # said, or it reads KAGGLE_API_ENVIRONMENT
    http = client.http_client()
    http._endpoint = endpoint
    http._session = _Session()
    http._session.headers.update({**_HEADERS, "Content-Type": "application/json"})
    http._session.auth = auth  # said, or it looks for a token in the environment
    return client


def use_account(client: KaggleClient, auth: AuthBase) -> None:
    client.http_client()._session.auth = auth


def close_client(client: KaggleClient) -> None:
    client.http_client()._session.close()


def storage_session() -> requests.Session:
    """For the storage that downloads are redirected to: without account and cookies.

    requests itself drops the account only where the host changes; here it is never there.
    """
    session = requests.Session()
    session.auth = Nobody()
    # a zip in its own bytes, so that sizes and ranges mean what they say
    session.headers.update({**_HEADERS, "Accept-Encoding": "identity"})
    return session


def trouble_of(error: requests.RequestException, url: str, *, signed: bool = False) -> KaggleError:
    """What a failed request means, except for what depends on the question (401, 403, 404).

    Never carries the error's own text: it can hold a signed URL. `signed` says that this was one:
    those expire, so that refusals are worth another try with a new one.
    """
    host = host_of(url)
    status = status_of(error)
    if status == 429:
        assert error.response is not None
        return TooManyRequests(retry_after(error.response.headers.get("Retry-After")))
    if status is not None:
        return ServerTrouble(
            f"{host} answered with status {status}", passing=signed or status >= 500
        )
    if isinstance(error, requests.exceptions.InvalidJSONError):
        return not_understood(host)
    if isinstance(error, (requests.ConnectionError, requests.Timeout)) or _was_cut(error):
        return NoNetwork(host, _reason(error))
    return ServerTrouble(f"{host} sent what can't be read ({type(error).__name__})", passing=False)


def not_understood(host: str) -> KaggleError:
    """It answered, but not as Kaggle does."""
    return ServerTrouble(
        f"{host} answered with something that is not Kaggle's data, perhaps the login page of a"
        " network or of a proxy",
        passing=False,
    )


def host_of(url: str) -> str:
    return urlsplit(url).hostname or "the server"


def status_of(error: requests.RequestException) -> int | None:
    return None if error.response is None else error.response.status_code


def _was_cut(error: requests.RequestException) -> bool:
    return isinstance(error, requests.exceptions.ChunkedEncodingError)


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy that the environment names (HTTPS_PROXY, HTTP_PROXY) does not work"
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "its certificate can't be verified (behind a proxy that reads along, let"
            " REQUESTS_CA_BUNDLE name the proxy's certificate)"
        )
    causes = list(_causes(error))
    for kind, words in (
        (urllib3.exceptions.NameResolutionError, "its name can't be looked up"),
        (urllib3.exceptions.NewConnectionError, "it refused the connection, or no way leads there"),
        (urllib3.exceptions.ConnectTimeoutError, f"it did not answer within {TIMEOUTS[0]:.0f} s"),
        (urllib3.exceptions.ReadTimeoutError, f"nothing came for {TIMEOUTS[1]:.0f} s"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return words
    return "the connection was lost"


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it wraps; requests and urllib3 wrap in arguments and in `reason`."""
    found: list[BaseException] = [error]
    for each in found:
        inner = [*each.args, getattr(each, "reason", None)]
        found += [one for one in inner if isinstance(one, BaseException) and one not in found]
    return found


class _Session(requests.Session):
    """With timeouts, and following nothing: where a redirect leads, the account must not go."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        return super().send(request, **{"timeout": TIMEOUTS, **options})

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None
