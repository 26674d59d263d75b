"""Makes a base image for agents without a registry: this Debian's own packages, as a Docker image.

`python tests/support/docker_base.py [TAG]` (default redux-base:latest) packs the files of python3,
pip and a shell with everything that they depend on, and imports them into the engine. Tests build
their agents on it, and so may anyone who sits behind a wall: `REDUX_BASE_IMAGE=redux-base:latest`.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

TAG = "redux-base:latest"
NEEDED = ("python3", "python3-pip", "python3-venv", "ca-certificates", "libgomp1", "procps")
ESSENTIAL = ("base-files", "base-passwd", "bash", "coreutils", "dash", "findutils", "grep", "sed")
ROOTS = (*NEEDED, *ESSENTIAL, "mawk", "util-linux", "libc-bin", "libstdc++6", "netbase", "tzdata")
SKIPPED = re.compile(
    r"^usr/share/(doc|man|locale|info|lintian|bug|bash-completion|zoneinfo/(right|posix))/"
    r"|/EXTERNALLY-MANAGED$|/__pycache__/"
)
BUNDLE = "etc/ssl/certs/ca-certificates.crt"
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
FOLDERS = {"proc": 0o755, "sys": 0o755, "dev": 0o755, "run": 0o755, "home": 0o755, "root": 0o700}
OPEN_FOLDERS = ("tmp", "var/tmp")
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nagent:x:65532:65532::/home:/bin/sh\n",
    "etc/group": "root:x:0:\nagent:x:65532:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def ensure(tag: str = TAG) -> str:
    """Make the image if the engine has none of that name; return the name. Safe in parallel."""
    import docker

    with (Path(tempfile.gettempdir()) / f"redux-base-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client = docker.from_env()
        try:
            if not client.images.list(name=tag):
                build(tag)
        finally:
            client.close()
    return tag


def build(tag: str) -> None:
    """Pack the packages and import them as `tag`, whatever was called so before."""
    import docker

    _install_missing()
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
            _pack(archive, _files(_closure(ROOTS)))
        file.flush()
        repository, _, name = tag.rpartition(":")
        client = docker.from_env(timeout=300)
        try:
            changes = ["CMD bash", "LABEL redux.schema=1", *_environment()]
            client.api.import_image_from_file(file.name, repository, name, changes=changes)
            client.images.get(tag)  # the import reports failure in its text only
        finally:
            client.close()


def _environment() -> list[str]:
    """As the image's `ENV` lines: where Python's own TLS and pip find this machine's roots."""
    values = {"LANG": "C.UTF-8", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    values |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"), f"/{BUNDLE}")
    return [f"ENV {name}={value}" for name, value in values.items()]


def _install_missing() -> None:
    missing = [name for name in NEEDED if _query("${db:Status-Status}", name) != "installed"]
    if not missing:
        return
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=120"]
    subprocess.run([*apt, "update"], check=True, stdout=subprocess.DEVNULL)
    command = [*apt, "install", "-y", "--no-install-recommends", *missing]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)


def _query(form: str, package: str) -> str:
    command = ["dpkg-query", "--show", f"--showformat={form}", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _closure(roots: Iterable[str]) -> list[str]:
    """The installed packages among `roots` and all that these depend on."""
    form = "${Package}\t${db:Status-Status}\t${Pre-Depends},${Depends}\t${Provides}\n"
    listing = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={form}"], capture_output=True, text=True, check=True
    ).stdout
    depends: dict[str, list[str]] = {}
    provided: dict[str, str] = {}
    for line in listing.splitlines():
        package, status, needs, provides = line.split("\t")
        if status == "installed":
            depends[package] = re.split(r"[,|]", needs)
            provided |= {_bare(name): package for name in provides.split(",")}
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = _bare(waiting.pop())
        package = name if name in depends else provided.get(name, "")
        if package in depends and package not in found:
            found.add(package)
            waiting += depends[package]
    return sorted(found)


def _bare(dependency: str) -> str:
    """`libc6:any (>= 2.36)` -> `libc6`."""
    return re.split(r"[ :(]", dependency.strip(), maxsplit=1)[0]


def _files(packages: list[str]) -> list[Path]:
    listing = subprocess.run(
        ["dpkg", "-L", *packages], capture_output=True, text=True, check=True
    ).stdout
    # `python` is no package's: the rest are the names that alternatives point to
    extra = ["/usr/bin/awk", "/etc/alternatives/awk", "/etc/localtime"]
    lines = [line for line in listing.splitlines() if line.startswith("/")]
    return [Path(line) for line in dict.fromkeys([*lines, *extra])]


def _pack(archive: tarfile.TarFile, files: list[Path]) -> None:
    for name, target in LINKS.items():
        _add_link(archive, name, target)
    for name, mode in FOLDERS.items() | {(name, 0o1777) for name in OPEN_FOLDERS}:
        _add_folder(archive, name, mode)
    for name, text in ACCOUNTS.items():
        _add_text(archive, name, text.encode())
    _add_text(archive, BUNDLE, _certificates())
    done = {*LINKS, *FOLDERS, *OPEN_FOLDERS, *ACCOUNTS, BUNDLE, "", "usr/bin/python"}
    for path in files:
        # packages still name /bin and /lib, which are links to /usr on a merged system
        name = str(path.parent.resolve() / path.name).lstrip("/")
        if name in done or SKIPPED.search(name) or not os.path.lexists(path):
            continue
        done.add(name)
        archive.add(path, arcname=name, recursive=False)
    _add_link(archive, "usr/bin/python", "python3")


def _certificates() -> bytes:
    """This machine's roots, which may include those of a proxy that all traffic passes."""
    candidates = [os.environ.get(name) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
    for candidate in (*candidates, f"/{BUNDLE}"):
        if candidate and Path(candidate).is_file():
            return Path(candidate).read_bytes()
    raise SystemExit(f"No bundle of certificates at /{BUNDLE}: apt-get install ca-certificates.")


def _add_folder(archive: tarfile.TarFile, name: str, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    archive.addfile(info)


def _add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    archive.addfile(info)


def _add_text(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    archive.addfile(info, io.BytesIO(data))


if __name__ == "__main__":
    build(sys.argv[1] if len(sys.argv) > 1 else TAG)
