"""What is asked of Kaggle, and what is said of every way in which it can fail."""

from __future__ import annotations

import socket
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from redux_tui.bench.kaggle import (
    Cancelled,
    Credentials,
    Kaggle,
    KaggleError,
    NoNetwork,
    NotAllowed,
    NotFound,
    Patience,
    RulesNotAccepted,
    ServerTrouble,
    TooManyRequests,
    WrongCredentials,
    rules_message,
)
from redux_tui.bench.progress import Say
from tests.support.kaggle_server import FakeKaggle

QUICK = Patience(tries=3, first=0.01, longest=0.05)
KEY = Credentials("key", FakeKaggle.username, FakeKaggle.key, "/home/ada/.kaggle/kaggle.json")
TOKEN = Credentials("token", "", FakeKaggle.token, "the environment variable KAGGLE_API_TOKEN")
LOGIN = Credentials("oauth", FakeKaggle.username, FakeKaggle.refresh_token, "credentials.json")


@pytest.fixture
def server() -> Iterator[FakeKaggle]:
    with FakeKaggle() as fake:
        fake.add("toy", b"zip", files={f"{number}.csv": 10 for number in range(450)})
        yield fake


@pytest.fixture
def kaggle(server: FakeKaggle) -> Iterator[Kaggle]:
    with Kaggle(KEY, server.url, patience=QUICK) as one:
        yield one


@pytest.mark.parametrize("credentials", [KEY, TOKEN, LOGIN], ids=lambda one: one.kind)
def test_the_server_confirms_the_account(credentials: Credentials, server: FakeKaggle) -> None:
    with Kaggle(credentials, server.url) as kaggle:
        assert kaggle.whoami() == server.username
        assert kaggle.has_entered("toy")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (Credentials("key", "ada", "0" * 32, "/home/ada/kaggle.json"), "API key of ada"),
        (Credentials("token", "", "KGAT_1", "/home/ada/access_token"), "access token"),
        (Credentials("oauth", "ada", "stale", "/home/ada/credentials.json"), "login of ada"),
    ],
)
def test_wrong_credentials_are_named_with_their_origin(
    wrong: Credentials, named: str, server: FakeKaggle
) -> None:
    with Kaggle(wrong, server.url) as kaggle:
        for question in (kaggle.whoami, lambda: kaggle.has_entered("toy")):
            with pytest.raises(WrongCredentials) as caught:
                question()
            said = str(caught.value)
            assert f"does not accept the {named} from {wrong.origin}" in said
            assert "https://www.kaggle.com/settings" in said
    assert len(server.requests) <= 2  # a no is not asked for again


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_token_is_wrong_in_whichever_way_that_is_said(status: int, server: FakeKaggle) -> None:
    server.answer(status, to="IntrospectToken")
    with Kaggle(TOKEN, server.url) as kaggle, pytest.raises(WrongCredentials):
        kaggle.whoami()


def test_a_token_that_is_no_longer_active_is_wrong(server: FakeKaggle) -> None:
    json = {"Content-Type": "application/json"}
    server.answer(200, to="IntrospectToken", headers=json, body=b'{"active": false}')
    with Kaggle(TOKEN, server.url) as kaggle, pytest.raises(WrongCredentials):
        kaggle.whoami()


def test_only_what_it_was_given_is_sent(
    server: FakeKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "another-account")
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "STAGING")
    with Kaggle(KEY, server.url) as kaggle:
        kaggle.whoami()
    with Kaggle(LOGIN, server.url) as kaggle:
        kaggle.whoami()
    assert server.requests[0].headers["Authorization"].startswith("Basic ")
    refresh, *others = server.requests[1:]
    assert "Authorization" not in refresh.headers
    assert {each.headers["Authorization"] for each in others} <= {f"Bearer {server.token}"}


