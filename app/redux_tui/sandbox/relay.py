"""Serves ports of a container from unix sockets mounted into it: `relay.py 5000=/run/x.sock ...`.

It runs inside the agent's container, under whatever Python 3.7 or later the image has: standard
library only, one process and no threads, since both count against the agent's limits. It returns
once the ports are open, and a child of it, in a session of its own, goes on: it gets none of the
signals meant for the agent, holds none of its files, and ends with the container.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys

CHUNK = 1 << 16  # bytes that may wait in each direction of a connection
MOST = 64  # connections at a time; others wait
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
BODY = (
    b'{"error": "This service does not answer right now; redux-tui may be restarting. Try again in'
    b' a minute, and go on with your work meanwhile."}\n'
)
UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 60\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


def listen(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes any that is free."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(MOST)
    listener.setblocking(False)
    return listener


class Relay:
    """All connections of a table of listeners, each with the path of the socket behind it."""

    def __init__(self, table: dict[socket.socket, str]) -> None:
        self.table = table
        self.selector = selectors.DefaultSelector()
        self.links: set[Link] = set()

    def run(self) -> None:
        self._accept_more(True)
        while True:
            for key, events in self.selector.select():
                if key.data is None:
                    self._accept(key.fileobj)
                elif key.data in self.links:  # not closed by an event just before
                    key.data.advance(key.fileobj, events)
                    if key.data.is_over:
                        self._forget(key.data)

    def _accept(self, listener: object) -> None:
        assert isinstance(listener, socket.socket)
        if len(self.links) == MOST:
            return  # it was ready together with the one that was the last
        try:
            client, _ = listener.accept()
        except OSError:
            return  # it hung up before we came to it
        client.setblocking(False)
        link = Link(self.selector, client, _connect(self.table[listener]))
        self.links.add(link)
        if len(self.links) == MOST:
            self._accept_more(False)

    def _forget(self, link: Link) -> None:
        if len(self.links) == MOST:
            self._accept_more(True)
        self.links.discard(link)
        link.close()

    def _accept_more(self, more: bool) -> None:
        for listener in self.table:
            if more:
                self.selector.register(listener, READ)
            else:
                self.selector.unregister(listener)


class Link:
    """One client's connection: bytes go both ways, each at the pace of the one who takes them."""

    def __init__(
        self, selector: selectors.BaseSelector, client: socket.socket, service: socket.socket | None
    ) -> None:
        self.client = End(client)
        self.service = End(service)
        self._selector = selector
        self._answered = False
        if service is None:
            self._say_unavailable()
        self._watch()

    @property
    def is_over(self) -> bool:
        """Nobody takes any answer, or both have said and got all."""
        return self.client.deaf or (self.client.silent and self.service.silent and self._all_told)

    @property
    def _all_told(self) -> bool:
        return not self.client.waiting and not self.service.waiting

    def advance(self, ready: object, events: int) -> None:
        end, other = self.client, self.service
        if ready is other.socket:
            end, other = other, end
        if events & WRITE:
            end.send()
        if events & READ and not end.silent:
            self._pass_on(end, other)
        for one, source in ((self.client, self.service), (self.service, self.client)):
            if source.silent and not one.waiting:
                one.end()
        self._watch()

    def close(self) -> None:
        for end in (self.client, self.service):
            if end.socket is not None:
                if end.events:
                    self._selector.unregister(end.socket)
                end.socket.close()

    def _pass_on(self, source: End, target: End) -> None:
        data = source.receive()
        if source is self.service:
            self._answered = self._answered or bool(data)
            if source.silent and not self._answered:
                return self._say_unavailable()
        # to one who does not listen any more: taken and dropped, or the sender would never
        # come to read what was answered meanwhile
        target.waiting = b"" if target.deaf else data
        target.send()
        return None

    def _say_unavailable(self) -> None:
        self.service.silent = self.service.deaf = True
        self.service.waiting = b""
        self.client.waiting = UNAVAILABLE
        self.client.send()

    def _watch(self) -> None:
        for end, other in ((self.client, self.service), (self.service, self.client)):
            if end.socket is None:
                continue
            wanted = READ if not end.silent and not other.waiting else 0
            wanted |= WRITE if end.waiting else 0
            if wanted and end.events:
                self._selector.modify(end.socket, wanted, self)
            elif wanted:
                self._selector.register(end.socket, wanted, self)
            elif end.events:
                self._selector.unregister(end.socket)
            end.events = wanted


class End:
    """One side of a link; `waiting` is what it has still to be sent."""

    def __init__(self, connected: socket.socket | None) -> None:
        self.socket = connected
        self.waiting = b""
        self.silent = connected is None  # says nothing any more
        self.deaf = connected is None  # takes nothing any more
        self.told = False  # that nothing more will come for it
        self.events = 0

    def receive(self) -> bytes:
        assert self.socket is not None
        try:
            data = self.socket.recv(CHUNK)
        except BlockingIOError:
            return b""
        except OSError:  # reset: all that it said is here already
            data = b""
        self.silent = not data
        return data

    def send(self) -> None:
        if self.socket is None or not self.waiting:
            return
        try:
            self.waiting = self.waiting[self.socket.send(self.waiting) :]
        except BlockingIOError:
            return
        except OSError:
            self.waiting, self.deaf = b"", True

    def end(self) -> None:
        """Tell it that nothing more will come."""
        if self.socket is None or self.deaf or self.told:
            return
        self.told = True
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.deaf = True


def _connect(path: str) -> socket.socket | None:
    service = socket.socket(socket.AF_UNIX)
    service.setblocking(False)
    try:
        service.connect(path)
    except OSError:  # nobody there, or too many wait already
        service.close()
        return None
    return service


def main() -> None:
    try:
        pairs = [argument.partition("=") for argument in sys.argv[1:]]
        relay = Relay({listen(int(port)): path for port, _, path in pairs})
    except (OSError, ValueError) as error:
        sys.exit(f"redux-tui: the ports {' '.join(sys.argv[1:])} can't be served: {error}.")
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    relay.run()


if __name__ == "__main__":
    main()
