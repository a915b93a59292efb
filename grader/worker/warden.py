"""Looks after living workers for what no limit of the kernel counts: files, disk, threads. Excess is killed for."""

from __future__ import annotations

import os
import stat

FILES = 2000
DISK_BYTES = 64 * 2**20
THREADS = 256
LOOK_SECONDS = 0.1
_BLOCK = 512  # what st_blocks counts in


def excess(pid: int, directory: str) -> str:
    """What a worker has too much of, in words for the learner; "" where all is well."""
    if _threads(pid) > THREADS:
        return f"your code started more than {THREADS} threads"
    if not directory:
        return ""
    files, size, hidden = _contents(directory)
    if files > FILES or hidden:  # a folder nested so deeply that its path cannot be said, or locked, is no honest one
        return f"your code made more than {FILES:,} files" if not hidden else "your code hid folders from the grader"
    if size > DISK_BYTES:
        return f"your code wrote more than {DISK_BYTES // 2**20} MB of files"
    return ""


def _threads(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return int(file.read().rpartition(")")[2].split()[17])
    except OSError:  # gone, or a system that does not tell
        return 0


def _contents(top: str) -> tuple[int, int, bool]:
    """(files and folders, bytes, whether something could not be looked at); stops counting where it is enough."""
    files, size, folders = 0, 0, [top]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    files += 1
                    size += found.st_blocks * _BLOCK
                    if files > FILES:
                        return files, size, False
                    if stat.S_ISDIR(found.st_mode):
                        folders.append(entry.path)
        except FileNotFoundError:
            continue
        except OSError:
            return files, size, True
    return files, size, False
