"""What a learner's folder remembers between runs: the last points of every task, in one readable file.

Written whole and renamed into place, so a crash leaves the old one. A file that cannot be read counts as absent: it
holds nothing that a new run would not find out again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .collect.candidates import LeftOut
from .collect.files import read_regular
from .model import Report

FILE = Path(".grade") / "state.json"
SCHEMA = "grade-state/1"
SIZE = 2**20


def _is_real(folder: Path) -> bool:
    """Whether what we keep lies in this folder: a link in one that came with a submission leads elsewhere."""
    return not (folder / FILE).parent.is_symlink()


def fingerprint(source: str) -> str:
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def recall(folder: Path) -> dict[str, Any]:
    """exercise -> {"source": fingerprint, "tasks": {task: {"status", "score"}}}."""
    with contextlib.suppress(LeftOut, ValueError, RecursionError):
        data = json.loads(read_regular(folder / FILE, SIZE) if _is_real(folder) else b"")
        if isinstance(data, dict) and data.get("schema") == SCHEMA and isinstance(data.get("exercises"), dict):
            return {name: entry for name, entry in data["exercises"].items() if _is_entry(entry)}
    return {}


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("tasks"), dict):
        return False
    return isinstance(entry.get("source"), str) and all(_is_task(task) for task in entry["tasks"].values())


def _is_task(task: object) -> bool:
    if not isinstance(task, dict) or not isinstance(task.get("status"), str):
        return False
    score = task.get("score")
    return isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score < 10**6


def remember(folder: Path, report: Report, sources: Mapping[str, str]) -> None:
    """Add what a run found to what is known. A folder that cannot be written to is no reason to fail.

    Of two runs that end at the same moment one may be forgotten; the file is whole all the same.
    """
    known = recall(folder)
    for exercise in report.exercises:
        if exercise.missing or exercise.name not in sources:
            continue
        mark = fingerprint(sources[exercise.name])
        old = known.get(exercise.name, {})
        tasks = dict(old.get("tasks", {})) if old.get("source") == mark else {}
        tasks |= {task.name: {"status": task.status.value, "score": task.score} for task in exercise.tasks}
        known[exercise.name] = {"source": mark, "tasks": tasks}
    with contextlib.suppress(OSError):
        if _is_real(folder):
            write_text(folder / FILE, json.dumps({"schema": SCHEMA, "exercises": known}, indent=1) + "\n")


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
