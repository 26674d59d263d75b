"""The child process that runs a competition's prepare function; it never imports redux_tui itself.

Usage: python -P prepare_child.py FOLDER MODULE:FUNCTION RAW PUBLIC PRIVATE
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path


def load_function(folder: Path, spec: str) -> Callable[..., object]:
    """`MODULE:FUNCTION`, where MODULE is a file in `folder` (a dotted path's last part counts)."""
    module_name, _, function = spec.partition(":")
    file = folder / (module_name.rpartition(".")[2] + ".py")
    module_spec = importlib.util.spec_from_file_location(file.stem, file)
    if module_spec is None or module_spec.loader is None:
        raise ImportError(f"{file} can't be imported")
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    loaded: Callable[..., object] = getattr(module, function)
    return loaded


def main() -> None:
    folder, spec, raw, public, private = sys.argv[1:]
    prepare = load_function(Path(folder), spec)
    prepare(Path(raw), Path(public), Path(private))


if __name__ == "__main__":
    main()
