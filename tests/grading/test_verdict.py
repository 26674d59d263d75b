"""An agent learns whether its file can be graded, and nothing that the answers decide."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from redux_tui.grading import worker
from redux_tui.grading.graders import Graders
from redux_tui.grading.verdict import Reason, Verdict, validate
from redux_tui.models import InfrastructureError
from tests.grading.conftest import ALPHA, BETA, Toys
from tests.grading.submissions import make_submissions

SAMPLE = ALPHA.replace(",1\n", ",0\n")


@pytest.fixture
async def graders(shared_toys: Toys) -> AsyncIterator[Graders]:
    graders = Graders(shared_toys.settings)
    yield graders
    await graders.close()


@pytest.mark.parametrize("content", [SAMPLE, ALPHA, "\n".join(reversed(ALPHA.split("\n")[1:]))])
async def test_right_and_wrong_predictions_get_the_same_word(
    shared_toys: Toys, graders: Graders, tmp_path: Path, content: str
) -> None:
    head = "" if content.startswith("id") else "id,label"
    (tmp_path / "s.csv").write_text(head + content)
    competition = shared_toys.competition("toy-alpha")
    assert await validate(graders, competition, tmp_path, "s.csv") == Verdict(True, Reason.VALID)


async def test_what_is_wrong_is_said_by_comparison_with_the_sample_submission(
    shared_toys: Toys, graders: Graders, tmp_path: Path
) -> None:
    competition = shared_toys.competition("toy-alpha")
    (tmp_path / "big.csv").write_bytes(b"")
    with (tmp_path / "big.csv").open("r+b") as file:
        file.truncate(worker.MAX_SUBMISSION + 1)
    (tmp_path / "folder.csv").mkdir()
    wrong = {
        "columns.csv": (SAMPLE.replace("label", "guess"), Reason.OTHER_COLUMNS),
        "rows.csv": (SAMPLE + "7,1\n", Reason.OTHER_LENGTH),
        "ids.csv": (SAMPLE.replace("\n5,", "\n6,"), Reason.OTHER_IDS),
        "values.csv": (SAMPLE.replace(",0\n", ",7\n"), Reason.OTHER_VALUES),
        "table.csv": ('id,label\n"', Reason.UNREADABLE),
        "latin.csv": ("id,label\n\udce9\n", Reason.UNREADABLE),
        "table.txt": (SAMPLE, Reason.NOT_CSV),
        "empty.csv": ("", Reason.OTHER_COLUMNS),
        "none.csv": (None, Reason.MISSING),
        "folder.csv": (None, Reason.NO_PLAIN_FILE),
        "big.csv": (None, Reason.TOO_LARGE),
    }
    for name, (content, reason) in wrong.items():
        if content is not None:
            (tmp_path / name).write_bytes(content.encode(errors="surrogateescape"))
        verdict = await validate(graders, competition, tmp_path, name)
        assert verdict == Verdict(False, reason), name


async def test_without_a_public_sample_submission_there_is_one_word_for_all(
    shared_toys: Toys, graders: Graders, tmp_path: Path
) -> None:
    competition = shared_toys.competition("toy-beta")
    (tmp_path / "s.csv").write_text(BETA + "7,1\n")
    verdict = await validate(graders, competition, tmp_path, "s.csv")
    assert verdict == Verdict(False, Reason.REFUSED)


async def test_nothing_of_the_answers_is_in_what_is_said(
    shared_toys: Toys, graders: Graders, tmp_path: Path
) -> None:
    """The toy graders name an answer when ids differ, as some of MLE-bench's do."""
    competition = shared_toys.competition("toy-alpha")
    for name, content in make_submissions(SAMPLE).items():
        (tmp_path / "s.csv").write_bytes(content)
        answer = await graders.ask("validate", competition, tmp_path, "s.csv")
        assert set(answer) == {"id", "reason"}, name
        assert answer["reason"] in Reason.__members__


async def test_a_score_that_one_answer_makes_infinite_is_no_oracle(
    toys: Toys, tmp_path: Path
) -> None:
    competition = toys.competition("toy-alpha")
    source = "def grade(s, a):\n    return float('inf' if s['label'][0] else 'nan')\n"
    (competition.folder / "grade.py").write_text(source)
    graders = Graders(toys.settings)
    verdicts = []
    for content in (SAMPLE, SAMPLE.replace("0,0\n", "0,1\n", 1), ALPHA):
        (tmp_path / "s.csv").write_text(content)
        verdicts.append(await validate(graders, competition, tmp_path, "s.csv"))
    await graders.close()
    assert set(verdicts) == {Verdict(True, Reason.VALID)}


async def test_trouble_of_ours_is_no_verdict(toys: Toys, tmp_path: Path) -> None:
    competition = toys.competition("toy-alpha")
    (competition.folder / "grade.py").write_text("import time\ndef grade(s, a): time.sleep(60)\n")
    (tmp_path / "s.csv").write_text(SAMPLE)
    graders = Graders(toys.settings)
    with pytest.raises(InfrastructureError, match="longer than 4 s"):
        await validate(graders, competition, tmp_path, "s.csv", timeout=4)
    (competition.folder / "grade.py").write_text("import nothing_like_it\n")
    with pytest.raises(InfrastructureError, match="nothing_like_it"):
        await validate(graders, competition, tmp_path, "s.csv")
    await graders.close()


def test_every_word_of_the_worker_has_its_sentence() -> None:
    source = Path(worker.__file__).read_text()
    for reason in Reason:
        assert f'"{reason.name}"' in source
        assert reason.endswith(".")
