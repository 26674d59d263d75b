"""YAML files that people write: read safely, with errors that name file, line and trouble."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from redux_tui.models import ReduxError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, where built


def read_yaml_mapping(path: Path) -> dict[str, Any]:
    """The mapping in `path`; an empty file is an empty mapping. Raises ReduxError."""
    try:
        data = yaml.load(path.read_bytes(), Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        trouble = " ".join(part for part in (error.context, error.problem) if part)
        raise ReduxError(
            f"{path}, {where}: this is not valid YAML ({trouble}). Correct it there; the file was"
            " left as it is."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ReduxError(f"{path} is not a YAML text file ({error}).") from error
    except OSError as error:
        raise ReduxError(f"{path} can't be read: {error.strerror}.") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ReduxError(f"{path} must hold `key: value` lines, not a {type(data).__name__}.")
    return data
