"""MLE-bench's agents in our containers: built on a stand-in for theirs, without privileges."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from redux_tui.catalog import Catalog
from redux_tui.models import Agent, InfrastructureError, SandboxKind
from redux_tui.sandbox import mle_bench
from redux_tui.sandbox.choose import choose
from redux_tui.sandbox.docker import DockerSandbox
from redux_tui.sandbox.engine import Engine, connect
from redux_tui.sandbox.mle_bench import adapted
from tests.sandbox.conftest import Bench
from tests.support.mle_bench import write_mle_bench


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return write_mle_bench(tmp_path / "mle-bench")


@pytest.fixture
def dummy(repo: Path) -> Agent:
    return Catalog((), repo).agent("mle-bench:dummy")


@pytest.fixture
async def bench(
    docker_bench: Bench, docker_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    """On which a person's own mlebench-env, if this machine has one, is left alone."""
    monkeypatch.setattr(mle_bench, "NAME", "mlebench-env-of-nobody")
    yield docker_bench
    client = connect(docker_engine)
    for image in client.images(filters={"label": ["redux.agent=mle-bench:dummy"]}):
        for tag in image["RepoTags"] or ():
            if tag in docker_bench.said:  # others may use those of the toy's dummy as it is
                client.remove_image(tag, force=True)
    client.close()


def changed(agent: Agent, **files: str) -> Agent:
    """One that no other test has an image of."""
    for name, text in files.items():
        (agent.folder / name.replace("_", ".")).write_text(text)
    (agent.folder / "unique").write_text(uuid.uuid4().hex)
    return agent


async def image_of(bench: Bench, agent: Agent) -> str:
    """Build it, to be removed in the end."""
    reference = (await bench.image(agent)).reference
    bench.said.append(reference)
    return reference


async def run(bench: Bench, agent: Agent) -> Any:
    launch = replace(bench.launch(""), agent=agent)
    (launch.data / "sample_submission.csv").write_text("id,y\n3,0\n")
    return await bench.finish(launch, await bench.start(launch))


@pytest.mark.docker
async def test_its_dummy_runs_to_its_end_as_nobody_in_particular(
    bench: Bench, dummy: Agent
) -> None:
    done = await run(bench, dummy)
    assert (done.launch.folder / "submission" / "submission.csv").read_text() == "id,y\n3,0\n"
    assert (done.launch.folder / "code" / "code.py").exists()
    assert "Sample submission copied." in done.text
    assert "ls: cannot open directory '/private': Permission denied" in done.text
    assert "\nPredict.\n" in done.text or "Predict.+ bash" in done.text  # its instructions
    assert "cannot touch" not in done.text


@pytest.mark.docker
async def test_what_its_start_scripts_use_is_there(bench: Bench, dummy: Agent) -> None:
    script = """\
set -e
eval "$(conda shell.bash hook)"
conda activate agent
echo "python=$(which python) env=$CONDA_DEFAULT_ENV"
conda deactivate
echo "base=$CONDA_DEFAULT_ENV"
conda run -n agent --no-capture-output python -c 'import sys; print("run=" + sys.argv[1])' 'a b'
conda run -n nothing true || echo "no such environment"
conda install -y x || echo "install=no"
(source /opt/conda/bin/activate agent && echo "sourced=$CONDA_PREFIX")
export TIME="1hrs"; echo 'you have ${TIME}, $TIME and $$' | envsubst
cp /home/instructions.txt $AGENT_DIR/full.txt
sed -i 's|Predict|Guess|' /home/instructions.txt
echo "more" >> /home/instructions.txt
cat /home/instructions.txt
echo "user=$(id -u) name=$(python3 -c 'import getpass; print(getpass.getuser())') in=$PWD"
ls /home
touch /home/data/x || echo "data=read-only"
grep CapEff /proc/self/status
"""
    agent = changed(dummy, start_sh=script)
    await image_of(bench, agent)
    done = await run(bench, agent)
    assert done.exit.exit_code == 0, done.text
    assert "python=/opt/conda/envs/agent/bin/python env=agent" in done.text
    assert "base=base" in done.text
    assert "run=a b" in done.text
    assert "conda: there is no environment named nothing.\nno such environment" in done.text
    assert "install=no" in done.text
    assert "sourced=/opt/conda/envs/agent" in done.text
    assert "you have 1hrs, 1hrs and $$" in done.text
    assert "Guess.more" in done.text
    assert "in=/home\n" in done.text
    assert "user=0 " not in done.text
    assert "instructions_obfuscated.txt" in done.text
    assert "data=read-only" in done.text
    assert "CapEff:\t0000000000000000" in done.text
    assert (done.launch.folder / "instructions.txt").read_text() == "Predict."


