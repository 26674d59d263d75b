"""What the doctor command tells about an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redux_tui.models import InfrastructureError
from redux_tui.sandbox.engine import Engine, connect


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """One engine, as far as it matters to runs."""

    name: str  # "Docker Engine", "Podman Engine"
    version: str
    api: str
    operating_system: str
    storage_driver: str
    storage_folder: str
    cgroup_version: str
    rootless: bool
    remapped: bool  # user namespaces: container users are other users outside
    cpus: int
    memory: int  # bytes
    runtimes: tuple[str, ...]
    nvidia: bool
    live_restore: bool
    local: bool


def describe(engine: Engine) -> EngineFacts:
    """Ask the engine about itself. Raises InfrastructureError if it stopped answering."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        client = connect(engine, timeout=20)
        try:
            version: dict[str, Any] = client.version()
            info: dict[str, Any] = client.info()
        finally:
            client.close()
    except (DockerException, RequestException, OSError) as error:
        raise InfrastructureError(
            f"The Docker engine at {engine.url} stopped answering ({error}). Restart it."
        ) from error
    return _facts(engine, version, info)


def _facts(engine: Engine, version: dict[str, Any], info: dict[str, Any]) -> EngineFacts:
    components = version.get("Components") or [{}]
    security = [str(option) for option in info.get("SecurityOptions") or []]
    runtimes = tuple(sorted(info.get("Runtimes") or {}))
    devices = str(info.get("DiscoveredDevices") or "")
    return EngineFacts(
        name=_name(str(components[0].get("Name", ""))),
        version=str(version.get("Version", "")),
        api=str(version.get("ApiVersion", "")),
        operating_system=str(info.get("OperatingSystem", "")),
        storage_driver=str(info.get("Driver", "")),
        storage_folder=str(info.get("DockerRootDir", "")),
        cgroup_version=str(info.get("CgroupVersion", "")),
        rootless=has_option(security, "rootless"),
        remapped=has_option(security, "userns"),
        cpus=int(info.get("NCPU") or 0),
        memory=int(info.get("MemTotal") or 0),
        runtimes=runtimes,
        nvidia="nvidia" in runtimes or "nvidia.com/gpu" in devices,
        live_restore=bool(info.get("LiveRestoreEnabled")),
        local=engine.is_local,
    )


def has_option(security: list[str], name: str) -> bool:
    """Whether the engine's security options, like `name=rootless,...`, hold that name."""
    return any(f"name={name}" in option.split(",") for option in security)


def _name(component: str) -> str:
    return "Docker Engine" if component in ("", "Engine") else component
