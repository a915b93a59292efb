"""Our own modules of the course, loaded in this process: references, and modules with one task replaced by a wrong one."""

from __future__ import annotations

import functools
import importlib.util
import types
from pathlib import Path

from .course import root
from .errors import GraderFault


@functools.cache
def reference(name: str) -> types.ModuleType:
    """The reference module of an exercise. Shared: never write to it."""
    return fresh(name)


def fresh(name: str) -> types.ModuleType:
    """A new copy of the reference module, to replace a task in."""
    return load(root() / "solutions" / f"{name}.py", name)


def load(file: Path, name: str) -> types.ModuleType:
    """Run one of our own files as a module of that name, without entering it in sys.modules."""
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise GraderFault(f"{file} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
