"""What a process and all that it starts hold together: proportional set size, looked at once a second."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def at_its_peak(root: int) -> Iterator[Callable[[], float]]:
    """Gives a function that says the most bytes that were seen so far."""
    peak, over = [0.0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(root, peak, over))
    watcher.start()
    try:
        yield lambda: peak[0]
    finally:
        over.set()
        watcher.join()


def _watch(root: int, peak: list[float], over: threading.Event) -> None:
    while not over.wait(1.0):
        peak[0] = max(peak[0], sum(_memory(pid) for pid in _below(root)))


def _below(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, left = [], [root]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def _memory(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
