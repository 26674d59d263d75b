"""The command `redux-tui clone`, and the progress that commands show."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pexpect
import pytest

from redux_tui.bench.progress import Progress
from redux_tui.cli.clone import clone_command
from redux_tui.cli.progress import Bars
from redux_tui.config import NAME, load
from redux_tui.models import ReduxError
from tests.support.mle_bench import git, make_mle_bench


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config for a toy MLE-bench, with an interpreter that needs no second to be examined."""
    (tmp_path / "remote").mkdir()
    remote = make_mle_bench(tmp_path / "remote")
    python = tmp_path / "python"
    facts = '{"versions": {"pandas": "2.3.3"}, "missing": [], "site": "/"}'
    python.write_text(f"#!/bin/sh\necho '{facts}'\n")
    python.chmod(0o755)
    file = tmp_path / NAME
    file.write_text(
        f"# mine\nrepo_url: file://{remote}\nrepo_dir: ./mle-bench\nrepo_python: ./python\n"
    )
    return file


def test_it_clones_and_says_what_is_where(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert clone_command(config, None, False, True) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    remote = config.parent / "remote" / "mle-bench.git"
    assert told == {
        "folder": str(config.parent / "mle-bench"),
        "commit": git(remote, "rev-parse", "main"),
        "url": f"file://{remote}",
        "python": str(config.parent / "python"),
    }
    assert re.search(r"^MLE-bench: receiving: \d+ of \d+ objects$", err, re.M)
    assert "\x1b" not in err and len(err.splitlines()) < 20
    assert clone_command(config, None, False, False) == 0
    assert told["commit"][:10] in capsys.readouterr().err


def test_a_ref_is_remembered(config: Path) -> None:
    assert clone_command(config, "v-one", False, False) == 0
    assert load(config).repo_ref == "v-one" and config.read_text().startswith("# mine\n")
    head = git(config.parent / "mle-bench", "rev-parse", "HEAD")
    assert head == git(config.parent / "remote" / "mle-bench.git", "rev-parse", "v-one^{}")
    with pytest.raises(ReduxError):
        clone_command(config, "nonsense", False, False)
    assert load(config).repo_ref == "v-one"
    assert clone_command(config, None, True, False) == 0
    assert git(config.parent / "mle-bench", "rev-parse", "HEAD") == head


def test_interrupted_it_says_so_and_goes_on_next_time(config: Path) -> None:
    # an interpreter that takes for ever to be examined, so that there is time to interrupt
    python = config.parent / "python"
    text = python.read_text()
    python.write_text("#!/bin/sh\nsleep 60\n")
    code = "import sys; from pathlib import Path; from redux_tui.cli.clone import clone_command\n"
    code += "sys.exit(clone_command(Path(sys.argv[1]), None, False, False))"
    command = [sys.executable, "-c", code, str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        while not (config.parent / "mle-bench").exists():
            time.sleep(0.05)
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130
        assert child.stderr is not None
        assert "goes on from here" in child.stderr.read()
    python.write_text(text)
    assert clone_command(config, None, False, False) == 0


def test_several_bars_at_once_on_a_terminal() -> None:
    code = (
        "import time; from redux_tui.cli.progress import Bars\n"
        "from redux_tui.bench.progress import Progress\n"
        "with Bars() as bars:\n"
        "    for n in range(1, 11):\n"
        "        bars(Progress('one [/x]', n * 1000000, 10000000))\n"
        "        bars(Progress('two', n, None, 'packages'))\n"
        "        time.sleep(0.1)\n"
        "        if n == 5: bars.say('[b]said\\x1b]52;c;x\\x07')\n"
    )
    child = pexpect.spawn(sys.executable, ["-c", code], encoding="utf-8", dimensions=(24, 100))
    child.expect(pexpect.EOF, timeout=30)
    shown = str(child.before)
    assert re.search(r"one \[/x\].*of 10\.0 MB, \d+\.\d MB/s, 0:\d\d left", shown)
    assert "10 packages" in shown and "[b]said" in shown and "\x1b]52" not in shown


def test_on_a_terminal_that_can_not_draw_there_are_lines() -> None:
    code = (
        "from redux_tui.cli.progress import Bars\n"
        "from redux_tui.bench.progress import Progress\n"
        "with Bars() as bars: bars(Progress('one', 5, 10, 'files'))\n"
    )
    child = pexpect.spawn(sys.executable, ["-c", code], env={**os.environ, "TERM": "dumb"})
    child.expect_exact("one: 5 of 10 files\r\n", timeout=30)
    assert child.read() == b""


def test_without_a_terminal_there_are_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, now = io.StringIO(), [0.0]
    monkeypatch.setattr("redux_tui.cli.progress.time.monotonic", lambda: now[0])
    bars = Bars(stream)
    for done in range(0, 301, 3):
        now[0] += 0.25
        bars(Progress("toy: download", done * 1_000_000, 300_000_000))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "toy: download: 0.0 of 300.0 MB"
    assert "12.0 MB/s" in lines[1] and "left" in lines[1]
    assert lines[-1] == "toy: download: 300.0 of 300.0 MB"
    assert len(lines) == 4


def test_bars_may_be_told_from_any_thread() -> None:
    stream = io.StringIO()
    bars = Bars(stream)

    def tell(name: str) -> None:
        for done in range(501):
            bars(Progress(name, done, 500, "files"))

    threads = [threading.Thread(target=tell, args=(f"bar {n}",)) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    ends = [line for line in stream.getvalue().splitlines() if "500 of 500" in line]
    assert len(ends) == 8
