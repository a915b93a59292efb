"""An exception of the learner's code, written down: what kind of end it is, its words, the learner's line."""

from __future__ import annotations

import linecache
import traceback

import torch
from msgspec.structs import replace

from .device import HOST, breaks
from .opaque import type_name
from .wire import Failure, words

_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "Cannot allocate memory", "bad_alloc")
_COMPILER = ("torch._inductor.", "torch._dynamo.")  # where torch.compile's own errors come from


class MissingTask(Exception):
    """The module defines nothing of that name."""


class CellStopped(Exception):
    """The cell of a notebook that defines what was asked for has stopped: `failure` says at what."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def failure_from(error: BaseException, filename: str, home: torch.device = HOST) -> Failure:
    """The learner's exception as a Failure. Its text is theirs: it is cut here and escaped by whoever shows it.

    `home`: where tensors live in this process.
    """
    if type(error) is CellStopped:
        return error.failure
    try:
        found = _failure(error, filename)
        if home == HOST:
            return found
        if found.kind == "memory":  # torch's words go on with how much others have of it, never the same twice
            return replace(found, text=found.text.partition(" GPU 0 has")[0])
        return replace(found, kind="broken") if breaks(error) else found
    except MemoryError:
        raise
    except BaseException:  # an exception made so that looking at it raises
        return Failure("raised", type_name(type(error)), [], "(its text raises)")


def _failure(error: BaseException, filename: str) -> Failure:
    lineage = type.__dict__["__mro__"].__get__(type(error))  # not what a metaclass says of it
    bases = [base.__name__ for base in lineage if _is_built_in(base)]
    name = type_name(type(error)).rpartition(".")[2]
    text = _text(error)
    kind = _kind(error, text, filename)
    if closed := _closed(error):
        first = text.partition("\n")[0]  # a compiler's errors go on for pages
        text = words(f"{first}. {closed}")
    if issubclass(type(error), SyntaxError) and error.filename == filename:  # type: ignore[attr-defined]
        return Failure(kind, name, bases, words(str(error.msg)), _int(error.lineno), _int(error.offset))  # type: ignore[attr-defined]
    return Failure(kind, name, bases, text, line_in(error, filename))


def _closed(error: BaseException) -> str:
    """What of the lockdown a learner ran into without meaning any harm; "" where it is nothing of that."""
    compiling = type_name(type(error)).startswith(_COMPILER)
    if not compiling and not isinstance(error, OSError):
        return ""
    through = [frame.filename.replace("\\", "/") for frame in traceback.extract_tb(error.__traceback__)]
    if compiling or any("/torch/_inductor/" in name for name in through):
        return "torch.compile starts a compiler, which cannot be done here: leave it out"
    if not isinstance(error, PermissionError):
        return ""
    if any("/torch/utils/data/" in name for name in through):
        return "A DataLoader with workers starts processes, which cannot be done here: leave num_workers at 0"
    return "Your code runs locked in here: no other process, no network, no file but its own"


def _is_built_in(base: type) -> bool:
    return type(base) is type and type.__dict__["__module__"].__get__(base) == "builtins"


def _int(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None


def _kind(error: BaseException, text: str, filename: str) -> str:
    if isinstance(error, MissingTask):
        return "missing"
    if isinstance(error, NotImplementedError) and _is_the_stub(error, filename):
        return "todo"
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(m in text for m in _OUT_OF_MEMORY)):
        return "memory"
    return "exit" if isinstance(error, SystemExit) else "raised"


def _is_the_stub(error: BaseException, filename: str) -> bool:
    """PyTorch raises NotImplementedError too; a stub's comes from a line of the learner's file that raises it."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or frames[-1].filename != filename or frames[-1].lineno is None:
        return False
    return "NotImplementedError" in linecache.getline(filename, frames[-1].lineno)


def line_in(error: BaseException, filename: str) -> int | None:
    """The innermost line of the learner's file on the way to the exception."""
    try:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename]
    except BaseException:  # a traceback of the learner's making
        return None
    return lines[-1] if lines else None


def _text(error: BaseException) -> str:
    try:
        return words(str(error))
    except BaseException:
        return "(its text raises)"
