"""The catalogue: every competition, split and agent there is, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from redux_tui.catalog.agents import read_agents
from redux_tui.catalog.competitions import read_competition
from redux_tui.catalog.content import content_folders
from redux_tui.catalog.splits import Split, read_split
from redux_tui.catalog.suggest import unknown
from redux_tui.config import Settings
from redux_tui.models import Agent, Competition, ReduxError

T = TypeVar("T")

OFFLINE = "offline"
"""The split of the bundled competitions."""


class Catalog:
    """Content of the user's folders and of ours; read on first use and kept.

    One broken folder hides nothing else: it is left out, and `problems` says why.
    """

    def __init__(self, user_dirs: Sequence[Path] = (), repo: Path | None = None) -> None:
        self._user_dirs = tuple(user_dirs)
        self._repo = repo  # the clone of MLE-bench, which need not be there yet
        self.problems: list[str] = []

    @classmethod
    def of(cls, settings: Settings) -> Catalog:
        return cls(settings.content_dirs, settings.repo_dir)

    @cached_property
    def competitions(self) -> dict[str, Competition]:
        folders = self._folders("competitions", "config.yaml")
        found = (self._try(read_competition, folder) for folder in folders)
        return {each.id: each for each in found if each is not None}

    @cached_property
    def splits(self) -> dict[str, Split]:
        files: dict[str, Path] = {}
        for folder in reversed(content_folders("splits", self._user_dirs)):
            files.update({file.stem: file for file in sorted(folder.glob("*.txt"))})
        found = (self._try(read_split, file) for file in files.values())
        return {each.name: each for each in found if each is not None}

    @cached_property
    def agents(self) -> dict[str, Agent]:
        folders = self._folders("agents", "agent.yaml")
        found = (self._try(read_agents, folder) or [] for folder in folders)
        return {agent.id: agent for variants in found for agent in variants}

    def competition(self, name: str) -> Competition:
        return _get("competition", name, self.competitions)

    def split(self, name: str) -> Split:
        return _get("split", name, self.splits)

    def agent(self, name: str) -> Agent:
        return _get("agent", name, self.agents)

    def select(self, split: str | None, names: Iterable[str]) -> list[Competition]:
        """The competitions of a split and those named, each once, in that order.

        Raises ReduxError for an unknown one, and where nothing is selected.
        """
        ids = [*(self.split(split).competitions if split else ()), *names]
        if not ids:
            raise ReduxError("No competition is selected. Name one, or a split that has some.")
        return [self.competition(each) for each in dict.fromkeys(ids)]

    def _folders(self, kind: str, marker: str) -> list[Path]:
        """Content folders by name, a user's hiding ours of the same name."""
        by_name: dict[str, Path] = {}
        for parent in reversed(content_folders(kind, self._user_dirs)):
            by_name.update({each.parent.name: each.parent for each in parent.glob(f"*/{marker}")})
        return [by_name[name] for name in sorted(by_name)]

    def _try(self, read: Callable[[Path], T], path: Path) -> T | None:
        try:
            return read(path)
        except ReduxError as error:
            self.problems.append(str(error))
            return None


def _get(kind: str, name: str, found: dict[str, T]) -> T:
    if name not in found:
        raise unknown(kind, name, found)
    return found[name]
