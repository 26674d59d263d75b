"""The grading worker: grades submissions with a competition's own grade function, kept warm.

A long-lived child process of its own, standard library only, which never imports redux_tui, so
that it can run inside any environment. It reads requests from stdin and answers on stdout, one
JSON object a line:

    {"id", "root", "relative", "folder", "grade_fn", "answers"}
    -> {"id", "exists", "score", "reason"}     score null: invalid, and why
    -> {"id", "failure"}                       the grader's own trouble, not the submission's

A grader that crashes, hangs or eats memory takes nothing but this process with it.
"""

from __future__ import annotations

import errno
import importlib.util
import json
import math
import os
import stat
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

Grade = Callable[[Any, Any], float]
MAX_SUBMISSION = 8 << 30  # bytes; MLE-bench's largest sample submission has under 1 GiB
MAX_HEADER = 1 << 20  # bytes
MAX_COLUMNS = 20_000

_answers: dict[tuple[str, int, int], Any] = {}
_graders: dict[tuple[str, int], Grade] = {}


class Refused(Exception):
    """The submission can't be graded, through its own fault."""


def grade(request: dict[str, Any]) -> dict[str, Any]:
    """One submission's score, or why it has none. Raises where the grader itself is broken."""
    grader = _load_grader(Path(request["folder"]), request["grade_fn"])
    answers = _load_answers(Path(request["answers"]))
    try:
        file = _open_beneath(request["root"], request["relative"])
        if file is None:
            reason = f"There is no {Path(request['relative']).name}."
            return {"exists": False, "score": None, "reason": reason}
        with file:
            submission = _read_csv(file)
        score = _score(grader, submission, answers)
    except Refused as refusal:
        return {"exists": True, "score": None, "reason": str(refusal)}
    return {"exists": True, "score": score, "reason": None}


def _score(grader: Grade, submission: Any, answers: Any) -> float:
    """MLE-bench takes whatever a grade function raises as an invalid submission; so do we."""
    try:
        # a grader may change what it is given
        score = grader(submission, answers.copy())
        rounded = round(float(score), 5)
    except MemoryError:
        raise
    except Exception as error:
        name = type(error).__name__
        known = name in ("InvalidSubmissionError", "AssertionError") and str(error)
        text = str(error) if known else f"The grader stopped with {name}: {error}"
        raise Refused(text.strip()) from error
    if not math.isfinite(rounded):
        raise Refused(f"The grader's score is not a finite number: {rounded}.")
    return rounded


def _read_csv(file: BinaryIO) -> Any:
    import pandas

    if os.fstat(file.fileno()).st_size > MAX_SUBMISSION:
        raise Refused(f"The submission is larger than {MAX_SUBMISSION >> 30} GiB.")
    header = file.readline(MAX_HEADER)
    if len(header) == MAX_HEADER or header.count(b",") > MAX_COLUMNS:
        # pandas takes minutes to hours to tell apart so many columns of the same name
        raise Refused(f"The submission's first line has more than {MAX_COLUMNS:,} columns.")
    file.seek(0)
    try:
        return pandas.read_csv(file)
    except MemoryError:
        raise
    except Exception as error:
        raise Refused(f"The submission is not a readable CSV file: {error}") from error


def _load_answers(path: Path) -> Any:
    status = path.stat()
    key = (str(path), status.st_mtime_ns, status.st_size)
    if key not in _answers:
        import pandas

        if path.suffix == ".jsonl":
            _answers[key] = [json.loads(line) for line in path.read_text().splitlines()]
        else:
            _answers[key] = pandas.read_csv(path)
    return _answers[key]


def _load_grader(folder: Path, spec: str) -> Grade:
    module_name, _, function = spec.partition(":")
    file = folder / (module_name.rpartition(".")[2] + ".py")
    key = (f"{file}:{function}", file.stat().st_mtime_ns)
    if key not in _graders:
        module_spec = importlib.util.spec_from_file_location(f"grade_of_{folder.name}", file)
        if module_spec is None or module_spec.loader is None:
            raise ImportError(f"{file} can't be imported")
        module = importlib.util.module_from_spec(module_spec)
        module_spec.loader.exec_module(module)
        _graders[key] = getattr(module, function)
    return _graders[key]


def _open_beneath(root: str, relative: str) -> BinaryIO | None:
    """Open what an agent wrote, following no link on the way; None if it is not there."""
    try:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        *folders, name = Path(relative).parts
        for part in folders:
            deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = deeper
        # O_NONBLOCK: opening a fifo must not wait for a writer
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise Refused("The submission can't be opened: its permissions forbid it.") from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise Refused("The submission, or its folder, is a link, not a plain file.") from error
        raise Refused(f"The submission can't be opened: {error.strerror}.") from error
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused("The submission is not a regular file.")
    return os.fdopen(descriptor, "rb")


def _limit_memory() -> None:
    """So that a grader's hunger ends in its own MemoryError, not in the kernel's choice."""
    import resource

    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = total * 3 // 4
    if sys.platform == "linux" and (hard == resource.RLIM_INFINITY or wanted < hard):
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def main() -> None:
    _limit_memory()
    # graders print: their output must not end up among our answers
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = grade(request)
        except (Exception, MemoryError) as error:  # noqa: BLE001 - it is reported as a failure
            traceback.print_exc()
            answer = {"failure": f"{type(error).__name__}: {error}"}
        channel.write(json.dumps({"id": request["id"], **answer}, allow_nan=False) + "\n")
        channel.flush()


if __name__ == "__main__":
    main()
