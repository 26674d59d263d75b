"""The command line as a person or a script uses it: real processes, exit codes, JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import SUBMIT_BEST, World

COMMAND = [sys.executable, "-m", "redux_tui"]


def redux(world: World, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "--config", str(world.config), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL, **options
    )


def test_run_prints_one_json_document_and_narrates_on_stderr(world: World) -> None:
    world.agent("best", SUBMIT_BEST)
    done = redux(world, "run", "-a", "best", "-c", "toy", "--sandbox", "process", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["dir"].endswith(document["group"])
    (attempt,) = document["attempts"]
    assert attempt.keys() >= {
        "id", "competition", "task", "seed", "attempt", "ended", "result", "notes", "reason",
        "exit_code", "seconds", "report",
    }  # fmt: skip
    assert (attempt["ended"], attempt["result"]) == ("completed", "scored")
    assert attempt["report"]["gold_medal"] is True
    assert document["summary"]["medals"]["gold"] == 1
    assert "not isolated" in done.stderr.lower()


def test_a_result_that_is_not_scored_makes_exit_code_1_and_rerun_heals_it(world: World) -> None:
    world.agent("flaky", f"[ -e {world.root}/again ] || exit 3\n{SUBMIT_BEST}")
    done = redux(world, "run", "-a", "flaky", "-c", "toy", "--sandbox", "process")
    assert done.returncode == 1
    assert "exit code 3" in done.stdout
    (world.root / "again").touch()
    done = redux(world, "rerun", "--json")
    assert done.returncode == 0, done.stderr
    assert [each["cause"] for each in json.loads(done.stdout)["attempts"]] == ["first", "rerun"]
    done = redux(world, "rerun")
    assert done.returncode == 0
    assert "Nothing failed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "-a", "bst", "-c", "toy"], "Did you mean best"),
        (["run", "-a", "best", "-c", "toi"], "Did you mean toy"),
        (["run", "-a", "best", "-s", "ofline"], "Did you mean offline"),
        (["run", "-a", "best"], "No competition is selected"),
        (["rerun", "nothing"], "no run group"),
        (["grade", "x.csv"], "Give a SUBMISSION"),
        (["run", "--jobs", "0"], "0 is not in the range"),
        (["run", "--timeout", "nan"], "nan is not a finite number"),
        (["run", "--timeout", "inf"], "inf is not a finite number"),
        (["run", "--timeout", "0"], "0.0 is not in the range"),
        (["grade", "/nowhere/nofile.csv", "toy"], "There is no file /nowhere/nofile.csv."),
        (["grade", "--submissions", "x", "--output-dir", __file__], "is a file"),
        (["grade", "--submissions", "x", "--output-dir", "/dev/null/x"], "Not a directory"),
        ([], "needs a terminal"),
    ],
)
def test_bad_input_ends_with_a_sentence_and_exit_code_2(
    world: World, arguments: list[str], message: str
) -> None:
    world.agent("best", SUBMIT_BEST)
    done = redux(world, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_config_is_named_and_left_alone(world: World) -> None:
    world.config.write_text("jobs: [1\n")
    done = redux(world, "list", "agents")
    assert done.returncode == 2
    assert str(world.config) in done.stderr
    assert world.config.read_text() == "jobs: [1\n"


@pytest.mark.parametrize("arguments", [["list", "agents"], ["run"], ["rerun"], ["doctor"]])
def test_a_named_config_that_is_not_there_is_refused_with_a_near_name(
    world: World, arguments: list[str]
) -> None:
    typo = str(world.config.with_name("mle-bench-confg.yaml"))
    command = [*COMMAND, "--config", typo, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert f"There is no config file {typo}. Did you mean {world.config}?" in done.stderr


def test_a_file_in_the_way_of_a_folder_is_said_without_a_traceback(world: World) -> None:
    (world.root / "work").write_text("")
    file = world.root / "submissions.jsonl"
    file.write_text("")
    done = redux(world, "grade", "--submissions", str(file))
    assert done.returncode == 2
    assert done.stderr == f"Error: {world.settings.work_dir / 'grades'}: Not a directory.\n"


def test_reports_of_the_same_second_are_all_kept(world: World) -> None:
    file = world.root / "submissions.jsonl"
    file.write_text("")
    grading = [*COMMAND, "--config", str(world.config), "grade", "--submissions", str(file)]
    started = [subprocess.Popen(grading, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0] * 4
    reports = list((world.root / "work" / "grades").iterdir())
    assert len(reports) == 4
    assert all(json.loads(report.read_text())["total_runs"] == 0 for report in reports)


def test_one_bad_line_never_stops_the_other_submissions(world: World) -> None:
    good = world.root / "good.csv"
    good.write_text("id,y\n3,1\n4,0\n")
    bad = world.root / "bad.csv"
    bad.write_text('"never closed')
    lines = [
        json.dumps({"submission_path": str(good), "competition_id": "toy"}),
        "# a comment",
        "not json",
        json.dumps({"submission_path": str(bad), "competition_id": "toy"}),
        json.dumps({"submission_path": str(world.root / "none.csv"), "competition_id": "toy"}),
        json.dumps({"submission_path": str(good), "competition_id": "unknown"}),
        json.dumps({"submission_path": "a\x00b.csv", "competition_id": "toy"}),
        json.dumps({"submission_path": "/nowhere/\udc80.csv", "competition_id": "toy"}),
        json.dumps({"submission_path": str(good), "competition_id": "toy"}),
    ]
    file = world.root / "submissions.jsonl"
    file.write_text("\n".join(lines))
    done = redux(world, "grade", "--submissions", str(file), "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert (report["total_runs"], report["total_gold_medals"]) == (5, 2)
    assert (report["total_valid_submissions"], report["total_runs_with_submissions"]) == (2, 3)
    assert [error["line"] for error in report["errors"]] == [3, 6, 7]
    saved = json.loads(Path(report["path"]).read_text())
    assert saved["competition_reports"] == report["competition_reports"]


def test_grade_prints_the_report_of_one_file(world: World) -> None:
    file = world.root / "s.csv"
    file.write_text("id,y\n3,1\n4,1\n")
    done = redux(world, "grade", str(file), "toy", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["score"], report["valid_submission"]) == (0, 0.5, True)
    file.write_text("id,z\n3,1\n")
    done = redux(world, "grade", str(file), "toy")
    assert done.returncode == 1
    assert "The columns must be id, y." in done.stdout


@pytest.mark.parametrize("what", ["competitions", "agents", "splits", "groups"])
def test_everything_can_be_listed_as_json(world: World, what: str) -> None:
    assert isinstance(json.loads(redux(world, "list", what, "--json").stdout), list)
    assert redux(world, "list", what).returncode == 0


def test_prepare_says_what_failed_and_goes_on(world: World) -> None:
    world.competition("bad", prepare="raise SystemExit('no data here')\n")
    done = redux(world, "prepare", "-c", "bad", "-c", "toy", "--json")
    assert done.returncode == 1
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert "no data here" in rows["bad"]["error"]
    assert rows["toy"]["prepared"] is True
    assert not (world.settings.data_dir / "bad" / "prepared").exists()


def test_doctor_names_what_is_missing_and_how_to_get_it(world: World) -> None:
    environment = {**os.environ, "DOCKER_HOST": f"unix://{world.root}/none.sock"}
    done = redux(world, "doctor", "--json", env=environment)
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert checks["docker"]["health"] == "warning"
    assert checks["docker"]["fix"]
    assert checks["work folder"]["health"] in ("ok", "warning")
    assert done.returncode == 0


def test_two_interrupts_cancel_and_the_exit_code_is_130(world: World) -> None:
    world.agent("slow", f"touch {world.root}/running\nsleep 100\n")
    command = [*COMMAND, "--config", str(world.config), "run", "-a", "slow", "-c", "toy"]
    process = subprocess.Popen(
        [*command, "--sandbox", "process", "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if ": running" in line:
            break
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if "Interrupted" in line:
            break
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["attempts"][0]["ended"] == "cancelled"


def test_killing_the_client_stops_nothing(world: World) -> None:
    world.agent("slow", "sleep 1\n" + SUBMIT_BEST)
    command = [*COMMAND, "--config", str(world.config), "run", "-a", "slow", "-c", "toy"]
    command += ["--sandbox", "process"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if ": running" in line:
            break
    process.kill()
    process.communicate()
    done = redux(world, "rerun", "--json")  # nothing has failed: it follows to the end
    assert done.returncode == 0, done.stderr
    (attempt,) = json.loads(done.stdout)["attempts"]
    assert (attempt["result"], attempt["attempt"]) == ("scored", 1)


@pytest.mark.parametrize("module", ["pydantic", "textual", "docker", "pandas", "kaggle", "git"])
def test_help_imports_nothing_heavy(module: str) -> None:
    code = (
        "import sys\nfrom redux_tui.cli.commands import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        f"sys.exit({module!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


def test_too_small_a_disk_is_said_before_anything_starts(world: World) -> None:
    raw = world.root / "content" / "competitions" / "toy" / "data"
    raw.mkdir()
    with (raw / "huge.csv").open("wb") as file:
        file.truncate(1 << 43)  # a hole: it takes no room itself
    world.agent("best", SUBMIT_BEST)
    done = redux(world, "run", "-a", "best", "-c", "toy", "--sandbox", "process")
    assert done.returncode == 2
    assert "Free some space" in done.stderr
    assert not (world.settings.work_dir / "runs").exists()
