"""The Python names that a ban takes away: names that do the work without an operator.

A name can be put back by whoever is determined; what must hold, holds in `guard_kernels.py`. Names are for the learner
who reaches for one in good faith, and should read which line it was and why.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, NoReturn

import torch
import torch.func

_C: Any = torch._C
Refuse = Callable[[str], NoReturn]
Place = tuple[Any, str]  # something that has attributes, and the name of one

# numpy.convolve and numpy.correlate are thin: these are what they call.
_CORRELATE = tuple(
    f"numpy._core.{module}.{name}"
    for module in ("multiarray", "_multiarray_umath", "umath")
    for name in ("correlate", "correlate2")
)
BELOW = {"numpy.convolve": _CORRELATE, "numpy.correlate": _CORRELATE}

# Not among them: forward_ad.unpack_dual, which finds nothing here, and which PyTorch calls to print a tensor.
AUTOGRAD = (
    "torch.autograd.grad",
    "torch.autograd.backward",
    "torch.Tensor.backward",
    *(f"torch.autograd.functional.{name}" for name in ("vjp", "jvp", "jacobian", "hessian", "vhp", "hvp")),
    *(f"torch.func.{name}" for name in ("grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd", "hessian")),
    "torch.func.linearize",
    *(f"torch.autograd.forward_ad.{name}" for name in ("dual_level", "enter_dual_level", "make_dual")),
    "torch.autograd.graph._engine_run_backward",
    "torch.autograd.Variable._execution_engine",
    "torch.autograd.variable.ImperativeEngine",
    "torch._C._ImperativeEngine",
    "torch._C._enter_dual_level",
    "torch._C._functorch._grad_increment_nesting",
    "torch._C._functorch._jvp_increment_nesting",
    # Backward passes written in Python.
    *(f"torch.nn.utils._expanded_weights.conv_utils.conv_{n}_weight_grad_sample" for n in ("unfold", "group")),
    "torch.nn.utils._expanded_weights.conv_utils.conv_backward",
    "torch.nn.utils._expanded_weights.linear_expanded_weights.LinearPerSampleGrad.backward",
)
# A step of somebody's backward pass, whatever it is a step of: aten::leaky_relu_backward is that of relu too.
AUTOGRAD_OPERATORS = ("_backward", "::_make_dual$")

# oneDNN computes a float32 transposed convolution without telling the dispatcher; without oneDNN it is
# aten::slow_conv_transpose2d, which can be refused. A plain convolution has a kernel of its own either way.
TRANSPOSED_OPERATORS = ("conv[a-z0-9_]*transpose",)
ONEDNN = ("torch._C._set_mkldnn_enabled", "torch.backends.mkldnn.set_flags", "torch.backends.mkldnn.flags")


def forbid_names(names: Iterable[str], refuse: Refuse) -> None:
    """Replace each dotted name, and the other names that its package gives the same object, by one that refuses.

    Names that this version of a library lacks are passed over. A function in Python refuses from then on even for
    who has it from elsewhere: numpy keeps all of its own in a set.
    """
    for name in names:
        for below in (name, *BELOW.get(name, ())):
            for owner, last in PLACES.get(below) or _places(below):
                empty_out(getattr(owner, last), name, refuse)
                setattr(owner, last, _refusing(name, refuse))


def empty_out(value: object, name: str, refuse: Refuse) -> None:
    """Let a function in Python, and what it wraps, do nothing but refuse. Anything else is left alone."""
    for function in functions_in(value):
        free, consts = function.__code__.co_freevars, {"REFUSE": refuse, "NAME": name}
        code = _EMPTY.replace(co_consts=tuple(consts.get(const, const) for const in _EMPTY.co_consts))
        function.__code__ = code.replace(co_freevars=free)  # a closure must fit, used or not


def functions_in(value: object) -> Iterator[FunctionType]:
    """The function itself and those below its decorators."""
    while callable(value) and not isinstance(value, type):
        if isinstance(value, FunctionType):
            yield value
        below = [getattr(value, name, None) for name in ("__wrapped__", "_implementation")]  # the latter is numpy's
        value = next((found for found in below if isinstance(found, FunctionType)), None)


def _empty(*args: object, **kwargs: object) -> Any:
    refuse: Any = "REFUSE"
    return refuse("NAME")


_EMPTY: CodeType = _empty.__code__


def forbid_onednn(refuse: Refuse) -> None:
    """Compute plain convolutions without oneDNN from here on: the same values, up to the order of the sums."""
    if _C._get_mkldnn_enabled():
        _C._set_mkldnn_enabled(False)
    backend: Any = torch.backends.mkldnn
    forbid_names(ONEDNN, refuse)
    # `torch.backends.mkldnn.enabled = …` goes through a property that keeps the setter.
    switch = vars(type(backend)).get("enabled")
    if switch is not None and hasattr(switch, "setter"):
        switch.setter = _refusing("torch.backends.mkldnn.enabled", refuse)


def find_class(dotted: str) -> type | None:
    found = _resolve(dotted)
    value = getattr(*found) if found else None
    return value if isinstance(value, type) else None


def _resolve(dotted: str) -> tuple[Any, str] | None:
    """The owner and the last part of a dotted name: the longest part that is a module is imported."""
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            owner: Any = sys.modules.get(module) or importlib.import_module(module)
        except ImportError:
            continue
        for part in parts[length:-1]:
            owner = getattr(owner, part, None)
        return (owner, parts[-1]) if hasattr(owner, parts[-1]) else None
    return None


def _places(dotted: str, package: str = "") -> list[Place]:
    """Where the object of that name can be reached: the name itself, and every module in or below `package`.

    The package is the name's own module where none is given. numpy 1 says numpy.core for numpy._core.
    """
    found = _resolve(dotted) or _resolve(dotted.replace("._core.", ".core."))
    if found is None:
        return []
    original = getattr(*found)
    below = _modules(package or dotted.rpartition(".")[0])
    return [found, *((module, key) for module in below for key in _keys(module, original))]


@functools.cache
def _modules(package: str) -> list[ModuleType]:
    """The package and what is loaded of it."""
    inside = f"{package}."
    return [module for name, module in list(sys.modules.items()) if name == package or name.startswith(inside)]


def _keys(module: ModuleType, value: object) -> list[str]:
    return [key for key, other in getattr(module, "__dict__", {}).items() if other is value]


def _refusing(name: str, refuse: Refuse) -> Callable[..., NoReturn]:
    def forbidden(*args: object, **kwargs: object) -> NoReturn:
        refuse(name)

    return forbidden


# Looking through a thousand modules touches all their pages, which is slow in a fresh fork: the zygote does it.
PLACES: dict[str, list[Place]] = {}


def look_up(names: Iterable[str]) -> None:
    """Find now what `forbid_names` will want: called where modules are loaded, once."""
    PLACES.update({name: _places(name, "torch") for name in names})


look_up((*AUTOGRAD, *ONEDNN))
