"""Takes away what pytest and Hypothesis would pick up from where they run: a check draws the same inputs anywhere.

Hypothesis reads profiles, seeds and callbacks that others set, mixes constants of whatever "local" modules are loaded
into the numbers it draws, and keeps folders for itself in the current directory. None of it may reach a grade. What has
no public switch is replaced by name, where this version of Hypothesis has it, for as long as checks run.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis.core
from hypothesis import configuration
from hypothesis.internal import observability
from hypothesis.internal.conjecture import providers

_NOWHERE = Path(__file__) / "nothing"  # below a file no folder can be made: Hypothesis keeps what it has in memory


def _no_constants() -> Any:
    return type(providers.GLOBAL_CONSTANTS)()


# (module, name, what stands there while checks run)
_REPLACED: tuple[tuple[Any, str, Callable[[], Any]], ...] = (
    (providers, "_get_local_constants", lambda: _no_constants),
    (providers, "CONSTANTS_CACHE", lambda: type(providers.CONSTANTS_CACHE)(1024)),
    (configuration, "__hypothesis_home_directory", lambda: _NOWHERE),
    (observability, "_callbacks", dict),
    (observability, "_callbacks_all_threads", list),
    (observability, "TESTCASE_CALLBACKS", list),
    (hypothesis.core, "global_force_seed", lambda: None),
)
_FOREIGN = ("PYTEST_", "HYPOTHESIS_")  # environment variables that both read options from


@contextlib.contextmanager
def ours_alone() -> Iterator[None]:
    """While this is open, nothing but our own options reaches pytest and Hypothesis; then all is as before."""
    before = [(place, name, getattr(place, name)) for place, name, _ in _REPLACED if hasattr(place, name)]
    taken = {key: os.environ.pop(key) for key in list(os.environ) if key.startswith(_FOREIGN)}
    try:
        for place, name, make in _REPLACED:
            if hasattr(place, name):
                setattr(place, name, make())
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)
        for key in [key for key in os.environ if key.startswith(_FOREIGN)]:
            del os.environ[key]
        os.environ.update(taken)
