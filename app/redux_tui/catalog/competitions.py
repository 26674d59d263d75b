"""Competitions read from their config.yaml, in MLE-bench's folder format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redux_tui.catalog.content import is_ours
from redux_tui.catalog.mle_bench import SOURCE, Facts, Issue
from redux_tui.models import Competition, ReduxError
from redux_tui.yaml_file import read_yaml_mapping


def read_competition(folder: Path) -> Competition:
    """One of ours or of the user's, whole in its `folder`.

    Raises ReduxError naming the file, and the missing key in it.
    """
    path, config = _read(folder)
    competition = _competition(
        folder,
        path,
        config,
        source="offline" if is_ours(folder) else "user",
        category=str(config.get("category", "")),
        # MLE-bench gives this path from the root of its repository, we from the folder
        description=folder / Path(_text(config, path, "description")).name,
    )
    _require_files(competition, competition.leaderboard)
    return competition


def read_mle_bench_competition(
    folder: Path, repo: Path, facts: Facts, issues: Sequence[Issue]
) -> Competition:
    """One of the clone `repo`'s. Its leaderboard need not be there: it is fetched when needed.

    Raises ReduxError naming the file, and the missing key in it.
    """
    path, config = _read(folder)
    description = _text(config, path, "description")
    if not _is_inside(description):
        raise ReduxError(f"{path}: description is {description}, which is not in {repo}.")
    competition = _competition(
        folder,
        path,
        config,
        source=SOURCE,
        category=facts.category,
        description=repo / description,
        size_gb=facts.size_gb,
        known_issues=tuple(issue.text for issue in issues),
        repo=repo,
    )
    _require_files(competition)
    return competition


def _read(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The config in `folder` and its path; its id and the folder's name are the same."""
    path = folder / "config.yaml"
    config = read_yaml_mapping(path)
    competition_id = _text(config, path, "id")
    if competition_id != folder.name:
        raise ReduxError(
            f"{path}: id is {competition_id!r}, but its folder is named {folder.name!r}; they must"
            " be the same."
        )
    return path, config


def _competition(folder: Path, path: Path, config: dict[str, Any], **known: Any) -> Competition:
    """What all configs say, and what is `known` from elsewhere."""
    return Competition(
        id=folder.name,
        name=_text(config, path, "name"),
        folder=folder,
        metric=_text(config, path, "grader", "name"),
        kind=str(config.get("competition_type") or ""),
        awards_medals=bool(config.get("awards_medals", True)),
        leaderboard=folder / "leaderboard.csv",
        grade_fn=_text(config, path, "grader", "grade_fn"),
        prepare_fn=_text(config, path, "preparer"),
        answers=_data_path(config, path, "answers"),
        sample_submission=_data_path(config, path, "sample_submission"),
        **known,
    )


def _require_files(competition: Competition, *others: Path) -> None:
    """What a run needs is there: said now, not after an agent's hours."""
    functions = (competition.grade_fn, competition.prepare_fn)
    modules = [spec.partition(":")[0].rpartition(".")[2] for spec in functions]
    code = [competition.folder / f"{module}.py" for module in modules]
    for file in (competition.description, *others, *code):
        if not file.is_file():
            raise ReduxError(
                f"The competition {competition.id} lacks the file {file}, without which it can't"
                " be run and graded."
            )


def _data_path(config: dict[str, Any], path: Path, key: str) -> Path:
    """A path relative to the data directory, from which it must not lead out."""
    text = _text(config, path, "dataset", key)
    if not _is_inside(text):
        raise ReduxError(f"{path}: dataset.{key} is {text}, which leads out of the data folder.")
    return Path(text)


def _is_inside(relative: str) -> bool:
    return not Path(relative).is_absolute() and ".." not in Path(relative).parts


def _text(config: dict[str, Any], path: Path, *keys: str) -> str:
    value: Any = config
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        raise ReduxError(f"{path}: the key {'.'.join(keys)} must be there and be a text.")
    return value
