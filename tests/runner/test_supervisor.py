"""A run group driven by the real supervisor, with agents that do what agents do."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from redux_tui.config import load
from redux_tui.models import Ended, Medal, Phase, ReduxError, Result, Run, SandboxKind
from redux_tui.runner.client import ask, cancel, launch, rerun, resume
from redux_tui.runner.group import Group
from redux_tui.runner.state import AttemptState
from redux_tui.runner.summary import summarize
from tests.support.world import SUBMIT_BEST, SUBMIT_SAMPLE, World, until, until_finished


def only(group: Group) -> AttemptState:
    (attempt,) = group.state.attempts.values()
    return attempt


async def test_a_submission_is_graded_and_everything_is_left_in_its_place(world: World) -> None:
    world.agent("best", "echo solving\n" + SUBMIT_BEST)
    group = await world.run(world.request("best"))
    attempt = only(group)
    assert (attempt.ended, attempt.result) == (Ended.COMPLETED, Result.SCORED)
    assert (attempt.score, attempt.medal, attempt.exit_code) == (1.0, Medal.GOLD, 0)
    assert attempt.log.read_bytes() == b"solving\n"
    report = json.loads((attempt.folder / "report.json").read_text())
    assert report["gold_threshold"] == 0.905
    assert report["sandbox"] == "process"
    metadata = json.loads((group.folder / "metadata.json").read_text())
    assert metadata["runs"][attempt.id]["success"] is True
    aggregate = json.loads((group.folder / "grading_report.json").read_text())
    assert (aggregate["total_runs"], aggregate["total_gold_medals"]) == (1, 1)
    assert (world.settings.work_dir / "toy").resolve() == attempt.folder
    assert json.loads((group.folder / "group.json").read_text())["competitions"] == ["toy"]


async def test_what_was_submitted_is_graded_however_the_agent_ended(world: World) -> None:
    world.agent("failing", SUBMIT_SAMPLE + "exit 7\n")
    attempt = only(await world.run(world.request("failing")))
    assert (attempt.ended, attempt.exit_code) == (Ended.EXIT_NONZERO, 7)
    assert (attempt.result, attempt.score) == (Result.SCORED, 0.5)
    assert "exit code 7" in attempt.reason


async def test_no_submission_and_a_bad_one_are_told_apart(world: World) -> None:
    world.agent("idle", "true\n")
    attempt = only(await world.run(world.request("idle")))
    assert (attempt.result, attempt.ended) == (Result.NONE, Ended.COMPLETED)
    world.agent("wrong", 'echo "a,b" > "$SUBMISSION_DIR/submission.csv"\n')
    attempt = only(await world.run(world.request("wrong")))
    assert attempt.result is Result.INVALID
    assert attempt.result_reason == "The columns must be id, y."


async def test_a_submission_that_is_a_link_is_refused(world: World) -> None:
    world.agent(
        "linking", 'ln -s "$DATA_DIR/sample_submission.csv" "$SUBMISSION_DIR/submission.csv"'
    )
    attempt = only(await world.run(world.request("linking")))
    assert attempt.result is Result.INVALID
    assert "link" in attempt.result_reason


@pytest.mark.parametrize("trap", ["", pytest.param("trap '' TERM\n", marks=pytest.mark.long)])
async def test_a_time_limit_ends_the_attempt_and_keeps_what_was_submitted(
    world: World, trap: str
) -> None:
    world.agent("slow", SUBMIT_BEST + trap + "while true; do sleep 0.1; done\n")
    attempt = only(await world.run(world.request("slow", timeout=0.5, grace_seconds=1)))
    assert (attempt.ended, attempt.result) == (Ended.TIMED_OUT, Result.SCORED)


async def test_ending_within_the_grace_still_counts_as_timed_out(world: World) -> None:
    world.agent("late", 'sleep "$TIME_LIMIT_SECS"; sleep 0.3\n' + SUBMIT_BEST)
    attempt = only(await world.run(world.request("late", timeout=1)))
    assert (attempt.ended, attempt.exit_code, attempt.score) == (Ended.TIMED_OUT, 0, 1.0)


async def test_a_log_over_its_limit_ends_the_attempt(world: World) -> None:
    world.agent("loud", "yes | head -c 300000\nsleep 30\n")
    attempt = only(await world.run(world.request("loud", log_bytes=200_000)))
    assert attempt.ended is Ended.LOG_LIMIT
    assert attempt.log.stat().st_size == 300_000  # nothing is ever cut


async def test_the_contract_of_variables_holds(world: World) -> None:
    world.agent("env", "env | sort\ncat $INSTRUCTIONS_FILE\n", "  env_vars: {STEP_LIMIT: 5}\n")
    os.environ["MY_SECRET_TOKEN"] = "hunter2"
    try:
        group = await world.run(world.request("env", seeds=2, jobs=2))
    finally:
        del os.environ["MY_SECRET_TOKEN"]
    seeds = set()
    for attempt in group.state.attempts.values():
        text = attempt.log.read_text()
        seeds |= {line for line in text.splitlines() if line.startswith("SEED=")}
        for part in (
            "COMPETITION_ID=toy",
            "TIME_LIMIT_SECS=60",
            "STEP_LIMIT=5",
            "OMP_NUM_THREADS=",
        ):
            assert part in text
        assert f"{attempt.folder}/submission/submission.csv" in text
        assert "hunter2" not in text
    assert seeds == {"SEED=0", "SEED=1"}


async def test_only_so_many_attempts_run_at_a_time_each_with_its_own_gpu(world: World) -> None:
    world.agent("gpu", 'echo "gpu=$CUDA_VISIBLE_DEVICES"; sleep 0.6\n')
    group = await world.run(world.request("gpu", seeds=4, jobs=2, gpus=("3", "7")))
    spans = [
        (each.since[Phase.RUNNING], each.since[Phase.GRADING], each.log.read_text().strip())
        for each in group.state.attempts.values()
    ]
    assert {gpu for _, _, gpu in spans} == {"gpu=3", "gpu=7"}
    for begin, _, gpu in spans:
        others = [s for s in spans if s[0] <= begin < s[1]]
        assert len(others) <= 2
        assert [other[2] for other in others].count(gpu) == 1


async def test_cancelling_one_leaves_the_others(world: World) -> None:
    world.agent("slow", SUBMIT_SAMPLE + f"[ $SEED = 1 ] || touch {world.root}/$SEED; sleep 2\n")
    group = await launch(world.settings, world.request("slow", seeds=3, jobs=3))
    await until(group, lambda g: _phases(g) == [Phase.RUNNING] * 3)
    await until(group, lambda _: (world.root / "2").exists())
    first, second, third = group.state.attempts.values()
    await cancel(group, second.id)
    await until_finished(group)
    assert [each.ended for each in (first, second, third)] == [
        Ended.COMPLETED,
        Ended.CANCELLED,
        Ended.COMPLETED,
    ]
    assert second.result is Result.SCORED  # what it had submitted is graded


async def test_cancelling_all_ends_what_waits_and_what_runs(world: World) -> None:
    world.agent("slow", "sleep 60\n")
    group = await launch(world.settings, world.request("slow", seeds=3))
    await until(group, lambda g: Phase.RUNNING in _phases(g))
    await cancel(group)
    await until_finished(group)
    assert {each.ended for each in group.state.attempts.values()} == {Ended.CANCELLED}
    assert {each.result for each in group.state.attempts.values()} == {Result.NONE}


async def test_a_rerun_adds_an_attempt_and_the_first_stays_the_result(world: World) -> None:
    world.agent("flaky", f"if [ -e {world.root}/again ]; then\n{SUBMIT_BEST}\nfi\nexit 1\n")
    group = await world.run(world.request("flaky"))
    assert group.state.failed_runs() == [Run("toy")]
    (world.root / "again").touch()
    await rerun(group, group.state.failed_runs())
    await until_finished(group)
    first, second = group.state.attempts.values()
    assert (first.result, second.result, second.cause) == (Result.NONE, Result.SCORED, "rerun")
    assert group.state.results() == {Run("toy"): first}
    assert group.state.failed_runs() == []
    summary = summarize(group.state)
    assert (summary.any_medal_percent, summary.any_medal_percent_after_reruns) == (0, 100)
    metadata = json.loads((group.folder / "metadata.json").read_text())
    assert list(metadata["runs"]) == [first.id]
    assert first.folder.is_dir()


async def test_a_rerun_of_what_still_runs_adds_nothing(world: World) -> None:
    world.agent("slow", "sleep 60\n")
    group = await launch(world.settings, world.request("slow"))
    await until(group, lambda g: Phase.RUNNING in _phases(g))
    await rerun(group, [Run("toy")])
    with pytest.raises(ReduxError, match="is not a run of"):
        await rerun(group, [Run("toy"), Run("other")])
    with pytest.raises(ReduxError, match="does not know the command"):
        await ask(group, {"command": "explode"})
    await cancel(group)
    await until_finished(group)
    assert len(group.state.attempts) == 1


async def test_a_dead_supervisor_is_replaced_and_the_attempt_goes_on(world: World) -> None:
    world.agent(
        "slow",
        f"echo one\nwhile [ ! -e {world.root}/go ]; do sleep 0.05; done\necho two\n" + SUBMIT_BEST,
    )
    group = await launch(world.settings, world.request("slow", seeds=2))
    await until(group, lambda g: Phase.RUNNING in _phases(g))
    first = next(a for a in group.state.attempts.values() if a.phase is Phase.RUNNING)
    os.kill(group.state.supervisor, signal.SIGKILL)
    await until(group, lambda g: not g.is_alive)
    await resume(group)
    (world.root / "go").touch()
    await until_finished(group)
    assert len(group.state.attempts) == 2
    assert {each.score for each in group.state.attempts.values()} == {1.0}
    assert first.log.read_text() == "one\ntwo\n"


async def test_a_terminated_supervisor_leaves_its_attempts_running(world: World) -> None:
    world.agent("slow", "sleep 1\n" + SUBMIT_BEST)
    group = await launch(world.settings, world.request("slow"))
    await until(group, lambda g: Phase.RUNNING in _phases(g))
    os.kill(group.state.supervisor, signal.SIGTERM)
    await until(group, lambda g: not g.is_alive)
    assert group.state.stopped is not None
    assert "terminated" in group.state.stopped
    await resume(group)
    await until_finished(group)
    assert only(group).score == 1.0


async def test_what_ended_while_nobody_looked_is_taken_in(world: World) -> None:
    world.agent("quick", "sleep 0.5\n" + SUBMIT_BEST)
    group = await launch(world.settings, world.request("quick"))
    await until(group, lambda g: Phase.RUNNING in _phases(g))
    os.kill(group.state.supervisor, signal.SIGKILL)
    await asyncio.sleep(1.5)
    await resume(group)
    await until_finished(group)
    assert (only(group).ended, only(group).score) == (Ended.COMPLETED, 1.0)


async def test_data_that_cannot_be_prepared_is_retried_and_not_the_agents_fault(
    world: World,
) -> None:
    with world.config.open("a") as file:
        file.write("retry_after: [0.1, 0.2]\n")
    world.competition(
        "bad", prepare="def prepare(raw, public, private):\n    raise OSError('gone')\n"
    )
    world.agent("best", SUBMIT_BEST)
    group = await world.run(world.request("best", ("bad", "toy")))
    by_run = group.state.runs()
    assert [each.cause for each in by_run[Run("bad")]] == ["first", "retry", "retry"]
    assert {each.ended for each in by_run[Run("bad")]} == {Ended.INFRASTRUCTURE}
    assert "OSError: gone" in by_run[Run("bad")][-1].reason
    assert by_run[Run("toy")][0].score == 1.0
    aggregate = json.loads((group.folder / "grading_report.json").read_text())
    assert aggregate["total_runs"] == 1  # the harness's failures are never counted as the agent's
    assert summarize(group.state).runs == 2


async def test_a_broken_grader_leaves_the_attempt_ungraded_and_a_rerun_grades_it_again(
    world: World,
) -> None:
    world.competition("toy", grade="import no_such_module\n")
    world.agent("best", "echo once\n" + SUBMIT_BEST)
    group = await world.run(world.request("best"))
    assert (only(group).ended, only(group).result) == (Ended.COMPLETED, Result.UNGRADED)
    assert "no_such_module" in only(group).result_reason
    world.competition("toy")
    await rerun(group, group.state.failed_runs())
    await until_finished(group)
    assert only(group).score == 1.0
    assert only(group).log.read_text() == "once\n"  # the agent did not run again


async def test_groups_started_in_the_same_second_have_folders_of_their_own(world: World) -> None:
    world.agent("idle", "true\n")
    groups = await asyncio.gather(*(world.run(world.request("idle")) for _ in range(3)))
    assert len({group.folder for group in groups}) == 3


async def test_an_untrusted_agent_without_an_engine_is_not_run_unsealed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{world.root}/no.sock")
    world.agent("stranger", SUBMIT_BEST)
    with pytest.raises(ReduxError, match="--sandbox process"):
        await launch(world.settings, world.request("stranger", sandbox=SandboxKind.AUTO))
    assert not (world.settings.work_dir / "runs").exists()


async def test_a_cancelled_run_has_no_result_whatever_it_had_submitted(world: World) -> None:
    world.agent("slow", SUBMIT_BEST + f"touch {world.root}/submitted; sleep 60\n")
    group = await launch(world.settings, world.request("slow"))
    await until(group, lambda _: (world.root / "submitted").exists())
    await cancel(group)
    await until_finished(group)
    assert (only(group).score, only(group).medal) == (1.0, Medal.GOLD)  # kept, and shown
    summary = summarize(group.state)
    assert (summary.finished, summary.medals["gold"], summary.any_medal_percent) == (0, 0, 0)
    assert summary.any_medal_percent_after_reruns == 0
    assert group.state.failed_runs() == [Run("toy")]  # so a rerun can give it a result


async def test_an_agent_that_removes_its_log_is_still_watched_to_its_end(world: World) -> None:
    world.agent("tidy", 'rm "$CODE_DIR/../container.log"; sleep 1\n' + SUBMIT_BEST)
    attempt = only(await world.run(world.request("tidy")))
    assert (attempt.ended, attempt.score) == (Ended.COMPLETED, 1.0)
    assert "removed" in attempt.notes[0]


async def test_a_running_attempt_is_adopted_though_its_agent_cannot_be_started_any_more(
    world: World,
) -> None:
    world.agent("slow", f"while [ ! -e {world.root}/go ]; do sleep 0.05; done\n{SUBMIT_BEST}")
    group = await launch(world.settings, world.request("slow"))
    await until(group, lambda g: Phase.RUNNING in _phases(g))
    os.kill(group.state.supervisor, signal.SIGKILL)
    await until(group, lambda g: not g.is_alive)
    (world.root / "content/agents/slow/requirements.txt").write_text("no-such-package\n")
    await resume(group)
    (world.root / "go").touch()
    await until_finished(group)
    assert (only(group).ended, only(group).score) == (Ended.COMPLETED, 1.0)


async def test_cancelled_after_a_crash_during_its_start_it_is_found_and_stopped(
    world: World,
) -> None:
    world.agent("slow", f"echo $$ > {world.root}/pid; sleep 100\n")
    group = await launch(world.settings, world.request("slow"))
    await until(group, lambda _: (world.root / "pid").exists())
    await until(group, lambda g: Phase.RUNNING in _phases(g))
    os.kill(group.state.supervisor, signal.SIGKILL)
    await until(group, lambda g: not g.is_alive)
    journal = group.folder / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if '"attempt_started"' not in line))
    group = Group(group.folder)
    await cancel(group)
    await until_finished(group)
    assert only(group).ended is Ended.CANCELLED
    assert not Path(f"/proc/{(world.root / 'pid').read_text().strip()}").exists()


async def test_the_control_socket_is_made_anew_when_it_was_removed(world: World) -> None:
    world.agent("slow", "sleep 60\n")
    group = await launch(world.settings, world.request("slow"))
    await until(group, lambda g: Phase.RUNNING in _phases(g))
    old = group.state.socket
    Path(old).unlink()
    await until(group, lambda g: g.state.socket != old)
    await cancel(group)
    await until_finished(group)
    assert only(group).ended is Ended.CANCELLED


async def test_many_attempts_are_cancelled_with_one_message(world: World) -> None:
    world.agent("slow", "sleep 60\n")
    group = await launch(world.settings, world.request("slow", seeds=600))
    await until(group, lambda g: Phase.RUNNING in _phases(g))
    await cancel(group)
    await until_finished(group)
    assert {each.ended for each in group.state.attempts.values()} == {Ended.CANCELLED}


async def test_without_a_config_the_supervisor_sees_what_its_client_sees(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(world.root / "home-data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(world.root / "home-cache"))
    (world.root / "app" / "redux_tui").mkdir(parents=True)  # as in a checkout
    settings = load(None, world.root)
    assert settings.work_dir == world.root / "workdir"
    request = world.request("dummy", ["titanic-survival"])
    group = await until_finished(await launch(settings, request))
    assert only(group).result is Result.SCORED
    assert (settings.work_dir / "titanic-survival").resolve() == only(group).folder
    assert not (world.root / "home-data").exists()


async def test_an_event_that_is_not_understood_hides_nothing_else(world: World) -> None:
    world.agent("best", SUBMIT_BEST)
    group = await world.run(world.request("best"))
    with (group.folder / "journal.jsonl").open("a") as file:
        line = {"v": 1, "seq": 99, "time": "2030-01-01T00:00:00+00:00", "attempt": only(group).id}
        file.write(json.dumps({**line, "type": "attempt_ended", "ended": "evaporated"}) + "\n")
    again = Group(group.folder)
    again.refresh()
    assert only(again).score == 1.0
    assert "evaporated" in again.state.skipped[0]


def _phases(group: Group) -> list[Phase]:
    return [each.phase for each in group.state.attempts.values()]
