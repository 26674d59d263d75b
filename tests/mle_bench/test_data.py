"""From Kaggle's zip to prepared data, with a toy MLE-bench, a server for Kaggle, and kill -9."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from redux_tui.bench.data.means import Options
from redux_tui.bench.data.place import is_prepared, read_marker, require_space
from redux_tui.bench.data.prepare import prepare
from redux_tui.bench.data.prepare_all import prepare_all
from redux_tui.bench.data.use import using_data
from redux_tui.bench.environment.make import ensure_environment
from redux_tui.bench.kaggle.errors import (
    NoCredentials,
    NotFound,
    RulesNotAccepted,
    WrongCredentials,
)
from redux_tui.bench.progress import Progress, ignore
from redux_tui.bench.repository.clone import find_clone
from redux_tui.catalog import Catalog
from redux_tui.config import NAME, Settings, load
from redux_tui.models import Competition, InfrastructureError, ReduxError
from tests.support.kaggle_server import FakeKaggle
from tests.support.mle_bench import TOYS, board, git, toy_settings, toy_zip, write_mle_bench

DOWNLOAD = "DownloadDataFiles"
FULL = "raise OSError(28, 'No space left on device')\n"
MOMENTS = (  # what is there by then of a competition's folder
    "prepared",
    "*.zip.part",
    ".zip.json",
    ".raw.extracting",
    ".raw.extracting/notes/30.bin",
    ".preparing/public/*",
    ".preparing/.redux-tui.json",
    ".discarded",
)


@dataclass
class Bench:
    """A config, a clone, a data folder, and Kaggle."""

    root: Path
    kaggle: FakeKaggle

    @property
    def config(self) -> Path:
        return self.root / NAME

    @property
    def repo(self) -> Path:
        return self.root / "mle-bench"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def settings(self) -> Settings:
        return load(self.config)

    def toy(self, name: str = "toy-alpha") -> Competition:
        return Catalog.of(self.settings).competition(name)

    def source(self, name: str) -> Path:
        return self.repo / "mlebench" / "competitions" / name

    async def prepare(self, name: str = "toy-alpha", options: Options | None = None) -> list[str]:
        """What was said meanwhile."""
        said: list[str] = []
        await prepare(self.toy(name), self.settings, said.append, options=options or Options())
        return said

    def downloads(self) -> int:
        return len(self.kaggle.asked(DOWNLOAD))

    def place(self, name: str = "toy-alpha") -> Path:
        """Kaggle's zip is there already."""
        file = self.data / name / f"{name}.zip"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(toy_zip(name))
        return file

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "redux_tui", "--config", str(self.config), "prepare"]
        return subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.root
        )


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone, and beside it the note that this interpreter can work with it: seconds each."""
    root = tmp_path_factory.mktemp("made-once")
    repo = write_mle_bench(root / "mle-bench")
    (repo / "mlebench/competitions/toy-beta/leaderboard.csv").write_text(board("toy-beta"))
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "One")
    clone = find_clone(repo)
    assert clone is not None
    python = Path(sys.executable)
    asyncio.run(ensure_environment(clone, python=python, say=print, tell=ignore))
    return root


@pytest.fixture
def bench(tmp_path: Path, made_once: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    with FakeKaggle() as kaggle:
        made = Bench(tmp_path, kaggle)
        made.config.write_text(toy_settings(made.repo, data_dir=made.data))
        for name in TOYS:
            kaggle.add(name, toy_zip(name), files={"train.csv": 10_000})
        for key, value in kaggle.environment.items():
            monkeypatch.setenv(key, value)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        yield made


@pytest.fixture
def offline(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Without network and credentials."""
    monkeypatch.setenv("REDUX_KAGGLE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("KAGGLE_USERNAME")
    monkeypatch.delenv("KAGGLE_KEY")
    return bench


def files_of(folder: Path) -> dict[str, str]:
    """Each file's sum, but for the lock's."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    sums = {str(f.relative_to(folder)): hashlib.md5(f.read_bytes()).hexdigest() for f in files}
    return {name: sum_ for name, sum_ in sums.items() if not Path(name).name.startswith(".zip.")}


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


async def test_cancelled_it_leaves_what_the_next_can_go_on_from(bench: Bench) -> None:
    large_alpha(bench)
    bench.kaggle.competitions["toy-alpha"].stalls = [2_500_000]
    task = asyncio.create_task(bench.prepare())
    async with asyncio.timeout(30):
        while not list(bench.data.glob("toy-alpha/*.part*")):  # noqa: ASYNC110 - a thread's
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await bench.prepare()
    assert is_prepared(bench.toy(), bench.data)


async def test_killed_in_its_prepare_function_it_starts_from_whole_raw_files(
    bench: Bench,
) -> None:
    """toy-beta extracts an archive in raw/; half of that must not be there the next time."""
    prepare_py = bench.source("toy-beta") / "prepare.py"
    good = prepare_py.read_text()
    prepare_py.write_text(
        good.replace(
            "    table = ",
            "    (raw / 'train.csv').write_text('id,price\\n1,')\n"
            f"    open({str(bench.root / 'half')!r}, 'w').close()\n"
            "    import time; time.sleep(60)\n"
            "    table = ",
        )
    )
    process = bench.start("-c", "toy-beta")
    async with asyncio.timeout(30):
        while not (bench.root / "half").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)
    process.kill()
    process.communicate()
    assert (bench.data / "toy-beta/raw/train.csv").read_text() == "id,price\n1,"
    prepare_py.write_text(
        good.replace("extract(raw", "(raw / 'train.csv').exists() or extract(raw")
    )
    started = time.monotonic()
    await bench.prepare("toy-beta")
    assert time.monotonic() - started < 10, "the killed one's child was not waited for"
    assert not (bench.data / "toy-beta/raw").exists()
    assert bench.downloads() == 1


def test_killed_at_any_moment_it_goes_on_and_uses_half_of_nothing(bench: Bench) -> None:
    large_alpha(bench)
    process = bench.start("-c", "toy-alpha")
    assert process.wait(60) == 0
    expected = files_of(bench.data)
    folder, landed = bench.data / "toy-alpha", 0
    for moment in MOMENTS:
        process = bench.start("-c", "toy-alpha", "--force")
        while process.poll() is None and not any(folder.glob(moment)):
            time.sleep(0.001)
        landed += process.poll() is None
        process.kill()
        process.communicate()
        if is_prepared(bench.toy(), bench.data):
            for file, sum_ in files_of(folder / "prepared").items():
                assert expected[f"toy-alpha/prepared/{file}"] == sum_
        if moment == MOMENTS[0]:
            shutil.rmtree(bench.data)
    assert landed >= len(MOMENTS) - 2  # the last ones are short
    process = bench.start("-c", "toy-alpha")
    assert process.wait(60) == 0
    assert files_of(bench.data) == expected


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


async def test_half_written_notes_of_a_killed_process_go(offline: Bench) -> None:
    archive = offline.place()
    (archive.parent / ".toy-alpha.zip.part.json.h2dr3a71").write_text('{"sl')
    await offline.prepare()
    assert not list(archive.parent.glob(".*.json.*"))


async def test_a_disk_that_becomes_full_in_a_prepare_function_is_said(offline: Bench) -> None:
    archive = offline.place()
    source = offline.source("toy-alpha") / "prepare.py"
    source.write_text(source.read_text() + "\n\ndef prepare(raw, public, private):\n    " + FULL)
    with pytest.raises(InfrastructureError, match=r"disk became full.*data_dir"):
        await offline.prepare()
    assert archive.exists() and not (archive.parent / ".preparing").exists()


def large_alpha(bench: Bench) -> int:
    """Have toy-alpha's zip be large enough to be killed in; its size in bytes."""
    archive = bench.root / "large.zip"
    archive.write_bytes(toy_zip("toy-alpha"))
    dice = random.Random(0)
    with zipfile.ZipFile(archive, "a") as opened:
        for number in range(40):
            opened.writestr(f"notes/{number}.bin", dice.randbytes(100_000))
    content = archive.read_bytes()
    bench.kaggle.add("toy-alpha", content)
    checksums = bench.source("toy-alpha") / "checksums.yaml"
    *lines, _ = checksums.read_text().splitlines()
    checksums.write_text("\n".join([*lines, f"zip: {hashlib.md5(content).hexdigest()}"]))
    return len(content)


def test_raw_files_left_by_one_killed_at_its_very_end_go(offline: Bench) -> None:
    archive = offline.place()
    asyncio.run(offline.prepare())
    raw = archive.parent / "raw"
    shutil.unpack_archive(archive, raw)
    (archive.parent / ".raw.json").write_text(json.dumps({"ours": True, "in_use": True}))
    asyncio.run(offline.prepare())
    assert not raw.exists() and not (archive.parent / ".raw.json").exists()


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


def test_interrupted_the_command_says_that_it_goes_on(bench: Bench) -> None:
    large_alpha(bench)
    bench.kaggle.competitions["toy-alpha"].stalls = [2_500_000]
    process = bench.start("-c", "toy-alpha")
    deadline = time.monotonic() + 30
    while not list(bench.data.glob("toy-alpha/*.part*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the next start goes on" in said.decode()
    assert "Traceback" not in said.decode()
