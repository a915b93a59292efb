"""OUT of `grade batch`, opened again: its store, and what is made from it anew."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from grader.collect.files import shown
from grader.errors import UsageError
from grader.store import Store, owner

DATABASE, LOCK = "grades.db", ".lock"


@contextlib.contextmanager
def opened(out: Path, db: str | None = None, *, alone: bool = False) -> Iterator[Store]:
    """The store of a class that was graded. `alone`: while nobody else writes there. Raises UsageError."""
    if not out.is_dir():
        raise UsageError(f"{shown(out)}: there is no such folder; give the OUT of grade batch")
    if db is None and not (out / DATABASE).is_file():  # opening it would make one, and an empty class
        raise UsageError(
            f"{shown(out)}: there is no {DATABASE}; give the OUT of grade batch, and its --db where it had one"
        )
    with (
        _lock(out / LOCK) if alone else contextlib.nullcontext(),
        Store(db) if db is not None else Store.in_folder(out) as store,
    ):
        if db is not None:
            owner.check(store, out)
        yield store


@contextlib.contextmanager
def _lock(file: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(f"{shown(file.parent)}: a grade batch is writing there; wait for it") from None
    except OSError as error:
        raise UsageError(f"{shown(file.parent)}: cannot be written to: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()
