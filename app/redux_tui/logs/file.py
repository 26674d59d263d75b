"""A log file of any size, read by line number through a sparse index of its newlines.

A file is indexed from its end: what was printed last can be read at once, and the rest follows
slice by slice, so that no call takes long however large the file is. Lines are numbered from the
*anchor*, the chunk where indexing began: lines found above it get negative numbers. So a line keeps
its number while the index grows in both directions. (In a small file, the anchor is its beginning,
and line 0 its first line.)
"""

from __future__ import annotations

import os
import time
from array import array
from bisect import bisect_left, bisect_right
from pathlib import Path

CHUNK = 256 * 1024
"""Bytes for which the index keeps one count."""

LINE_BYTES = 16 * 1024
"""The most that is handed out of one line: lines of many megabytes do occur."""

_SMALL = 4 * 1024 * 1024  # up to here, the index begins at the file's beginning
_SEGMENT = 2048  # a newline is looked for one by one only within so few bytes


class LogFile:
    """A view over the file at `path`, which may grow, shrink, or not be there yet.

    `first` and `end` bound the numbers of the lines that are known so far; `end` is exclusive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shrunk = 0
        """How often the file got shorter or was replaced: line numbers begin anew each time."""
        self._descriptor: int | None = None
        self._buffer = bytearray(CHUNK)
        self._forget()

    def _forget(self) -> None:
        self._anchor = 0  # in chunks, as `_low`
        self._low = 0  # the lowest chunk that is counted
        self._above = array("q")  # newlines from the anchor upwards: 1 chunk, 2 chunks, …
        self._below = array("q")  # newlines from the anchor downwards: 1 chunk, 2 chunks, …
        self._partial = 0  # newlines in the last chunk, which is not full yet
        self._indexed = 0  # bytes: all from `_low` to here is counted
        self._is_open = False  # the last line has no newline yet
        self.size = 0

    @property
    def exists(self) -> bool:
        return self._descriptor is not None

    @property
    def is_complete(self) -> bool:
        """Whether everything that was in the file at the last refresh is known."""
        return self._low == 0 and self._indexed == self.size

    @property
    def progress(self) -> float:
        """The known share of the file, from 0 to 1."""
        return (self._indexed - self._low * CHUNK) / self.size if self.size else 1.0

    @property
    def first(self) -> int:
        """The first known line; while the index has not reached the beginning, a whole one."""
        return (1 if self._low else 0) - (self._above[-1] if self._above else 0)

    @property
    def end(self) -> int:
        return max(self.first, self._newlines_below + self._is_open)

    @property
    def line_count(self) -> int:
        return self.end - self.first

    def refresh(self, budget: float = 0.01) -> bool:
        """Take in what changed, for about `budget` seconds; whether anything is different now."""
        before = (self.shrunk, self.size, self._indexed, self._low, self.exists)
        self._look()
        deadline = time.perf_counter() + budget
        while not self.is_complete:
            if self._indexed < self.size:
                self._index_on()
            else:
                self._index_back()
            if time.perf_counter() > deadline:
                break
        return before != (self.shrunk, self.size, self._indexed, self._low, self.exists)

    def lines(self, start: int, count: int) -> list[bytes]:
        """The known ones of the lines from `start` on, without their newlines.

        Of a line longer than LINE_BYTES, a part is handed out: what a terminal would show last if
        it overwrites itself with carriage returns, else its beginning and how long it is.
        """
        number, stop = max(start, self.first), min(start + count, self.end)
        found: list[bytes] = []
        offset = self._start_of(number) if number < stop else 0
        while number < stop:
            block = self._read(offset, CHUNK)
            if not block:
                break  # it has shrunk since the last refresh, which will notice
            pieces = block.split(b"\n", stop - number)
            rest = pieces.pop()
            if pieces:
                found += map(_clip, pieces)
                number += len(pieces)
                offset += len(block) - len(rest)
            else:
                found.append(self._long_line(offset, number))
                number += 1
                offset = self._start_of(number) if number < stop else 0
        return found

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _look(self) -> None:
        """Open the file if it is there, and notice if it is another or a shorter one."""
        try:
            status = self.path.stat()
        except OSError:
            if self.exists:
                self.close()
                self._start_again()
            return
        if self._descriptor is not None:
            opened = os.fstat(self._descriptor)
            if (opened.st_ino, opened.st_dev) != (status.st_ino, status.st_dev):
                self.close()
                self._start_again()
        if self._descriptor is None:
            try:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except OSError:
                return  # gone again, or not ours to read: as if it were not there
        size = os.fstat(self._descriptor).st_size
        if size < self._indexed:
            self._start_again()
        self.size = size
        if self._indexed == 0 and size > _SMALL:
            self._anchor = self._low = (size - 1) // CHUNK
            self._indexed = self._anchor * CHUNK

    def _start_again(self) -> None:
        self._forget()
        self.shrunk += 1

    def _index_on(self) -> None:
        """Count the next piece below, up to the end of its chunk."""
        position = self._indexed % CHUNK
        view = memoryview(self._buffer)[: min(CHUNK - position, self.size - self._indexed)]
        got = self._fill(view, self._indexed)
        if not got:
            self.size = self._indexed
            return
        self._partial += self._buffer.count(b"\n", 0, got)
        self._indexed += got
        self._is_open = self._buffer[got - 1] != 0x0A
        if self._indexed % CHUNK == 0:
            self._below.append(self._newlines_below)
            self._partial = 0

    def _index_back(self) -> None:
        """Count the chunk above the lowest one."""
        got = self._fill(memoryview(self._buffer), (self._low - 1) * CHUNK)
        known = self._above[-1] if self._above else 0
        self._above.append(known + self._buffer.count(b"\n", 0, got))
        self._low -= 1

    @property
    def _newlines_below(self) -> int:
        return (self._below[-1] if self._below else 0) + self._partial

    def _start_of(self, number: int) -> int:
        """The offset of a known line."""
        if self._low == 0 and number == self.first:
            return 0
        return self._newline(number - 1) + 1

    def _newline(self, number: int) -> int:
        """The offset of a newline; the one that ends line n is number n."""
        if number >= 0:
            index = bisect_right(self._below, number)
            skip = number - (self._below[index - 1] if index else 0)
            chunk = self._anchor + index
        else:
            index = bisect_left(self._above, -number)
            skip = self._above[index] + number
            chunk = self._anchor - 1 - index
        return chunk * CHUNK + _find_newline(self._read(chunk * CHUNK, CHUNK), skip)

    def _long_line(self, offset: int, number: int) -> bytes:
        """A line that does not end within a chunk's length of its start."""
        is_last = self._is_open and number == self.end - 1
        end = self._indexed if is_last else self._newline(number)
        if end - offset <= 2 * LINE_BYTES:
            return _clip(self._read(offset, end - offset))
        tail = self._read(end - LINE_BYTES, LINE_BYTES)
        return _cut(self._read(offset, LINE_BYTES), tail, end - offset)

    def _read(self, offset: int, length: int) -> bytes:
        if self._descriptor is None:
            return b""
        return os.pread(self._descriptor, min(length, self._indexed - offset), offset)

    def _fill(self, view: memoryview, offset: int) -> int:
        """Read into `view`; fewer bytes than it holds only where the file has shrunk."""
        assert self._descriptor is not None
        return os.preadv(self._descriptor, [view], offset)


def _find_newline(data: bytes, skip: int) -> int:
    """The position of the newline that has `skip` others before it: halve, count, halve."""
    low, high = 0, len(data)
    while high - low > _SEGMENT:
        middle = (low + high) // 2
        count = data.count(b"\n", low, middle)
        if skip < count:
            high = middle
        else:
            skip -= count
            low = middle
    position = low - 1
    for _ in range(skip + 1):
        position = data.find(b"\n", position + 1)
    return position


def _clip(line: bytes) -> bytes:
    if len(line) <= LINE_BYTES:
        return line
    return _cut(line[:LINE_BYTES], line[-LINE_BYTES:], len(line))


def _cut(head: bytes, tail: bytes, length: int) -> bytes:
    """What is handed out of a long line."""
    _, overwritten, last = tail.rstrip(b"\r").partition(b"\r")
    if overwritten:
        return last
    return head + f" … ({length:,} bytes in this line)".encode()
