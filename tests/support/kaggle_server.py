"""A stand-in for Kaggle: two real HTTP servers on loopback, one for the API, one for the storage.

    with FakeKaggle() as kaggle:
        kaggle.add("toy-alpha", zip_bytes)
        kaggle.cut("toy-alpha", after=1000)  # the next download breaks after 1000 bytes
        ... REDUX_KAGGLE_ENDPOINT = kaggle.url; kaggle.username, kaggle.key, kaggle.token

By hand: `python tests/support/kaggle_server.py FOLDER PORT` serves each FOLDER/<slug>.zip.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

RULES = "You must accept this competition's rules before you'll be able to download files."
_CHUNK = 1 << 16


class Body:
    """What a competition's zip holds: bytes, a file, or a pattern as large as you like."""

    def __init__(self, content: bytes | Path) -> None:
        self._content = content
        self.size = content.stat().st_size if isinstance(content, Path) else len(content)

    def read(self, start: int, count: int) -> bytes:
        if isinstance(self._content, bytes):
            return self._content[start : start + count]
        with self._content.open("rb") as file:
            file.seek(start)
            return file.read(count)

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for start in range(0, self.size, 1 << 20):
            digest.update(self.read(start, 1 << 20))
        return digest.hexdigest()


class Pattern(Body):
    """`size` bytes made on the fly: no two MiB of it are alike, so that a mix-up shows."""

    def __init__(self, size: int, seed: int = 0) -> None:
        self.size = size
        self._block = random.Random(seed).randbytes(1 << 20)

    def read(self, start: int, count: int) -> bytes:
        end, parts = min(start + count, self.size), []
        while start < end:
            number, offset = divmod(start, 1 << 20)
            block = number.to_bytes(8, "big") + self._block[8:]
            parts.append(block[offset : offset + end - start])
            start += len(parts[-1])
        return b"".join(parts)


@dataclass
class FakeCompetition:
    """One competition, and how the storage treats its zip; change it while the server runs."""

    body: Body
    entered: bool = True
    files: Mapping[str, int] = field(default_factory=dict)  # name: bytes
    etag: str | None = '"first"'
    last_modified: str | None = None
    knows_ranges: bool = True
    sized: bool = True  # False: no Content-Length
    speed: float | None = None  # bytes a second
    cuts: list[int] = field(default_factory=list)  # each of the next downloads ends after so many
    stalls: list[int] = field(default_factory=list)  # each stands still after so many


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    server: str  # "api", "storage"
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    to: str
    times: int


