"""Whose a database is that lies elsewhere than in OUT: one OUT's. Two classes in it would be one to every page.

OUT has a mark of its own, which goes with it where it is moved; the database notes it.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from .store import Store, StoreError

MARK, NOTE = ".class", "class"
LONGEST = 100


def claim(store: Store, out: Path) -> None:
    """From here on it is OUT's. Raises StoreError where it is another's, OSError where OUT cannot be written to."""
    check(store, out)
    if store.noted(NOTE) is None:
        mark = _mark(out) or uuid.uuid4().hex
        (out / MARK).write_text(f"{mark}\n", "utf-8")
        store.note(NOTE, mark)


def check(store: Store, out: Path) -> None:
    """Raises StoreError where it is another OUT's."""
    noted = store.noted(NOTE)
    if noted is not None and noted != _mark(out):
        raise StoreError(
            f"{store.shown()}: holds the class of another OUT; every class has a database of its own. Where it is this "
            f"class and OUT is a copy or made anew, write {noted} into {MARK} of OUT"
        )


def _mark(out: Path) -> str:
    try:
        with (out / MARK).open("rb") as file:
            return file.read(LONGEST).decode("ascii", "replace").strip()
    except OSError:
        return ""
