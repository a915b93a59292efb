"""What a worker may import beside Python's own library: torch and what it is made of. The same on every machine.

What else is installed where the grader runs is not there for a learner: an answer must not depend on it, and some of it
(the grader itself, a teacher's own packages) is nobody's business.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.abc import MetaPathFinder
from typing import Any


def allow_only(packages: Iterable[str]) -> None:
    """From here on everything else is not installed. `packages` are names of top-level modules."""
    sys.meta_path.insert(0, _Only(frozenset(packages) | sys.stdlib_module_names))


class _Only(MetaPathFinder):
    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        top = fullname.partition(".")[0]
        if top not in self._names:
            there = "an exercise is one file, and beside it there are torch, numpy and Python's own library"
            raise ModuleNotFoundError(f"No module named {top!r} ({there})", name=top)
