"""What the targets of collecting share: bytes laid down, collected once, and the outcome looked at."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from pathlib import Path

from grader.collect import Submission, collect
from grader.collect.contents import SOURCE_LIMIT
from grader.errors import UsageError
from grader.text import clean

from .target import allowed, insist

NAMES = ("ex03_output_size", "ex04_conv", "ex07_backprop")


@functools.cache
def _shared() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fuzz-")


def folder() -> Path:
    """One for all cases of this process: a path in an error must not differ from run to run."""
    return Path(_shared().name)


def collected(name: str, data: bytes) -> Submission | str:
    """A single file as a submission, or the words of the UsageError."""
    path = folder() / name
    path.write_bytes(data)
    return collected_at(path)


def collected_at(path: Path) -> Submission | str:
    try:
        return collect(path, NAMES)
    except UsageError as error:
        return allowed(error)


def judged(came: Submission | str) -> object:
    """What a second run has to give too. Raises where a submission cannot be sent, shown and hashed."""
    if isinstance(came, str):
        return came
    insist(set(came.modules) <= set(NAMES), "a module of no exercise")
    for module in came.modules.values():
        insist("\0" not in module.source and "\r" not in module.source, "characters that no source has")
        insist(len(module.source.encode()) <= SOURCE_LIMIT, "a source that is too long")
        insist(module.problem is None or module.source == "", "a problem, and a source all the same")
        insist(len(module.filename) < 200, "a name that is too long")
    problems = [module.problem or "" for module in came.modules.values()]
    texts = [came.name, *came.notes, *problems, *(module.filename for module in came.modules.values())]
    insist(all(clean(text, keep_newlines=False) == text for text in texts), "words that are not safe to show")
    insist(all(len(text) < 1000 for text in texts) and len(came.notes) <= 20, "too many words")
    insist(len(came.sha256) == 64, "no fingerprint")
    return hashlib.sha256(repr(came).encode("utf-8", "backslashreplace")).hexdigest()
