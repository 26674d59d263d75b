"""What `make` needs: a missing prerequisite is said in a sentence, before anything is done."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

INSTALL = Path(__file__).parents[1] / "support" / "install.sh"


@pytest.fixture
def bin_(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").symlink_to(shutil.which("git") or "/usr/bin/git")
    return folder


def install(bin_: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(INSTALL), str(bin_.parent / "venv"), "."],
        env={"PATH": str(bin_)},
        capture_output=True,
        text=True,
        check=False,
    )


def stub(bin_: Path, name: str, script: str) -> None:
    (bin_ / name).write_text(f"#!/bin/sh\n{script}\n")
    (bin_ / name).chmod(0o755)


def test_git_is_asked_for(bin_: Path) -> None:
    (bin_ / "git").unlink()
    done = install(bin_)
    assert done.returncode == 1
    assert "git is missing. Install it" in done.stderr


def test_a_python_that_is_too_old_or_absent_is_said(bin_: Path) -> None:
    assert "no Python >= 3.11 was found" in install(bin_).stderr
    stub(bin_, "python3", "exit 1")  # what it answers to the question for its version
    assert "no Python >= 3.11 was found" in install(bin_).stderr


def test_a_python_without_venv_is_said(bin_: Path) -> None:
    stub(bin_, "python3", 'case "$2" in *ensurepip*) exit 1;; esac')
    done = install(bin_)
    assert done.returncode == 1
    assert "has no venv module. Install it (Debian: apt-get install python3-venv)" in done.stderr
