"""An attempt's folder, with what its agent finds there when it begins."""

from __future__ import annotations

from pathlib import Path

from redux_tui.bench.data.place import public_dir
from redux_tui.files import write_atomically
from redux_tui.models import Competition, InfrastructureError, Limits
from redux_tui.runner.instructions import obfuscated_description, render_instructions
from redux_tui.runner.stage import Cast
from redux_tui.sandbox.protocol import DESCRIPTION


def furnish(
    folder: Path,
    cast: Cast,
    competition: Competition,
    data_dir: Path,
    limits: Limits,
    *,
    obfuscated: bool,
) -> Path:
    """Make the folders for its outputs, its instructions and its log; return its public data.

    Raises InfrastructureError.
    """
    data = public_dir(competition, data_dir)
    try:
        for name in ("submission", "code", "logs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        if obfuscated:
            write_atomically(folder / DESCRIPTION, obfuscated_description(competition))
        layout = cast.sandbox.layout(cast.agent, folder, data)
        instructions = render_instructions(competition, layout, limits, obfuscated=obfuscated)
        write_atomically(folder / "instructions.txt", instructions)
        (folder / "container.log").touch()
    except OSError as error:
        raise InfrastructureError(
            f"The attempt's folder {folder} can't be written: {error.strerror}."
        ) from error
    return data
