"""The container of one attempt: what it may see, use and do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from redux_tui.catalog.mle_bench import SOURCE as MLE_BENCH
from redux_tui.models import Limits
from redux_tui.sandbox import inside
from redux_tui.sandbox.engine import Client
from redux_tui.sandbox.facts import has_option
from redux_tui.sandbox.protocol import DESCRIPTION, PORTS, Image, Launch, Layout

SCHEMA = "1"
LAYOUT = Layout(
    data="/home/data",
    submission="/home/submission",
    code="/home/code",
    logs="/home/logs",
    agent="/home/agent",
    instructions="/home/instructions.txt",
    validate="/home/validate_submission.sh",
    validate_url="http://localhost:5000/validate",
)
LOG = "/run/redux/container.log"
SERVICES = "/run/redux/services"
RELAY = "/run/redux/relay.py"
INSTRUCTIONS = "/run/redux/instructions.txt"
HOME = "/home/user"
NOBODY = 65532
# Appending to a file keeps all bytes, and the order of both streams, which the engine's own log
# does not.
APPEND = f"exec >>{LOG} 2>&1"
# MLE-bench's start scripts edit the instructions in place, which a mounted file does not allow.
COPY = f"cat {INSTRUCTIONS} >{LAYOUT.instructions}"
# Returns when the ports are open, so that the agent finds them open.
SERVE = (
    f"command -v python3 >/dev/null && python3 -I -S {RELAY}"
    + "".join(f" {port}={SERVICES}/{name}" for port, name in PORTS.items())
    + f" || echo 'redux-tui: no python3 that works, so {LAYOUT.validate_url} is not served;"
    f" {LAYOUT.validate} needs no more than curl.'"
)
# bash, since MLE-bench starts agents with it; sh where the image has none.
RUN = 'command -v bash >/dev/null && exec bash "$@"; exec sh "$@"'


def container_name(attempt: str) -> str:
    return f"redux-{attempt}"


def user_of(security: list[str]) -> tuple[int, int]:
    """The user inside, so that what it writes is ours outside (or can be made ours).

    On a rootless engine the container's root is the invoking user. Invoked as root, the agent is
    a user who owns nothing else on this machine.
    """
    if has_option(security, "rootless"):
        return 0, 0
    if os.geteuid() == 0:
        return NOBODY, NOBODY
    return os.geteuid(), os.getegid()


def create_options(
    client: Client, launch: Launch, image: Image, security: list[str]
) -> dict[str, Any]:
    """The arguments of `create_container`."""
    user, group = user_of(security)
    return {
        "image": image.reference,
        "name": container_name(launch.attempt),
        "entrypoint": ["sh"],
        "command": [
            "-c",
            "; ".join(_script(launch)),
            "redux",
            f"{LAYOUT.agent}/{launch.agent.start}",
            *launch.agent.arguments,
        ],
        "user": f"{user}:{group}",
        # MLE-bench's agents start where their Dockerfile says
        "working_dir": None if _is_mle_bench(launch) else LAYOUT.code,
        "environment": _environment(launch),
        "labels": {
            "redux.attempt": launch.attempt,
            "redux.group": launch.group,
            "redux.schema": SCHEMA,
        },
        "healthcheck": {"test": ["NONE"]},
        "host_config": client.create_host_config(**_host_options(launch, security, user, group)),
    }


def _is_mle_bench(launch: Launch) -> bool:
    """Whether the agent is one of MLE-bench's own, which write all over /home."""
    return launch.agent.source == MLE_BENCH


def _script(launch: Launch) -> list[str]:
    copy = [COPY] if _is_mle_bench(launch) else []
    serve = [SERVE] if launch.services else []
    return [APPEND, *copy, *serve, RUN]


def _environment(launch: Launch) -> dict[str, str]:
    return {
        "LANG": "C.UTF-8",
        "HOME": HOME,
        "USER": "agent",  # Python's getpass and torch ask for it: our user has no entry in passwd
        "PYTHONUNBUFFERED": "1",
        # asks docker-init to pass signals on to start.sh's children as well
        "TINI_KILL_PROCESS_GROUP": "1",
        **LAYOUT.variables(),
        **launch.environment,
    }


