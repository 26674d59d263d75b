"""Competitions as the list to pick from shows them: what is known of each, and of its data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from redux_tui.catalog import Catalog
from redux_tui.logs.sanitize import one_line, plain
from redux_tui.models import Competition, ReduxError
from redux_tui.ui.text import BUSY, DIM, GOOD, WARN, count, safe
from redux_tui.ui.widgets.table import Column, Row

COLUMNS = [
    Column("chosen", " ", 3),
    Column("id", "Competition", 20, share=5),
    Column("issue", "⚠", 3),
    Column("data", "Data", 15),
    Column("metric", "Metric", 13, share=1),
    Column("level", "Split", 6, least=84),
    Column("size", "Size", 8, least=92),
    Column("category", "Category", 12, share=1, least=120),
    Column("medals", "Medals", 9, least=115),
]
ARROWS = {"lower": "↓", "higher": "↑"}
_LONGEST_DESCRIPTION = 64 * 1024
_NAMED = 5
_SOURCES = {"offline": "redux-tui itself", "mle-bench": "MLE-bench"}  # others: from their folder


@dataclass(frozen=True, slots=True)
class Listing:
    """The catalogue, and what the disk says of each competition."""

    catalog: Catalog
    data_dir: Path
    prepared: frozenset[str]
    downloaded: frozenset[str]  # not prepared, but the archive or its files are there
    directions: dict[str, str]  # "lower", "higher", "" where it is not known
    levels: dict[str, str]  # low, medium, high, ""

    def missing(self, competitions: Iterable[Competition]) -> list[Competition]:
        return [each for each in competitions if each.id not in self.prepared]

    def to_download(self, competitions: Iterable[Competition]) -> list[Competition]:
        """Those whose data has yet to come from Kaggle."""
        return [
            each
            for each in self.missing(competitions)
            if each.source == "mle-bench" and each.id not in self.downloaded
        ]


def read_listing(catalog: Catalog, data_dir: Path) -> Listing:
    """Reads a few files of each competition: for a thread."""
    from redux_tui.bench.data.place import is_prepared
    from redux_tui.catalog.boards import direction

    found = list(catalog.competitions.values())
    prepared = {each.id for each in found if _is_so(is_prepared, each, data_dir)}
    others = [each for each in found if each.id not in prepared]
    return Listing(
        catalog,
        data_dir,
        frozenset(prepared),
        frozenset(each.id for each in others if _is_so(_is_downloaded, each, data_dir)),
        {each.id: direction(each) or "" for each in found},
        {each.id: catalog.complexity(each.id) for each in found},
    )


def make_row(competition: Competition, listing: Listing, *, is_chosen: bool, data: Text) -> Row:
    mark = Text("[x]", f"bold {GOOD}") if is_chosen else Text("[ ]", DIM)
    cells = [
        mark,
        safe(competition.id, "bold" if is_chosen else ""),
        Text("⚠" if competition.known_issues else "", WARN),
        data,
        _metric(competition, listing),
        Text(listing.levels[competition.id]),
        Text(size_of(competition)),
        safe(competition.category),
        Text("medals") if competition.awards_medals else Text("no medals", DIM),
    ]
    return competition.id, cells


def data_state(
    competition: Competition, listing: Listing, refused: Iterable[str], working: Iterable[str]
) -> Text:
    if competition.id in listing.prepared:
        return Text("✓ prepared", GOOD)
    if competition.id in working:
        return Text("⟳ in a job", BUSY)
    if competition.id in refused:
        return Text("⚠ accept rules", WARN)
    if competition.id in listing.downloaded:
        return Text("◐ downloaded", BUSY)
    return Text("○ made on start" if competition.source == "offline" else "○ not prepared", DIM)


def size_of(competition: Competition) -> str:
    gigabytes = competition.size_gb
    if gigabytes is None:
        return ""
    if gigabytes >= 1:
        return f"{gigabytes:,.0f} GB" if gigabytes >= 10 else f"{gigabytes:.1f} GB"
    return f"{max(gigabytes * 1000, 0.1):.0f} MB" if gigabytes >= 0.001 else "< 1 MB"


def download_words(competitions: Sequence[Competition]) -> str:
    """How much they are, as far as is known: "a, b: about 3 GB; 1 size is not known"."""
    names = ", ".join(one_line(each.id) for each in competitions[:_NAMED])
    more = len(competitions) - _NAMED
    known = [each.size_gb for each in competitions if each.size_gb is not None]
    unknown = len(competitions) - len(known)
    parts = [f"about {sum(known):.3g} GB"] if known else []
    parts += [f"{count(unknown, 'size')} not known"] if unknown else []
    return f"{names}{f' and {more} more' if more > 0 else ''} ({', '.join(parts)})"


def searchable(competition: Competition) -> str:
    text = f"{competition.id} {competition.name} {competition.metric} {competition.category}"
    return text.lower()


def describe(competition: Competition, listing: Listing, data: Text) -> Text:
    """Facts first, then the description with its headings bold; nothing in it is obeyed."""
    text = Text("\n").join([*_facts(competition, listing, data), Text()])
    for line in _description(competition).splitlines():
        is_heading = line.startswith("#")
        text.append("\n")
        text.append(line.lstrip("# ") if is_heading else line, "bold" if is_heading else "")
    text.no_wrap, text.overflow = False, "fold"
    return text


def _metric(competition: Competition, listing: Listing) -> Text:
    """The direction first: what may be cut off is the name."""
    arrow = ARROWS.get(listing.directions[competition.id], " ")
    text = Text(f"{arrow} ", no_wrap=True, overflow="ellipsis", end="")
    return text.append_text(safe(competition.metric))


def _facts(competition: Competition, listing: Listing, data: Text) -> list[Text]:
    which = listing.directions[competition.id]
    better = f" {ARROWS[which]} ({which} is better)" if which else ""
    first = [f"{competition.metric}{better}", competition.category, competition.kind]
    level, size = listing.levels[competition.id], size_of(competition)
    second = [f"split {level}" if level else "", f"{size} to download" if size else ""]
    second.append("awards medals" if competition.awards_medals else "awards no medals")
    second.append(f"from {_SOURCES.get(competition.source, str(competition.folder))}")
    where = listing.data_dir / competition.id
    lines = [
        safe(" · ".join(each for each in first if each), "bold"),
        safe(" · ".join(each for each in second if each)),
        *(_issue(competition, listing, number) for number in range(len(competition.known_issues))),
        Text.assemble(data, "  ", safe(where, DIM)),
    ]
    return lines


def _issue(competition: Competition, listing: Listing, number: int) -> Text:
    """A known issue with the pages about it."""
    pages = listing.catalog.issues.get(competition.id, ())
    urls = " ".join(pages[number].urls) if number < len(pages) else ""
    return safe(f"⚠ Known issue: {competition.known_issues[number]} {urls}", WARN)


def _description(competition: Competition) -> str:
    try:
        with competition.description.open("rb") as file:
            return plain(file.read(_LONGEST_DESCRIPTION))
    except OSError as error:
        return f"Its description can't be read: {error.strerror}."


def _is_downloaded(competition: Competition, data_dir: Path) -> bool:
    from redux_tui.bench.data.place import find_zip, has_files

    if competition.source != "mle-bench":
        return False
    folder = data_dir / competition.id
    try:
        return find_zip(folder) is not None or has_files(folder / "raw")
    except ReduxError:
        return True  # several archives: preparing says so


def _is_so(
    ask: Callable[[Competition, Path], bool], competition: Competition, data_dir: Path
) -> bool:
    """A folder that can't be read hides nothing but its own state."""
    try:
        return ask(competition, data_dir)
    except OSError:
        return False
