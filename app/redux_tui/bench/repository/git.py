"""git as a child: what it is allowed, its progress, its errors as sentences."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from redux_tui.bench.process import read, run
from redux_tui.bench.progress import Progress, Tell
from redux_tui.bench.repository.folder import without_login
from redux_tui.logs.sanitize import plain
from redux_tui.models import InfrastructureError, ReduxError

# no hooks and no filters of the person's; nothing goes on in the background
_OPTIONS = (
    *(
        "filter.lfs.process=",
        "filter.lfs.smudge=",
        "filter.lfs.clean=",
        "filter.lfs.required=false",
    ),
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false"),
    "init.defaultBranch=main",  # an option of `git init` is unknown to git before 2.28
    *("advice.detachedHead=false", "submodule.recurse=false", "fetch.unpackLimit=1"),
)
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",  # a question would wait behind the dashboard for ever
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_PROGRESS_DELAY": "0",
    "GIT_HTTP_LOW_SPEED_LIMIT": "1000",  # bytes a second, for so many seconds: given up
    "GIT_HTTP_LOW_SPEED_TIME": "60",
    "LC_ALL": "C",
}
# what git itself sets for a hook, and what would lead it to another repository
_FOREIGN = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_PREFIX"),
)

_PROGRESS = re.compile(
    r"(?:remote: )?(Counting|Compressing|Receiving|Resolving|Updating)[^:]*: +\d+% \((\d+)/(\d+)\)"
)
_STAGES = {
    "Counting": "counting",
    "Compressing": "compressing",
    "Receiving": "receiving",
    "Resolving": "resolving",
    "Updating": "checking out",
}
_NOISE = re.compile(r"remote: (Enumerating|Total)|From |hint: | \* |warning: ")


class GitError(Exception):
    """git ended with an error; the text is what it said of it."""


@dataclass
class Git:
    """git in `folder`; the descriptor `hold` is kept open in all that it starts."""

    folder: Path
    hold: int
    tell: Tell
    _said: list[str] = field(default_factory=list)
    _told: Progress | None = None

    async def run(self, *arguments: str) -> None:
        """Raises GitError."""
        self._said.clear()
        code = await run(
            _command(arguments),
            self._take,
            folder=self.folder,
            environment=environment(),
            hold=self.hold,
        )
        if code != 0:
            raise GitError(without_login(" ".join(self._said[-8:])) or f"exit code {code}")

    async def read(self, *arguments: str) -> bytes:
        """What it prints on stdout. Raises GitError."""
        code, out, err = await read(
            _command(arguments),
            folder=self.folder,
            environment=environment(),
            hold=self.hold,
        )
        if code != 0:
            said = plain(err.decode(errors="replace")).strip()
            raise GitError(without_login(said) or f"exit code {code}")
        return out

    def _take(self, line: str) -> None:
        if match := _PROGRESS.match(line):
            stage, done, total = match.groups()
            what = f"MLE-bench: {_STAGES[stage]}"
            unit = "files" if stage == "Updating" else "objects"
            progress = Progress(what, int(done), int(total), unit)
            if progress != self._told:  # git says the end of each twice
                self._told = progress
                self.tell(progress)
        elif not _NOISE.match(line):
            self._said.append(plain(line))


def environment() -> dict[str, str]:
    """For git and git-lfs: they ask nothing, and speak English."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {**kept, **_ENVIRONMENT}


def require_git() -> None:
    if shutil.which("git") is None:
        raise ReduxError(
            "MLE-bench is cloned with git, which is not installed here. Install it (Debian:"
            " `apt-get install git`; macOS: `brew install git`), then run `redux-tui clone` again."
        )


def explain(error: GitError, url: str) -> ReduxError:
    """The trouble with the repository at `url`, and what to do about it."""
    said, url = str(error), without_login(url)
    if re.search("No space left|Disk quota|unable to write file|write error", said):
        return InfrastructureError(
            f"MLE-bench could not be cloned from {url}: the disk is full ({_short(said)}). Free"
            " some space, or set repo_dir in the config to another disk, and run `redux-tui clone`"
            " again."
        )
    if re.search(
        "Could not resolve|Couldn't connect|Failed to connect|unable to connect|refused", said, re.I
    ):
        return InfrastructureError(
            f"{url} can't be reached ({_short(said)}). Check the network, or repo_url in the"
            " config, and run `redux-tui clone` again."
        )
    if re.search("timed? ?out|unreachable|too slow|hung up|early EOF|reset by peer", said, re.I):
        return InfrastructureError(
            f"The connection to {url} broke off ({_short(said)}). Check the network, and run"
            " `redux-tui clone` again."
        )
    if re.search("Authentication|could not read Username|Permission denied|403|401", said):
        return ReduxError(
            f"{url} wants a login, or is not there: servers say the same of both"
            f" ({_short(said)}). Check repo_url in the config; a private repository needs a"
            " credential helper of git's, or an SSH key."
        )
    if "transport" in said and "not allowed" in said:
        return ReduxError(
            f"{url} is no address that is cloned from: only https, http, ssh, git and file are."
            " Correct repo_url in the config."
        )
    if re.search("not appear to be|not found|does not exist|not a git repository", said, re.I):
        return ReduxError(
            f"There is no git repository at {url} ({_short(said)}). Correct repo_url in the config."
        )
    return ReduxError(f"git failed with {url}: {_short(said)}. Run `redux-tui clone` again.")


def _command(arguments: tuple[str, ...]) -> list[str]:
    return ["git", *(part for each in _OPTIONS for part in ("-c", each)), *arguments]


def _short(said: str) -> str:
    text = said.replace("fatal: ", "").replace("error: ", "").strip().rstrip(".")
    return text if len(text) < 300 else text[:299] + "…"
