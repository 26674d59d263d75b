"""What an agent reads first: the rules of the benchmark, with the paths of its own sandbox.

For a competition of MLE-bench these are MLE-bench's own, word for word, so that results compare.
"""

from __future__ import annotations

import re
from pathlib import Path

from redux_tui.models import Competition, InfrastructureError, Limits
from redux_tui.sandbox.protocol import Layout

_TEXT = """\
You take part in a machine-learning competition ({name}) that is run offline to test how well
agents like you do such work. Train a model on the data you are given, predict the test set, and
write a submission file. You may not label the data by hand.

RULES OF THIS BENCHMARK (also in {instructions})

- Competition: {data}/description.md describes the task, the data and the metric.
- Data: all files lie in {data}/, which is read-only. The split into train and test is our own, so
  it may differ from what the description says.
- Submission: write one CSV file, {submission}/submission.csv, in the format of the sample
  submission in {data}/. Only this file is graded. Whatever else the description says about handing
  in, this path holds. Write a valid file early and replace it as you improve.
- Submission checker: `{validate} FILE` tells whether a submission file is valid, and never its
  score.{over_http} Check early; an invalid file is graded as no submission.
- Code and logs: put the code that made the submission into {code}/ and logs into {logs}/.
- Time: you have {seconds} seconds from the start ({time}). What has been submitted when they are
  over is still graded.
- Fairness: other people's solutions of this competition may not be used.

The submission is graded by the metric that the description names; get the best score you can.
Where these rules and the description disagree, these rules win.
"""

_OVER_HTTP = """ It posts the file to {url}, as you may yourself:
  `curl -F "file=@FILE" {url}`."""


_NO_PORT = """
Here there is no server at http://localhost:5000: check a submission with {validate}.
"""


def render_instructions(
    competition: Competition, layout: Layout, limits: Limits, *, obfuscated: bool = False
) -> str:
    """Raises InfrastructureError where MLE-bench's text can't be read."""
    if competition.repo is not None:
        return _mle_bench(competition.repo, layout, obfuscated)
    return _ours(competition, layout, limits)


def obfuscated_description(competition: Competition) -> str:
    """The description that does not name Kaggle. Raises InfrastructureError if there is none."""
    path = competition.description.with_name("description_obfuscated.md")
    if not path.is_file():
        raise InfrastructureError(
            f"{competition.id} has no {path.name}, so it can't be run obfuscated. Competitions of"
            " MLE-bench have one."
        )
    return _read(path)


def _mle_bench(repo: Path, layout: Layout, obfuscated: bool) -> str:
    name = "instructions_obfuscated.txt" if obfuscated else "instructions.txt"
    text = _read(repo / "environment" / name)
    theirs = {
        "/home/validate_submission.sh": layout.validate,
        "/home/instructions.txt": layout.instructions,
        "/home/submission": layout.submission,
        "/home/data": layout.data,
    }
    paths = "|".join(map(re.escape, theirs))
    text = re.sub(paths, lambda match: theirs[match[0]], text)
    return text if layout.validate_url else text + _NO_PORT.format(validate=layout.validate)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InfrastructureError(
            f"{path} can't be read ({error}), which an agent must be given. Make the clone of"
            " MLE-bench whole with `redux-tui clone --rebuild`."
        ) from error


def _ours(competition: Competition, layout: Layout, limits: Limits) -> str:
    hours, rest = divmod(int(limits.timeout), 3600)
    return _TEXT.format(
        name=competition.name,
        data=layout.data,
        submission=layout.submission,
        code=layout.code,
        logs=layout.logs,
        instructions=layout.instructions,
        validate=layout.validate,
        over_http=_OVER_HTTP.format(url=layout.validate_url) if layout.validate_url else "",
        seconds=int(limits.timeout),
        time=f"{hours} h {rest // 60} min {rest % 60} s",
    )
