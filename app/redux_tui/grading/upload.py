"""Takes the file out of an upload (multipart/form-data) as it comes in, straight to the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import BinaryIO

FIELD = b"file"
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
    from python_multipart.exceptions import MultipartParseError
    from python_multipart.multipart import parse_options_header

    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise BadUploadError("The request is not a form (multipart/form-data).")
    form = _Form(limit)
    parser = MultipartParser(
        options[b"boundary"],
        {
            "on_part_begin": form.begin,
            "on_header_field": form.header_name,
            "on_header_value": form.header_value,
            "on_header_end": form.header_end,
            "on_headers_finished": form.headers_finished,
            "on_part_data": form.data,
            "on_end": form.end,
        },
    )
    try:
        async for chunk in chunks:
            parser.write(chunk)
            if len(form.taken) >= _AT_ONCE:
                await _write(form, target)
    except MultipartParseError as error:
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
    taken: bytearray = field(default_factory=bytearray)  # of the file, not yet written
    found: bool = False
    whole: bool = False
    _taking: bool = False
    _name: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""

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
        self.limit -= end - start
        if self.limit < 0:
            raise TooLargeError
        self.taken += data[start:end]

    def end(self) -> None:
        self.whole = True