@pytest.mark.docker
async def test_an_image_is_built_once_and_a_persons_own_environment_comes_first(
    bench: Bench, dummy: Agent, docker_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await bench.image(dummy)
    assert first.reference.startswith("redux-tui/mle-bench-dummy:")
    bench.said.clear()
    assert await bench.image(dummy) == first
    assert bench.said == []
    client = connect(docker_engine)
    own = f"own-environment-{uuid.uuid4().hex[:8]}"
    stand_in = next(
        tag for image in client.images("redux-tui/mlebench-env") for tag in image["RepoTags"]
    )
    client.tag(stand_in, own)
    monkeypatch.setattr(mle_bench, "NAME", own)
    try:
        await image_of(bench, changed(dummy, Dockerfile=f"FROM {own}\nCOPY . /home/agent\n"))
        assert not any("mlebench-env" in line for line in bench.said)
        assert any(f"FROM {own}" in line for line in bench.said)
    finally:
        client.remove_image(own)
        client.close()


@pytest.mark.docker
async def test_without_a_base_image_the_real_environment_is_built_and_a_failure_says_what_to_set(
    docker_engine: Engine, repo: Path, dummy: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mle_bench, "NAME", "mlebench-env-of-nobody")
    recipe = repo / "environment" / "Dockerfile"
    recipe.write_text(
        "FROM redux-base:latest\nARG INSTALL_HEAVY_DEPENDENCIES\nCOPY agents /agents\n"
        f"RUN echo heavy=$INSTALL_HEAVY_DEPENDENCIES {uuid.uuid4()} && ls /agents && exit 7\n"
    )
    sandbox = DockerSandbox(docker_engine)
    said: list[str] = []
    with pytest.raises(
        InfrastructureError,
        match=r"MLE-bench's environment could not be built: .*code: 7.*REDUX_BASE_IMAGE to",
    ):
        await sandbox.prepare(dummy, said.append)
    await sandbox.close()
    assert "INSTALL_HEAVY_DEPENDENCIES=false" in said[0]
    assert any(line.startswith("heavy=true") for line in said)
    assert "dummy" in said


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("FROM mlebench-env", "FROM ours:1"),
        ("FROM mlebench-env:latest AS build", "FROM ours:1 AS build"),
        ("from --platform=linux/amd64 mlebench-env", "from --platform=linux/amd64 ours:1"),
        ("FROM mlebench-env-slim", "FROM mlebench-env-slim"),
        ("FROM me/mlebench-env", "FROM me/mlebench-env"),
    ],
)
def test_only_mle_benchs_environment_is_replaced_in_a_dockerfile(line: str, wanted: str) -> None:
    text = adapted(f"# FROM mlebench-env is a comment\n{line}\nCOPY . /home/agent", "ours:1")
    assert text.splitlines()[1] == wanted
    assert text.startswith("# FROM mlebench-env is a comment\n")
    assert text.endswith("COPY . /home/agent\nUSER root\nRUN chmod -R a+rwX /home\n")


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, ["true", "false"]),
        ({"INSTALL_HEAVY_DEPENDENCIES": "false"}, ["false", "true"]),
        ({"INSTALL_HEAVY_DEPENDENCIES": "true"}, ["true"]),
    ],
)
def test_what_is_built_light_serves_whoever_does_not_ask_for_the_libraries(
    environment: Mapping[str, str], wanted: list[str]
) -> None:
    assert mle_bench._acceptable(environment) == wanted


async def test_they_never_run_as_a_process_of_this_machine(dummy: Agent) -> None:
    with pytest.raises(InfrastructureError, match="mle-bench:dummy runs in containers only"):
        await choose(SandboxKind.PROCESS, dummy, docker_host=None, base_image=None, say=print)
    with pytest.raises(InfrastructureError, match="no such socket") as raised:
        await choose(
            SandboxKind.AUTO, dummy, docker_host="unix:///no/x.sock", base_image=None, say=print
        )
    assert "--sandbox process" not in str(raised.value)


@pytest.mark.docker
async def test_an_agent_that_wants_more_than_the_stand_in_has_is_told_of_the_real_one(
    bench: Bench, dummy: Agent
) -> None:
    agent = changed(dummy, Dockerfile="FROM mlebench-env\nRUN apt-get update\n")
    with pytest.raises(InfrastructureError, match="lean stand-in for mlebench-env on redux-base"):
        await bench.image(agent)


@pytest.mark.docker
async def test_an_open_network_is_said(bench: Bench, dummy: Agent, docker_base: str) -> None:
    choice = await choose(
        SandboxKind.AUTO, dummy, docker_host=None, base_image=docker_base, say=print
    )
    await choice.sandbox.close()
    assert choice.sandbox.kind is SandboxKind.DOCKER
    assert "Its network is open" in choice.reason
