"""Competitions read from their config.yaml, in MLE-bench's folder format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from redux_tui.catalog.content import is_ours
from redux_tui.models import Competition, ReduxError
from redux_tui.yaml_file import read_yaml_mapping


def read_competition(folder: Path) -> Competition:
    """The competition in `folder`. Raises ReduxError naming the file, and the missing key in it."""
    path = folder / "config.yaml"
    config = read_yaml_mapping(path)
    competition_id = _text(config, path, "id")
    if competition_id != folder.name:
        raise ReduxError(
            f"{path}: id is {competition_id!r}, but its folder is named {folder.name!r}; they must"
            " be the same."
        )
    competition = Competition(
        id=competition_id,
        name=_text(config, path, "name"),
        folder=folder,
        source="offline" if is_ours(folder) else "user",
        metric=_text(config, path, "grader", "name"),
        category=str(config.get("category", "")),
        awards_medals=bool(config.get("awards_medals", True)),
        # MLE-bench gives this path from the root of its repository, we from the folder
        description=folder / Path(_text(config, path, "description")).name,
        leaderboard=folder / "leaderboard.csv",
        grade_fn=_text(config, path, "grader", "grade_fn"),
        prepare_fn=_text(config, path, "preparer"),
        answers=Path(_text(config, path, "dataset", "answers")),
        sample_submission=Path(_text(config, path, "dataset", "sample_submission")),
    )
    _require_files(competition)
    return competition


def _require_files(competition: Competition) -> None:
    """What a run needs is there: said now, not after an agent's hours."""
    functions = (competition.grade_fn, competition.prepare_fn)
    modules = [spec.partition(":")[0].rpartition(".")[2] for spec in functions]
    code = [competition.folder / f"{module}.py" for module in modules]
    for file in (competition.description, competition.leaderboard, *code):
        if not file.is_file():
            raise ReduxError(
                f"The competition {competition.id} lacks the file {file}, without which it can't"
                " be run and graded."
            )


def _text(config: dict[str, Any], path: Path, *keys: str) -> str:
    value: Any = config
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        raise ReduxError(f"{path}: the key {'.'.join(keys)} must be there and be a text.")
    return value
