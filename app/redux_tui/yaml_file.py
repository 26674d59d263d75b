"""YAML files that people write: read with errors that name file, line and trouble, and changed.

PyYAML reads, fast and safely; ruamel.yaml changes, so that nothing of a person's is lost.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from redux_tui.models import ReduxError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, where built


def read_yaml_mapping(path: Path) -> dict[str, Any]:
    """The mapping in `path`; an empty file is an empty mapping. Raises ReduxError."""
    try:
        data = _parse(path.read_bytes().decode("utf-8-sig"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        trouble = " ".join(part for part in (error.context, error.problem) if part)
        raise ReduxError(
            f"{path}, {where}: this is not valid YAML ({trouble}). Correct it there; the file was"
            " left as it is."
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ReduxError(f"{path} is not a YAML text file in UTF-8 ({error}).") from error
    except OSError as error:
        raise ReduxError(f"{path} can't be read: {error.strerror}.") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ReduxError(f"{path} must hold `key: value` lines, not a {type(data).__name__}.")
    return data


def change_yaml(text: str, changes: Mapping[str, Any]) -> str:
    """The YAML `text` with only the keys in `changes` ("a.b" is a nested one) set, or taken out.

    Comments, key order and other keys stay. Raises ValueError for what ruamel.yaml can't read.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.util import load_yaml_guess_indent

    if text and not text.endswith("\n"):
        text += "\n"  # a comment at the very end would swallow what is written after it
    _, indent, offset = load_yaml_guess_indent(text)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # never fold a person's long line
    if indent:
        yaml.indent(sequence=indent, offset=offset or 0)
    try:
        document = yaml.load(text)
    except YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    head = ""
    if document is None:  # there is nothing, or nothing but comments
        document = CommentedMap()
        lines = text.splitlines(keepends=True)
        head = "".join(line for line in lines if line.isspace() or line.lstrip().startswith("#"))
    for key, value in changes.items():
        _set(document, key.split("."), value)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return head + stream.getvalue()


def _parse(text: str) -> Any:
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _refuse_repeated_keys(root)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _refuse_repeated_keys(root: yaml.Node) -> None:
    """PyYAML would silently take the last one, though YAML forbids them."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            _refuse_repeated_key(node)
            waiting += [value for _, value in node.value]


def _refuse_repeated_key(mapping: yaml.MappingNode) -> None:
    keys = set()
    for key, _ in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if (key.tag, key.value) in keys:
            problem = f"the key {key.value!r} is there twice"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        keys.add((key.tag, key.value))


def _set(document: Any, keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        if not isinstance(document.get(key), dict):
            document[key] = {}
        document = document[key]
    if value is None:
        document.pop(keys[-1], None)
    else:
        document[keys[-1]] = value
