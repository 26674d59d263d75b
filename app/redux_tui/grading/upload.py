"""Takes the file out of an upload (multipart/form-data) as it comes in, straight to the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = b"file"
FORM = 1 << 16  # bytes that a form may have besides the file
_AT_ONCE = 1 << 20  # bytes


class BadUploadError(Exception):
    """Not the form that is expected; its text is for who sent it."""


class TooLargeError(Exception):
    """The file is over the limit."""


async def receive(
    chunks: AsyncIterator[bytes], content_type: str, target: BinaryIO, limit: int
) -> None:
    """Write the field `file` of the form to `target`: `limit` bytes at most, whatever it is named.

    Raises BadUploadError, TooLargeError.
    """
    from python_multipart import MultipartParser
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import parse_options_header

    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise BadUploadError("The request is not a form (multipart/form-data).")
    form = _Form(limit)
    others = FORM  # bytes: many small parts would keep our event loop busy for minutes
    try:
        parser = MultipartParser(options[b"boundary"], form.callbacks())
        async for chunk in chunks:
            before = form.size
            parser.write(chunk)
            others -= len(chunk) - (form.size - before)
            if others < 0:
                raise BadUploadError("The form has too much besides the file.")
            if len(form.taken) >= _AT_ONCE:
                await _write(form, target)
    except FormParserError as error:
        raise BadUploadError("The form can't be read.") from error
    if not form.whole:
        raise BadUploadError("The form breaks off before its end.")
    if not form.found:
        raise BadUploadError("The form has no field `file`.")
    await _write(form, target)


async def _write(form: _Form, target: BinaryIO) -> None:
    # in a thread: a disk that is busy must not hold up all that the event loop does besides
    data, form.taken = form.taken, bytearray()
    await asyncio.to_thread(target.write, data)


@dataclass
class _Form:
    """What the parser tells, part by part."""

    limit: int
    size: int = 0  # bytes of the file so far
    taken: bytearray = field(default_factory=bytearray)  # of the file, not yet written
    found: bool = False
    whole: bool = False
    _taking: bool = False
    _name: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self.begin,
            "on_header_field": self.header_name,
            "on_header_value": self.header_value,
            "on_header_end": self.header_end,
            "on_headers_finished": self.headers_finished,
            "on_part_data": self.data,
            "on_end": self.end,
        }

    def begin(self) -> None:
        self._taking, self._disposition = False, b""

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def headers_finished(self) -> None:
        from python_multipart.multipart import parse_options_header

        name = parse_options_header(self._disposition)[1].get(b"name")
        self._taking = name == FIELD and not self.found
        self.found = self.found or self._taking

    def data(self, data: bytes, start: int, end: int) -> None:
        if not self._taking:
            return
        self.size += end - start
        if self.size > self.limit:
            raise TooLargeError
        self.taken += data[start:end]

    def end(self) -> None:
        self.whole = True
