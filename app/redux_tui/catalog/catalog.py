"""The catalogue: every competition, split and agent there is, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from redux_tui.catalog.agents import read_agents
from redux_tui.catalog.competitions import read_competition, read_mle_bench_competition
from redux_tui.catalog.content import content_folders, our_content
from redux_tui.catalog.mle_bench import Facts, Issue, is_clone, read_facts, read_issues
from redux_tui.catalog.mle_bench_agents import PREFIX, read_mle_bench_agents
from redux_tui.catalog.splits import (
    ALIASES,
    LEVELS,
    MLE_BENCH,
    Split,
    read_split,
    require_same,
)
from redux_tui.catalog.suggest import NOT_CLONED, no_competitions, unknown
from redux_tui.config import Settings
from redux_tui.models import Agent, Competition, ReduxError

T = TypeVar("T")
Reader = Callable[[Path], T]

OFFLINE = "offline"
"""The split of the bundled competitions."""


class Catalog:
    """The user's content, then that of MLE-bench's clone, then ours; the first of a name wins.

    Read on first use and kept. One broken folder hides nothing else: it is left out, and
    `problems` says why.
    """

    def __init__(self, user_dirs: Sequence[Path] = (), repo: Path | None = None) -> None:
        self._user_dirs = tuple(user_dirs)
        self.repo = repo if is_clone(repo) else None
        """The clone of MLE-bench, or None where there is none yet."""
        self.problems: list[str] = []

    @classmethod
    def of(cls, settings: Settings) -> Catalog:
        return cls(settings.content_dirs, settings.repo_dir)

    @cached_property
    def competitions(self) -> dict[str, Competition]:
        readers: dict[str, tuple[Reader[Competition], Path]] = {}
        ours, *users = reversed(content_folders("competitions", self._user_dirs))
        readers.update(_by_name(ours, "config.yaml", read_competition))
        if self.repo is not None:
            theirs = self.repo / "mlebench" / "competitions"
            readers.update(_by_name(theirs, "config.yaml", self._read_mle_bench(self.repo)))
        for folder in users:
            readers.update(_by_name(folder, "config.yaml", read_competition))
        found = (self._try(*readers[name]) for name in sorted(readers))
        return {each.id: each for each in found if each is not None}

    @cached_property
    def splits(self) -> dict[str, Split]:
        files: dict[str, Path] = {}
        for folder in reversed(content_folders("splits", self._user_dirs)):
            files.update({file.stem: file for file in sorted(folder.glob("*.txt"))})
        found = (self._try(read_split, file) for file in files.values())
        if self.repo is not None:
            for split in self._mle_bench_splits.values():
                theirs = self.repo / "experiments" / "splits" / f"{split.name}.txt"
                self._try(partial(require_same, split), theirs)
        return {each.name: each for each in found if each is not None}

    @cached_property
    def agents(self) -> dict[str, Agent]:
        readers: dict[str, tuple[Reader[list[Agent]], Path]] = {}
        for folder in reversed(content_folders("agents", self._user_dirs)):
            readers.update(_by_name(folder, "agent.yaml", read_agents))
        if self.repo is not None:
            theirs = _by_name(self.repo / "agents", "config.yaml", read_mle_bench_agents)
            readers.update({PREFIX + name: reader for name, reader in theirs.items()})
        found = (self._try(*readers[name]) or [] for name in sorted(readers))
        return {agent.id: agent for variants in found for agent in variants}

    @cached_property
    def issues(self) -> dict[str, tuple[Issue, ...]]:
        """MLE-bench's known issues by competition, with the pages about them."""
        return self._try(read_issues, self.repo) or {} if self.repo else {}

    def competition(self, name: str) -> Competition:
        if name not in self.competitions:
            raise self._missing(None, [name])
        return self.competitions[name]

    def split(self, name: str) -> Split:
        if name not in self.splits:
            name = ALIASES.get(name, name)
        if name not in self.splits:
            raise unknown("split", name, self.splits)
        return self.splits[name]

    def agent(self, name: str) -> Agent:
        if name not in self.agents:
            if name.startswith(PREFIX) and self.repo is None:
                raise ReduxError(f"{name} is an agent of MLE-bench, {NOT_CLONED}")
            raise unknown("agent", name, self.agents)
        return self.agents[name]

    def complexity(self, competition: str) -> str:
        """MLE-bench's own class of the competition: low, medium, high, or "" if it has none."""
        splits = self._mle_bench_splits
        return next((name for name in LEVELS if competition in splits[name].competitions), "")

    def select(self, split: str | None, names: Iterable[str]) -> list[Competition]:
        """The competitions of a split and those named, each once, in that order.

        Raises ReduxError for unknown ones, and where nothing is selected.
        """
        chosen = self.split(split) if split else None
        ids = list(dict.fromkeys([*(chosen.competitions if chosen else ()), *names]))
        if not ids:
            raise ReduxError("No competition is selected. Name one, or a split that has some.")
        missing = [each for each in ids if each not in self.competitions]
        if missing:
            raise self._missing(chosen, missing)
        return [self.competitions[each] for each in ids]

    def _missing(self, split: Split | None, names: list[str]) -> ReduxError:
        known = {name for each in self._mle_bench_splits.values() for name in each.competitions}
        uncloned = known if self.repo is None else set()
        return no_competitions(split, names, uncloned, self.competitions)

    @cached_property
    def _mle_bench_splits(self) -> dict[str, Split]:
        """MLE-bench's splits as they ship with us, whatever a user calls so."""
        folder = our_content() / "splits"
        return {name: read_split(folder / f"{name}.txt") for name in MLE_BENCH}

    def _read_mle_bench(self, repo: Path) -> Reader[Competition]:
        facts = self._try(read_facts, repo) or {}

        def read(folder: Path) -> Competition:
            name = folder.name
            return read_mle_bench_competition(
                folder, repo, facts.get(name, Facts()), self.issues.get(name, ())
            )

        return read

    def _try(self, read: Reader[T], path: Path) -> T | None:
        try:
            return read(path)
        except ReduxError as error:
            if str(error) not in self.problems:
                self.problems.append(str(error))
            return None


def _by_name(parent: Path, marker: str, read: Reader[T]) -> dict[str, tuple[Reader[T], Path]]:
    """How to read each folder of `parent` that holds the file `marker`."""
    return {each.parent.name: (read, each.parent) for each in parent.glob(f"*/{marker}")}
