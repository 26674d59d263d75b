"""Slots: as many as there are jobs, GPUs dealt fairly, none lost when somebody stops waiting."""

from __future__ import annotations

import asyncio

import pytest

from redux_tui.runner.slots import Slots, deal_gpus


@pytest.mark.parametrize(
    ("gpus", "jobs", "dealt"),
    [
        ("", 2, [(), ()]),
        ("01", 2, [("0",), ("1",)]),
        ("0123", 2, [("0", "2"), ("1", "3")]),
        ("01", 3, [("0",), ("1",), ("0",)]),
    ],
)
def test_gpus_are_dealt_out_to_the_slots(
    gpus: str, jobs: int, dealt: list[tuple[str, ...]]
) -> None:
    assert deal_gpus(tuple(gpus), jobs) == dealt


async def test_an_adopted_attempt_gets_its_own_gpus_back() -> None:
    slots = Slots([("0",), ("1",)])
    assert await slots.take(("1",)) == ("1",)
    assert await slots.take(("1",)) == ("0",)


async def test_a_slot_is_not_lost_when_the_next_in_line_is_cancelled_as_it_comes_free() -> None:
    slots = Slots([()])
    slot = await slots.take()
    waiting = [asyncio.create_task(slots.take()) for _ in range(2)]
    await asyncio.sleep(0)
    await slots.give_back(slot)
    waiting[0].cancel()
    assert await asyncio.wait_for(waiting[1], 5) == ()
