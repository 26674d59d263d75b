"""Kaggle credentials: found where the kaggle package finds them, kept to oneself, stored safely."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from redux_tui.bench.kaggle import (
    BrokenCredentials,
    Credentials,
    KaggleError,
    NoCredentials,
    find_credentials,
    hidden_by,
    parse_pasted,
    problems,
    require_credentials,
    save,
    save_key,
    save_token,
)
from tests.support.kaggle_server import FakeKaggle

SECRET = "s3cr3t-0123456789abcdef"
USER, KEY, TOKEN = FakeKaggle.username, FakeKaggle.key, FakeKaggle.token
BOTH = {"KAGGLE_USERNAME": USER, "KAGGLE_KEY": KEY}


def put(path: Path, content: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)
    return path


def kaggle_json(username: str = USER, key: str = KEY) -> str:
    return json.dumps({"username": username, "key": key})


def found(home: Path, **environment: str) -> Credentials:
    return require_credentials(environment, home)


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert find_credentials({}, tmp_path) is None
    with pytest.raises(NoCredentials, match=r"KAGGLE_API_TOKEN.*kaggle\.com/settings"):
        require_credentials({}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_each_place_is_found_and_named(tmp_path: Path) -> None:
    login = json.dumps({"refresh_token": SECRET, "username": USER})
    put(tmp_path / ".kaggle" / "credentials.json", login)
    assert (one := found(tmp_path)).kind == "oauth"
    assert (one.username, one.secret) == (USER, SECRET)
    assert one.origin == str(tmp_path / ".kaggle" / "credentials.json")

    file = put(tmp_path / ".kaggle" / "kaggle.json", kaggle_json())
    assert (one := found(tmp_path)).kind == "key"
    assert (one.username, one.secret, one.origin, one.file) == (USER, KEY, str(file), file)

    one = found(tmp_path, KAGGLE_USERNAME="other", KAGGLE_KEY="key")
    assert (one.username, one.secret, one.file) == ("other", "key", None)
    assert one.origin == "the environment variables KAGGLE_USERNAME and KAGGLE_KEY"

    put(tmp_path / ".kaggle" / "access_token.txt", "txt-token\n")
    assert found(tmp_path, **BOTH).secret == "txt-token"
    file = put(tmp_path / ".kaggle" / "access_token", f" {TOKEN}\n")
    assert (one := found(tmp_path, **BOTH)).kind == "token"
    assert (one.secret, one.file) == (TOKEN, file)

    one = found(tmp_path, **BOTH, KAGGLE_API_TOKEN="of-environment")
    assert (one.secret, one.file) == ("of-environment", None)
    assert one.origin == "the environment variable KAGGLE_API_TOKEN"
    file = put(tmp_path / "elsewhere", "of-file\n")
    one = found(tmp_path, KAGGLE_API_TOKEN=str(file))
    assert (one.secret, one.file) == ("of-file", file)


PLACES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "token in a file": (BOTH, {".kaggle/access_token": TOKEN, ".kaggle/kaggle.json": "{}"}),
    "key in the environment": (BOTH, {".kaggle/kaggle.json": kaggle_json("other", "other")}),
    "key in XDG's folder": (
        {"XDG_CONFIG_HOME": "HOME/xdg"},
        {"xdg/kaggle/kaggle.json": kaggle_json()},
    ),
    "key in a named folder": (
        {"KAGGLE_CONFIG_DIR": "HOME/named"},
        {"named/kaggle.json": kaggle_json(), ".kaggle/kaggle.json": kaggle_json("other", "x")},
    ),
    "key in halves": ({"KAGGLE_KEY": KEY}, {".kaggle/kaggle.json": kaggle_json(USER, "old")}),
}
AS_KAGGLE_FINDS = """
import contextlib, io, json
with contextlib.redirect_stdout(io.StringIO()):
    import kaggle
