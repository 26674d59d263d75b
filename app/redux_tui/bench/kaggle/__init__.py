"""Kaggle: an account's credentials, and its competitions' data, over the kaggle package's own API.

Importing this does nothing and is cheap. The `kaggle` module itself is never imported: it logs
in, prints and exits as it pleases. Its layer kagglesdk does not; that is loaded at first use.
"""

from redux_tui.bench.kaggle.client import ENDPOINT_VARIABLE, Kaggle
from redux_tui.bench.kaggle.credentials import (
    Credentials,
    find_credentials,
    parse_pasted,
    problems,
    require_credentials,
)
from redux_tui.bench.kaggle.errors import (
    BrokenCredentials,
    Cancelled,
    KaggleError,
    NoCredentials,
    NoNetwork,
    NotAllowed,
    NotFound,
    RulesNotAccepted,
    ServerTrouble,
    TooManyRequests,
    WrongCredentials,
    rules_message,
    rules_page,
)
from redux_tui.bench.kaggle.patience import Patience
from redux_tui.bench.kaggle.saving import hidden_by, save, save_key, save_token

__all__ = [
    "ENDPOINT_VARIABLE",
    "BrokenCredentials",
    "Cancelled",
    "Credentials",
    "Kaggle",
    "KaggleError",
    "NoCredentials",
    "NoNetwork",
    "NotAllowed",
    "NotFound",
    "Patience",
    "RulesNotAccepted",
    "ServerTrouble",
    "TooManyRequests",
    "WrongCredentials",
    "find_credentials",
    "hidden_by",
    "parse_pasted",
    "problems",
    "require_credentials",
    "rules_message",
    "rules_page",
    "save",
    "save_key",
    "save_token",
]
