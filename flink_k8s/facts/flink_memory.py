"""Whether a process's memory follows from Flink's configuration alone, by Flink's documented memory model.

`total process = total Flink + metaspace + overhead`; a process needs its total, its total Flink memory, or the parts
that the user tunes (JobManager: heap; TaskManager: task heap and managed memory), and the parts must fit.
"""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.facts.units import memory, number

_MIB = 1024**2
_ALL = 2**63 - 1

_OLDER = {
    "taskmanager.memory.managed.size": ("taskmanager.memory.size",),
    "taskmanager.memory.network.fraction": ("taskmanager.network.memory.fraction",),
    "taskmanager.memory.network.min": ("taskmanager.network.memory.min",),
    "taskmanager.memory.network.max": ("taskmanager.network.memory.max",),
}


def job_manager(configuration: Mapping[str, str]) -> None:
    """Raises ValueError, perhaps with a reason, when the JobManager's memory does not follow."""
    read = _Reader(configuration, "jobmanager.memory")
    heap = read.size("heap.size")
    off_heap = read.sized("off-heap.size", 128 * _MIB)
    flink, process = read.size("flink.size"), read.size("process.size")
    if heap is not None:
        if flink is not None and flink < heap:
            raise ValueError("the heap is more than jobmanager.memory.flink.size")
        if flink is not None and read.is_said("off-heap.size") and off_heap != flink - heap:
            raise ValueError("heap and off-heap memory do not make jobmanager.memory.flink.size")
        read.outside(flink if flink is not None else heap + off_heap, process)
    elif flink is not None:
        if off_heap >= flink:
            raise ValueError("off-heap memory leaves nothing of jobmanager.memory.flink.size")
        read.outside(flink, process)
    elif process is not None:
        if read.within(process) <= off_heap:
            raise ValueError("jobmanager.memory.process.size is too small for its parts")
    elif (old := read.old_heap("jobmanager.heap")) is not None:
        read.outside(old + off_heap, None)
    else:
        raise ValueError


def task_manager(configuration: Mapping[str, str]) -> None:
    """Raises ValueError, perhaps with a reason, when a TaskManager's memory does not follow."""
    read = _Reader(configuration, "taskmanager.memory")
    task_heap, managed = read.size("task.heap.size"), read.size("managed.size")
    fixed = read.sized("framework.heap.size", 128 * _MIB) + read.sized("framework.off-heap.size", 128 * _MIB)
    fixed += read.sized("task.off-heap.size", 0)
    flink, process = read.size("flink.size"), read.size("process.size")
    if task_heap is not None and managed is not None:
        inside = fixed + task_heap + managed
        if flink is None:
            flink = inside + read.network(inside, inverse=True)
        else:
            read.network_fits(flink - inside)
        read.outside(flink, process)
        return
    if flink is None and process is None:
        raise ValueError
    total = flink if flink is not None else read.within(process or 0)
    if managed is None:
        managed = int(total * read.fraction("managed.fraction", 0.4))
    inside = fixed + managed + (task_heap or 0)
    if task_heap is not None:
        read.network_fits(total - inside)
    elif inside + read.network(total) > total:
        raise ValueError("the parts are more than the TaskManager's total Flink memory")
    if flink is not None:
        read.outside(flink, process)


class _Reader:
    """The memory options of one process."""

    def __init__(self, configuration: Mapping[str, str], prefix: str) -> None:
        self._configuration = configuration
        self._prefix = prefix

    def _text(self, name: str) -> str | None:
        key = f"{self._prefix}.{name}"
        return next((self._configuration[k] for k in (key, *_OLDER.get(key, ())) if k in self._configuration), None)

    def is_said(self, name: str) -> bool:
        """Whether the configuration has `<prefix>.<name>`."""
        return self._text(name) is not None

    def sized(self, name: str, default: int) -> int:
        """Bytes of `<prefix>.<name>`, which has a default."""
        said = self.size(name)
        return default if said is None else said

    def size(self, name: str) -> int | None:
        """Bytes of `<prefix>.<name>`, None when nobody said it."""
        text = self._text(name)
        if text is None:
            return None
        try:
            return memory(text)
        except ValueError as error:
            raise ValueError(f'{self._prefix}.{name} is "{text}"; {error}') from None

    def fraction(self, name: str, default: float) -> float:
        """`<prefix>.<name>` as a share."""
        text = self._text(name)
        value = default if text is None else number(text)
        if not 0 <= value < 1:
            raise ValueError(f"{self._prefix}.{name} is {value}; write a share from 0 to below 1")
        return value

    def old_heap(self, key: str) -> int | None:
        """Bytes of `<process>.heap.size`, or of `<process>.heap.mb`, which Flink still reads."""
        if f"{key}.size" in self._configuration:
            return memory(self._configuration[f"{key}.size"])
        megabytes = self._configuration.get(f"{key}.mb")
        return None if megabytes is None else int(megabytes) * _MIB

    def outside(self, flink: int, process: int | None) -> None:
        """Metaspace and overhead around total Flink memory; they must make the total that was said."""
        metaspace = self._metaspace()
        if process is None:
            self._overhead(flink + metaspace, inverse=True)
            return
        overhead = process - flink - metaspace
        if overhead < 0:
            raise ValueError(f"{self._prefix}.process.size is less than Flink's memory and metaspace")
        low, high = self._overhead_range()
        self._overhead_fraction()
        if not low <= overhead <= high:
            raise ValueError(
                f"{self._prefix}.process.size leaves {overhead // _MIB} MiB of overhead, outside of its range"
            )

    def within(self, process: int) -> int:
        """Total Flink memory of a total process memory."""
        flink = process - self._metaspace() - self._overhead(process)
        if flink < 0:
            raise ValueError(f"{self._prefix}.process.size is too small for metaspace and overhead")
        return flink

    def network(self, base: int, *, inverse: bool = False) -> int:
        """Network memory of total Flink memory; with `inverse`, of what remains without it."""
        low, high = self.sized("network.min", 64 * _MIB), self.sized("network.max", _ALL)
        return _share(base, self._network_fraction(), low, high, inverse=inverse)

    def network_fits(self, network: int) -> None:
        """Network memory that is what the others leave must be in its range."""
        self._network_fraction()
        if network < 0:
            raise ValueError("the parts are more than the TaskManager's total Flink memory")
        low, high = self.sized("network.min", 64 * _MIB), self.sized("network.max", _ALL)
        if not low <= network <= high:
            raise ValueError(f"{network // _MIB} MiB are left for the network, outside of its range")

    def _network_fraction(self) -> float:
        return self.fraction("network.fraction", 0.1)

    def _metaspace(self) -> int:
        return self.sized("jvm-metaspace.size", 256 * _MIB)

    def _overhead_range(self) -> tuple[int, int]:
        return self.sized("jvm-overhead.min", 192 * _MIB), self.sized("jvm-overhead.max", 1024 * _MIB)

    def _overhead(self, base: int, *, inverse: bool = False) -> int:
        low, high = self._overhead_range()
        return _share(base, self._overhead_fraction(), low, high, inverse=inverse)

    def _overhead_fraction(self) -> float:
        return self.fraction("jvm-overhead.fraction", 0.1)


def _share(base: int, fraction: float, low: int, high: int, *, inverse: bool) -> int:
    if low > high:
        raise ValueError("a smallest size is above the largest")
    share = base * fraction / (1 - fraction) if inverse else base * fraction
    return min(max(int(share), low), high)
