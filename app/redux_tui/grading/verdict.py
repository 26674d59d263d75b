"""Whether a submission can be graded, said in words that never come from a grader."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from redux_tui.grading.graders import Graders
from redux_tui.models import Competition

_TIMEOUT = 600.0  # seconds


class Reason(StrEnum):
    """All that an agent may be told. Graders' own texts can carry answers, these can't.

    What is compared with the sample submission is public, and done only where the grade function
    has refused. The names are the worker's.
    """

    VALID = "It can be graded."
    MISSING = "There is no such file."
    NO_PLAIN_FILE = "It is not a plain file that can be read."
    NOT_CSV = "It must be a .csv file."
    TOO_LARGE = "The file is too large."
    UNREADABLE = "It can't be read as a CSV file in UTF-8."
    OTHER_COLUMNS = "Its columns are not those of the sample submission."
    OTHER_LENGTH = "It has not as many rows as the sample submission."
    OTHER_IDS = "The values in its first column are not those of the sample submission."
    OTHER_VALUES = (
        "Its columns and ids are those of the sample submission, but some of its values will not"
        " do: compare them with the description and the sample submission."
    )
    REFUSED = (
        "The grader does not take it: compare its columns, ids, number of rows and values with the"
        " description and the sample submission."
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    valid: bool
    reason: Reason


async def validate(
    graders: Graders,
    competition: Competition,
    root: Path,
    relative: str,
    timeout: float = _TIMEOUT,
) -> Verdict:
    """The verdict on the file `relative` beneath `root`; never a score, nor what decides one.

    It is MLE-bench's: valid unless the grade function raises. Raises InfrastructureError, whose
    text is not for agents, where that is not known: grading failed, or took longer than `timeout`.
    """
    answer = await graders.ask("validate", competition, root, relative, timeout=timeout)
    reason = Reason[answer["reason"]]
    return Verdict(reason is Reason.VALID, reason)
