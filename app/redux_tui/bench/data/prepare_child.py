"""The child process that runs a competition's prepare function; it never imports redux_tui itself.

Usage: python -P prepare_child.py FOLDER MODULE:FUNCTION RAW PUBLIC PRIVATE
       python -P prepare_child.py --clone ROOT MODULE:FUNCTION RAW PUBLIC PRIVATE

Its stdin is a pipe that the parent holds open: when that ends, the whole process group does.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    _end_with_parent()
    arguments = sys.argv[1:]
    is_clone = arguments[0] == "--clone"
    folder, spec, *paths = arguments[1:] if is_clone else arguments
    raw, public, private = map(Path, paths)
    if is_clone:
        load_from_clone(Path(folder), spec)(raw=raw, public=public, private=private)
    else:
        load_function(Path(folder), spec)(raw, public, private)


def load_from_clone(root: Path, spec: str) -> Callable[..., object]:
    """`MODULE:FUNCTION` of MLE-bench's package in its clone at `root`."""
    sys.path.insert(0, str(root))
    module_name, _, function = spec.partition(":")
    loaded: Callable[..., object] = getattr(importlib.import_module(module_name), function)
    return loaded


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


def _end_with_parent() -> None:
    """However the parent ends, this group ends with it. For what runs here, stdin is empty."""
    alive = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def watch() -> None:
        os.read(alive, 1)  # nothing is ever written
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