def test_the_endpoint_is_the_environment_s_unless_it_is_given(
    server: FakeKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDUX_KAGGLE_ENDPOINT", server.url + "/")
    with Kaggle(KEY) as kaggle:
        assert kaggle.whoami() == server.username
    assert server.requests[0].path == "/v1/competitions.CompetitionApiService/ListCompetitions"
    monkeypatch.setenv("REDUX_KAGGLE_ENDPOINT", "kaggle")
    with pytest.raises(KaggleError, match="REDUX_KAGGLE_ENDPOINT"):
        Kaggle(KEY)


def test_a_proxy_of_the_environment_is_used(
    server: FakeKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    with Kaggle(KEY, "http://kaggle.invalid") as kaggle:
        assert kaggle.whoami() == server.username
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(NoNetwork, match="the proxy that the environment names"):
        whoami_at("http://kaggle.invalid")


def test_whether_the_rules_are_accepted_is_known(server: FakeKaggle, kaggle: Kaggle) -> None:
    server.add("closed", b"", entered=False)
    assert kaggle.has_entered("toy")
    assert not kaggle.has_entered("closed")


def test_the_size_is_the_sum_of_all_pages(server: FakeKaggle, kaggle: Kaggle) -> None:
    assert kaggle.size("toy") == 4500
    assert len(server.asked("ListDataFiles")) == 3
    server.add("huge", b"", files={str(number): 1 for number in range(10_001)})
    assert kaggle.size("huge") is None


def test_an_unknown_competition_is_said_to_be_unknown(kaggle: Kaggle) -> None:
    for question in (kaggle.has_entered, kaggle.size):
        with pytest.raises(NotFound, match=r"no competition titanix.*/c/titanix"):
            question("titanix")


def test_rules_not_accepted_names_the_page(server: FakeKaggle, kaggle: Kaggle) -> None:
    server.answer(403, to="ListDataFiles")
    server.competitions["toy"].entered = False
    with pytest.raises(RulesNotAccepted) as caught:
        kaggle.size("toy")
    assert caught.value.page == "https://www.kaggle.com/c/toy/rules"
    assert caught.value.page in str(caught.value)


def test_a_refusal_after_the_rules_were_accepted_is_something_else(
    server: FakeKaggle, kaggle: Kaggle
) -> None:
    server.answer(403, to="ListDataFiles")
    with pytest.raises(NotAllowed, match=r'toy.*\("status 403"\).*verified by phone'):
        kaggle.size("toy")


def test_one_message_names_the_rules_of_all() -> None:
    message = rules_message(["a", "b", "a"])
    assert "2 competitions" in message
    assert message.splitlines()[1:] == [
        "  https://www.kaggle.com/c/a/rules",
        "  https://www.kaggle.com/c/b/rules",
    ]


def test_429_waits_as_long_as_it_is_told(server: FakeKaggle, kaggle: Kaggle) -> None:
    lines: list[str] = []
    server.answer(429, headers={"Retry-After": "1"})
    start = time.monotonic()
    assert kaggle.has_entered("toy", say=lines.append)
    assert 1.0 <= time.monotonic() - start < 3
    wait = "toy: Kaggle asks to wait (429, too many requests); going on in 1 s."
    assert lines == [wait]


def test_429_waits_until_the_date_it_is_told(server: FakeKaggle, kaggle: Kaggle) -> None:
    date = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    server.answer(429, headers={"Retry-After": format_datetime(date, usegmt=True)})
    assert kaggle.has_entered("toy")
    assert datetime.now(UTC) >= date


def test_429_is_not_waited_for_without_end(server: FakeKaggle, kaggle: Kaggle) -> None:
    server.answer(429, times=3, headers={"Retry-After": "nonsense"})
    with pytest.raises(TooManyRequests, match=r"\(429\): try again in a while"):
        kaggle.whoami()
    assert len(server.requests) == QUICK.tries
    server.answer(429, headers={"Retry-After": "86400"})
    with pytest.raises(TooManyRequests, match="try again in 86400 s") as caught:
        kaggle.whoami()
    assert caught.value.seconds == 86400


def test_a_wait_ends_at_once_when_it_is_cancelled(server: FakeKaggle, kaggle: Kaggle) -> None:
    server.answer(429, headers={"Retry-After": "600"})
    cancelled = threading.Event()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        kaggle.whoami(cancelled, say=lambda line: threading.Timer(0.1, cancelled.set).start())
    assert time.monotonic() - start < 2
    with pytest.raises(Cancelled):
        kaggle.whoami(cancelled)


def test_a_server_in_trouble_is_asked_again_then_named(server: FakeKaggle, kaggle: Kaggle) -> None:
    server.answer(500, times=2, body=b"<html>oops</html>", headers={"Content-Type": "text/html"})
    assert kaggle.whoami() == server.username
    server.answer(503, times=3)
    with pytest.raises(ServerTrouble, match=r"127\.0\.0\.1 answered with status 503.*try again"):
        kaggle.whoami()


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content-Type": "text/html"}, b"<html>Log in to the hotel's network</html>"),
        (302, {"Location": "http://login.invalid/"}, b""),
        (200, {"Content-Type": "application/json"}, b"null"),
        (200, {"Content-Type": "application/json"}, b'["code"]'),
        (200, {"Content-Type": "application/json"}, b'{"competitions": 5}'),
        (200, {"Content-Type": "application/json"}, b"{"),
    ],
)
def test_what_is_not_kaggle_is_not_taken_for_it(
    status: int, headers: dict[str, str], body: bytes, server: FakeKaggle, kaggle: Kaggle
) -> None:
    server.answer(status, headers=headers, body=body)
    with pytest.raises(ServerTrouble, match="not Kaggle's data, perhaps the login page"):
        kaggle.whoami()


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("credentials", [KEY, TOKEN], ids=lambda one: one.kind)
def test_what_stands_on_the_way_never_makes_credentials_wrong_or_a_competition_unknown(
    status: int, credentials: Credentials, server: FakeKaggle
) -> None:
    server.answer(status, body=b"", times=2)  # as proxies and gateways say no
    with Kaggle(credentials, server.url, patience=QUICK) as kaggle:
        for question in (kaggle.whoami, lambda: kaggle.has_entered("toy")):
            with pytest.raises(ServerTrouble, match="not Kaggle's data"):
                question()


