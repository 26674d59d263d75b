"""From Kaggle's zip to prepared data, with a toy MLE-bench and a server for Kaggle."""

from __future__ import annotations

import asyncio
import json
import os
import shutil

import pytest

from redux_tui.bench.data.means import Options
from redux_tui.bench.data.place import is_prepared, read_marker, require_space
from redux_tui.bench.data.prepare import prepare
from redux_tui.bench.data.prepare_all import prepare_all
from redux_tui.bench.data.use import using_data
from redux_tui.bench.kaggle.errors import (
    NoCredentials,
    NotFound,
    RulesNotAccepted,
    WrongCredentials,
)
from redux_tui.bench.progress import Progress
from redux_tui.models import InfrastructureError, ReduxError
from tests.mle_bench.conftest import Bench, files_of
from tests.support.mle_bench import TOYS, board, toy_settings, toy_zip

FULL = "raise OSError(28, 'No space left on device')\n"


@pytest.mark.parametrize("name", TOYS)
async def test_from_nothing_to_prepared_and_verified_data(bench: Bench, name: str) -> None:
    told: list[Progress] = []
    toy = bench.toy(name)
    before = files_of(bench.repo)
    await prepare(toy, bench.settings, print, told.append)
    assert is_prepared(toy, bench.data)
    marker = read_marker(toy, bench.data)
    assert marker is not None and marker["verified"] is True
    names = {each.name for each in (bench.data / name).iterdir()}
    assert {each for each in names if not each.startswith(".")} == {f"{name}.zip", "prepared"}
    prepared = bench.data / name / "prepared"
    description = (prepared / "public/description.md").read_text()
    assert description == (bench.source(name) / "description.md").read_text()
    assert files_of(bench.repo) == before, "no .pyc, no cache in the clone"
    assert not (bench.root / "cache").exists()
    whats = [each.what for each in told]
    assert {f"{name}: {step}" for step in ("download", "verify", "extract")} <= set(whats)


