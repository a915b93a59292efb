"""Keeps torch.compile's machinery out of a process that has no use for it.

Inside torch, functions marked `_disable_dynamo`, and the step of every optimizer, import torch._dynamo when first
called: more than a second and some 900 modules, for a compiler that cannot run in a worker anyway. Here such a function
is called as it is, which is all that "disabled" means, and an optimizer steps without telling the compiler. Where a
version of torch has it differently, nothing is changed and only the second is lost.
"""

from __future__ import annotations

import functools
import gc
import types
from collections.abc import Callable
from typing import Any

import torch


@functools.cache
def skip_dynamo() -> None:
    """To be called right after torch is imported; a second call does nothing."""
    compiler = getattr(torch, "_compile", None)
    if compiler is None or not hasattr(compiler, "_disable_dynamo"):
        return
    for function in gc.get_objects():
        if type(function) is not types.FunctionType:
            continue
        if _steps(function):
            function.__code__ = _step_of(function).__code__
        if function.__code__.co_filename == compiler.__file__:
            wrapped = _wrapped(function)
            if isinstance(wrapped, types.FunctionType):
                wrapped.__dynamo_disable = wrapped  # type: ignore[attr-defined]  # torch's own place for it
    compiler._disable_dynamo = _as_it_is
    setattr(torch, "_disable_dynamo", _as_it_is)  # noqa: B010  # a name that torch does not export


def _steps(function: types.FunctionType) -> bool:
    """Whether it is the wrapper around an optimizer's step as it is known: nothing in its closure but the step."""
    code, home = function.__code__, function.__globals__.get("__name__")
    return home == torch.optim.Optimizer.__module__ and (code.co_name, code.co_freevars) == ("_use_grad", ("func",))


def _step_of(func: Callable[..., Any]) -> Callable[..., Any]:
    """The same wrapper without a word to the compiler. Its code runs with the names of torch.optim.optimizer."""

    def _use_grad(*args: Any, **kwargs: Any) -> Any:
        before = torch.is_grad_enabled()
        try:
            torch.set_grad_enabled(args[0].defaults["differentiable"])
            return func(*args, **kwargs)
        finally:
            torch.set_grad_enabled(before)

    return _use_grad


def _wrapped(function: types.FunctionType) -> object:
    """What a disabled function calls: its own word for it is in its closure; `__wrapped__` others write over."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cell = cells.get("fn")
    return function.__dict__.get("__wrapped__") if cell is None else cell.cell_contents


def _as_it_is(function: Any = None, recursive: bool = True) -> Any:
    return function if function is not None else lambda inner: inner
