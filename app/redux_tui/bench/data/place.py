"""Where a competition's data lies, as in MLE-bench, and whether it is whole and up to date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import redux_tui.offline
from redux_tui.files import require_free_space, write_json
from redux_tui.models import Competition, InfrastructureError

_MARKER = ".redux-tui.json"  # in prepared/: what it was made from
_SMALL = 4 << 20  # bytes


def prepared_dir(competition: Competition, data_dir: Path) -> Path:
    return data_dir / competition.id / "prepared"


def public_dir(competition: Competition, data_dir: Path) -> Path:
    return prepared_dir(competition, data_dir) / "public"


def private_dir(competition: Competition, data_dir: Path) -> Path:
    return prepared_dir(competition, data_dir) / "private"


def raw_dir(competition: Competition, folder: Path) -> Path:
    """What the data is made from: MLE-bench's raw/ if there, else data/ in the competition."""
    downloaded = folder / "raw"
    if downloaded.is_dir() or is_downloaded(competition):
        return downloaded
    return competition.folder / "data"


def find_zip(folder: Path) -> Path | None:
    """The archive in a competition's data folder, whatever its name, as for MLE-bench.

    Raises InfrastructureError where there are several.
    """
    found = sorted(file for file in folder.glob("*.zip") if file.is_file())
    named = [file for file in found if file.stem == folder.name]
    if len(found) > 1 and not named:
        raise InfrastructureError(
            f"{folder} holds {len(found)} zip archives, {found[0].name} and {found[1].name} among"
            f" them. Name the one from Kaggle {folder.name}.zip, or leave only that one there."
        )
    chosen = named or found
    return chosen[0] if chosen else None


def is_downloaded(competition: Competition) -> bool:
    """Whether its data comes from Kaggle, not with the competition's folder."""
    return competition.source == "mle-bench"


def is_prepared(competition: Competition, data_dir: Path) -> bool:
    """Whether the data is there, whole, and made from the competition as it is now."""
    if not all(file.is_file() for file in _needed(competition, data_dir)):
        return False
    marker = read_marker(competition, data_dir)
    if marker is None:
        return True  # prepared by MLE-bench itself, which leaves no mark
    return bool(marker.get("fingerprint") == _fingerprint(competition))


def lacking(competition: Competition, prepared: Path) -> list[Path]:
    """What a prepare function should have made below `prepared`, to be renamed later, and hasn't.

    Answers and sample submission, and some file in public/ and private/.
    """
    home = Path(competition.id) / "prepared"
    named = (competition.answers, competition.sample_submission)
    files = [prepared / name.relative_to(home) for name in named if name.is_relative_to(home)]
    missing = [file.relative_to(prepared) for file in files if not file.is_file()]
    parts = (Path("public"), Path("private"))
    return missing + [part for part in parts if not any((prepared / part).iterdir())]


def read_marker(competition: Competition, data_dir: Path) -> dict[str, Any] | None:
    """What `write_marker` wrote; None where MLE-bench prepared the data; {} if unreadable."""
    try:
        marker = json.loads((prepared_dir(competition, data_dir) / _MARKER).read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return marker if isinstance(marker, dict) else {}


def write_marker(competition: Competition, prepared: Path, **more: Any) -> None:
    write_json(prepared / _MARKER, {"fingerprint": _fingerprint(competition), **more})


def require_space(competitions: Iterable[Competition], data_dir: Path) -> None:
    """Raise InfrastructureError if what is not prepared yet would not fit on the disk."""
    missing = [each for each in competitions if not is_prepared(each, data_dir)]
    needed = sum(space_needed(each, data_dir) for each in missing)
    if missing:
        require_free_space(data_dir, needed, f"Preparing {name_some(missing)}")


def space_needed(competition: Competition, data_dir: Path, download: int | None = None) -> int:
    """Bytes that preparing will take beyond what is there, as far as is known.

    `download` is the size of what is to be fetched from Kaggle. Archive, raw and prepared files
    are about three times the archive.
    """
    folder = data_dir / competition.id
    raw = raw_dir(competition, folder)
    if not is_downloaded(competition):
        return 5 * _size(raw) + 1_000_000  # raw files are often compressed
    if has_files(raw):
        return _size(raw)
    archive = find_zip(folder)
    if archive is not None:
        return 2 * archive.stat().st_size
    if download is None:
        download = round((competition.size_gb or 0) * 1e9)
    there = sum(part.stat().st_size for part in folder.glob("*.zip.part"))
    return 3 * download - min(there, download)


def has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _needed(competition: Competition, data_dir: Path) -> tuple[Path, ...]:
    needed = (data_dir / competition.answers, data_dir / competition.sample_submission)
    if not is_downloaded(competition):
        return needed
    # as MLE-bench has it: what it prepares lies in both, though a sample may be in private/
    return (*needed, public_dir(competition, data_dir) / "description.md")


def name_some(competitions: Sequence[Competition]) -> str:
    names = ", ".join(each.id for each in competitions[:5])
    more = len(competitions) - 5
    return f"{names} and {more} more" if more > 0 else names


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _fingerprint(competition: Competition) -> str:
    """A hash of all that decides what the prepared data will be."""
    digest = hashlib.sha256()
    if is_downloaded(competition):
        wanted = (competition.prepare_fn, competition.answers, competition.sample_submission)
        digest.update("\n".join(map(str, wanted)).encode())
        sources = sorted(competition.folder.glob("*.py"))
        sources = [file for file in sources if file.name != "grade.py"]
    else:
        sources = [competition.folder / "prepare.py", competition.folder / "config.yaml"]
        data = (competition.folder / "data").rglob("*")
        sources += sorted(file for file in data if file.is_file())
        if competition.source == "offline":  # our prepare functions share code
            sources += sorted(Path(redux_tui.offline.__path__[0]).glob("*.py"))
        sources.append(competition.description)
    for file in sources:
        _add(digest, file)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, file: Path) -> None:
    status = file.stat()
    digest.update(f"{file.name} {status.st_size}\n".encode())
    if status.st_size <= _SMALL:
        digest.update(file.read_bytes())
    else:
        digest.update(str(status.st_mtime_ns).encode())  # asked too often to read gigabytes
