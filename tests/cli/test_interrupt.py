"""Ctrl-C on a terminal: the first asks, Enter leaves the run going, the second cancels."""

from __future__ import annotations

import sys

import pexpect

from redux_tui.models import Ended
from redux_tui.runner.group import Group, find_group
from tests.support.world import SUBMIT_BEST, World, until_finished


def start(world: World) -> pexpect.spawn:
    world.agent("slow", f"while [ ! -e {world.root}/go ]; do sleep 0.1; done\n{SUBMIT_BEST}")
    arguments = ["-m", "redux_tui", "--config", str(world.config), "run", "-a", "slow"]
    arguments += ["-c", "toy", "--sandbox", "process"]
    child = pexpect.spawn(sys.executable, arguments, timeout=60, dimensions=(24, 80))
    child.expect("toy#0")
    return child


def group_of(world: World) -> Group:
    return Group(find_group(world.settings.work_dir, None))


async def test_enter_after_the_question_leaves_it_running(world: World) -> None:
    child = start(world)
    child.sendintr()
    child.expect("Interrupted")
    child.send("\r")
    child.expect("goes on by itself")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert group_of(world).is_alive
    (world.root / "go").touch()
    group = await until_finished(group_of(world))
    assert [each.score for each in group.state.attempts.values()] == [1.0]


async def test_w_goes_on_watching(world: World) -> None:
    child = start(world)
    child.sendintr()
    child.expect("Interrupted")
    child.send("w\r")
    (world.root / "go").touch()
    child.expect("1 of 1 runs scored")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


async def test_a_second_interrupt_cancels(world: World) -> None:
    child = start(world)
    child.sendintr()
    child.expect("Interrupted")
    child.sendintr()
    child.expect("cancelled")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    group = await until_finished(group_of(world))
    assert [each.ended for each in group.state.attempts.values()] == [Ended.CANCELLED]
