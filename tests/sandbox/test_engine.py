"""Finding the engine as the docker command does, with sentences where there is none."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from redux_tui.models import InfrastructureError
from redux_tui.sandbox.engine import Engine, find_engine
from redux_tui.sandbox.facts import describe

Environment = dict[str, str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def environment(home: Path) -> Environment:
    return {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run")}


@pytest.fixture
def answering(home: Path) -> Iterator[Path]:
    """A socket on which something answers a ping as an engine does."""
    path = home / "engine.sock"
    with listening(path) as server:
        thread = threading.Thread(target=answer, args=(server,), daemon=True)
        thread.start()
        yield path
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def listening(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    return server


def answer(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")


def add_context(home: Path, name: str, url: str) -> None:
    folder = home / ".docker/contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    meta = {"Name": name, "Endpoints": {"docker": {"Host": url}}}
    (folder / "meta.json").write_text(json.dumps(meta))


def test_a_setting_wins_over_docker_host(answering: Path, environment: Environment) -> None:
    environment["DOCKER_HOST"] = "unix:///nowhere.sock"
    engine = find_engine(str(answering), environment)
    assert engine.url == f"unix://{answering}"
    assert "config" in engine.rule


def test_docker_host_wins_over_a_context(
    answering: Path, environment: Environment, home: Path
) -> None:
    add_context(home, "other", "unix:///nowhere.sock")
    environment |= {"DOCKER_CONTEXT": "other", "DOCKER_HOST": f"unix://{answering}"}
    assert find_engine(None, environment) == Engine(f"unix://{answering}", "DOCKER_HOST")


def test_the_current_context_is_used(answering: Path, environment: Environment, home: Path) -> None:
    add_context(home, "mine", f"unix://{answering}")
    (home / ".docker/config.json").write_text('{"currentContext": "mine"}')
    engine = find_engine(None, environment)
    assert (engine.url, engine.rule) == (f"unix://{answering}", "docker context 'mine'")


def test_an_unknown_context_is_an_error_and_not_the_usual_socket(environment: Environment) -> None:
    environment["DOCKER_CONTEXT"] = "gone"
    with pytest.raises(InfrastructureError, match=r"context 'gone', selected by DOCKER_CONTEXT"):
        find_engine(None, environment)


def test_a_named_engine_that_does_not_answer_is_an_error(
    home: Path, environment: Environment
) -> None:
    path = home / "dead.sock"
    listening(path).close()
    environment["DOCKER_HOST"] = f"unix://{path}"
    with pytest.raises(InfrastructureError, match=r"from DOCKER_HOST.*nothing listens.*start it"):
        find_engine(None, environment)


def test_a_remote_engine_that_does_not_answer_is_an_error(environment: Environment) -> None:
    environment["DOCKER_HOST"] = "tcp://127.0.0.1:9"
    with pytest.raises(InfrastructureError, match=r"tcp://127.0.0.1:9 \(from DOCKER_HOST\)"):
        find_engine(None, environment)


def test_without_any_engine_it_says_how_to_get_one(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redux_tui.sandbox.engine.usual_sockets", lambda _: iter(()))
    with pytest.raises(InfrastructureError, match=r"No Docker engine was found.*Install Docker"):
        find_engine(None, environment)


def test_a_rootless_socket_is_found(
    environment: Environment, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redux_tui.sandbox import engine

    listening(home / "run/docker.sock").close()
    assert home / "run/docker.sock" in list(engine.usual_sockets(environment))


@pytest.mark.docker
def test_the_real_engine_describes_itself(docker_engine: Engine) -> None:
    facts = describe(docker_engine)
    assert facts.version
    assert facts.cpus > 0
    assert facts.memory > 1 << 28
    assert facts.local
