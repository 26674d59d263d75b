"""What every sandbox does alike: the same tests against a real engine and plain processes."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from redux_tui.models import Limits
from redux_tui.sandbox.docker import DockerSandbox
from tests.sandbox.conftest import Bench

BEAT = 'setsid sh -c "while :; do date +%N >$CODE_DIR/beat; sleep 0.05; done" &'


async def test_a_log_holds_exactly_the_bytes_printed(bench: Bench) -> None:
    script = textwrap.dedent(
        r"""
        python3 - <<'END'
        import os
        os.write(1, ("\u20ac" * 9).encode() + b"\n")
        os.write(2, b"\xff\x00\r 10%\r 20%\n")
        os.write(1, b"x" * 1_000_000 + b"\n")
        for number in range(200):
            os.write(1 + number % 2, b"%d\n" % number)
        os.write(1, b"no newline at the end")
        END
        """
    )
    done = await bench.run(script)
    counted = b"".join(b"%d\n" % number for number in range(200))
    assert done.log == (
        "€".encode() * 9
        + b"\n\xff\x00\r 10%\r 20%\n"
        + b"x" * 1_000_000
        + b"\n"
        + counted
        + b"no newline at the end"
    )
    assert done.exit.exit_code == 0


@pytest.mark.long
async def test_five_million_lines_are_not_slowed_down(bench: Bench) -> None:
    begin = time.monotonic()
    done = await bench.run("seq 1 5000000")
    print(f"{bench.sandbox.kind}: 5,000,000 lines in {time.monotonic() - begin:.2f} s")  # noqa: T201
    assert done.log.count(b"\n") == 5_000_000
    assert done.log.endswith(b"\n5000000\n")


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
async def test_the_exit_code_is_kept(bench: Bench, script: str, code: int) -> None:
    done = await bench.run(script)
    assert done.exit.exit_code == code
    assert done.exit.lost is None
    assert not done.exit.out_of_memory


async def test_start_sh_gets_the_arguments_of_the_agent(bench: Bench) -> None:
    launch = bench.launch('printf "[%s]" "$@"')
    agent = replace(launch.agent, kwargs={"steps": 3, "note": "a b"}, kwargs_type="argparse")
    launch = replace(launch, agent=agent)
    done = await bench.finish(launch, await bench.start(launch))
    assert done.text == "[--steps][3][--note][a b]"


async def test_the_agent_sees_the_layout_and_its_environment(bench: Bench) -> None:
    done = await bench.run(
        'pwd; cat "$INSTRUCTIONS_FILE" "$DATA_DIR/train.csv"; ls "$AGENT_DIR/start.sh"; echo $SEED;'
        'touch "$SUBMISSION_DIR/a" "$LOGS_DIR/b" "$HOME/c"; python3 -c "'
        'import tempfile; tempfile.TemporaryFile()"',
        SEED="7",
    )
    launch = done.launch
    layout = bench.sandbox.layout(launch.agent, launch.folder, launch.data)
    assert done.text == (f"{layout.code}\nPredict.id,y\n1,2\n{layout.agent}/start.sh\n7\n")
    assert (launch.folder / "submission/a").exists()
    assert (launch.folder / "logs/b").exists()


async def test_secrets_of_ours_are_not_in_its_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-do-not-leak")
    done = await bench.run(
        "env; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep ^SEED"
    )
    assert "sk-do-not-leak" not in done.text


async def test_stop_kills_what_ignores_the_request(bench: Bench) -> None:
    launch = bench.launch("trap '' TERM; echo ready; while :; do sleep 0.1; done")
    handle = await bench.start(launch)
    await until(lambda: (launch.folder / "container.log").read_bytes() == b"ready\n")
    begin = time.monotonic()
    waiting = asyncio.create_task(bench.finish(launch, handle))
    await bench.sandbox.stop(handle, grace=0.5)
    done = await waiting
    assert 0.5 <= time.monotonic() - begin < 8
    assert done.exit.exit_code == 137
    assert done.exit.lost is None


async def test_stop_leaves_time_to_finish(bench: Bench) -> None:
    launch = bench.launch(
        """exec python3 -c '
import signal, sys, time
def save(*_): time.sleep(0.3); print("saved"); sys.exit(5)
signal.signal(signal.SIGTERM, save)
print("ready")
time.sleep(60)'"""
    )
    handle = await bench.start(launch)
    await until(lambda: b"ready\n" in (launch.folder / "container.log").read_bytes())
    begin = time.monotonic()
    await asyncio.gather(bench.sandbox.stop(handle, 20), bench.sandbox.stop(handle, 20))
    assert time.monotonic() - begin < 10
    done = await bench.finish(launch, handle)
    assert done.text == "ready\nsaved\n"
    assert done.exit.exit_code == 5
    await bench.sandbox.stop(handle, 20)  # of what is long over: no error