values = kaggle.api.config_values
print(json.dumps([values.get("username"), values.get("token") or values.get("key")]))
"""


@pytest.mark.parametrize("place", PLACES)
def test_what_is_found_is_what_the_kaggle_package_finds(place: str, tmp_path: Path) -> None:
    environment, files = PLACES[place]
    environment = {n: v.replace("HOME", str(tmp_path)) for n, v in environment.items()}
    environment["HOME"] = str(tmp_path)
    for name, content in files.items():
        put(tmp_path / name, content)
    ours = found(tmp_path, **environment)
    with FakeKaggle() as server:
        # LOCALHOST is http://localhost; a proxy brings it to our port
        route = {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "http_proxy": server.url}
        done = subprocess.run(
            [sys.executable, "-c", AS_KAGGLE_FINDS],
            env={**os.environ, **environment, **route},
            capture_output=True,
            text=True,
            timeout=30,
        )
    username, secret = json.loads(done.stdout)
    assert secret == ours.secret
    assert username == (ours.username or server.tokens[ours.secret])


def test_a_new_token_put_where_the_key_was_is_used_as_the_token_it_is(tmp_path: Path) -> None:
    put(tmp_path / ".kaggle" / "kaggle.json", kaggle_json(USER, TOKEN))
    assert found(tmp_path).kind == "token"


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        ('{"username": "' + SECRET, r"not valid JSON \(line 1\)"),
        (f'["{SECRET}"]', "not an object"),
        (json.dumps({"key": SECRET}), 'it has no "username"'),
        (json.dumps({"username": SECRET}), 'it has no "key"'),
        (json.dumps({"username": USER, "key": 5}), 'it has no "key"'),
        (kaggle_json(USER, SECRET + "\nX-Header: 1"), "blanks or letters"),
        (kaggle_json(USER, SECRET + "é"), "blanks or letters"),
        ("[" * 100_000, "not valid JSON"),
        ("", "not valid JSON"),
    ],
)
def test_a_broken_file_is_named_with_its_trouble_and_without_its_secret(
    content: str, trouble: str, tmp_path: Path
) -> None:
    file = put(tmp_path / ".kaggle" / "kaggle.json", content)
    with pytest.raises(BrokenCredentials, match=trouble) as caught:
        find_credentials({}, tmp_path)
    assert str(file) in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_files_that_are_no_text_or_lead_nowhere_are_named(tmp_path: Path) -> None:
    file = put(tmp_path / ".kaggle" / "kaggle.json", "")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BrokenCredentials, match="not text"):
        find_credentials({}, tmp_path)
    with pytest.raises(BrokenCredentials, match=r"KAGGLE_API_TOKEN.*does not exist"):
        find_credentials({"KAGGLE_API_TOKEN": "/nowhere/token"}, tmp_path)
    empty = put(tmp_path / "empty", "\n")
    with pytest.raises(BrokenCredentials, match=f"{empty}.*it is empty"):
        find_credentials({"KAGGLE_API_TOKEN": str(empty)}, tmp_path)
    put(tmp_path / ".kaggle" / "credentials.json", "{}")
    file.unlink()
    with pytest.raises(BrokenCredentials, match="refresh_token"):
        find_credentials({}, tmp_path)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    put(tmp_path / ".kaggle" / "kaggle.json", "\ufeff" + kaggle_json())
    assert found(tmp_path).secret == KEY


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602])
def test_a_file_open_to_others_is_warned_of_with_the_command(mode: int, tmp_path: Path) -> None:
    file = put(tmp_path / "my home" / ".kaggle" / "kaggle.json", kaggle_json(), mode)
    (warning,) = problems(found(tmp_path / "my home"))
    assert f"chmod 600 '{file}'" in warning
    file.chmod(0o600)
    assert problems(found(tmp_path / "my home")) == []
    assert problems(found(tmp_path, **BOTH)) == []


@pytest.mark.parametrize(
    ("text", "kind", "username", "secret"),
    [
        (kaggle_json(), "key", USER, KEY),
        (f"  {kaggle_json()}\n", "key", USER, KEY),
        (json.dumps(json.loads(kaggle_json()), indent=2), "key", USER, KEY),
        (f"{USER} {KEY}", "key", USER, KEY),
        (f"{USER}:{KEY}\n", "key", USER, KEY),
        (f"{USER}: {KEY}", "key", USER, KEY),
        (TOKEN, "token", "", TOKEN),
        (f"\n{TOKEN}  ", "token", "", TOKEN),
        (f"{USER} {TOKEN}", "token", USER, TOKEN),
        ("eyJhbGciOiJSUzI1NiJ9.a_b.c-d", "token", "", "eyJhbGciOiJSUzI1NiJ9.a_b.c-d"),
    ],
)
def test_what_people_paste_is_understood(text: str, kind: str, username: str, secret: str) -> None:
    one = parse_pasted(text)
    assert (one.kind, one.username, one.secret) == (kind, username, secret)


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", "no access token"),
        ("hello", "no access token"),
        ("a b c", "no access token"),
        (KEY, "a key without its user name"),
        (kaggle_json()[:-5], "not valid JSON"),
        ('{"username": "x"}', 'it has no "key"'),
    ],
)
def test_what_can_not_be_understood_is_not_repeated(text: str, trouble: str) -> None:
    with pytest.raises(BrokenCredentials, match=trouble) as caught:
        parse_pasted(text)
    assert len(text) < 10 or text not in str(caught.value)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_stored_credentials_are_for_their_owner_alone_and_found_again(tmp_path: Path) -> None:
    file = save_key(USER, KEY, tmp_path, {})
    assert file == tmp_path / ".kaggle" / "kaggle.json"
    assert (mode_of(file), mode_of(file.parent)) == (0o600, 0o700)
    assert json.loads(file.read_text()) == {"username": USER, "key": KEY}
    assert found(tmp_path).secret == KEY

    file.parent.chmod(0o755)
    token = save(parse_pasted(TOKEN), tmp_path, {})
    assert token == tmp_path / ".kaggle" / "access_token"
    assert (mode_of(token), mode_of(token.parent)) == (0o600, 0o700)
    assert found(tmp_path).secret == TOKEN
    assert {each.name for each in file.parent.iterdir()} == {"kaggle.json", "access_token"}


def test_storing_keeps_the_settings_that_share_the_file(tmp_path: Path) -> None:
    put(tmp_path / ".kaggle" / "kaggle.json", '{"key": "old", "competition": "titanic"}', 0o644)
    file = save(parse_pasted(kaggle_json()), tmp_path, {})
    stored = {"username": USER, "key": KEY, "competition": "titanic"}
    assert (json.loads(file.read_text()), mode_of(file)) == (stored, 0o600)
    put(file, "no json")
    assert json.loads(save_key(USER, KEY, tmp_path, {}).read_text())["key"] == KEY


def test_storing_goes_where_the_config_folder_is_named(tmp_path: Path) -> None:
    environment = {"KAGGLE_CONFIG_DIR": str(tmp_path / "named")}
    file = save_key(USER, KEY, tmp_path, environment)
    assert file == tmp_path / "named" / "kaggle.json"
    assert found(tmp_path, **environment).secret == KEY


def test_nothing_is_stored_through_links_or_over_what_is_no_file(tmp_path: Path) -> None:
    victim = put(tmp_path / "victim", "precious")
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle" / "kaggle.json").symlink_to(victim)
    (tmp_path / ".kaggle" / "access_token").mkdir()
    with pytest.raises(KaggleError, match="is a link"):
        save_key(USER, KEY, tmp_path, {})
    with pytest.raises(KaggleError, match="is a link or no file"):
        save_token(TOKEN, tmp_path, {})
    assert victim.read_text() == "precious"


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    put(tmp_path / ".kaggle", "a file")
    with pytest.raises(KaggleError, match=r"could not be stored in .*/\.kaggle/"):
        save_token(TOKEN, tmp_path, {})


def test_credentials_that_would_never_count_are_told_of(tmp_path: Path) -> None:
    file = save_key(USER, KEY, tmp_path, {})
    assert hidden_by(file, tmp_path, {}) == ""
    told = hidden_by(file, tmp_path, {"KAGGLE_API_TOKEN": "old"})
    assert "the environment variable KAGGLE_API_TOKEN come first" in told


def test_the_secret_shows_in_no_repr() -> None:
    one = Credentials("key", USER, SECRET, "the test")
    assert SECRET not in f"{one!r} {one!s} {one}"


def test_importing_loads_neither_kaggle_nor_requests_and_touches_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, redux_tui.bench.kaggle\n"
        "heavy = {'kaggle', 'kagglesdk', 'requests', 'urllib3'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "KAGGLE_API_TOKEN": TOKEN}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
