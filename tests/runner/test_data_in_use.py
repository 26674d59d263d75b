"""A forced preparation leaves a running attempt its data."""

import asyncio
import sys

from redux_tui.bench.data.place import public_dir
from redux_tui.catalog import Catalog
from redux_tui.models import Phase
from redux_tui.runner.client import launch
from tests.support.world import SUBMIT_BEST, World, until, until_finished


async def test_data_is_not_replaced_under_an_attempt(world: World) -> None:
    go, seen = world.root / "go", world.root / "seen"
    wait = f'touch {seen}; while [ ! -e {go} ]; do sleep 0.1; done\ncat "$DATA_DIR/train.csv"\n'
    group = await launch(world.settings, world.request(world.agent("slow", wait + SUBMIT_BEST)))
    await until(group, lambda _: seen.exists())
    toy = Catalog(world.settings.content_dirs).competition("toy")
    train = public_dir(toy, world.settings.data_dir) / "train.csv"
    before = train.stat().st_ino
    forced = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "redux_tui", "--config", str(world.config)),
        *("prepare", "--force", "-c", "toy"),
        stderr=asyncio.subprocess.PIPE,
    )
    assert forced.stderr is not None
    while b"waiting to put it in place" not in await forced.stderr.readline():
        assert not forced.stderr.at_eof()
    assert train.stat().st_ino == before
    go.touch()
    await until_finished(group)
    assert await forced.wait() == 0
    assert train.stat().st_ino != before
    assert [each.phase for each in group.state.attempts.values()] == [Phase.FINISHED]
