"""Prepare a competition's data with its own prepare function, in a child process, atomically."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import redux_tui.offline
from redux_tui.files import is_locked, locked, require_free_space, write_json
from redux_tui.models import Competition, InfrastructureError

_CHILD = Path(__file__).with_name("prepare_child.py")
_MARKER = ".redux-tui.json"  # in prepared/: what it was made from
_TIMEOUT = 6 * 3600.0
_SMALL = 4 << 20  # bytes


def public_dir(competition: Competition, data_dir: Path) -> Path:
    return data_dir / competition.id / "prepared" / "public"


def is_prepared(competition: Competition, data_dir: Path) -> bool:
    """Whether the data is there, whole, and made from the competition as it is now."""
    prepared = data_dir / competition.id / "prepared"
    needed = (data_dir / competition.answers, data_dir / competition.sample_submission)
    if not all(file.is_file() for file in needed):
        return False
    try:
        marker = json.loads((prepared / _MARKER).read_text())
    except FileNotFoundError:
        return True  # prepared by MLE-bench itself, which leaves no mark
    except ValueError:
        return False
    return bool(marker.get("fingerprint") == _fingerprint(competition))


def require_space(competitions: Iterable[Competition], data_dir: Path) -> None:
    """Raise InfrastructureError if what is not prepared yet would not fit on the disk."""
    missing = [each for each in competitions if not is_prepared(each, data_dir)]
    needed = sum(_space_needed(raw_dir(each, data_dir / each.id)) for each in missing)
    if missing:
        names = ", ".join(each.id for each in missing)
        require_free_space(data_dir, needed, f"Preparing {names}")


async def prepare(
    competition: Competition,
    data_dir: Path,
    say: Callable[[str], None],
    *,
    force: bool = False,
    timeout: float = _TIMEOUT,
) -> None:
    """Have the data prepared. Returns at once where it is; others preparing it are waited for.

    Raises InfrastructureError, with the last that the prepare function printed.
    """
    folder = data_dir / competition.id
    try:
        folder.mkdir(parents=True, exist_ok=True)
        async with _alone(folder / ".prepare.lock"):
            if force or not is_prepared(competition, data_dir):
                await _prepare(competition, folder, say, timeout)
    except OSError as error:
        raise InfrastructureError(
            f"The data of {competition.id} could not be prepared in {folder}: {error}. If the"
            " folder is not yours, set data_dir in the config to one that is."
        ) from error


@asynccontextmanager
async def _alone(path: Path) -> AsyncIterator[None]:
    """Hold the lock `path`. Waits without a thread: any number may wait, and be cancelled."""
    while True:
        lock = locked(path, wait=False)
        try:
            lock.__enter__()
            break
        except BlockingIOError:
            while is_locked(path):  # noqa: ASYNC110 - by another process
                await asyncio.sleep(0.2)
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


async def _prepare(
    competition: Competition, folder: Path, say: Callable[[str], None], timeout: float
) -> None:
    raw = raw_dir(competition, folder)
    require_free_space(folder, _space_needed(raw), f"Preparing {competition.id}")
    for left_over in folder.glob(".prepared-*"):
        shutil.rmtree(left_over)
    temporary = Path(tempfile.mkdtemp(prefix=".prepared-", dir=folder))
    try:
        public, private = temporary / "public", temporary / "private"
        temporary.chmod(0o755)
        public.mkdir()
        private.mkdir(mode=0o700)
        say(f"Preparing {competition.id} from {raw}.")
        await _run_child(competition, raw, public, private, say, timeout)
        shutil.copyfile(competition.description, public / "description.md")
        write_json(temporary / _MARKER, {"fingerprint": _fingerprint(competition)})
        prepared = folder / "prepared"
        if prepared.exists():
            prepared.rename(temporary.with_name(temporary.name + ".old"))
        temporary.rename(prepared)
    finally:
        for left_over in folder.glob(".prepared-*"):
            shutil.rmtree(left_over)


async def _run_child(
    competition: Competition,
    raw: Path,
    public: Path,
    private: Path,
    say: Callable[[str], None],
    timeout: float,
) -> None:
    arguments = [competition.folder, competition.prepare_fn, raw, public, private]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # the child's own folder is no place to import from
        str(_CHILD),
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    last = ""
    try:
        async with asyncio.timeout(timeout):
            async for line in _lines(process.stdout):
                last = line or last
                say(line)
            code = await process.wait()
    except TimeoutError:
        raise InfrastructureError(
            f"Preparing {competition.id} took longer than {timeout:.0f} s and was stopped."
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        raise InfrastructureError(
            f"Preparing {competition.id} failed with exit code {code}: {last or 'no output'}"
        )


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    buffer = b""
    while chunk := await stream.read(1 << 16):
        *whole, buffer = (buffer + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if buffer:
        yield buffer.decode(errors="replace")


def raw_dir(competition: Competition, folder: Path) -> Path:
    """What the data is made from: MLE-bench's raw/ if there, else data/ in the competition."""
    downloaded = folder / "raw"
    return downloaded if downloaded.is_dir() else competition.folder / "data"


def _space_needed(raw: Path) -> int:
    """Bytes: raw files are often compressed, so about five times their size once prepared."""
    return 5 * sum(file.stat().st_size for file in raw.rglob("*") if file.is_file()) + 1_000_000


def _fingerprint(competition: Competition) -> str:
    """A hash of all that decides what the prepared data will be."""
    sources = [competition.folder / "prepare.py", competition.folder / "config.yaml"]
    sources += sorted(file for file in (competition.folder / "data").rglob("*") if file.is_file())
    if competition.source == "offline":  # our prepare functions share code
        sources += sorted(Path(redux_tui.offline.__path__[0]).glob("*.py"))
    digest = hashlib.sha256()
    for file in (*sources, competition.description):
        status = file.stat()
        digest.update(f"{file.name} {status.st_size}\n".encode())
        if status.st_size <= _SMALL:
            digest.update(file.read_bytes())
        else:
            digest.update(str(status.st_mtime_ns).encode())  # asked too often to read gigabytes
    return digest.hexdigest()
