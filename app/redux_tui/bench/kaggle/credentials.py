"""Find the Kaggle account's credentials where the kaggle package would, without any network."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redux_tui.bench.kaggle.errors import BrokenCredentials, NoCredentials

_NEW_TOKEN = "KGAT_"  # what access tokens begin with
_LEGACY_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account, and where it was found. Raises BrokenCredentials for what no header can carry."""

    kind: str  # "token", "key", "oauth": then the secret is the refresh token
    username: str  # "" until the server was asked, for a token
    secret: str = field(repr=False)
    origin: str  # in words: "the environment variable KAGGLE_API_TOKEN", "/home/…/kaggle.json"
    file: Path | None = None  # where they are stored, if in a file

    def __post_init__(self) -> None:
        for what, value in (("user name", self.username), (self.what, self.secret)):
            if not re.fullmatch(r"[!-~]*", value):
                raise BrokenCredentials(
                    self.origin, f"the {what} holds blanks or letters that no {what} has"
                )
        if not self.secret:
            raise BrokenCredentials(self.origin, f"the {self.what} is empty")

    @property
    def what(self) -> str:
        """The kind in words."""
        return {"token": "access token", "key": "API key", "oauth": "login"}[self.kind]


def find_credentials(
    environment: Mapping[str, str] = os.environ, home: Path | None = None
) -> Credentials | None:
    """What the kaggle package would use: access token, user name and key, login; None if nothing.

    Raises BrokenCredentials for a file or variable that is there and can't be used.
    """
    home = home or home_of(environment)
    return (
        _token(environment, home)
        or _key(environment, config_dir(environment, home))
        or _login(home / ".kaggle" / "credentials.json")
    )


def require_credentials(
    environment: Mapping[str, str] = os.environ, home: Path | None = None
) -> Credentials:
    """Like `find_credentials`, but raises NoCredentials where there are none."""
    found = find_credentials(environment, home)
    if found is None:
        raise NoCredentials
    return found


def problems(credentials: Credentials) -> list[str]:
    """Warnings about how the credentials are stored, as sentences."""
    file = credentials.file
    if file is None or not file.exists() or not file.stat().st_mode & 0o066:
        return []
    return [
        f"{file} can be read or changed by other users of this machine. Run"
        f" `chmod 600 {shlex.quote(str(file))}`."
    ]


def parse_pasted(text: str) -> Credentials:
    """What a person pastes: the content of kaggle.json, `username key`, or an access token.

    Raises BrokenCredentials, which never repeats what was pasted.
    """
    origin, text = "what was entered", text.strip()
    if text.startswith("{"):
        return _from_json(text, origin, None)
    words = [word for word in re.split(r"[\s:]+", text) if word]
    if len(words) == 2:
        return _username_and_key(words[0], words[1], origin)
    if len(words) == 1 and _LEGACY_KEY.fullmatch(text):
        trouble = "it is a key without its user name; enter both, as `username key`"
        raise BrokenCredentials(origin, trouble)
    if len(words) == 1 and (text.startswith(_NEW_TOKEN) or len(text) >= 20):
        return Credentials("token", "", text, origin)
    trouble = "it is no access token, no `username key`, and not the content of a kaggle.json"
    raise BrokenCredentials(origin, trouble)


def home_of(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or Path.home())


def config_dir(environment: Mapping[str, str], home: Path) -> Path:
    """The folder of kaggle.json, which the kaggle package would look into (and make)."""
    if named := environment.get("KAGGLE_CONFIG_DIR"):
        return Path(named)
    usual = home / ".kaggle"
    if sys.platform.startswith("linux") and not usual.exists():
        return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "kaggle"
    return usual


def _token(environment: Mapping[str, str], home: Path) -> Credentials | None:
    variable = "the environment variable KAGGLE_API_TOKEN"
    if value := environment.get("KAGGLE_API_TOKEN", "").strip():
        file = Path(value)
        if _exists(file):
            token = _read(file).strip()
            if not token:
                raise BrokenCredentials(f"{file}, which KAGGLE_API_TOKEN names", "it is empty")
            return Credentials("token", "", token, f"{file} (KAGGLE_API_TOKEN)", file)
        if value.startswith(("/", "~", ".")):
            raise BrokenCredentials(variable, "it names a file that does not exist")
        return Credentials("token", "", value, variable)
    for name in ("access_token", "access_token.txt"):
        file = home / ".kaggle" / name
        if _exists(file) and (token := _read(file).strip()):
            return Credentials("token", "", token, str(file), file)
    return None


def _key(environment: Mapping[str, str], folder: Path) -> Credentials | None:
    given = {
        name: environment[variable]
        for name, variable in (("username", "KAGGLE_USERNAME"), ("key", "KAGGLE_KEY"))
        if environment.get(variable)
    }
    if len(given) == 2:
        origin = "the environment variables KAGGLE_USERNAME and KAGGLE_KEY"
        return _username_and_key(given["username"], given["key"], origin)
    file = folder / "kaggle.json"
    if not _exists(file):
        return None
    # one of the two may come from the environment: it wins over the file's
    return _from_json(_read(file), str(file), file, given)


def _from_json(
    text: str, origin: str, file: Path | None, given: Mapping[str, str] | None = None
) -> Credentials:
    values = {**_json_object(text, origin), **(given or {})}
    for name in ("username", "key"):
        if not isinstance(values.get(name), str) or not values[name].strip():
            raise BrokenCredentials(origin, f'it has no "{name}"')
    return _username_and_key(values["username"], values["key"], origin, file)


def _username_and_key(
    username: str, key: str, origin: str, file: Path | None = None
) -> Credentials:
    # the new tokens are often put where the key was; as a key Kaggle refuses them
    kind = "token" if key.strip().startswith(_NEW_TOKEN) else "key"
    return Credentials(kind, username.strip(), key.strip(), origin, file)


def _login(file: Path) -> Credentials | None:
    """What `kaggle auth login` leaves."""
    if not _exists(file):
        return None
    values = _json_object(_read(file), str(file))
    token, username = values.get("refresh_token"), values.get("username")
    if not isinstance(token, str) or not token:
        raise BrokenCredentials(file, 'it has no "refresh_token"')
    return Credentials(
        "oauth", username if isinstance(username, str) else "", token, str(file), file
    )


def _json_object(text: str, origin: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        # without the cause: it carries the text, and that is the secret
        raise BrokenCredentials(origin, f"it is not valid JSON{where}") from None
    if not isinstance(values, dict):
        raise BrokenCredentials(origin, "it is JSON, but not an object with username and key")
    return values


def _exists(file: Path) -> bool:
    """Whether it is a file; a token, too, may be asked about."""
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.ELOOP, errno.EIO):
            raise BrokenCredentials(file, f"{error.strerror}") from error
        return False


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BrokenCredentials(file, f"it can't be read ({error.strerror})") from error
    except UnicodeDecodeError:
        # without the cause: it carries the bytes, and those are the secret
        raise BrokenCredentials(file, "it is not text (UTF-8)") from None
