"""Slots: how many attempts run at a time, and which GPUs each of them gets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

Gpus = tuple[str, ...]


def deal_gpus(gpus: Sequence[str], jobs: int) -> list[Gpus]:
    """One tuple of GPU ids a slot: disjoint while there are enough, else shared one each."""
    if not gpus:
        return [()] * jobs
    if jobs > len(gpus):
        return [(gpus[slot % len(gpus)],) for slot in range(jobs)]
    return [tuple(gpus[slot::jobs]) for slot in range(jobs)]


class Slots:
    """A fixed number of slots, handed out first come, first served."""

    def __init__(self, slots: Sequence[Gpus]) -> None:
        self._free = list(slots)
        self._changed = asyncio.Condition()

    async def take(self, wanted: Gpus | None = None) -> Gpus:
        """Wait for a slot; one with the GPUs `wanted` (an adopted attempt's) if it is free."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._free)
            slot = wanted if wanted in self._free else self._free[0]
            assert slot is not None
            self._free.remove(slot)
            return slot

    async def give_back(self, slot: Gpus) -> None:
        async with self._changed:
            self._free.append(slot)
            self._changed.notify_all()  # one of them may be cancelled at this very moment
