"""MLE-bench's environment, offline: stand-ins for uv and pip, this interpreter as one's own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from redux_tui.bench.environment.make import (
    ensure_environment,
    environments,
    find_environment,
    needs_of,
)
from redux_tui.bench.progress import Progress, ignore
from redux_tui.bench.repository.clone import Clone
from redux_tui.models import InfrastructureError, ReduxError
from tests.support.mle_bench import toy_competition, write_mle_bench

COMMIT = "a" * 40

# an interpreter that says of itself what an examination would find: importing pandas takes long
FACTS = """\
#!/bin/sh
echo '{{"versions": {{"pandas": "{pandas}"}}, "missing": ["tensorflow"], "site": "/"}}'
"""

# an uv that makes such an interpreter, and "installs" nothing
UV = """\
#!/bin/sh
echo "uv $@" >> "$UV_CALLS"
if [ "$1" = venv ]; then
  for folder in "$@"; do :; done
  mkdir -p "$folder/bin"
  cp {python} "$folder/bin/python"
  exit 0
fi
{install}
echo "Resolved 2 packages in 1ms"
echo " + pandas==2.3.3"
echo " + scikit-learn==1.9.1"
"""

# a Python whose venvs have a pip that finds nothing
NO_PIP = """\
#!/bin/sh
mkdir -p "$3/bin" && cd "$3/bin"
printf '#!/bin/sh\\necho "ERROR: No matching distribution found for $4"; exit 1\\n' > python
chmod 755 python
"""


@pytest.fixture
def made(tmp_path: Path) -> Clone:
    return Clone(write_mle_bench(tmp_path / "mle"), COMMIT, "")


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in for uv writes how it was called."""
    put_uv(tmp_path, monkeypatch)
    (tmp_path / "calls").touch()
    monkeypatch.setenv("UV_CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def put_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install: str = "") -> None:
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir(exist_ok=True)
    python = put_python(tmp_path / "facts")
    write_program(program, UV.format(python=python, install=install))
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def put_python(program: Path, pandas: str = "2.3.3") -> Path:
    return write_program(program, FACTS.format(pandas=pandas))


def write_program(program: Path, text: str) -> Path:
    program.write_text(text)
    program.chmod(0o755)
    return program


def ensure(made: Clone, **options: object) -> Path:
    return asyncio.run(ensure_environment(made, say=print, tell=ignore, **options))  # type: ignore[arg-type]


def test_it_is_made_once_and_found_from_then_on(made: Clone, calls: Path) -> None:
    assert find_environment(made) is None
    said: list[str] = []
    told: list[Progress] = []
    python = asyncio.run(ensure_environment(made, say=said.append, tell=told.append))
    assert find_environment(made) == python == ensure(made)
    commands = calls.read_text().splitlines()
    assert len(commands) == 2 and "pandas>=2.2,<3 scikit-learn>=1.5,<1.11" in commands[1]
    assert "tensorflow" not in commands[1]
    assert " + pandas==2.3.3" in said or "+ pandas==2.3.3" in said
    assert told[-1] == Progress("MLE-bench's environment", 2, 2, "packages")
    assert not (made.folder / "cache").exists()
    assert not list(made.folder.rglob("__pycache__"))


def test_another_commit_gets_another_one_and_running_ones_keep_theirs(
    made: Clone, calls: Path
) -> None:
    first = ensure(made)
    second = ensure(Clone(made.folder, "b" * 40, ""))
    assert first != second and first.exists()
    old = time.time() - 3 * 86400
    os.utime(first.parent.parent / "redux-tui.json", (old, old))
    third = ensure(Clone(made.folder, "c" * 40, ""))
    assert second.exists() and third.exists() and not first.parent.parent.exists()


def test_what_a_competition_needs_comes_without_touching_the_rest(made: Clone, calls: Path) -> None:
    plain = ensure(made)
    assert find_environment(made, needs=["fastparquet"]) is None
    with pytest.raises(ReduxError, match="lacks"):
        ensure(made, needs=["tensorflow"])  # the stand-in installs nothing
    assert "tensorflow>=" in calls.read_text()
    assert find_environment(made) == plain == ensure(made)


def test_needs_are_known_by_competition(made: Clone) -> None:
    assert needs_of(toy_competition(made.folder, "toy-beta")) == ()
    assert needs_of(toy_competition(made.folder, "cassava-leaf-disease-classification")) == (
        "tensorflow",
    )
    assert needs_of(toy_competition(made.folder, "icecube-neutrinos-in-deep-ice")) == (
        "fastparquet",
    )


@pytest.mark.parametrize(
    ("install", "match"),
    [
        ("echo 'error: Request failed'; echo 'dns error: no address'; exit 2", "can't be reached"),
        ("echo 'error: write: No space left on device (os error 28)'; exit 2", "disk .* full"),
        ("echo ' × No solution found: pandas<3 is not there'; exit 1", "No solution found"),
        ("exit 7", "exit code 7"),
    ],
)
def test_a_failed_install_explains_itself_and_can_be_tried_again(
    made: Clone,
    calls: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    install: str,
    match: str,
) -> None:
    put_uv(tmp_path, monkeypatch, install)
    with pytest.raises(ReduxError, match=match):
        ensure(made)
    assert find_environment(made) is None
    assert [each.name for each in environments(made.folder).iterdir()] == [".lock"]
    put_uv(tmp_path, monkeypatch)
    assert find_environment(made) is None and ensure(made) == find_environment(made)


def test_without_uv_pip_is_used_and_says_what_is_wrong(
    made: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redux_tui.bench.environment.install.find_uv", lambda: None)
    monkeypatch.setattr("sys.executable", str(write_program(tmp_path / "py", NO_PIP)))
    said: list[str] = []
    with pytest.raises(ReduxError, match=r"could not be installed.*pandas"):
        asyncio.run(ensure_environment(made, say=said.append, tell=ignore))
    assert "(pip)" in said[0]
    assert [each.name for each in environments(made.folder).iterdir()] == [".lock"]


def test_a_cancelled_install_ends_and_leaves_nothing(
    made: Clone, calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_uv(tmp_path, monkeypatch, "echo Preparing; sleep 60")

    async def cancel() -> None:
        begun = asyncio.Event()

        def say(line: str) -> None:
            if line == "Preparing":
                begun.set()

        work = asyncio.ensure_future(ensure_environment(made, say=say, tell=ignore))
        await begun.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    begin = time.monotonic()
    asyncio.run(cancel())
    assert time.monotonic() - begin < 10
    assert [each.name for each in environments(made.folder).iterdir()] == [".lock"]


def test_killed_while_installing_the_half_one_is_never_used(
    made: Clone, calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_uv(tmp_path, monkeypatch, "echo Preparing; sleep 0.5; touch $UV_CALLS.over")
    child = os.fork()
    if child == 0:
        try:
            ensure(made)
        finally:
            os._exit(0)
    while "pip install" not in calls.read_text():
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert find_environment(made) is None
    half = next(each for each in environments(made.folder).iterdir() if each.is_dir())
    (half / "half").touch()
    put_uv(tmp_path, monkeypatch, "test -e $UV_CALLS.over || exit 9")
    # the orphaned installer is waited for: two at once would mix
    python = ensure(made)
    assert find_environment(made) == python and not (half / "half").exists()


def test_of_two_at_once_one_installs(made: Clone, calls: Path) -> None:
    async def both() -> list[Path]:
        work = [ensure_environment(made, say=print, tell=ignore) for _ in range(2)]
        return await asyncio.gather(*work)

    first, second = asyncio.run(both())
    assert first == second and calls.read_text().count("pip install") == 1


def test_an_interpreter_that_is_gone_is_made_again(made: Clone, calls: Path) -> None:
    python = ensure(made)
    python.unlink()
    assert find_environment(made) is None
    assert ensure(made) == python and python.exists()


def test_ones_own_interpreter_is_examined_once_and_nothing_installed(
    made: Clone, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Path(sys.executable)
    assert find_environment(made, own) is None
    assert ensure(made, python=own) == own == find_environment(made, own)
    assert find_environment(made) is None and calls.read_text() == ""
    assert find_environment(Clone(made.folder, "b" * 40, ""), own) is None
    assert not (made.folder / "cache").exists()
    monkeypatch.setattr("redux_tui.bench.environment.interpreter.examine", None)
    assert ensure(made, python=own) == own


def test_ones_own_interpreter_must_be_able_to_grade(made: Clone, tmp_path: Path) -> None:
    with pytest.raises(ReduxError, match="no program"):
        ensure(made, python=tmp_path / "nothing")
    text = "#!/bin/sh\necho 'No module named pandas' >&2\nexit 1\n"
    wrong = write_program(tmp_path / "python", text)
    with pytest.raises(ReduxError, match="No module named pandas"):
        ensure(made, python=wrong)
    with pytest.raises(ReduxError, match="tensorflow"):
        ensure(made, python=put_python(tmp_path / "own"), needs=["tensorflow"])
    assert find_environment(made, wrong) is None


def test_pandas_3_is_refused_where_it_would_grade_wrongly(made: Clone, tmp_path: Path) -> None:
    old, new = put_python(tmp_path / "old"), put_python(tmp_path / "new", "3.0.0")
    competitions = made.folder / "mlebench" / "competitions"
    shutil.copytree(
        competitions / "toy-alpha",
        competitions / "text-normalization-challenge-english-language",
    )
    assert ensure(made, python=old) == old
    with pytest.raises(ReduxError, match=r"pandas 3\.0\.0"):
        ensure(made, python=new)


def test_finding_one_is_cheap(made: Clone, calls: Path) -> None:
    ensure(made)
    begin = time.perf_counter()
    for _ in range(100):
        assert find_environment(made)
    assert time.perf_counter() - begin < 0.5


def test_no_room_is_said_before_anything_is_fetched(
    made: Clone, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redux_tui.bench.environment.make._ROOM", {"": 1 << 60})
    with pytest.raises(InfrastructureError, match="MB are free"):
        ensure(made)
    assert calls.read_text() == ""


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("with_uv", [True, False])
def test_the_real_one_is_installed(
    made: Clone, monkeypatch: pytest.MonkeyPatch, with_uv: bool
) -> None:
    """Needs the network, or an index near by."""
    if not with_uv:
        monkeypatch.setattr("redux_tui.bench.environment.install.find_uv", lambda: None)
    elif shutil.which("uv") is None:
        pytest.skip("uv is not installed")
    python = ensure(made)
    assert python == find_environment(made)
