"""Our own modules of the course, loaded in this process: references, and modules with one task replaced by another."""

from __future__ import annotations

import functools
import importlib.util
import os
import traceback
import types
from importlib.machinery import SourceFileLoader
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
    """Run one of our own files as a module of that name, without entering it in sys.modules.

    Raises GraderFault that names the file, and the line where one is to blame, where it is missing or does not run.
    """
    if not file.is_file():
        raise GraderFault(f"{file} is missing")
    loader = _Loader(name, str(file))
    try:
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))  # type: ignore[arg-type]
        loader.exec_module(module)
    except GraderFault:
        raise
    except Exception as error:
        raise GraderFault(f"{file}{_line(error, file)}: {type(error).__name__}: {error}") from error
    return module


class _Loader(SourceFileLoader):
    """Python's own, that compiles a file once and leaves no bytecode behind: a mistake is tried in a fresh module."""

    def get_code(self, fullname: str) -> types.CodeType:
        return _code(self.path, os.stat(self.path).st_mtime_ns)


@functools.cache
def _code(path: str, changed: int) -> types.CodeType:
    return compile(Path(path).read_text("utf-8"), path, "exec", dont_inherit=True)


def _line(error: Exception, file: Path) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    if isinstance(error, SyntaxError) and error.filename == str(file):
        lines.append(error.lineno)
    return f", line {lines[-1]}" if lines else ""
