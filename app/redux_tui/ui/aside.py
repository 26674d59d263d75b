"""Questions that wait for a network, asked so that they hold nobody up when the app is left."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def ask_aside(question: Callable[[], T]) -> T:
    """What `question` returns or raises, asked in a daemon thread.

    The threads of `asyncio.to_thread` are waited for at the end, and this one may be stuck then.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if answer.done():
            return  # nobody waits any more
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    def ask() -> None:
        result, trouble = None, None
        try:
            result = question()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            trouble = error
        with contextlib.suppress(RuntimeError):  # the app was left meanwhile
            loop.call_soon_threadsafe(settle, result, trouble)

    threading.Thread(target=ask, daemon=True, name="question").start()
    return await answer
