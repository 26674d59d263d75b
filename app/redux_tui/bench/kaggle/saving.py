"""Store what a person entered where the kaggle package finds it: whole, and for them alone."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from redux_tui.bench.kaggle.credentials import (
    Credentials,
    find_credentials,
    home_of,
)
from redux_tui.bench.kaggle.errors import KaggleError
from redux_tui.files import write_atomically


def save_key(
    username: str,
    key: str,
    home: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Path:
    """Write kaggle.json (0600), in KAGGLE_CONFIG_DIR or ~/.kaggle (0700). Its other keys stay.

    Raises BrokenCredentials for what can't be a key, KaggleError if it can't be written there.
    """
    checked = Credentials("key", username.strip(), key.strip(), "what was entered")
    usual = (home or home_of(environment)) / ".kaggle"
    file = Path(environment.get("KAGGLE_CONFIG_DIR") or usual) / "kaggle.json"
    content = {**_other_keys(file), "username": checked.username, "key": checked.secret}
    return _write(file, json.dumps(content))


def save_token(
    token: str, home: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Path:
    """Write ~/.kaggle/access_token (0600, the folder 0700).

    Raises BrokenCredentials for what can't be a token, KaggleError if it can't be written there.
    """
    checked = Credentials("token", "", token.strip(), "what was entered")
    file = (home or home_of(environment)) / ".kaggle" / "access_token"
    return _write(file, checked.secret + "\n")


def save(
    entered: Credentials, home: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Path:
    """Store what `parse_pasted` made of an entry, by its kind."""
    if entered.kind == "key":
        return save_key(entered.username, entered.secret, home, environment)
    return save_token(entered.secret, home, environment)


def hidden_by(
    saved: Path, home: Path | None = None, environment: Mapping[str, str] = os.environ
) -> str:
    """A sentence if credentials elsewhere come before those in `saved`, which then never count."""
    found = find_credentials(environment, home)
    if found is None or found.file == saved:
        return ""
    return (
        f"The credentials were stored in {saved}, but those from {found.origin} come first and are"
        " used instead. Remove those to use the new ones."
    )


def _other_keys(file: Path) -> dict[str, object]:
    """The kaggle package keeps settings in the same file."""
    try:
        values = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    except OSError as error:
        raise _not_writable(file, error) from error
    return values if isinstance(values, dict) else {}


def _write(file: Path, content: str) -> Path:
    try:
        _require_ours(file)
        write_atomically(file, content, 0o600)
    except OSError as error:
        raise _not_writable(file, error) from error
    return file


def _require_ours(file: Path) -> None:
    """Make the folder; refuse a place that others control, or a name that is no plain file."""
    folder = file.parent
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
    status = folder.stat()
    if status.st_uid != os.geteuid():
        raise KaggleError(
            f"{folder} belongs to another user, so no Kaggle credentials are written there. Set"
            " KAGGLE_API_TOKEN in the environment instead."
        )
    if folder.name == ".kaggle":
        folder.chmod(0o700)
    if os.path.lexists(file) and not stat.S_ISREG(file.lstat().st_mode):
        raise KaggleError(
            f"{file} is a link or no file at all, so no Kaggle credentials are written over it."
            " Move it away, or put them where it leads to yourself."
        )


def _not_writable(file: Path, error: OSError) -> KaggleError:
    return KaggleError(
        f"The Kaggle credentials could not be stored in {file}: {error.strerror}. Make"
        f" {file.parent} writable, or set KAGGLE_API_TOKEN in the environment instead."
    )