def test_a_question_that_nobody_answers_ends_when_it_is_cancelled() -> None:
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    start = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Cancelled):
        Kaggle(KEY, f"http://127.0.0.1:{silent.getsockname()[1]}").whoami(cancelled)
    assert time.monotonic() - start < 5  # the server has a minute


def unused_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def whoami_at(url: str, say: Say = lambda line: None) -> str:
    with Kaggle(KEY, url, patience=QUICK) as kaggle:
        return kaggle.whoami(say=say)


def test_no_network_is_never_called_wrong_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    with pytest.raises(NoNetwork, match=r"kaggle\.invalid: its name can't be looked up"):
        whoami_at("http://kaggle.invalid", lines.append)
    assert len(lines) == 1  # one more try, and it says why it waits
    with pytest.raises(NoNetwork, match="refused the connection"):
        whoami_at(f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setattr("redux_tui.bench.kaggle.transport.TIMEOUTS", (1.0, 0.3))
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, pytest.raises(NoNetwork, match="nothing came for"):
        whoami_at(f"http://127.0.0.1:{silent.getsockname()[1]}")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [connecting(address) for _ in range(3)]
        with pytest.raises(NoNetwork, match="it did not answer within"):
            whoami_at(f"http://127.0.0.1:{address[1]}")
        for one in waiting:
            one.close()


def connecting(address: tuple[str, int]) -> socket.socket:
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(address)
    return one


def test_a_certificate_that_can_not_be_verified_is_said(server: FakeKaggle) -> None:
    with pytest.raises(NoNetwork, match="REQUESTS_CA_BUNDLE"):
        whoami_at(server.url.replace("http:", "https:"))


def test_no_error_carries_the_secret_or_what_a_terminal_would_obey(
    server: FakeKaggle, kaggle: Kaggle
) -> None:
    body = f'{{"code": 401, "message": "no \\u001b[2J\\n{KEY.secret}"}}'.encode()
    server.answer(401, headers={"Content-Type": "application/json"}, body=body)
    with pytest.raises(WrongCredentials) as caught:
        kaggle.whoami()
    assert 'kaggle.json ("no [2J …")' in str(caught.value)
    assert KEY.secret not in "".join(traceback.format_exception(caught.value))


def test_nothing_is_printed(
    server: FakeKaggle, kaggle: Kaggle, capfd: pytest.CaptureFixture[str]
) -> None:
    server.answer(500)
    kaggle.whoami()
    with pytest.raises(NotFound):
        kaggle.has_entered("titanix")
    assert capfd.readouterr() == ("", "")


def test_many_threads_share_one(server: FakeKaggle) -> None:
    answers: list[bool] = []
    with Kaggle(LOGIN, server.url) as kaggle:
        threads = [
            threading.Thread(target=lambda: answers.append(kaggle.has_entered("toy")))
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [True] * 12
    assert len(server.asked("GenerateAccessToken")) == 1
