"""Removes a worker's directory, whatever its code has put into it: locked folders, endless nesting, links."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from pathlib import Path


def remove(directory: Path) -> None:
    """Remove a directory that nobody writes to any longer. What cannot be removed stays, in silence."""
    with contextlib.suppress(OSError, RecursionError):  # rmtree recurses: a thousand nested folders are too many for it
        shutil.rmtree(directory)
        return
    with contextlib.suppress(OSError):
        _flatten(directory)
        shutil.rmtree(directory)


def _flatten(top: Path) -> None:
    """Empty every folder into `top`, until there is nothing nested. Links are never followed."""
    names = itertools.count()
    os.chmod(top, 0o700)
    while folders := [entry.path for entry in os.scandir(top) if entry.is_dir(follow_symlinks=False)]:
        for folder in folders:
            os.chmod(folder, 0o700)
            for entry in list(os.scandir(folder)):
                os.rename(entry.path, _unused(top, names))
            os.rmdir(folder)


def _unused(top: Path, names: itertools.count[int]) -> Path:
    return next(path for number in names if not os.path.lexists(path := top / f"{number}"))
