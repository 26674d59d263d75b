"""Who grades: pools of workers, one an interpreter; ours, and that of MLE-bench's environment."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from redux_tui.config import Settings
from redux_tui.grading.client import Grade, Interpreter
from redux_tui.grading.pool import Pool
from redux_tui.models import Competition, InfrastructureError

_MLE_BENCH = "mle-bench"
_IMPORTS_MLE_BENCH = re.compile(rb"^\s*(from|import)\s+mlebench\b", re.MULTILINE)
_TIMEOUT = 1800.0  # seconds one submission may take
_LEAST_MEMORY = 4 << 30  # bytes: libraries reserve more than they use


class Graders:
    """Grades for all competitions, several at a time; nothing is started before it is needed.

    `workers` is how many of an interpreter may work at once. They share the memory there is.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        workers: int = 1,
        log: Path | None = None,
        timeout: float = _TIMEOUT,
    ) -> None:
        self._settings = settings
        self._workers = workers
        self._log = log
        self._timeout = timeout
        self._pools: dict[Interpreter, Pool] = {}

    async def start(self, *, mle_bench: bool) -> None:
        """Have a worker import what it needs, while the caller is still busy with other things."""
        clone = self._of_clone(self._settings.repo_dir) if mle_bench else None
        await self._pool(clone or _ours()).start()

    async def grade(
        self, competition: Competition, root: Path, relative: str, path: Path | None = None
    ) -> Grade:
        """Grade the file `relative` beneath `root`; links on the way are not followed.

        `path` is what the report calls it. Raises InfrastructureError where the grader, not the
        submission, is to blame, and where the data is not there.
        """
        answer = await self.ask("grade", competition, root, relative, path)
        return Grade(answer["exists"], answer["score"], answer["reason"], answer["report"])

    async def ask(
        self,
        task: str,
        competition: Competition,
        root: Path,
        relative: str,
        path: Path | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """The worker's answer: see `worker.py`. Raises InfrastructureError."""
        data_dir = self._settings.data_dir
        answers = data_dir / competition.answers
        if not answers.is_file():
            raise InfrastructureError(
                f"The data of {competition.id} is not prepared: there is no file {answers}. Run"
                f" `redux-tui prepare -c {competition.id}`, then grade again."
            )
        sample = competition.sample_submission
        request = {
            "task": task,
            "root": str(root),
            "relative": relative,
            "path": str(path or root / relative),
            "competition": competition.id,
            "mle_bench": competition.source == _MLE_BENCH,
            "data_dir": str(data_dir),
            "folder": str(competition.folder),
            "grade_fn": competition.grade_fn,
            "answers": str(answers),
            # 5 of MLE-bench's are private, and one that is zipped is not read for this
            "sample": str(data_dir / sample) if _is_public_table(sample) else None,
        }
        pool = self._pool(self._interpreter(competition))
        return await pool.ask(competition, request, _size(root / relative), timeout)

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.close()

    def _pool(self, interpreter: Interpreter) -> Pool:
        if interpreter not in self._pools:
            memory = _memory_share(self._workers)
            self._pools[interpreter] = Pool(
                interpreter, self._workers, memory, self._timeout, self._log
            )
        return self._pools[interpreter]

    def _interpreter(self, competition: Competition) -> Interpreter:
        if competition.source != _MLE_BENCH and not _imports_mle_bench(competition):
            return _ours()
        return self._of_clone(competition.repo or self._settings.repo_dir)

    def _of_clone(self, folder: Path) -> Interpreter:
        from redux_tui.bench.environment.make import find_environment
        from redux_tui.bench.repository.clone import find_clone

        clone = find_clone(folder)  # asked each time: it may be moved to another commit meanwhile
        if clone is None:
            raise InfrastructureError(
                f"There is no whole clone of MLE-bench in {folder}, without which nothing of it"
                " can be graded. Run `redux-tui clone`, or set repo_dir in the config."
            )
        python = find_environment(clone, python=self._settings.repo_python)
        if python is None:
            raise InfrastructureError(
                f"The environment in which MLE-bench ({folder}) grades is not there or not"
                " finished. Run `redux-tui clone`, which makes it."
            )
        return Interpreter(python, clone.folder, clone.commit)


def _ours() -> Interpreter:
    return Interpreter(Path(sys.executable))


def _imports_mle_bench(competition: Competition) -> bool:
    """A user's own competition may use MLE-bench's helpers."""
    if competition.source != "user":
        return False
    module = competition.grade_fn.partition(":")[0].rpartition(".")[2]
    source = (competition.folder / f"{module}.py").read_bytes()
    return _IMPORTS_MLE_BENCH.search(source) is not None


def _is_public_table(sample: Path) -> bool:
    return "public" in sample.parts and sample.suffix.lower() == ".csv"


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:  # the worker says what is wrong with it
        return 0


def _memory_share(workers: int) -> int:
    """Bytes of address space a worker gets of three quarters of the machine's memory."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4
    return max(total // workers, min(_LEAST_MEMORY, total))
