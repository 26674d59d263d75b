"""What surrounds the toy package: graders, prepare functions, agents; written by us."""

from __future__ import annotations

CHECKS = '''\
"""What the toy graders share, as theirs share mlebench/competitions/utils.py."""

from mlebench.grade_helpers import InvalidSubmissionError


def aligned(submission, answers, column):
    """Both sorted by id. Raises InvalidSubmissionError where they don't fit together."""
    for name in ("id", column):
        assert name in answers.columns, f"Answers must have a `{name}` column"
        if name not in submission.columns:
            raise InvalidSubmissionError(f"Submission must have a `{name}` column")
    if len(submission) != len(answers):
        raise InvalidSubmissionError("Submission must have the same length as the answers.")
    submission, answers = submission.sort_values("id"), answers.sort_values("id")
    if (submission["id"].values != answers["id"].values).any():
        # names an answer's value, as some of theirs do
        raise InvalidSubmissionError(
            f"The ids differ; the first answer is {answers[column].iloc[0]}."
        )
    return submission[column].values, answers[column].values
'''

GRADERS = {
    "toy-alpha": """\
from mlebench.competitions.utils import aligned
from mlebench.grade_helpers import InvalidSubmissionError


def grade(submission, answers):
    given, wanted = aligned(submission, answers, "label")
    if not set(given) <= {0, 1}:
        raise InvalidSubmissionError("Labels must be 0 or 1.")
    return float((given == wanted).mean())
""",
    "toy-beta": """\
from sklearn.metrics import mean_absolute_error

from mlebench.competitions.utils import aligned
from mlebench.grade_helpers import InvalidSubmissionError


def grade(submission, answers):
    given, wanted = aligned(submission, answers, "price")
    if submission["price"].isna().any():
        raise InvalidSubmissionError("Prices must be numbers.")
    return float(mean_absolute_error(wanted, given))
""",
    "toy-gamma": """\
from mlebench.grade_helpers import InvalidSubmissionError


def grade(submission, answers):
    if list(submission.columns) != ["id", "word"]:
        raise InvalidSubmissionError("The columns must be id, word.")
    wanted = {each["id"]: each["word"] for each in answers}
    given = dict(zip(submission["id"], submission["word"]))
    if set(given) != set(wanted):
        raise InvalidSubmissionError(f"Missing ids: {sorted(set(wanted) - set(given))}")
    return sum(given[key] == word for key, word in wanted.items()) / len(wanted)
""",
}

PREPARERS = {
    "toy-alpha": """\
import shutil
from pathlib import Path

from mlebench.utils import read_csv


def prepare(raw: Path, public: Path, private: Path):
    print("toy-alpha: splitting")
    table = read_csv(raw / "train.csv")
    test = table[table["id"] % 5 == 0]
    table[table["id"] % 5 != 0].to_csv(public / "train.csv", index=False)
    test.drop(columns="label").to_csv(public / "test.csv", index=False)
    test[["id"]].assign(label=0).to_csv(public / "sample_submission.csv", index=False)
    test[["id", "label"]].to_csv(private / "test.csv", index=False)
    (public / "notes").mkdir(exist_ok=True)
    for file in sorted((raw / "notes").iterdir()):
        shutil.copy(file, public / "notes" / file.name)
""",
    "toy-beta": """\
from pathlib import Path

from mlebench.utils import extract, read_csv


def prepare(raw: Path, public: Path, private: Path):
    extract(raw / "train.csv.zip", raw)
    table = read_csv(raw / "train.csv")
    test = table[table["id"] % 4 == 0]
    table[table["id"] % 4 != 0].to_csv(public / "train.csv", index=False)
    test.drop(columns="price").to_csv(public / "test.csv", index=False)
    test[["id"]].assign(price=100).to_csv(private / "sample_submission.csv", index=False)
    test[["id", "price"]].to_csv(private / "answers.csv", index=False)
""",
    "toy-gamma": """\
import json
from pathlib import Path

from mlebench.utils import read_csv


def prepare(raw: Path, public: Path, private: Path):
    words = [(file.stem, file.read_text().strip()) for file in sorted((raw / "words").iterdir())]
    test = words[::3]
    read_csv(raw / "train.csv").to_csv(public / "train.csv", index=False)
    with open(private / "answers.jsonl", "w") as file:
        for name, word in test:
            file.write(json.dumps({"id": name, "word": word}) + "\\n")
    rows = "".join(f"{name},word\\n" for name, _ in test)
    (public / "sample_submission.csv").write_text("id,word\\n" + rows)
""",
}

