"""What a worker may import beside Python's own library: torch and what it is made of. The same on every machine.

What else is installed where the grader runs is not there for a learner: an answer must not depend on it, and some of it
(the grader itself, a teacher's own packages) is nobody's business.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any


def allow_only(packages: Iterable[str]) -> None:
    """From here on everything else is not installed. `packages` are names of top-level modules."""
    sys.meta_path[:] = [_Only(frozenset(packages) | sys.stdlib_module_names, tuple(sys.meta_path))]


class _Only(MetaPathFinder):
    """Stands before the finders that there were: what is not allowed none of them is asked for."""

    find_distributions = staticmethod(PathFinder.find_distributions)  # importlib.metadata asks the finders too

    def __init__(self, names: frozenset[str], finders: Sequence[Any]) -> None:
        self._names, self._finders = names, finders

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        top = fullname.partition(".")[0]
        if top in self._names:
            found = (finder.find_spec(fullname, path, target) for finder in self._finders)
            return next((spec for spec in found if spec is not None), None)
        if _is_import():
            there = "an exercise is one file, and beside it there are torch, numpy and Python's own library"
            raise ModuleNotFoundError(f"No module named {top!r} ({there})", name=top)
        return None  # who only asks whether it is there (importlib.util.find_spec, as torch does) can do without

    def invalidate_caches(self) -> None:
        PathFinder.invalidate_caches()


def _is_import() -> bool:
    """Whether an import statement asks: import's own machinery, two frames above the finder, has a name for it."""
    asks = sys._getframe(1).f_back
    asks = asks.f_back if asks is not None else None
    return asks is not None and asks.f_code.co_name == "_find_and_load_unlocked"