async def test_nothing_outlives_the_main_process(bench: Bench) -> None:
    done = await bench.run(f"{BEAT} while [ ! -s $CODE_DIR/beat ]; do sleep 0.05; done; exit 4")
    assert done.exit.exit_code == 4
    beat = done.launch.folder / "code/beat"
    before = beat.read_text()
    await asyncio.sleep(0.3)
    assert beat.read_text() == before


async def test_too_much_memory_ends_the_attempt(bench: Bench) -> None:
    limits = Limits(timeout=60, memory=100 << 20)
    done = await bench.run(
        "python3 -c 'x = bytearray(400 << 20); import time; time.sleep(30)'; exit $?", limits
    )
    assert done.exit.out_of_memory
    assert done.exit.exit_code == 137


async def test_use_of_cpu_and_memory_is_reported(bench: Bench) -> None:
    script = """python3 -c '
import time
x, end = bytearray(b"1" * (64 << 20)), time.time() + 1.5
while time.time() < end: pass'"""
    done = await bench.run(script)
    assert done.exit.cpu_seconds is not None
    assert 0.5 < done.exit.cpu_seconds < 5
    assert done.exit.peak_memory is not None
    assert 60 << 20 < done.exit.peak_memory < 200 << 20


async def test_an_attempt_outlives_us_and_is_found_again(bench: Bench) -> None:
    launch = bench.launch("echo begun; sleep 1; echo done; exit 6")
    image = await bench.image(launch.agent)
    starter = textwrap.dedent(
        f"""
        import asyncio, json, os, pickle, sys
        launch, image, made = pickle.load(sys.stdin.buffer)
        from redux_tui.sandbox.docker import DockerSandbox
        from redux_tui.sandbox.process import ProcessSandbox
        sandbox = DockerSandbox(*made) if {bench.sealed} else ProcessSandbox()
        handle = asyncio.run(sandbox.start(launch, image))
        print(json.dumps(handle), flush=True)
        os._exit(9)
        """
    )
    made = (bench.sandbox.engine,) if isinstance(bench.sandbox, DockerSandbox) else ()
    process = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", starter],
        input=pickle.dumps((launch, image, made)),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.returncode == 9, process.stderr.decode()
    handle = json.loads(process.stdout)
    assert await bench.sandbox.start(launch, image) == handle, "an attempt must never start twice"
    done = await bench.finish(launch, handle)
    assert done.exit.exit_code == 6
    assert done.text == "begun\ndone\n"


async def test_outputs_are_ours_and_links_are_not_followed(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    outside.chmod(0o440)
    if os.geteuid() == 0:
        os.chown(outside, 12345, 12345)
    before = outside.stat()
    done = await bench.run(
        f"ln -s {outside} $CODE_DIR/link; ln -s {tmp_path} $SUBMISSION_DIR/folder;"
        "mkdir -p $LOGS_DIR/a/b; echo 1 >$LOGS_DIR/a/b/c; chmod 000 $LOGS_DIR/a/b/c $LOGS_DIR/a/b;"
        "mkfifo $CODE_DIR/fifo; chmod 000 $LOGS_DIR"
    )
    folder = done.launch.folder
    assert (folder / "logs/a/b/c").read_text() == "1\n"
    for path in [folder / "container.log", *folder.rglob("*")]:
        assert path.lstat().st_uid == os.geteuid(), path
    after = outside.stat()
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)
    assert (folder / "code/link").is_symlink()


async def test_nothing_of_the_attempt_is_left_behind(bench: Bench) -> None:
    done = await bench.run("mkdir $HOME/.cache; chmod 000 $HOME/.cache; touch $HOME/x")
    names = {path.name for path in done.launch.folder.iterdir()} - {"process.json"}
    assert names == {"submission", "code", "logs", "container.log", "instructions.txt"}
    await bench.sandbox.collect(done.handle, done.launch.folder)  # twice does no harm


async def test_many_run_at_once(bench: Bench) -> None:
    launches = [bench.launch(f"sleep 0.5; exit {number}") for number in range(8)]
    handles = [await bench.start(launch) for launch in launches]
    exits = await asyncio.gather(*(bench.sandbox.wait(handle) for handle in handles))
    assert [one.exit_code for one in exits] == list(range(8))
    for handle, launch in zip(handles, launches, strict=True):
        await bench.sandbox.collect(handle, launch.folder)


async def until(condition: Callable[[], bool], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)