README = """\
# Toy bench

A small repository of MLE-bench's shape.

## Known Issues

There are some known issues with certain competitions. They are catalogued below:

- **toy-beta**: The board is crowded -- very
  little difference between the top score and the median score.
  [#1](https://example.org/issues/1)
- **toy-gamma**:
  - The words repeat. [#2](https://example.org/issues/2)
  - The ids are sorted.

## Authors

- **toy-alpha**: not an issue, but under another heading.
"""

INSTRUCTIONS = """\
You are participating in a toy bench{about}.

- **Task-specific instructions**: `/home/data/description.md` (these: `/home/instructions.txt`).
- **Dataset**: in `/home/data/`.
- **Submission**: You MUST write `/home/submission/submission.csv`.
- **Submission checker**: `http://localhost:5000/validate`, or `/home/validate_submission.sh`.
"""

VALIDATE = """\
#!/bin/bash
curl -X POST -F "file=@$1" http://localhost:5000/validate
"""

ENVIRONMENT_DOCKERFILE = """\
FROM ubuntu:20.04
COPY environment/instructions.txt /home/instructions.txt
COPY environment/validate_submission.sh /home/validate_submission.sh
ENTRYPOINT ["/entrypoint.sh"]
"""

AGENT_DOCKERFILE = """\
FROM mlebench-env
ARG SUBMISSION_DIR
ENV SUBMISSION_DIR=${SUBMISSION_DIR}
ARG LOGS_DIR
ENV LOGS_DIR=${LOGS_DIR}
ARG CODE_DIR
ENV CODE_DIR=${CODE_DIR}
ARG AGENT_DIR
ENV AGENT_DIR=${AGENT_DIR}
RUN mkdir -p ${LOGS_DIR} ${CODE_DIR} ${AGENT_DIR}
COPY . ${AGENT_DIR}
"""

DUMMY_START = """\
#!/bin/bash
set -x
eval "$(conda shell.bash hook)"
conda activate agent
python ${AGENT_DIR}/main.py
ls /private
ls /home/data
touch $CODE_DIR/code.py $LOGS_DIR/run.log $AGENT_DIR/agent_was_here.txt
cat /home/instructions.txt
bash /home/validate_submission.sh /home/submission/submission.csv
"""

DUMMY_MAIN = '''\
"""Submits the sample submission."""

import shutil
from pathlib import Path

home = Path(__file__).parent.parent
shutil.copy(home / "data" / "sample_submission.csv", home / "submission" / "submission.csv")
print("Sample submission copied.")
'''

AIDE_START = """\
#!/bin/bash
cd ${AGENT_DIR}
if [ "$OBFUSCATE" = "true" ]; then
  if [ ! -w /home/data/ ]; then
    echo "Obfuscation not implemented for read-only mounts"
    exit 1
  fi
fi
timeout $TIME_LIMIT_SECS aide data_dir="/home/data/" "$@"
"""

AIDE_CONFIG = """\
vars:
  step_count: &step_count 500
  time_limit: &time_limit 86400 # 24 hours

defaults: &defaults
  start: aide/start.sh
  dockerfile: aide/Dockerfile
  kwargs_type: omegaconf
  env_vars: &env_vars
    TIME_LIMIT_SECS: *time_limit
    STEP_LIMIT: *step_count

kwargs_common: &kwargs_common
  agent.time_limit: *time_limit
  copy_data: False

aide:
  <<: *defaults
  kwargs:
    <<: *kwargs_common
    agent.code.model: gpt-4o
    agent.steps: *step_count
  env_vars:
    <<: *env_vars
    OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}

aide/dev:
  <<: *defaults
  kwargs:
    <<: *kwargs_common
    agent.code.model: gpt-4o
    agent.steps: 8
  env_vars:
    <<: *env_vars
    OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}

aide/obfuscated:
  <<: *defaults
  kwargs:
    <<: *kwargs_common
    agent.code.model: gpt-4o
    agent.obfuscate: True
  env_vars:
    <<: *env_vars
    OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}
    OBFUSCATE: "true"
"""

DUMMY_CONFIG = """\
dummy:
  start: dummy/start.sh
  dockerfile: dummy/Dockerfile
"""

OPENDEVIN_CONFIG = """\
opendevin:
  start: opendevin/start.sh
  dockerfile: opendevin/Dockerfile
  kwargs_type: argparse
  kwargs:
    agent: CodeActAgent
    max_steps: 500
  env_vars:
    OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}
  privileged: true
"""

GITATTRIBUTES = """\
*.csv filter=lfs diff=lfs merge=lfs -text
mlebench/competitions/toy-alpha/leaderboard.csv !filter !diff !merge
mlebench/competitions/toy-gamma/leaderboard.csv !filter !diff !merge
"""
