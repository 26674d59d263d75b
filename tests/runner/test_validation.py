"""The submission checker as agents find it while they run: through a process, through a container.

Each test is a real run group whose agent writes down what it is told.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from redux_tui.config import update
from redux_tui.grading.verdict import Reason
from redux_tui.models import Ended, Phase, SandboxKind
from redux_tui.runner.client import launch, resume
from redux_tui.runner.group import Group
from redux_tui.runner.services import Services
from redux_tui.runner.state import AttemptState
from tests.support.world import GRADE, SUBMIT_BEST, World, until, until_finished

GOOD = 'printf "id,y\\n3,1\\n4,0\\n" >good.csv\n'
BAD = 'printf "a,b\\n3,1\\n" >bad.csv\n'
VALID = {"result": "Submission is valid."}
OVER_HTTP = """
python3 - "$@" <<'END'
import sys, urllib.error, urllib.request
url = "http://localhost:5000"
print(urllib.request.urlopen(url + "/health").read().decode().strip())
for name in sys.argv[1:]:
    body = b'--x\\r\\nContent-Disposition: form-data; name="file"; filename="a"\\r\\n\\r\\n'
    body += open(name, "rb").read() + b"\\r\\n--x--\\r\\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(url + "/validate", body, kind)
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    print(answer.read().decode().strip())
END
"""


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.docker), "process"])
def kind(request: pytest.FixtureRequest, world: World) -> SandboxKind:
    if request.param == "docker":
        base = request.getfixturevalue("docker_base")
        update(world.config, {"docker.base_image": base})
    return SandboxKind(request.param)


def only(group: Group) -> AttemptState:
    (attempt,) = group.state.attempts.values()
    return attempt


def wrote(group: Group, name: str) -> bool:
    return any((each.folder / "code" / name).exists() for each in group.state.attempts.values())


def told(attempt: AttemptState) -> list[dict[str, str]]:
    """What the agent was told, in its order."""
    lines = (attempt.folder / "logs" / "told").read_text().splitlines()
    return [json.loads(line) for line in lines]


async def run(world: World, kind: SandboxKind, script: str) -> AttemptState:
    # the folder's name makes the image a new one each time
    world.agent("asking", f"# {world.root}\nexec >>$LOGS_DIR/told\n{GOOD}{BAD}{script}")
    group = await world.run(world.request("asking", sandbox=kind))
    assert not list(group.folder.glob(".upload*"))
    return only(group)


async def test_an_agent_is_told_whether_a_file_is_valid(world: World, kind: SandboxKind) -> None:
    attempt = await run(
        world,
        kind,
        '"$VALIDATE_SCRIPT" good.csv; bash "$VALIDATE_SCRIPT" bad.csv\n'
        'cp "$VALIDATE_SCRIPT" copy.sh; sh copy.sh good.csv\n' + SUBMIT_BEST,
    )
    invalid = {"result": f"Submission invalid! {Reason.OTHER_COLUMNS.value}"}
    assert told(attempt) == [VALID, invalid, VALID]
    assert (attempt.ended, attempt.score, attempt.notes) == (Ended.COMPLETED, 1.0, [])
    assert attempt.log.read_text() == ""
    assert attempt.services is not None
    assert not attempt.services.parent.exists()
    assert not (attempt.folder / "validate_submission.sh").exists()


async def test_the_instructions_name_the_checker(world: World, kind: SandboxKind) -> None:
    attempt = await run(world, kind, "echo $VALIDATE_SCRIPT\n")
    script = (attempt.folder / "logs" / "told").read_text().strip()
    text = (attempt.folder / "instructions.txt").read_text()
    assert f"`{script} FILE`" in text
    assert ("http://localhost:5000/validate" in text) is (kind is SandboxKind.DOCKER)


@pytest.mark.docker
@pytest.mark.parametrize("network", ["none", "open"])
async def test_in_a_container_the_port_answers_as_mle_bench_does(
    world: World, docker_base: str, network: str
) -> None:
    update(world.config, {"docker.base_image": docker_base})
    script = (
        f"# {world.root}\n{GOOD}{BAD}set -- good.csv bad.csv\nexec >$LOGS_DIR/told\n{OVER_HTTP}"
    )
    world.agent("asking", script, yaml=f"  network: {network}\n")
    attempt = only(await world.run(world.request("asking", sandbox=SandboxKind.DOCKER)))
    invalid = {"result": f"Submission invalid! {Reason.OTHER_COLUMNS.value}"}
    assert told(attempt) == [{"status": "running"}, VALID, invalid]


async def test_nothing_that_a_grader_says_reaches_the_agent(
    world: World, kind: SandboxKind
) -> None:
    leaky = GRADE.replace(
        'raise InvalidSubmissionError("The columns must be id, y.")',
        'raise InvalidSubmissionError(f"The answers are {answers.y.tolist()} SECRET")',
    )
    world.competition("toy", grade=leaky)
    attempt = await run(world, kind, '"$VALIDATE_SCRIPT" bad.csv\ncp bad.csv $SUBMISSION_DIR/x\n')
    (answer,) = told(attempt)
    assert answer["result"] in {f"Submission invalid! {reason.value}" for reason in Reason}
    for path in attempt.folder.rglob("*"):
        assert path.is_dir() or "SECRET" not in path.read_text(errors="replace")


async def test_a_grader_that_fails_is_told_of_without_its_words(
    world: World, kind: SandboxKind
) -> None:
    world.competition("toy", grade="raise RuntimeError('SECRET')\n")
    attempt = await run(world, kind, '"$VALIDATE_SCRIPT" good.csv\n')
    assert told(attempt) == [
        {"error": "The submission could not be checked; nothing is known of it."}
    ]


async def test_a_new_supervisor_goes_on_answering(world: World, kind: SandboxKind) -> None:
    script = f"""# {world.root}
        exec >>$LOGS_DIR/told
        {GOOD}
        "$VALIDATE_SCRIPT" good.csv
        touch $CODE_DIR/first
        for n in $(seq 600); do
            [ -e $CODE_DIR/again ] && break
            "$VALIDATE_SCRIPT" good.csv >$CODE_DIR/answer 2>/dev/null
            grep -q result $CODE_DIR/answer || touch $CODE_DIR/unanswered
            [ -e $CODE_DIR/unanswered ] && grep -q result $CODE_DIR/answer && touch $CODE_DIR/again
            sleep 0.5
        done
        "$VALIDATE_SCRIPT" good.csv
        """
    world.agent("asking", script)
    group = await launch(world.settings, world.request("asking", sandbox=kind))
    await until(group, lambda g: wrote(g, "first"))
    services = only(group).services
    os.kill(group.state.supervisor, signal.SIGKILL)
    await until(group, lambda g: wrote(g, "unanswered"))
    assert only(group).phase is Phase.RUNNING
    await resume(group)
    await until_finished(group)
    attempt = only(group)
    assert told(attempt) == [VALID, VALID]
    assert (attempt.ended, attempt.services, attempt.notes) == (Ended.COMPLETED, services, [])


async def test_a_folder_that_was_removed_is_noted_once(tmp_path: Path) -> None:
    notes: list[str] = []
    services = Services(None, {"x.sock": _app}, notes.append)
    folder = await services.start()
    (folder / "x.sock").unlink()
    await services.keep()  # a socket is made anew
    assert (folder / "x.sock").is_socket()
    services.remove()
    assert not folder.parent.exists()
    for _ in range(2):
        await services.keep()
    await services.close()
    assert notes == [f"its submission checker is gone: {folder} was removed"]


async def test_other_users_of_the_machine_cannot_reach_the_socket() -> None:
    services = Services(None, {"x.sock": _app}, print)
    folder = await services.start()
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "x.sock").stat().st_mode & 0o777 == 0o666
    assert len(str(folder / "x.sock")) < 100
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    await asyncio.sleep(0.1)
    assert handlers == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))
    await services.close()
    services.remove()


def _app() -> object:
    from starlette.applications import Starlette

    return Starlette()
