"""The dummy agent submits the sample submission, however it is spelled or packed."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agents.conftest import RunAgent, grade

SAMPLE = "id,target\n1,0\n2,0\n"


@pytest.mark.parametrize("competition", ["titanic-survival", "optical-digits"])
def test_submits_the_sample_of_a_bundled_competition(
    run_agent: RunAgent, public: Callable[[str], Path], competition: str
) -> None:
    data = public(competition)
    attempt = run_agent("dummy", data)
    assert attempt.returncode == 0, attempt.output
    sample = (data / "sample_submission.csv").read_bytes()
    assert (attempt.submission / "submission.csv").read_bytes() == sample
    assert grade(competition, data, attempt) > 0
    assert (attempt.code / "main.py").is_file()
    assert "submitted sample_submission.csv" in attempt.output


@pytest.mark.parametrize(
    "name", ["sampleSubmission.csv", "sampleSubmissionNullRewrite.csv", "Sample_Submission.csv"]
)
def test_finds_other_spellings(run_agent: RunAgent, tmp_path: Path, name: str) -> None:
    data = tmp_path / "data" / "inner"
    data.mkdir(parents=True)
    (data / name).write_text(SAMPLE)
    attempt = run_agent("dummy", data.parent)
    assert (attempt.submission / "submission.csv").read_text() == SAMPLE


def test_unpacks_a_zipped_sample(run_agent: RunAgent, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with zipfile.ZipFile(data / "sample_submission.csv.zip", "w") as archive:
        archive.writestr("__MACOSX/sample_submission.csv", "rubbish")
        archive.writestr("sample_submission.csv", SAMPLE)
    attempt = run_agent("dummy", data)
    assert (attempt.submission / "submission.csv").read_text() == SAMPLE


def test_fails_with_a_sentence_without_a_sample(run_agent: RunAgent, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    attempt = run_agent("dummy", data)
    assert attempt.returncode == 1
    assert "there is no sample submission" in attempt.output
    assert list(attempt.submission.iterdir()) == []
