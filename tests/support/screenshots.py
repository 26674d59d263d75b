"""Exports the README's pictures from the real dashboard, showing the newest run group there is.

Run: python tests/support/screenshots.py CONFIG FOLDER, after an offline run with that config.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from redux_tui.ui.app import MODE_TITLES, ReduxApp

SIZE = (120, 34)


async def export(config: Path, folder: Path) -> None:
    app = ReduxApp(config)
    async with app.run_test(size=SIZE) as pilot:
        while app.session is None:
            await pilot.pause(0.1)
        await pilot.pause(1)
        for key, mode in enumerate(MODE_TITLES, 1):
            await pilot.press(str(key))
            await pilot.pause(1)
            if mode == "competitions":
                while app.screen.highlighted.source != "offline":  # type: ignore[attr-defined]
                    await pilot.press("down")  # the description in the picture is to be ours
            app.save_screenshot(f"{mode}.svg", path=str(folder))
        await pilot.press("m")
        await pilot.pause(1)
        app.save_screenshot("wizard.svg", path=str(folder))


if __name__ == "__main__":
    pictures = Path(sys.argv[2])
    pictures.mkdir(exist_ok=True)
    asyncio.run(export(Path(sys.argv[1]), pictures))
