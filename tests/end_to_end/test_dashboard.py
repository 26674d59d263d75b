"""The dashboard in a real terminal: first start, one key, graded results, closing stops nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

from tests.support.world import SUBMIT_BEST, World


class Terminal:
    """A pseudo-terminal with a program in it, and what a person would see."""

    def __init__(self, arguments: list[str], folder: Path, columns: int, rows: int) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "redux_tui", *arguments],
            cwd=str(folder),
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "TERM": "xterm-256color",
                "LANG": "C.UTF-8",
            },
            dimensions=(rows, columns),
            timeout=5,
        )

    def text(self) -> str:
        return "\n".join(self._screen.display)

    def wait_for(self, *parts: str, seconds: float = 30) -> str:
        """Until all `parts` are on the screen."""
        deadline = time.monotonic() + seconds
        while True:
            self._read()
            text = self.text()
            if all(part in text for part in parts):
                return text
            assert time.monotonic() < deadline, f"{parts} not on the screen:\n{text}"

    def press(self, keys: str) -> None:
        self.child.send(keys)

    def wait_for_exit(self, seconds: float = 20) -> str:
        """What it printed to the normal screen at the end."""
        deadline = time.monotonic() + seconds
        while self.child.isalive():
            self._read()
            assert time.monotonic() < deadline, f"it did not end:\n{self.text()}"
        self._read()
        return self.text()

    def _read(self) -> None:
        try:
            self._stream.feed(self.child.read_nonblocking(1 << 16, timeout=0.1))
        except (pexpect.TIMEOUT, pexpect.EOF):
            time.sleep(0.02)

    def close(self) -> None:
        self.child.close(force=True)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for each in opened:
        each.close()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50)])
def test_one_key_on_the_first_start_leads_to_graded_results(
    tmp_path: Path, terminals: list[Terminal], columns: int, rows: int
) -> None:
    terminal = Terminal([], tmp_path, columns, rows)
    terminals.append(terminal)
    terminal.wait_for("redux-tui", "offline")
    terminal.press("o")
    terminal.wait_for("titanic-survival", "7/7 finished", seconds=240)
    terminal.press("4")
    text = terminal.wait_for("titanic-survival", "diamond-prices")
    assert "not isolated" in text.lower()
    terminal.press("q")
    assert "7 of 7 runs scored" in terminal.wait_for_exit()


def test_closing_the_dashboard_stops_nothing_and_a_later_one_shows_it_live(
    world: World, terminals: list[Terminal]
) -> None:
    world.agent("slow", f"while [ ! -e {world.root}/go ]; do sleep 0.1; done\n{SUBMIT_BEST}")
    with world.config.open("a") as file:
        file.write("agent: slow\nsandbox: process\ndatasets: [toy]\n")
    command = [sys.executable, "-m", "redux_tui", "--config", str(world.config)]
    run = pexpect.spawn(" ".join([*command, "run", "--json"]), timeout=60)
    run.expect("Run group")
    run.close(force=True)  # as a closed terminal does
    first = Terminal(["--config", str(world.config)], world.root, 100, 30)
    terminals.append(first)
    first.wait_for("redux-tui", "Live")
    first.press("3")
    first.wait_for("toy", "running")
    first.child.kill(9)
    second = Terminal(["--config", str(world.config)], world.root, 100, 30)
    terminals.append(second)
    second.wait_for("redux-tui", "Live")
    second.press("3")
    second.wait_for("toy", "running")
    (world.root / "go").touch()
    second.wait_for("1/1 finished")
    second.press("4")
    second.wait_for("toy", "gold")
    second.press("q")
    assert "1 of 1 runs scored" in second.wait_for_exit()
