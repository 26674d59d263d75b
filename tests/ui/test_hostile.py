"""Foreign text is shown as text: no markup in it is obeyed, and nothing of it steers a terminal."""

from __future__ import annotations

from pathlib import Path

from redux_tui.models import Request
from tests.ui.conftest import HOSTILE, OpenApp, Story, screen_text, sees


async def test_logs_names_and_reasons(open_app: OpenApp, config: Path) -> None:
    name = "[/x/y]"
    story = Story(config.parent / "work", Request(f"agent{HOSTILE}", (f"evil{HOSTILE}",)))
    (run,) = story.request.runs()
    attempt = "evil_1"
    (story.folder / attempt).mkdir()
    story.journal.append(
        "attempt_queued", attempt, competition=run.competition, seed=0, number=1, cause="first"
    )
    story.start(attempt, f"{HOSTILE} log\n\x1b[31m{HOSTILE}\x1b[0m\n".encode() + b"\xff\x9b\x00")
    story.end(attempt, "exit_nonzero", f"reason {HOSTILE}", exit_code=1)
    story.grade(attempt, "invalid", f"result {HOSTILE}", competition_id=HOSTILE)
    async with open_app() as pilot:
        for keys in (["3"], ["c"], ["escape"], ["4"], ["enter"], ["y"], ["escape"], ["R"]):
            await pilot.press(*keys)
            await pilot.pause(0.1)
            assert_harmless(screen_text(pilot))
        await pilot.press("escape", "g")
        await sees(pilot, "1 of 1 run finished · 1 attempt")
        assert_harmless(screen_text(pilot))
        await pilot.press("escape", "3")
        await pilot.pause(0.3)
        assert name in screen_text(pilot), "shown as it is, not taken for markup"


async def test_descriptions_and_names_of_content(open_app: OpenApp, config: Path) -> None:
    folder = config.parent / "content" / "competitions" / "evil"
    folder.mkdir(parents=True)
    (folder / "description.md").write_text(f"# {HOSTILE}\n[link](javascript:x)\n{HOSTILE}")
    (folder / "leaderboard.csv").write_text("score\n1\n")
    for name in ("prepare.py", "grade.py"):
        (folder / name).touch()
    (folder / "config.yaml").write_text(
        'id: evil\nname: "[/x/y]"\ndescription: evil/description.md\npreparer: prepare:prepare\n'
        'category: "[@click=app.bell]c[/]"\n'
        'grader: {name: "[/m]", grade_fn: "grade:grade"}\n'
        "dataset: {answers: a.csv, sample_submission: s.csv}\n"
    )
    broken = config.parent / "content" / "competitions" / "[b"
    broken.mkdir()
    (broken / "config.yaml").write_text("id: [/b\n")
    with config.open("a") as file:
        file.write(f"content_dirs: [{config.parent / 'content'}]\n")
    async with open_app((160, 50)) as pilot:
        await sees(pilot, "8 competitions listed")
        await pilot.press("slash", *"evil", "enter")
        await sees(pilot, "1 competition listed")
        text = screen_text(pilot)
        assert "[/m]" in text and "[link](javascript:x)" in text
        assert_harmless(text)


def assert_harmless(text: str) -> None:
    assert not [c for c in text if (c < " " and c != "\n") or "\x7f" <= c <= "\x9f"]
