"""The vendored raw data is what its packages hold, small, and documented with its licence."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from redux_tui.offline.loading import OFFLINE
from redux_tui.offline.tools import extract
from redux_tui.offline.tools.sources import SOURCES, Source
from tests.offline.conftest import IDS


def data(source: Source) -> Path:
    return OFFLINE / source.competition / "data"


def test_every_competition_has_a_source() -> None:
    assert sorted(source.competition for source in SOURCES) == IDS


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.competition)
def test_data_matches_its_checksum(source: Source) -> None:
    extract.verify(source, (data(source) / source.file).read_bytes())


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.competition)
def test_origin_and_licence_are_vendored(source: Source) -> None:
    origin = (data(source) / "ORIGIN.md").read_text()
    for words in (source.package, source.version, source.sha256, source.license, source.member):
        assert words in origin
    licence = (data(source) / "LICENSE").read_text()
    assert (
        "Redistribution and use in source" in licence or "Permission is hereby granted" in licence
    )


def test_every_data_file_is_smaller_than_a_megabyte() -> None:
    files = [file for file in OFFLINE.glob("*/data/*") if file.is_file()]
    assert files and max(file.stat().st_size for file in files) < 1_000_000


def test_check_mode_accepts_what_is_vendored(capsys: pytest.CaptureFixture[str]) -> None:
    assert extract.main(["--check"]) == 0
    assert capsys.readouterr().out.count("is as recorded") == 7


def test_changed_data_is_noticed() -> None:
    with pytest.raises(ValueError, match="leaderboard would no longer fit"):
        extract.verify(SOURCES[0], gzip.compress(b"something else"))
