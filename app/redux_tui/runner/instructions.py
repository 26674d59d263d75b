"""What an agent reads first: the rules of the benchmark, with the paths of its own sandbox."""

from __future__ import annotations

from redux_tui.models import Competition, Limits
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
- Code and logs: put the code that made the submission into {code}/ and logs into {logs}/.
- Time: you have {seconds} seconds from the start ({time}). What has been submitted when they are
  over is still graded.
- Fairness: other people's solutions of this competition may not be used.

The submission is graded by the metric that the description names; get the best score you can.
Where these rules and the description disagree, these rules win.
"""


def render_instructions(competition: Competition, layout: Layout, limits: Limits) -> str:
    hours, rest = divmod(int(limits.timeout), 3600)
    return _TEXT.format(
        name=competition.name,
        data=layout.data,
        submission=layout.submission,
        code=layout.code,
        logs=layout.logs,
        instructions=layout.instructions,
        seconds=int(limits.timeout),
        time=f"{hours} h {rest // 60} min {rest % 60} s",
    )