class FakeKaggle:
    """Accounts, competitions, and all that can go wrong. A context manager, for one test."""

    username, key = "datadinosaur", "0123456789abcdef0123456789abcdef"
    token = "KGAT_00000000000000000000000000000000"
    refresh_token = "refresh-0000"

    def __init__(self, port: int = 0, *, anyone: bool = False) -> None:
        self.anyone = anyone  # any credentials will do
        self.keys = {self.username: self.key}
        self.tokens = {self.token: self.username}
        self.competitions: dict[str, FakeCompetition] = {}
        self.requests: list[Request] = []
        self.sent = 0  # bytes of zips
        self.storage_host = ""  # what the API redirects to; "": the storage server's own address
        self._answers: list[_Answer] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._api = _Server(("127.0.0.1", port), _handler(self, "api", self._answer_api))
        self._storage = _Server(("127.0.0.1", 0), _handler(self, "storage", self._answer_storage))

    def __enter__(self) -> FakeKaggle:
        for server in (self._api, self._storage):
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for server in (self._api, self._storage):
            server.shutdown()
            server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._api.server_port}"

    @property
    def storage_url(self) -> str:
        return f"http://127.0.0.1:{self._storage.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to use this."""
        return {
            "REDUX_KAGGLE_ENDPOINT": self.url,
            "KAGGLE_USERNAME": self.username,
            "KAGGLE_KEY": self.key,
        }

    def add(self, slug: str, body: bytes | Path | Body, **options: Any) -> FakeCompetition:
        """Have a competition; the options are FakeCompetition's fields."""
        body = body if isinstance(body, Body) else Body(body)
        self.competitions[slug] = FakeCompetition(body, **options)
        return self.competitions[slug]

    def cut(self, slug: str, after: int, times: int = 1) -> None:
        """Break the connection of the next downloads after so many bytes of each."""
        self.competitions[slug].cuts += [after] * times

    def answer(
        self,
        status: int,
        *,
        to: str = "",
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> None:
        """Answer the next requests whose path holds `to` so ("ListDataFiles", "/storage/toy").

        Without a body, with Kaggle's JSON of an error.
        """
        if body is None:
            body = json.dumps({"code": status, "message": f"status {status}"}).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        self._answers.append(_Answer(status, headers or {}, body, to, times))

    def asked(self, to: str) -> list[Request]:
        """The requests so far whose path holds `to`."""
        return [each for each in self.requests if to in each.path]

    def next_answer(self, path: str) -> _Answer | None:
        with self._lock:
            for each in self._answers:
                if each.to in path and each.times > 0:
                    each.times -= 1
                    return each
        return None

    # the API

    def _answer_api(self, handler: _Handler, path: str, asked: dict[str, Any]) -> None:
        service, _, method = path.removeprefix("/api").removeprefix("/v1/").partition("/")
        if method == "GenerateAccessToken":
            if asked.get("refreshToken") != self.refresh_token:
                return handler.fail(401, "Invalid refresh token")
            return handler.reply({"token": self.token, "expiresIn": 43200})
        if not self._is_known(handler.headers.get("Authorization", "")):
            return handler.fail(401, "Unauthenticated")
        answers: dict[str, Callable[[_Handler, dict[str, Any]], None]] = {
            "IntrospectToken": self._introspect,
            "ListCompetitions": self._list_competitions,
            "GetCompetition": self._get_competition,
            "ListDataFiles": self._list_data_files,
            "DownloadDataFiles": self._download_data_files,
        }
        if method not in answers:
            return handler.fail(404, f"No {service}/{method} here")
        if "competitionName" in asked and asked["competitionName"] not in self.competitions:
            return handler.fail(404, "Competition not found")
        answers[method](handler, asked)

    def _is_known(self, authorization: str) -> bool:
        kind, _, value = authorization.partition(" ")
        if self.anyone:
            return True
        if kind == "Basic":
            user, _, key = base64.b64decode(value).decode().partition(":")
            return key != "" and self.keys.get(user) == key
        return kind == "Bearer" and value in self.tokens

    def _introspect(self, handler: _Handler, asked: dict[str, Any]) -> None:
        user = self.tokens.get(asked["token"], self.username if self.anyone else None)
        handler.reply({"active": True, "username": user} if user else {})

    def _list_competitions(self, handler: _Handler, asked: dict[str, Any]) -> None:
        entered = [slug for slug, each in self.competitions.items() if each.entered]
        found = [self._describe(slug) for slug in entered[: asked.get("pageSize", 20)]]
        handler.reply({"competitions": found, "nextPageToken": ""})

    def _get_competition(self, handler: _Handler, asked: dict[str, Any]) -> None:
        handler.reply(self._describe(asked["competitionName"]))

    def _describe(self, slug: str) -> dict[str, Any]:
        url = f"https://www.kaggle.com/competitions/{slug}"
        known = {"ref": url, "title": slug, "url": url, "dateCreated": "2026-01-01T00:00:00.000Z"}
        # as theirs: what is false is left out
        return {**known, "userHasEntered": True} if self.competitions[slug].entered else known

    def _list_data_files(self, handler: _Handler, asked: dict[str, Any]) -> None:
        files = self.competitions[asked["competitionName"]].files
        start, count = int(asked.get("pageToken") or 0), asked.get("pageSize", 20)
        page = [{"ref": n, "name": n, "totalBytes": files[n]} for n in [*files][start:][:count]]
        more = str(start + count) if start + count < len(files) else ""
        handler.reply({"files": page, "nextPageToken": more})

    def _download_data_files(self, handler: _Handler, asked: dict[str, Any]) -> None:
        slug = asked["competitionName"]
        if not self.competitions[slug].entered:
            return handler.fail(403, RULES)
        where = f"{self.storage_host or self.storage_url}/storage/{quote(slug)}/archive.zip"
        handler.send_response(302)
        handler.send_header("Location", f"{where}?X-Signature=signed")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    # the storage

    def _answer_storage(self, handler: _Handler, path: str, _: dict[str, Any]) -> None:
        slug = unquote(path.removeprefix("/storage/").partition("/")[0])
        if slug not in self.competitions:
            return handler.fail(404, "No such object")
        one = self.competitions[slug]
        start = self._start(one, handler.headers)
        if start is not None and start >= one.body.size:
            return handler.fail(416, "Range not satisfiable")
        handler.send_response(200 if start is None else 206)
        for name, value in self._storage_headers(one, start).items():
            handler.send_header(name, value)
        handler.end_headers()
        self._send(handler, one, start or 0)

    def _start(self, one: FakeCompetition, headers: Any) -> int | None:
        """Where the client wants to go on; None: it gets the whole."""
        wanted, condition = headers.get("Range"), headers.get("If-Range")
        if not wanted or not one.knows_ranges:
            return None
        if condition and condition not in (one.etag, one.last_modified):
            return None
        return int(wanted.removeprefix("bytes=").rstrip("-"))

    def _storage_headers(self, one: FakeCompetition, start: int | None) -> dict[str, str]:
        found = {"Content-Type": "application/zip", "ETag": one.etag or ""}
        found["Last-Modified"] = one.last_modified or ""
        found["Accept-Ranges"] = "bytes" if one.knows_ranges else "none"
        if start is not None:
            found["Content-Range"] = f"bytes {start}-{one.body.size - 1}/{one.body.size}"
        if one.sized:
            found["Content-Length"] = str(one.body.size - (start or 0))
        else:
            found["Connection"] = "close"
        return {name: value for name, value in found.items() if value}

    def _send(self, handler: _Handler, one: FakeCompetition, start: int) -> None:
        with self._lock:
            cut = one.cuts.pop(0) if one.cuts else None
            stall = one.stalls.pop(0) if one.stalls else None
        stop = one.body.size if cut is None else min(start + cut, one.body.size)
        for position in range(start, stop, _CHUNK):
            if stall is not None and position - start >= stall:
                self._over.wait()
            chunk = one.body.read(position, min(_CHUNK, stop - position))
            handler.wfile.write(chunk)
            with self._lock:
                self.sent += len(chunk)
            if one.speed:
                self._over.wait(len(chunk) / one.speed)
        if cut is not None or not one.sized:
            handler.break_off()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what many tests are about."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with connections kept open; speaks for whichever of the two servers it is in."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    fake: FakeKaggle
    server_name = ""
    answer: Callable[[_Handler, str, dict[str, Any]], None]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._handle(json.loads(body or b"{}"))

    def do_GET(self) -> None:
        self._handle({})

    def _handle(self, asked: dict[str, Any]) -> None:
        path = urlsplit(self.path).path  # a proxy gets the whole URL
        self.fake.requests.append(Request(self.server_name, path, dict(self.headers), asked))
        if (ready := self.fake.next_answer(path)) is not None:
            self._reply(ready.status, ready.headers, ready.body)
        else:
            type(self).answer(self, path, asked)

    def reply(self, value: Any, status: int = 200) -> None:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        self._reply(status, headers, json.dumps(value).encode())

    def fail(self, status: int, message: str) -> None:
        self.reply({"code": status, "message": message}, status)

    def break_off(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def _reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The requests are kept; nothing is printed."""


def _handler(
    fake: FakeKaggle, name: str, answer: Callable[[_Handler, str, dict[str, Any]], None]
) -> type[_Handler]:
    return type("Handler", (_Handler,), {"fake": fake, "server_name": name, "answer": answer})


def main(folder: str, port: str) -> None:
    """Serve a folder of zips until interrupted; any credentials will do."""
    with FakeKaggle(int(port), anyone=True) as kaggle:
        for file in sorted(Path(folder).glob("*.zip")):
            competition = kaggle.add(file.stem, file, files={file.name: file.stat().st_size})
            competition.etag = f'"{competition.body.sha256()[:32]}"'
        found = ", ".join(kaggle.competitions) or "no competitions"
        sys.stdout.write(f"REDUX_KAGGLE_ENDPOINT={kaggle.url} serves {found}. Ctrl-C ends it.\n")
        sys.stdout.flush()
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            sys.stdout.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Usage: python tests/support/kaggle_server.py FOLDER PORT")
    main(sys.argv[1], sys.argv[2])
