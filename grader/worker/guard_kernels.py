"""Replaces kernels in PyTorch's dispatcher, below every Python name. Everything here is private API of PyTorch.

An operator is a table of kernels, one a dispatch key. A kernel of ours lies on top of PyTorch's own and stays for the
life of the process: the handle that could take it away again is leaked on purpose, and no Python object leads to it.
`guard_doors.py` walks every way in that we know of; run it where the version of PyTorch is new.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

import torch
from torch.library import fallthrough_kernel

_C: Any = torch._C

# The layouts a tensor on this device can have; Meta is left alone: it computes no values.
CPU_KEYS = ("CPU", "MkldnnCPU", "QuantizedCPU", "SparseCPU", "SparseCsrCPU", "NestedTensorCPU")
CUDA_KEYS = ("CUDA", "QuantizedCUDA", "SparseCUDA", "SparseCsrCUDA", "NestedTensorCUDA")
# Kernels that serve every backend at once. Without them `OpOverload.redispatch` to a backend that nobody has finds
# the original: aten::mkldnn_convolution is such a kernel.
SHARED_KEYS = (
    "CompositeExplicitAutograd",
    "CompositeExplicitAutogradNonFunctional",
    "CompositeImplicitAutograd",
    "CompositeImplicitAutogradNestedTensor",
    "FuncTorchBatchedDecomposition",  # vmap(torch.flatten) and functionalize(torch.flatten) go by these
    "Functionalize",
)

# Reading the tables costs more than changing them; the zygote imports this file and every worker inherits what it read.
OPERATORS: tuple[str, ...] = tuple(_C._dispatch_get_all_op_names())


def _implemented(key: str) -> frozenset[str]:
    """The operators that have a kernel of their own for this key."""
    return frozenset(_C._dispatch_get_registrations_for_dispatch_key(key))


def _differentiable() -> list[str]:
    """The operators that record a node for backward: PyTorch names the nodes after them (aten::mm, MmBackward0).

    Left out are those of other devices' libraries, and those that are backward operators themselves.
    """
    nodes = {re.sub(r"Backward\w*$", "", node).lower() for node in dir(_C._functions)} | {"copy"}
    passed_over = re.compile("::_?(mps|miopen|cudnn)|_backward|out$").search

    def node(name: str) -> str:
        bare = name.partition(".")[0].partition("::")[2]
        return bare.replace("_foreach_", "").replace("_", "").lower().removesuffix("forward")

    return [name for name in _implemented("Autograd") if not passed_over(name) and node(name) in nodes]


_KERNELS = {key: _implemented(key) for key in (*CPU_KEYS, *CUDA_KEYS, *SHARED_KEYS)}
_RECORDING = {"Autograd": _differentiable(), "AutogradNestedTensor": [*_implemented("AutogradNestedTensor")]}

# The same work under another name: a ban on the one is a ban on the other.
ALIASES = {"aten::flatten": ("prims::collapse", "prims::collapse_view")}

# Refuses one operator, by its qualified name.
Refuse = Callable[[str], NoReturn]


def matching(patterns: Iterable[str], names: Iterable[str] = OPERATORS) -> list[str]:
    """The operators, overload included, whose qualified name without the overload one of the patterns finds."""
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    if not joined:
        return []
    search = re.compile(joined).search
    also = {alias for name, aliases in ALIASES.items() if search(name) for alias in aliases}

    @functools.cache  # overloads share a name
    def wanted(name: str) -> bool:
        return name in also or search(name) is not None

    return [name for name in names if wanted(name.partition(".")[0])]


def forbid(operators: Mapping[str, Refuse], *, cuda: bool = False) -> None:
    """Make every one of these operators refuse, for every layout of tensor, for the life of this process."""
    keys = CPU_KEYS + CUDA_KEYS if cuda else CPU_KEYS
    handles = _Handles()
    with _overriding():
        for name, refuse in operators.items():
            kernel = _kernel(name.partition(".")[0], refuse)
            for key in (*keys, *SHARED_KEYS):
                if name in _KERNELS[key]:
                    handles.implement(name, key, kernel)
    handles.leak()


def record_no_graph() -> None:
    """Let no operator record itself for backward or carry a tangent forward, whatever asks for it, in every thread.

    Only `torch.autograd.Function` still makes a node, since it does so without an operator: a learner's own backward
    runs as ever, and there is nothing else for an engine to run.
    """
    handles = _Handles()
    with _overriding():
        for key, recording in _RECORDING.items():
            for name in recording:
                handles.implement(name, key, fallthrough_kernel)
    handles.leak()


def _kernel(name: str, refuse: Refuse) -> Callable[..., NoReturn]:
    def forbidden(*args: object, **kwargs: object) -> NoReturn:
        refuse(name)

    return forbidden


class _Handles:
    """The raw handles, one a namespace."""

    def __init__(self) -> None:
        self._of: dict[str, Any] = {}

    def implement(self, name: str, key: str, kernel: Callable[..., Any]) -> None:
        namespace, _, rest = name.partition("::")
        if namespace not in self._of:
            self._of[namespace] = _C._dispatch_library("IMPL", namespace, "", __file__, 1)
        self._of[namespace].impl(rest, key, kernel)

    def leak(self) -> None:
        """One reference more than there are referrers: the handle is never freed, and nobody can find it.

        Who does, in memory, finds it empty: behind the head of an object, pybind11 keeps what it stands for, twice.
        """
        for handle in self._of.values():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(handle))
            ctypes.memset(id(handle) + object.__basicsize__, 0, 2 * ctypes.sizeof(ctypes.c_void_p))
        self._of.clear()


@contextlib.contextmanager
def _overriding() -> Iterator[None]:
    """PyTorch warns that there was a kernel before; this is what we came for."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Warning only once for all operators")
        yield