def _host_options(launch: Launch, security: list[str], user: int, group: int) -> dict[str, Any]:
    from docker.types import DeviceRequest, LogConfig, Ulimit

    limits = launch.limits
    options: dict[str, Any] = {
        "mounts": _mounts(launch),
        "read_only": not _is_mle_bench(launch),
        "tmpfs": _tmpfs(limits, user, group),
        "shm_size": _share(limits, 4, at_most=8 << 30),
        "network_mode": "bridge" if launch.agent.network == "open" else "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "init": True,
        "pids_limit": limits.pids,
        "ulimits": [Ulimit(name="core", soft=0, hard=0)],
        "log_config": LogConfig(type=LogConfig.types.NONE),
    }
    if limits.memory:
        # equal: no swap, in which an attempt would crawl instead of ending
        options |= {"mem_limit": limits.memory, "memswap_limit": limits.memory}
    if limits.cpus:
        options["nano_cpus"] = int(limits.cpus * 1e9)
    if launch.gpus:
        options["device_requests"] = [
            DeviceRequest(device_ids=list(launch.gpus), capabilities=[["gpu"]])
        ]
    if has_option(security, "selinux"):
        # relabelling a person's data for the container would outlive it
        options["security_opt"].append("label=disable")
    if has_option(security, "userns"):
        options["userns_mode"] = "host"  # else nobody on this machine could own the outputs
    return options


def _mounts(launch: Launch) -> list[Any]:
    """Bind mounts: unlike volumes, they fail where the source is missing."""
    from docker.types import Mount

    folder = launch.folder.absolute()
    writable = {
        LAYOUT.submission: folder / "submission",
        LAYOUT.code: folder / "code",
        LAYOUT.logs: folder / "logs",
        LOG: folder / "container.log",
    }
    readable = {
        LAYOUT.data: launch.data.absolute(),
        INSTRUCTIONS if _is_mle_bench(launch) else LAYOUT.instructions: folder / "instructions.txt",
        LAYOUT.validate: folder / inside.VALIDATE,
    }
    if (folder / DESCRIPTION).exists():
        readable[f"{LAYOUT.data}/{DESCRIPTION}"] = folder / DESCRIPTION
    if launch.services:
        # the folder, not the sockets in it: a new supervisor makes them anew
        readable |= {SERVICES: launch.services, RELAY: folder / inside.RELAY}

    def mounts(paths: dict[str, Path], read_only: bool) -> list[Any]:
        # resolved: the engine refuses a link whose target it sees elsewhere
        return [
            Mount(target, str(path.resolve()), type="bind", read_only=read_only)
            for target, path in paths.items()
        ]

    return mounts(writable, False) + mounts(readable, True)


def _tmpfs(limits: Limits, user: int, group: int) -> dict[str, str]:
    """/tmp and HOME in memory, each with a share of the limit.

    Their pages count against the attempt's memory. Bounded below it, a full /tmp is an error that
    the agent sees ("No space left on device"), not a kill without a word; and the disk of the host
    is safe. Large files belong into CODE_DIR, which is on disk. `exec`: compilers of models
    (torch, triton, numba) load what they built there.
    """
    tmp, home = _share(limits, 2), _share(limits, 4)
    return {
        "/tmp": f"rw,exec,nosuid,nodev,mode=1777{_size(tmp)}",
        HOME: f"rw,exec,nosuid,nodev,mode=700,uid={user},gid={group}{_size(home)}",
    }


def _size(size: int | None) -> str:
    return f",size={size}" if size else ""  # else the kernel's default, half of the memory


def _share(limits: Limits, part: int, at_most: int | None = None) -> int | None:
    """One part of the memory limit in bytes; `at_most` where there is no limit."""
    share = limits.memory // part if limits.memory else at_most
    return min(share, at_most) if share and at_most else share
