"""Our own files that an agent finds inside: the checker's script and, in containers, the relay."""

from __future__ import annotations

from pathlib import Path

from redux_tui.sandbox.protocol import DESCRIPTION

VALIDATE, RELAY = "validate_submission.sh", "relay.py"
DATA = "data"  # links to what the agent sees of the data, where it is not all of it


def place(folder: Path, *names: str) -> None:
    """Copy them into the attempt's folder, for whatever user the agent is, to read and to run.

    A package may be installed for one user only, and be replaced while attempts run.
    """
    for name in names:
        copy = folder / name
        copy.write_bytes(Path(__file__).with_name(name).read_bytes())
        copy.chmod(0o755)


def remove(folder: Path) -> None:
    for name in (VALIDATE, RELAY):
        (folder / name).unlink(missing_ok=True)


def data_seen(folder: Path, data: Path) -> Path:
    """Where an attempt that mounts nothing finds its data: `data`, or a folder of links to it."""
    return folder / DATA if (folder / DESCRIPTION).exists() else data


def link_data(folder: Path, data: Path) -> None:
    """Make what `data_seen` names: all of `data`, but with the attempt's own description."""
    seen = data_seen(folder, data)
    if seen == data:
        return
    seen.mkdir(exist_ok=True)
    for entry in data.iterdir():
        target = folder / DESCRIPTION if entry.name == DESCRIPTION else entry
        link = seen / entry.name
        link.unlink(missing_ok=True)  # of a start that we did not survive
        link.symlink_to(target)
