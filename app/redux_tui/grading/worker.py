"""The grading worker: grades submissions with a competition's own grade function, kept warm.

A long-lived child process of its own, standard library only, which never imports redux_tui, so
that it can run inside any environment:

    python -P worker.py MEMORY_BYTES SCRATCH [CLONE]

SCRATCH is its current folder, CLONE where to import MLE-bench from, if that is what it grades for.

It reads requests from stdin and answers on stdout, one JSON object a line:

    {"id", "task", "root", "relative", "path", "competition", "mle_bench", "data_dir",
     "folder", "grade_fn", "answers", "sample", "seconds"}
    task "grade"    -> {"id", "exists", "score", "reason", "report"}  score null: why, in `reason`
    task "validate" -> {"id", "reason"}  the name of a Reason: see `verdict.py`
    either          -> {"id", "failure"}  the grader's own trouble, not the submission's

Where `mle_bench` is true, MLE-bench's own registry, grader and report class do it all; otherwise
`grade_fn` is a function of a file in `folder`. `path` is what the report calls the submission.
A grader that crashes, hangs or eats memory takes nothing but this process with it.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import gc
import importlib.util
import json
import math
import os
import re
import signal
import stat
import sys
import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

Grade = Callable[[Any, Any], float]
Answer = dict[str, Any]
MAX_SUBMISSION = 8 << 30  # bytes; MLE-bench's largest sample submission has under 1 GiB
MAX_HEADER = 1 << 20  # bytes
MAX_COLUMNS = 20_000
MAX_REASON = 1000  # characters: some errors repeat what a submission says, whole
KEPT = 1 << 30  # bytes of files whose content stays in memory


class Refused(Exception):
    """The submission can't be graded, through its own fault; `kind` names a Reason."""

    def __init__(self, text: str, kind: str, exists: bool = True) -> None:
        super().__init__(text[:MAX_REASON])
        self.kind = kind
        self.exists = exists  # as MLE-bench has it: there is a plain .csv file


@dataclass(frozen=True)
class Judge:
    """How one competition's submissions are read and graded."""

    grade_fn: Grade
    read_csv: Callable[[Any], Any]
    answers: Path
    load_answers: Callable[[Path], Any]
    report: Callable[[float | None, bool, str], Answer | None]


def grade(request: Answer) -> Answer:
    """One submission's score, or why it has none. Raises where the grader itself is broken."""
    judge = _judge(request)
    exists, score, reason = True, None, None
    try:
        score = _score(judge, _submission(request, judge))
    except Refused as refusal:
        exists, reason = refusal.exists, str(refusal)
    report = judge.report(score, exists, request["path"])
    plain = None if score is None else round(float(score), 5)
    return {"exists": exists, "score": plain, "reason": reason, "report": report}


def validate(request: Answer) -> Answer:
    """Whether it can be graded, and nothing that its score or the answers decide.

    As MLE-bench has it: valid if the grade function does not raise. A score that is no finite
    number is valid here, for a submission can be made so that one answer decides about that.
    """
    judge = _judge(request)
    try:
        submission = _submission(request, judge)
    except Refused as refusal:
        return {"reason": refusal.kind}
    try:
        judge.grade_fn(submission.copy(), _answers(judge))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever it says may name answers
        return {"reason": _difference(submission, request["sample"], judge)}
    return {"reason": "VALID"}


# the two kinds of competitions


def _judge(request: Answer) -> Judge:
    return (_mle_bench if request["mle_bench"] else _own)(request)


def _own(request: Answer) -> Judge:
    function = _load_function(Path(request["folder"]), request["grade_fn"])
    answers = Path(request["answers"])
    return Judge(function, _read_csv, answers, _load_answers, lambda *_: None)


def _mle_bench(request: Answer) -> Judge:
    from mlebench.grade_helpers import CompetitionReport  # type: ignore[import-not-found]
    from mlebench.registry import Registry  # type: ignore[import-not-found]
    from mlebench.utils import load_answers, read_csv  # type: ignore[import-not-found]

    key = (request["competition"], request["data_dir"])
    if key not in _competitions:
        _competitions[key] = Registry(Path(request["data_dir"])).get_competition(key[0])
    competition = _competitions[key]

    def report(score: float | None, exists: bool, path: str) -> Answer:
        board = _cache.get(competition.leaderboard, _read_board)
        ranks = competition.grader.rank_score(score, board)
        fields: Answer = CompetitionReport(
            competition_id=competition.id,
            score=score,
            **ranks,
            any_medal=any(ranks[f"{medal}_medal"] for medal in ("gold", "silver", "bronze")),
            submission_exists=exists,
            valid_submission=score is not None,
            is_lower_better=competition.grader.is_lower_better(board),
            created_at=datetime.now(),
            submission_path=path,
        ).to_dict()
        return fields

    return Judge(competition.grader.grade_fn, read_csv, competition.answers, load_answers, report)


