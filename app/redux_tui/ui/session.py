"""What the dashboard works with: the config, the catalogue, the current run group. No Textual."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from redux_tui import config
from redux_tui.bench.progress import Say
from redux_tui.catalog import Catalog
from redux_tui.config import Settings
from redux_tui.models import ReduxError, Request, Run
from redux_tui.runner import client as supervisors
from redux_tui.runner.group import Group, list_groups


class Client(Protocol):
    """How run groups are started and asked; `redux_tui.runner.client` is the real one."""

    async def launch(self, settings: Settings, request: Request, say: Say) -> Group: ...

    async def rerun(self, group: Group, runs: Iterable[Run]) -> None: ...

    async def cancel(self, group: Group, attempt: str | None = None) -> None: ...

    async def resume(self, group: Group) -> None: ...


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A run group as the chooser lists it. `trouble` is a sentence where it can't be read."""

    folder: Path
    agent: str = ""
    runs: int = 0
    finished: int = 0
    attempts: int = 0
    is_alive: bool = False
    trouble: str = ""


@dataclass
class Session:
    """Loaded once the first frame is on the screen. Methods that read much say so."""

    explicit_config: Path | None
    settings: Settings
    group: Group | None = None
    client: Client = field(default_factory=lambda: _real_client())
    refused: set[str] = field(default_factory=set)
    """Competitions whose rules were not accepted when their data was last asked for."""

    @classmethod
    def load(cls, explicit: Path | None, client: Client | None = None) -> Session:
        """Read the config, and the run group that was last looked at. Raises ReduxError."""
        settings = config.load(config.find_config(explicit))
        session = cls(explicit, settings, client=client or _real_client())
        session.group = session._last_group()
        return session

    @property
    def is_new(self) -> bool:
        """Whether there is no config yet."""
        return self.settings.file is None

    @property
    def config_path(self) -> Path:
        """Where the config is, or will be."""
        return self.settings.file or config.new_config_path(self.explicit_config)

    @property
    def command(self) -> str:
        """What to type to come back here."""
        if self.explicit_config is None:
            return "redux-tui"
        return f"redux-tui --config {self.explicit_config}"

    @cached_property
    def catalog(self) -> Catalog:
        """Reads all content folders on first use: ask for it in a thread."""
        return Catalog.of(self.settings)

    def write(self, changes: Mapping[str, Any]) -> None:
        """Change the config's keys in its file, and take the file in. Reads and writes disk."""
        config.update(self.config_path, changes)
        self.settings = config.load(self.config_path)
        self.forget_catalog()

    def forget_catalog(self) -> None:
        """Have it read again when it is next asked for."""
        self.__dict__.pop("catalog", None)

    def remember(self, **state: Any) -> None:
        """Keep hints for the next start in the config's `state:`. Reads and writes disk."""
        config.update(self.config_path, {f"state.{key}": value for key, value in state.items()})
        self.settings = config.load(self.config_path)

    async def launch(self, request: Request, say: Say) -> Group:
        """Start a run group and make it the current one; `say` gets what will stop part of it."""
        self.group = await self.client.launch(self.settings, request, say)
        self.group.refresh()
        await asyncio.to_thread(self.remember, last_group=self.group.name)
        return self.group

    def open_group(self, folder: Path) -> Group:
        """Make the group in `folder` the current one. Reads its whole journal."""
        group = Group(folder)
        group.refresh()
        self.group = group
        return group

    def group_lines(self, most: int = 200) -> list[GroupLine]:
        """The newest run groups for the chooser. Reads all their journals."""
        return [_line_of(folder) for folder in list_groups(self.settings.work_dir)[:most]]

    def _last_group(self) -> Group | None:
        folders = list_groups(self.settings.work_dir)
        wanted = self.settings.state.get("last_group")
        for folder in sorted(folders, key=lambda each: each.name != wanted):
            try:
                return self.open_group(folder)
            except ReduxError:
                continue  # the chooser lists it with what is wrong; the next one is opened here
        return None


def _line_of(folder: Path) -> GroupLine:
    try:
        group = Group(folder)
        group.refresh()
    except ReduxError as error:
        return GroupLine(folder, trouble=str(error))
    state = group.state
    return GroupLine(
        folder,
        agent=group.request.agent,
        runs=len(group.request.runs()),
        finished=sum(attempt.is_finished for attempt in state.shown().values()),
        attempts=len(state.attempts),
        is_alive=group.is_alive,
    )


def _real_client() -> Client:
    return supervisors
