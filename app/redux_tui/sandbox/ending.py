"""Reads off an ended container how the attempt ended, and whether that was the engine's doing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from redux_tui.models import InfrastructureError
from redux_tui.sandbox.engine import Client, Engine, trouble_with
from redux_tui.sandbox.protocol import Exit
from redux_tui.sandbox.usage import Meter

KILLED = frozenset({137, 143})  # by SIGKILL or SIGTERM
FOUND_DEAD = 255  # what the engine notes at its start for a container that died without it


def exit_of(
    container: str, stopped: bool, meter: Meter | None, engine: Engine, client: Client
) -> Exit:
    """How it ended; `stopped` if that was on our own request.

    Raises InfrastructureError if the engine is shutting down, which may be why: ask again later.
    """
    from docker.errors import NotFound

    try:
        state: dict[str, Any] = client.inspect_container(container)["State"]
    except NotFound:
        return Exit(
            None,
            lost=f"The attempt's container {container[:12]} was removed by somebody while we waited"
            " for it.",
        )
    if state["StartedAt"].startswith("0001-"):
        return Exit(None, lost=f"The attempt's container {container[:12]} was never started.")
    usage = (meter.cpu_seconds, meter.peak_memory) if meter else (None, None)
    out_of_memory = bool(state.get("OOMKilled"))
    if not stopped and not out_of_memory and state["ExitCode"] in {*KILLED, FOUND_DEAD}:
        # an engine that shuts down takes no new connections before it ends its containers
        if trouble := trouble_with(engine):
            raise InfrastructureError(f"The Docker engine at {engine.url} {trouble}")
        if _killed_by_restart(state, client):
            return Exit(
                None, False, "The Docker engine was restarted and ended the attempt.", *usage
            )
    return Exit(int(state["ExitCode"]), out_of_memory, None, *usage)


def _killed_by_restart(state: dict[str, Any], client: Client) -> bool:
    started_anew = _engine_start(client)
    if started_anew is None or started_anew <= _time(state["StartedAt"]):
        return False
    if state["ExitCode"] == FOUND_DEAD:
        return _time(state["FinishedAt"]) > started_anew - timedelta(seconds=30)
    return True


def _engine_start(client: Client) -> datetime | None:
    """When the engine started: it makes its default bridge anew each time, and notes when."""
    from docker.errors import NotFound

    try:
        return _time(client.inspect_network("bridge")["Created"])
    except NotFound:
        return None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
