"""Flink's documented memory model: whether the configuration determines the memory of a process.

`total process = total Flink + metaspace + overhead`. The configuration must set the total process memory, the total
Flink memory, or the tuned parts (JobManager: heap; TaskManager: task heap and managed memory), and the parts must fit.
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


def job_manager(configuration: Mapping[str, str]) -> int:
    """Check the JobManager's memory, and return the bytes of the process.

    Raises:
        ValueError: the memory is not determined; with a reason if it is inconsistent.
    """
    read = _Reader(configuration, "jobmanager.memory")
    heap = read.size("heap.size")
    off_heap = read.sized("off-heap.size", 128 * _MIB)
    flink, process = read.size("flink.size"), read.size("process.size")
    if heap is not None:
        if flink is not None and flink < heap:
            raise ValueError("the heap exceeds jobmanager.memory.flink.size")
        if flink is not None and read.is_set("off-heap.size") and off_heap != flink - heap:
            raise ValueError("the sum of heap and off-heap memory differs from jobmanager.memory.flink.size")
        return read.outside(flink if flink is not None else heap + off_heap, process)
    if flink is not None:
        if off_heap >= flink:
            raise ValueError("off-heap memory leaves no heap in jobmanager.memory.flink.size")
        return read.outside(flink, process)
    if process is not None:
        if read.within(process) <= off_heap:
            raise ValueError("jobmanager.memory.process.size is too small for its parts")
        return process
    if (old := read.old_heap("jobmanager.heap")) is not None:
        return read.outside(old + off_heap, None)
    raise ValueError


def task_manager(configuration: Mapping[str, str]) -> int:
    """Check a TaskManager's memory, and return the bytes of the process.

    Raises:
        ValueError: the memory is not determined; with a reason if it is inconsistent.
    """
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
        return read.outside(flink, process)
    if flink is None and process is None:
        raise ValueError
    total = flink if flink is not None else read.within(process or 0)
    if managed is None:
        managed = int(total * read.fraction("managed.fraction", 0.4))
    inside = fixed + managed + (task_heap or 0)
    if task_heap is not None:
        read.network_fits(total - inside)
    elif inside + read.network(total) > total:
        raise ValueError("the sum of the parts exceeds the TaskManager's total Flink memory")
    return read.outside(flink, process) if flink is not None else process or 0


class _Reader:
    """The memory options of one process."""

    def __init__(self, configuration: Mapping[str, str], prefix: str) -> None:
        self._configuration = configuration
        self._prefix = prefix

    def _text(self, name: str) -> str | None:
        key = f"{self._prefix}.{name}"
        return next((self._configuration[k] for k in (key, *_OLDER.get(key, ())) if k in self._configuration), None)

    def is_set(self, name: str) -> bool:
        """Whether the configuration sets `<prefix>.<name>`."""
        return self._text(name) is not None

    def sized(self, name: str, default: int) -> int:
        """Bytes of `<prefix>.<name>`, which has a default."""
        size = self.size(name)
        return default if size is None else size

    def size(self, name: str) -> int | None:
        """Bytes of `<prefix>.<name>`; None if it is not set."""
        text = self._text(name)
        if text is None:
            return None
        try:
            return memory(text)
        except ValueError as error:
            raise ValueError(f'{self._prefix}.{name} is "{text}"; {error}') from None

    def fraction(self, name: str, default: float) -> float:
        """`<prefix>.<name>` as a fraction."""
        text = self._text(name)
        try:
            value = default if text is None else number(text)
        except ValueError:
            value = -1
        if not 0 <= value < 1:
            raise ValueError(f'{self._prefix}.{name} is "{text}"; write a fraction of at least 0 and less than 1')
        return value

    def old_heap(self, key: str) -> int | None:
        """Bytes of `<process>.heap.size`, or of `<process>.heap.mb`, which Flink still reads."""
        if f"{key}.size" in self._configuration:
            return memory(self._configuration[f"{key}.size"])
        megabytes = self._configuration.get(f"{key}.mb")
        return None if megabytes is None else int(megabytes) * _MIB

    def outside(self, flink: int, process: int | None) -> int:
        """Check metaspace and overhead in addition to total Flink memory, whose sum must equal the process memory.

        Returns:
            The bytes of the process.
        """
        metaspace = self._metaspace()
        if process is None:
            return flink + metaspace + self._overhead(flink + metaspace, inverse=True)
        overhead = process - flink - metaspace
        if overhead < 0:
            raise ValueError(f"{self._prefix}.process.size is less than total Flink memory plus metaspace")
        low, high = self._overhead_range()
        self._overhead_fraction()
        if not low <= overhead <= high:
            raise ValueError(
                f"{self._prefix}.process.size leaves {overhead // _MIB} MiB of overhead, which is out of range"
            )
        return process

    def within(self, process: int) -> int:
        """Total Flink memory that results from a total process memory."""
        flink = process - self._metaspace() - self._overhead(process)
        if flink < 0:
            raise ValueError(f"{self._prefix}.process.size is too small for metaspace and overhead")
        return flink

    def network(self, base: int, *, inverse: bool = False) -> int:
        """Network memory as a fraction of total Flink memory; with `inverse`, `base` excludes the network memory."""
        low, high = self.sized("network.min", 64 * _MIB), self.sized("network.max", _ALL)
        return _share(base, self._network_fraction(), low, high, inverse=inverse)

    def network_fits(self, network: int) -> None:
        """Check that the network memory, which remains after the other parts, is in its range."""
        self._network_fraction()
        if network < 0:
            raise ValueError("the sum of the parts exceeds the TaskManager's total Flink memory")
        low, high = self.sized("network.min", 64 * _MIB), self.sized("network.max", _ALL)
        if not low <= network <= high:
            raise ValueError(f"{network // _MIB} MiB remain for the network, which is out of range")

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
        raise ValueError("a minimum size exceeds its maximum")
    share = base * fraction / (1 - fraction) if inverse else base * fraction
    return min(max(int(share), low), high)
