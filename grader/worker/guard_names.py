"""The Python names that a ban takes away: names that do the work without an operator.

A name can be put back by whoever is determined; what must hold, holds in `guard_kernels.py`. Names are for the learner
who reaches for one in good faith, and should read which line it was and why.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, NoReturn

import torch
import torch.func

from .guard_kernels import SCRIPT_ONLY, matching

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

AUTOGRAD = (
    "torch.autograd.grad",
    "torch.autograd.backward",
    "torch.Tensor.backward",
    *(f"torch.autograd.functional.{name}" for name in ("vjp", "jvp", "jacobian", "hessian", "vhp", "hvp")),
    *(f"torch.func.{name}" for name in ("grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd", "hessian")),
    "torch.func.linearize",
    *(f"torch.autograd.forward_ad.{n}" for n in ("dual_level", "enter_dual_level", "make_dual", "unpack_dual")),
    "torch.autograd.graph._engine_run_backward",
    "torch.autograd.Variable._execution_engine",
    "torch.autograd.variable.ImperativeEngine",
    "torch._C._ImperativeEngine",
    "torch._C._enter_dual_level",
    "torch._C._functorch._grad_increment_nesting",
    "torch._C._functorch._jvp_increment_nesting",
)
AUTOGRAD_OPERATORS = ("::_backward$", "::_make_dual$")

# oneDNN computes a float32 transposed convolution without telling the dispatcher; without oneDNN it is
# aten::slow_conv_transpose2d, which can be refused. A plain convolution has a kernel of its own either way.
TRANSPOSED_OPERATORS = ("conv[a-z0-9_]*transpose",)
ONEDNN = ("torch._C._set_mkldnn_enabled", "torch.backends.mkldnn.set_flags", "torch.backends.mkldnn.flags")

# The ways to TorchScript's own operators other than by their name.
SCRIPT_DOORS = (
    *(f"torch._C.{name}" for name in ("parse_ir", "import_ir_module", "import_ir_module_from_buffer")),
    *(f"torch._C.{name}" for name in ("_import_ir_module_from_package", "_create_function_from_graph")),
    *(f"torch._C.{name}" for name in ("_jit_pass_convert_frozen_ops_to_mkldnn", "_jit_pass_optimize_for_inference")),
    "torch._C._jit_set_llga_enabled",
    "torch._C.CompilationUnit.create_function",
)


def forbid_names(names: Iterable[str], refuse: Refuse) -> None:
    """Replace each dotted name, and the other names that its package gives the same object, by one that refuses.

    Names that this version of a library lacks are passed over.
    """
    for name in names:
        for below in (name, *BELOW.get(name, ())):
            for owner, last in _PLACES.get(below) or _places(below):
                setattr(owner, last, _refusing(name, refuse))


def forbid_scripted(patterns: Iterable[str], refuse: Refuse) -> None:
    """Refuse the operators that only TorchScript knows, by name and by the passes that put them into a graph."""
    hidden = frozenset(matching(patterns, SCRIPT_ONLY))
    if not hidden:
        return
    forbid_names(SCRIPT_DOORS, refuse)
    for name in ("_jit_get_operation", "_get_operation_overload"):
        setattr(_C, name, _screened(getattr(_C, name), hidden, refuse))


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


def _screened(original: Callable[..., Any], hidden: frozenset[str], refuse: Refuse) -> Callable[..., Any]:
    def lookup(name: str, *args: object) -> Any:
        if name in hidden:
            refuse(name)
        return original(name, *args)

    return lookup


# Looking through a thousand modules touches all their pages, which is slow in a fresh fork: the zygote does it.
_PLACES = {name: _places(name, "torch") for name in (*AUTOGRAD, *ONEDNN, *SCRIPT_DOORS)}
