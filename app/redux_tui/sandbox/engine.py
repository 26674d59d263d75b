"""Finds the Docker engine the way the docker command does, and says which rule found it."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from redux_tui.models import InfrastructureError

Client: TypeAlias = Any
"""docker's APIClient, whose published stubs leave many of its methods untyped."""

PING_TIMEOUT = 3.0
START_IT = (
    "Install Docker Engine (https://docs.docker.com/engine/install/) or start it (Linux:"
    " `sudo systemctl start docker`; macOS: Docker Desktop, Colima or OrbStack)."
)


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answered, and the rule by which it was found."""

    url: str
    rule: str
    certificates: Path | None = None  # folder of ca.pem, cert.pem, key.pem for TLS

    @property
    def is_local(self) -> bool:
        """Whether it sits behind a socket of this machine (it may still be in a VM)."""
        return self.url.startswith(("unix://", "/"))


def find_engine(setting: str | None = None, environment: Mapping[str, str] = os.environ) -> Engine:
    """The engine by: explicit setting, DOCKER_HOST, docker context, the usual sockets.

    The first rule that applies decides; only usual sockets are tried one after the other. Raises
    InfrastructureError with a sentence that says what was tried, why it failed, and what to do.
    """
    engine = _named_engine(setting, environment)
    if engine is not None:
        trouble = trouble_with(engine)
        if trouble is None:
            return engine
        raise InfrastructureError(
            f"The Docker engine at {engine.url} (from {engine.rule}) {trouble}"
        )
    troubles = []
    for path in usual_sockets(environment):
        engine = Engine(f"unix://{path}", "usual socket")
        trouble = trouble_with(engine)
        if trouble is None:
            return engine
        troubles.append(f"{path} {trouble}")
    if troubles:
        raise InfrastructureError("No Docker engine can be used: " + " ".join(troubles))
    raise InfrastructureError(
        "No Docker engine was found: DOCKER_HOST is not set, no docker context is selected, and"
        f" none of the usual sockets exists (/var/run/docker.sock and others). {START_IT}"
    )


def connect(engine: Engine, timeout: float = 60.0) -> Client:
    """A client of the engine; raises docker's or requests' exceptions if it does not answer."""
    from docker.api.client import APIClient
    from docker.tls import TLSConfig

    options: dict[str, Any] = {}
    if engine.certificates is not None:
        folder = engine.certificates
        options["tls"] = TLSConfig(
            client_cert=(str(folder / "cert.pem"), str(folder / "key.pem")),
            ca_cert=str(folder / "ca.pem"),
            verify=True,
        )
    if engine.url.startswith("ssh://"):
        options["use_ssh_client"] = True  # paramiko knows neither ~/.ssh/config nor agents well
    return APIClient(
        base_url=engine.url, version="auto", timeout=int(timeout), max_pool_size=32, **options
    )


def trouble_with(engine: Engine) -> str | None:
    """Why the engine can't be used, as the end of a sentence with advice; None if it can.

    Asks on a new connection: an engine that shuts down still answers on those it has.
    """
    if not engine.is_local:
        return _remote_trouble(engine)
    path = engine.url.removeprefix("unix://")
    try:
        status, body = _ping(path)
    except FileNotFoundError:
        return f"does not answer: there is no such socket. {START_IT}"
    except PermissionError:
        return (
            "may not be used by you: permission denied. Add yourself to its group (`sudo usermod"
            " -aG docker $USER`), then log in anew; or use rootless Docker."
        )
    except ConnectionRefusedError:
        return f"does not answer: its socket is there, but nothing listens on it. {START_IT}"
    except TimeoutError:
        return (
            f"does not answer within {PING_TIMEOUT:.0f} s. Restart it (`sudo systemctl restart"
            " docker`)."
        )
    except (OSError, http.client.HTTPException) as error:
        return f"does not answer ({error or type(error).__name__}). {START_IT}"
    if status != 200:
        return f"answers a ping with {status} {body[:80]!r}. Is that socket Docker's?"
    return None


def usual_sockets(environment: Mapping[str, str]) -> Iterator[Path]:
    """The sockets that exist among those that engines for one machine put somewhere."""
    home = Path(environment.get("HOME") or Path.home())
    runtime = Path(environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    candidates = [
        Path("/var/run/docker.sock"),
        runtime / "docker.sock",  # rootless
        home / ".docker/run/docker.sock",  # Docker Desktop, macOS
        home / ".docker/desktop/docker.sock",  # Docker Desktop, Linux
        home / ".colima/default/docker.sock",
        home / ".orbstack/run/docker.sock",
        home / ".rd/docker.sock",  # Rancher Desktop
        *sorted(home.glob(".lima/*/sock/docker.sock")),
        runtime / "podman/podman.sock",
        Path("/run/podman/podman.sock"),
    ]
    for path in candidates:
        try:
            exists = stat.S_ISSOCK(path.stat().st_mode)
        except PermissionError:
            exists = path.name == "docker.sock"  # worth the sentence about permissions
        except OSError:
            continue
        if exists:
            yield path


def _named_engine(setting: str | None, environment: Mapping[str, str]) -> Engine | None:
    if setting:
        url = f"unix://{setting}" if setting.startswith("/") else setting
        return Engine(url, "docker.host of the config", _tls_of(environment))
    if host := environment.get("DOCKER_HOST"):
        return Engine(host, "DOCKER_HOST", _tls_of(environment))
    return _context_engine(environment)


def _tls_of(environment: Mapping[str, str]) -> Path | None:
    if not environment.get("DOCKER_TLS_VERIFY"):
        return None
    return Path(environment.get("DOCKER_CERT_PATH") or _config_folder(environment))


def _config_folder(environment: Mapping[str, str]) -> Path:
    home = Path(environment.get("HOME") or Path.home())
    return Path(environment.get("DOCKER_CONFIG") or home / ".docker")


def _context_engine(environment: Mapping[str, str]) -> Engine | None:
    """The engine of the selected docker context; None if that is the default one."""
    folder = _config_folder(environment)
    name, source = environment.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
    if not name:
        name, source = _current_context(folder / "config.json"), f"{folder / 'config.json'}"
    if not name or name == "default":
        return None
    key = hashlib.sha256(name.encode()).hexdigest()
    try:
        meta = json.loads((folder / "contexts/meta" / key / "meta.json").read_text())
        url = meta["Endpoints"]["docker"]["Host"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InfrastructureError(
            f"The docker context {name!r}, selected by {source}, does not exist in {folder}."
            " `docker context ls` lists those that do; `docker context use default` goes back to"
            " the usual socket."
        ) from error
    tls = folder / "contexts/tls" / key / "docker"
    return Engine(str(url), f"docker context {name!r}", tls if tls.is_dir() else None)


def _current_context(config: Path) -> str | None:
    try:
        value = json.loads(config.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InfrastructureError(
            f"Docker's settings file {config} can't be read ({error}). Mend it, or set"
            " DOCKER_HOST, which wins over it."
        ) from error
    name = value.get("currentContext") if isinstance(value, dict) else None
    return str(name) if name else None


def _ping(path: str) -> tuple[int, str]:
    """Ask over the socket by hand: importing the SDK takes longer than all of this."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PING_TIMEOUT)
        connection.connect(path)
        connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.read(200).decode("utf-8", "replace")


def _remote_trouble(engine: Engine) -> str | None:
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        connect(engine, timeout=10).close()
    except (DockerException, RequestException, OSError, ValueError) as error:
        return (
            f"does not answer ({error}). See that it runs and can be reached from here, or"
            " unset the setting to use this machine's engine."
        )
    return None
