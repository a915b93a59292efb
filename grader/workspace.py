"""What a learner's folder remembers between runs: one readable file, changed so that no entry is lost.

Written whole and renamed into place, so a crash leaves the old one; behind a lock, so that of two runs at the same
moment neither is forgotten. A file that cannot be read counts as absent, and what cannot be remembered is no reason to
fail: it holds nothing that a new run would not find out again.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from .collect.candidates import LeftOut
from .collect.files import read_regular
from .model import Report
from .state import State, parse, with_report, written

FOLDER = Path(".grade")
FILE = FOLDER / "state.json"
LOCK = FOLDER / "state.lock"
SIZE = 2**20
PATIENCE = 3.0  # seconds that we wait for another run to write


def is_real(folder: Path, place: Path = FOLDER) -> bool:
    """Whether what we keep lies in this folder: a link in one that came with a submission leads elsewhere."""
    return not any((folder / path).is_symlink() for path in (place, *place.parents) if path.name)


def recall(folder: Path) -> State:
    with contextlib.suppress(LeftOut):
        if is_real(folder):
            return parse(read_regular(folder / FILE, SIZE, folder=folder))
    return State()


def remember(folder: Path, report: Report, sources: Mapping[str, str]) -> None:
    """Add what a run found to what is known. `sources`: exercise -> the text that was graded."""
    update(folder, lambda state: with_report(state, report, sources, now()))


def update(folder: Path, change: Callable[[State], State]) -> bool:
    """Read, change and write the state while nobody else does. False where that cannot be done."""
    with contextlib.suppress(OSError):
        if is_real(folder):
            (folder / FOLDER).mkdir(exist_ok=True)
            with _alone(folder / LOCK):
                write_text(folder / FILE, written(change(recall(folder))))
                return True
    return False


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Raises OSError where the lock is not ours to open, or is not free in time."""
    with contextlib.suppress(FileNotFoundError):
        found = os.lstat(lock)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise PermissionError(f"{lock} is no lock of ours")
    from filelock import FileLock  # here: it takes longer to import than a map takes to draw

    with FileLock(lock, timeout=PATIENCE):
        yield


def write_text(file: Path, text: str) -> None:
    """Write a whole file or none of it. Raises OSError where that cannot be done."""
    write_bytes(file, text.encode("utf-8", "backslashreplace"))


def write_bytes(file: Path, data: bytes) -> None:
    """Write a whole file or none of it. Raises OSError where that cannot be done."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.chmod(name, 0o644)
        os.replace(name, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
