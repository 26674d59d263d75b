"""CPU time and memory of a running container, read from its control group where that is visible."""

from __future__ import annotations

from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")


class Meter:
    """Looks at one container from time to time; what it saw last and most outlives the container.

    A container's group is gone at its end, so all this is only as good as the last look. Where the
    group can't be seen (engine in a VM or elsewhere) both figures stay None.
    """

    def __init__(self, container: str, pid: int) -> None:
        self.cpu_seconds: float | None = None
        self.peak_memory: int | None = None
        self._cpu: Path | None = None
        self._memory: Path | None = None
        for line in _lines(Path(f"/proc/{pid}/cgroup")) if pid else []:
            _, controllers, path = line.split(":", 2)
            if container not in path:  # the pid is one of a VM, and some other process's here
                continue
            group = path.lstrip("/")
            if "cpuacct" in controllers.split(","):
                self._cpu = GROUPS / "cpuacct" / group / "cpuacct.usage"
            elif "memory" in controllers.split(","):
                self._memory = GROUPS / "memory" / group / "memory.stat"
            elif not controllers and (GROUPS / group / "memory.stat").exists():
                # version 2; with both mounted it is there too, but counts nothing
                self._cpu = GROUPS / group / "cpu.stat"
                self._memory = GROUPS / group / "memory.stat"

    def look(self) -> None:
        cpu = _cpu_seconds(self._cpu)
        memory = _memory(self._memory)
        if cpu is not None:
            self.cpu_seconds = cpu
        if memory is not None:
            self.peak_memory = max(memory, self.peak_memory or 0)


def _cpu_seconds(path: Path | None) -> float | None:
    lines = _lines(path)
    if path is None or not lines:
        return None
    if path.name == "cpuacct.usage":
        return int(lines[0]) / 1e9
    return _values(lines).get("usage_usec", 0) / 1e6


def _memory(path: Path | None) -> int | None:
    """Bytes of the processes and of files in memory (tmpfs), without the cache of files on disk."""
    values = _values(_lines(path))
    if not values:
        return None
    if "total_rss" in values:  # version 1
        return values["total_rss"] + values.get("total_shmem", 0)
    return values.get("anon", 0) + values.get("shmem", 0)


def _values(lines: list[str]) -> dict[str, int]:
    return {name: int(value) for name, _, value in (line.partition(" ") for line in lines)}


def _lines(path: Path | None) -> list[str]:
    try:
        return path.read_text().splitlines() if path else []
    except OSError:
        return []  # the container ended meanwhile
