"""What the clone of MLE-bench says of its competitions outside their folders, in README and CSV."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redux_tui.files import is_lfs_pointer
from redux_tui.models import ReduxError

SOURCE = "mle-bench"
"""The `source` of competitions and agents that are the clone's."""

_SECTION = re.compile(r"^## Known Issues\s*$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BULLET = re.compile(r"^- \*\*(?P<id>[^*]+)\*\*:?(?P<text>.*)$")
_INNER_BULLET = re.compile(r"^\s+[-*] (?P<text>.*)$")
_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<url>[^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Issue:
    """A known fault of a competition, and the pages about it that the README links."""

    text: str
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a competition's data before it is downloaded."""

    category: str = ""
    size_gb: float | None = None


def is_clone(repo: Path | None) -> bool:
    """Whether MLE-bench is there; a clone gets its final name only when it is whole."""
    return repo is not None and (repo / "mlebench" / "registry.py").is_file()


def read_issues(repo: Path) -> dict[str, tuple[Issue, ...]]:
    """The README's known issues by competition; none where there is no such list."""
    section = _SECTION.search(_text(repo / "README.md"))
    found: dict[str, list[str]] = {}
    texts: list[str] = []
    for line in section[1].splitlines() if section else ():
        if bullet := _BULLET.match(line):
            texts = found.setdefault(bullet["id"].strip(), [])
            texts.append(bullet["text"])
        elif inner := _INNER_BULLET.match(line):
            texts.append(inner["text"])
        elif line.startswith(" ") and texts:
            texts[-1] += " " + line
        elif line.strip():
            texts = []  # a paragraph that belongs to no competition
    return {
        name: tuple(_issue(text) for text in texts if text.strip()) for name, texts in found.items()
    }


def read_facts(repo: Path) -> dict[str, Facts]:
    """Category and size by competition: of all from a CSV in LFS, else of some from the README."""
    facts = dict(_table_facts(_text(repo / "README.md")))
    path = repo / "experiments" / "competition_categories.csv"
    if not is_lfs_pointer(path):
        try:
            facts.update(_csv_facts(_text(path)))
        except csv.Error as error:
            raise ReduxError(f"{path} is not a table ({error}); sizes are not known.") from error
    return facts


def _text(path: Path) -> str:
    """What the file holds; "" if there is none: other versions of MLE-bench may lack it."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ReduxError(f"{path} can't be read: {error.strerror}.") from error


def _issue(text: str) -> Issue:
    urls = tuple(link["url"] for link in _LINK.finditer(text))
    return Issue(" ".join(_LINK.sub(r"\g<text>", text).split()), urls)


def _table_facts(readme: str) -> Iterator[tuple[str, Facts]]:
    """The rows of the table with the columns competition, category, size in GB."""
    inside = False
    for line in readme.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0] == "Competition ID":
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and len(cells) == 3 and not cells[0].startswith("-"):
            yield cells[0], Facts(cells[1], _size(cells[2]))


def _csv_facts(text: str) -> Iterator[tuple[str, Facts]]:
    for row in csv.DictReader(text.splitlines()):
        if name := row.get("competition_id"):
            yield name, Facts(row.get("category") or "", _size(row.get("dataset_size_GB")))


def _size(text: str | None) -> float | None:
    try:
        size = float(text or "")
    except ValueError:
        return None
    return size if math.isfinite(size) and size >= 0 else None
