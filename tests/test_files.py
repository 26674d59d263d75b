"""Files written whole or not at all, and locks that die with their holder."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from redux_tui.files import (
    is_locked,
    locked,
    require_free_space,
    write_atomically,
    write_json,
)
from redux_tui.models import InfrastructureError


def test_a_failed_write_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    write_atomically(path, "old")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys; from pathlib import Path; from redux_tui.files import locked\n"
        f"with locked(Path({str(path)!r})): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    assert is_locked(path)
    with pytest.raises(BlockingIOError), locked(path, wait=False):
        pass
    holder.kill()
    holder.communicate()
    assert not is_locked(path)
    with locked(path, wait=False):
        assert is_locked(path)


def test_a_mere_look_at_a_lock_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_SH)  # as `is_locked` does, but longer
        threading.Timer(0.1, lambda: fcntl.flock(looked_at, fcntl.LOCK_UN)).start()
        with locked(path, wait=False):
            assert is_locked(path)


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_json_never_holds_what_other_readers_refuse(tmp_path: Path, number: str) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "report.json", {"score": float(number)})


def test_a_file_name_that_is_no_utf_8_can_be_written_as_json(tmp_path: Path) -> None:
    write_json(tmp_path / "report.json", {"path": "\udc80.csv"})
    assert (tmp_path / "report.json").read_text() == '{\n  "path": "\\udc80.csv"\n}\n'


def test_too_small_a_disk_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match=r"needs about .* MB, but only .* MB are free"):
        require_free_space(tmp_path / "not" / "yet", 1 << 60, "Preparing x")