async def test_prepared_data_needs_no_network_and_no_credentials(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.prepare()
    monkeypatch.setenv("REDUX_KAGGLE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("KAGGLE_KEY")
    asked = len(bench.kaggle.requests)
    await bench.prepare()
    outcomes = await prepare_all([bench.toy()], bench.settings, print)
    assert outcomes[0].error is None
    assert len(bench.kaggle.requests) == asked


async def test_a_zip_of_any_name_is_used_without_network(offline: Bench) -> None:
    archive = offline.place()
    archive.rename(archive.with_name("downloaded-by-hand.zip"))
    await offline.prepare()
    assert is_prepared(offline.toy(), offline.data)
    assert not (offline.data / "toy-alpha/raw").exists()


async def test_raw_files_of_a_person_are_used_and_stay(offline: Bench) -> None:
    archive = offline.place()
    raw = archive.parent / "raw"
    shutil.unpack_archive(archive, raw)
    archive.unlink()
    before = files_of(raw)
    await offline.prepare()
    assert is_prepared(offline.toy(), offline.data)
    assert files_of(raw) == before


async def test_half_a_raw_folder_is_extracted_anew_where_the_zip_is(offline: Bench) -> None:
    """As MLE-bench leaves it, killed while it extracts."""
    raw = offline.place().parent / "raw"
    raw.mkdir()
    (raw / "train.csv").write_text("id,x,label\n1,1,1\n5,")
    said = await offline.prepare()
    assert any("extracted anew" in line for line in said)
    assert read_marker(offline.toy(), offline.data)


async def test_a_person_s_raw_files_are_not_touched_for_want_of_space(
    offline: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = offline.place()
    shutil.unpack_archive(archive, archive.parent / "raw")
    values = list(os.statvfs("/"))
    values[4] = 0  # f_bavail
    monkeypatch.setattr("os.statvfs", lambda _: os.statvfs_result(values))
    with pytest.raises(InfrastructureError, match="Free some space"):
        await offline.prepare()
    assert (archive.parent / "raw/train.csv").is_file()


async def test_what_mle_bench_did_not_finish_is_not_taken(offline: Bench) -> None:
    """It writes the description last."""
    toy = offline.toy()
    offline.place()
    for name in (toy.answers, toy.sample_submission):
        (offline.data / name).parent.mkdir(parents=True, exist_ok=True)
        (offline.data / name).write_text("id,label\n")
    assert not is_prepared(toy, offline.data)
    await offline.prepare()
    assert read_marker(toy, offline.data)


async def test_without_credentials_it_is_said_how_to_get_them(offline: Bench) -> None:
    with pytest.raises(NoCredentials):
        await offline.prepare()


async def test_raw_files_are_kept_if_asked(bench: Bench) -> None:
    await bench.prepare(options=Options(keep_raw=True))
    assert (bench.data / "toy-alpha/raw/train.csv").is_file()
    await bench.prepare(options=Options(force=True))
    assert (bench.data / "toy-alpha/raw/train.csv").is_file(), "a person's by now"
    assert bench.downloads() == 1


async def test_a_corrupt_zip_is_fetched_again_once(bench: Bench) -> None:
    archive = bench.place()
    archive.write_bytes(archive.read_bytes()[:-100])
    said = await bench.prepare()
    assert any("MD5" in line and "fetched again" in line for line in said)
    assert archive.read_bytes() == toy_zip("toy-alpha")
    assert bench.downloads() == 1


async def test_a_zip_that_stays_corrupt_is_an_error_and_not_fetched_for_ever(
    bench: Bench,
) -> None:
    changed = toy_zip("toy-beta")
    bench.kaggle.competitions["toy-alpha"].body = type(bench.kaggle.competitions["toy-beta"].body)(
        changed
    )
    with pytest.raises(InfrastructureError, match="--skip-verification"):
        await bench.prepare()
    assert bench.downloads() == 2
    with pytest.raises(InfrastructureError, match="fetched again already"):
        await bench.prepare()
    assert bench.downloads() == 2
    bench.place()  # a person repairs it
    await bench.prepare()


async def test_a_web_page_in_place_of_a_zip_is_fetched_again_though_nothing_is_verified(
    bench: Bench,
) -> None:
    bench.place().write_text("<html>The proxy says no</html>")
    said = await bench.prepare(options=Options(skip_verification=True))
    assert any("a web page" in line for line in said)
    assert is_prepared(bench.toy(), bench.data)


async def test_an_unsafe_archive_is_refused_and_nothing_of_it_is_used(bench: Bench) -> None:
    archive = bench.place()
    archive.write_bytes(archive.read_bytes().replace(b"train.csv", b"../in.csv"))
    with pytest.raises(InfrastructureError, match="leads out"):
        await bench.prepare(options=Options(skip_verification=True))
    assert not (bench.data / "toy-alpha/in.csv").exists()
    assert bench.downloads() == 0


async def test_data_that_is_not_as_expected_is_not_kept_unless_asked(offline: Bench) -> None:
    offline.place("toy-beta")
    checksums = offline.source("toy-beta") / "checksums.yaml"
    lines = [line for line in checksums.read_text().splitlines() if "train.csv" not in line]
    checksums.write_text("\n".join(lines))
    with pytest.raises(InfrastructureError) as caught:
        await offline.prepare("toy-beta")
    message = str(caught.value)
    assert "public/train.csv is not expected" in message
    assert "The board is crowded" in message and "--skip-verification" in message
    assert not is_prepared(offline.toy("toy-beta"), offline.data)
    assert not (offline.data / "toy-beta/prepared").exists()
    await offline.prepare("toy-beta", Options(skip_verification=True))
    marker = read_marker(offline.toy("toy-beta"), offline.data)
    assert marker is not None and marker["verified"] is False


async def test_a_changed_prepare_function_means_anew_and_a_changed_grader_does_not(
    offline: Bench,
) -> None:
    offline.place()
    await offline.prepare()
    for name in ("grade.py", "description.md", "leaderboard.csv"):
        file = offline.source("toy-alpha") / name
        file.write_text(file.read_text() + "\n")
    assert is_prepared(offline.toy(), offline.data)
    file = offline.source("toy-alpha") / "prepare.py"
    file.write_text(file.read_text() + "\n")
    assert not is_prepared(offline.toy(), offline.data)


async def test_a_board_of_one_page_is_refused(offline: Bench) -> None:
    offline.place()
    file = offline.source("toy-alpha") / "leaderboard.csv"
    file.write_text("\n".join(board("toy-alpha").splitlines()[:21]) + "\n")
    with pytest.raises(ReduxError, match="20 rows"):
        await offline.prepare()


async def test_it_is_downloaded_once_however_many_want_it(bench: Bench) -> None:
    bench.kaggle.competitions["toy-alpha"].speed = 20_000
    await asyncio.gather(*(bench.prepare() for _ in range(4)))
    assert bench.downloads() == 1


async def test_a_disk_too_small_for_three_times_the_data_is_said_before_the_download(
    bench: Bench,
) -> None:
    bench.kaggle.competitions["toy-alpha"].files = {"huge.csv": 10**15}
    with pytest.raises(InfrastructureError, match=r"about 3,000,000,000 MB.*Free some space"):
        await bench.prepare()
    with pytest.raises(InfrastructureError, match="Preparing toy-alpha, toy-beta needs"):
        await prepare_all([bench.toy(), bench.toy("toy-beta")], bench.settings, print)
    assert bench.downloads() == 0
    require_space([bench.toy()], bench.data)  # offline, its size is not known


async def test_one_that_fails_stops_no_other(bench: Bench) -> None:
    bench.kaggle.competitions["toy-alpha"].entered = False
    del bench.kaggle.competitions["toy-beta"]
    toys = [bench.toy(name) for name in TOYS]
    outcomes = await prepare_all(toys, bench.settings, print)
    assert [type(each.error) for each in outcomes] == [RulesNotAccepted, NotFound, type(None)]
    assert [each.competition for each in outcomes] == toys
    assert is_prepared(toys[2], bench.data)


async def test_wrong_credentials_stop_only_what_must_be_downloaded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.place()
    monkeypatch.setenv("KAGGLE_KEY", "f" * 32)
    outcomes = await prepare_all([bench.toy(name) for name in TOYS], bench.settings, print)
    kinds = [type(each.error) for each in outcomes]
    assert kinds == [type(None), WrongCredentials, WrongCredentials]
    assert bench.downloads() == 0


async def test_downloads_run_side_by_side_as_many_as_set(bench: Bench) -> None:
    bench.config.write_text(toy_settings(bench.repo, data_dir=bench.data, downloads=2))
    for each in bench.kaggle.competitions.values():
        each.speed = 20_000
    running: list[set[str]] = []

    def tell(progress: Progress) -> None:
        slug, _, step = progress.what.partition(": ")
        if step == "download":
            now = running[-1] if running else set()
            running.append(now - {slug} if progress.done == progress.total else now | {slug})

    outcomes = await prepare_all([bench.toy(name) for name in TOYS], bench.settings, print, tell)
    assert not any(each.error for each in outcomes)
    assert max(map(len, running)) <= 2


async def test_what_is_used_is_replaced_only_after_its_use(offline: Bench) -> None:
    """An agent keeps its data, and is graded by the answers that belong to it."""
    offline.place()
    await offline.prepare()
    train = offline.data / "toy-alpha/prepared/public/train.csv"
    before, waits = train.stat().st_ino, asyncio.Event()

    def say(line: str) -> None:
        if "waiting to put it in place" in line:
            waits.set()

    toy, data = offline.toy(), offline.data
    async with using_data(toy, data, print), using_data(toy, data, print):
        options = Options(force=True)
        work = prepare(offline.toy(), offline.settings, say, options=options)
        forced = asyncio.create_task(work)
        await waits.wait()
        await offline.prepare()  # others find it as it is, at once
        assert train.stat().st_ino == before
    await forced
    assert train.stat().st_ino != before


async def test_a_disk_that_becomes_full_in_a_prepare_function_is_said(offline: Bench) -> None:
    archive = offline.place()
    source = offline.source("toy-alpha") / "prepare.py"
    source.write_text(source.read_text() + "\n\ndef prepare(raw, public, private):\n    " + FULL)
    with pytest.raises(InfrastructureError, match=r"disk became full.*data_dir"):
        await offline.prepare()
    assert archive.exists() and not (archive.parent / ".preparing").exists()


def test_the_command_names_all_pages_at_once_and_goes_on(bench: Bench) -> None:
    for name in TOYS[:2]:
        bench.kaggle.competitions[name].entered = False
    process = bench.start(*[part for name in TOYS for part in ("-c", name)], "--json")
    output, said = process.communicate(timeout=60)
    assert process.returncode == 1
    rows = json.loads(output)
    assert [row["prepared"] for row in rows] == [False, False, True]
    text = said.decode()
    for name in TOYS[:2]:  # before anything long, and again at the end
        first, last = text.split("Preparing toy-gamma")
        assert f"https://www.kaggle.com/c/{name}/rules" in first
        assert f"https://www.kaggle.com/c/{name}/rules" in last
    assert "1 of 3 competitions are prepared" in text
