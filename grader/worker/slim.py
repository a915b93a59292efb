"""Keeps torch.compile's machinery out of a worker.

Inside torch, functions marked `_disable_dynamo` import torch._dynamo when first called: more than a second and some 900
modules, for a compiler that cannot run in a worker anyway. Here such a function is called as it is, which is all that
"disabled" means. Where a version of torch has it differently, nothing is changed and only the second is lost.
"""

from __future__ import annotations

import gc
import types
from typing import Any

import torch


def skip_dynamo() -> None:
    """Call once, right after torch is imported."""
    compiler = getattr(torch, "_compile", None)
    if compiler is None or not hasattr(compiler, "_disable_dynamo"):
        return
    for function in gc.get_objects():
        if type(function) is types.FunctionType and function.__code__.co_filename == compiler.__file__:
            wrapped = _wrapped(function)
            if isinstance(wrapped, types.FunctionType):
                wrapped.__dynamo_disable = wrapped  # type: ignore[attr-defined]  # torch's own place for it
    compiler._disable_dynamo = _as_it_is
    setattr(torch, "_disable_dynamo", _as_it_is)  # noqa: B010  # a name that torch does not export


def _wrapped(function: types.FunctionType) -> object:
    """What a disabled function calls: its own word for it is in its closure; `__wrapped__` others write over."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cell = cells.get("fn")
    return function.__dict__.get("__wrapped__") if cell is None else cell.cell_contents


def _as_it_is(function: Any = None, recursive: bool = True) -> Any:
    return function if function is not None else lambda inner: inner