_competitions: dict[tuple[str, str], Any] = {}
_functions: dict[tuple[str, int], Grade] = {}


def _load_function(folder: Path, spec: str) -> Grade:
    module_name, _, function = spec.partition(":")
    file = folder / (module_name.rpartition(".")[2] + ".py")
    key = (f"{file}:{function}", file.stat().st_mtime_ns)
    if key not in _functions:
        module_spec = importlib.util.spec_from_file_location(f"grade_of_{folder.name}", file)
        if module_spec is None or module_spec.loader is None:
            raise ImportError(f"{file} can't be imported")
        module = importlib.util.module_from_spec(module_spec)
        module_spec.loader.exec_module(module)
        _functions[key] = getattr(module, function)
    return _functions[key]


# reading


class _Cache:
    """What was read from files, until they change or too much is kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, tuple[tuple[int, int, int], Any]] = OrderedDict()

    def get(self, path: Path, read: Callable[[Path], Any]) -> Any:
        status = path.stat()
        key = (status.st_size, status.st_mtime_ns, status.st_ino)
        if path not in self._kept or self._kept[path][0] != key:
            self._kept.pop(path, None)
            self._kept[path] = key, read(path)
        self._kept.move_to_end(path)
        while len(self._kept) > 1 and sum(size for (size, *_), _ in self._kept.values()) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[path][1]


_cache = _Cache()


def _answers(judge: Judge) -> Any:
    """A copy: a grader may change what it is given, or hold on to it."""
    answers = _cache.get(judge.answers, judge.load_answers)
    return answers.copy() if hasattr(answers, "columns") else copy.deepcopy(answers)


def _read_csv(source: Any) -> Any:
    """As MLE-bench reads: numbers exactly, an empty file as an empty table."""
    import pandas

    try:
        return pandas.read_csv(source, float_precision="round_trip")
    except pandas.errors.EmptyDataError:
        return pandas.DataFrame()


def _load_answers(path: Path) -> Any:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return _read_csv(path)


def _read_board(path: Path) -> Any:
    import pandas

    return pandas.read_csv(path)  # as MLE-bench does: not with its own read_csv


def _submission(request: Answer, judge: Judge) -> Any:
    if Path(request["path"]).suffix.lower() != ".csv":
        raise Refused("A submission must be a .csv file.", "NOT_CSV", exists=False)
    with _open_beneath(request["root"], request["relative"]) as file:
        if os.fstat(file.fileno()).st_size > MAX_SUBMISSION:
            raise Refused(f"The submission is larger than {MAX_SUBMISSION >> 30} GiB.", "TOO_LARGE")
        if not _has_header(file):
            text = f"The submission's first line has more than {MAX_COLUMNS:,} columns."
            raise Refused(text, "UNREADABLE")
        file.seek(0)
        try:
            return judge.read_csv(file)
        except MemoryError:
            raise
        except Exception as error:
            text = f"The submission is not a readable CSV file: {error}"
            raise Refused(text.strip(), "UNREADABLE") from error


def _has_header(file: BinaryIO) -> bool:
    """Whether pandas can read the first line: so many columns of one name keep it for hours."""
    chunk = file.read(MAX_HEADER)
    begin = chunk.lstrip()  # blank lines come before it
    header = re.split(b"[\r\n]", begin, maxsplit=1)[0]
    is_cut = header == begin and len(chunk) == MAX_HEADER
    return not is_cut and header.count(b",") <= MAX_COLUMNS


def _open_beneath(root: str, relative: str) -> BinaryIO:
    """Open what an agent wrote, following no link on the way. Raises Refused."""
    *folders, name = Path(relative).parts
    missing = Refused(f"There is no {name}.", "MISSING", exists=False)
    try:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        raise missing from None
    try:
        for part in folders:
            deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = deeper
        # O_NONBLOCK: opening a fifo must not wait for a writer
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        raise missing from None
    except OSError as error:
        # MLE-bench follows links, which we only look through: one to nowhere is no file
        exists = os.path.isfile(f"{root}/{relative}")  # noqa: PTH113 - that of Path raises
        raise Refused(_why_not_opened(error), "NO_PLAIN_FILE", exists) from error
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused("The submission is not a regular file.", "NO_PLAIN_FILE", exists=False)
    return os.fdopen(descriptor, "rb")


def _why_not_opened(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "The submission can't be opened: its permissions forbid it."
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "The submission, or its folder, is a link, not a plain file."
    return f"The submission can't be opened: {error.strerror}."


# judging


def _score(judge: Judge, submission: Any) -> float:
    """MLE-bench takes whatever a grade function raises as an invalid submission; so do we."""
    answers = _answers(judge)
    try:
        score = judge.grade_fn(submission, answers)
    except MemoryError:
        raise
    except Exception as error:
        name = type(error).__name__
        known = name in ("InvalidSubmissionError", "AssertionError") and str(error)
        text = str(error) if known else f"The grader stopped with {name}: {error}"
        raise Refused(text.strip(), "REFUSED") from error
    rounded = round(score, 5)  # a grader that returns no number is broken: that is raised
    if not math.isfinite(rounded):  # MLE-bench would write NaN into its report, which is no JSON
        raise Refused(f"The grader's score is not a finite number: {rounded}.", "REFUSED")
    return rounded


def _difference(submission: Any, sample: str | None, judge: Judge) -> str:
    """What a refused submission has that the public sample submission has not, or neither."""
    if sample is None or not Path(sample).is_file():
        return "REFUSED"
    try:
        expected = _cache.get(Path(sample), judge.read_csv)
    except (OSError, ValueError):  # it is no table: there is nothing to compare with
        return "REFUSED"
    if set(submission.columns) != set(expected.columns):
        return "OTHER_COLUMNS"
    if len(submission) != len(expected):
        return "OTHER_LENGTH"
    for first in expected.columns[:1]:
        if sorted(map(str, submission[first])) != sorted(map(str, expected[first])):
            return "OTHER_IDS"
    return "OTHER_VALUES"


# the process


def main() -> None:
    memory, scratch, *clone = sys.argv[1:]
    _limit_memory(int(memory))
    requests, answers = _take_channels()
    gc.disable()  # imports make much that stays: a tenth of their time is looking through it
    try:
        _import_early(clone)
    except Exception:  # noqa: BLE001 - each request tries again, and its answer says it
        traceback.print_exc()
    for line in requests:
        request = json.loads(line)
        # should nobody be left who could stop it
        signal.alarm(int(request["seconds"]) + 60)
        try:
            answer = (validate if request["task"] == "validate" else grade)(request)
            text = json.dumps({"id": request["id"], **answer}, allow_nan=False)
        except Exception as error:  # noqa: BLE001 - it is reported as a failure
            traceback.print_exc()
            failure = f"{type(error).__name__}: {error}"[:MAX_REASON]
            text = json.dumps({"id": request["id"], "failure": failure})
        signal.alarm(0)
        answers.write(text + "\n")
        answers.flush()
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
    with contextlib.suppress(OSError):  # who started it removes it as well
        Path(scratch).rmdir()


def _limit_memory(wanted: int) -> None:
    """So that a grader's hunger ends in its own MemoryError, not in the kernel's choice."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if sys.platform == "linux" and (hard == resource.RLIM_INFINITY or wanted < hard):
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def _take_channels() -> tuple[Any, Any]:
    """Our stdin and stdout, put where graders that print, or read, don't find them."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _import_early(clone: list[str]) -> None:
    """What every request needs, while the first one is still on its way."""
    sys.path[:0] = clone
    import pandas  # noqa: F401

    sys.dont_write_bytecode = True  # nothing of ours appears in competitions or in the clone
    if clone:
        _delay("py7zr")  # MLE-bench imports it for archives, of which grading has none
        import mlebench.registry  # type: ignore[import-not-found]  # noqa: F401


def _delay(name: str) -> None:
    """Import `name` when something of it is first used."""
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.loader is not None:
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


if __name__ == "__main__":
    main()
