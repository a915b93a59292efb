"""What TorchScript computes past the dispatcher: by operators of its own, and by running a whole graph in another way.

Such an operator is taken out of TorchScript's registry, so that no graph can run it, however it was made. The names
on the way refuse, for they say which line it was; who puts a name back finds nothing behind it. Private API throughout.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from .guard_kernels import OPERATORS, matching
from .guard_names import Refuse, forbid_names, look_up

_C: Any = torch._C

# prim::mkldnn_convolution is one.
SCRIPT_ONLY = frozenset(schema.name for schema in _C._jit_get_all_schemas()) - {n.split(".")[0] for n in OPERATORS}

# Each stands for a graph that is computed otherwise: by loops of NNC, by oneDNN, by functions called directly.
RUNTIMES = (
    *("prim::TensorExprGroup", "prim::TensorExprDynamicGroup", "prim::StaticSubgraph", "prim::oneDNNFusionGroup"),
    "prim::FusionGroup",
)
RUNTIME_DOORS = (
    *(f"torch._C.{name}" for name in ("_jit_to_static_module", "_fuse_to_static_module", "_jit_set_llga_enabled")),
    *(f"torch._C._te.{name}" for name in ("lower", "construct_codegen", "TensorExprKernel.__init__")),
    "torch._C._jit_set_te_must_use_llvm_cpu",
    "torch._C._nativert.PyModelRunner.__init__",
)
# TorchScript has formulas for backward of its own, and nodes that run them.
BACKWARD = ("prim::DifferentiableGraph",)
BACKWARD_DOORS = ("torch._C._jit_differentiate", "torch._C._jit_pass_create_autodiff_subgraphs")

# The ways to a forbidden operator of TorchScript's own other than by its name.
SCRIPT_DOORS = (
    *(f"torch._C.{name}" for name in ("parse_ir", "import_ir_module", "import_ir_module_from_buffer")),
    *(f"torch._C.{name}" for name in ("_import_ir_module_from_package", "_create_function_from_graph")),
    *(f"torch._C.{name}" for name in ("_jit_pass_convert_frozen_ops_to_mkldnn", "_jit_pass_optimize_for_inference")),
    "torch._C.CompilationUnit.create_function",
)
look_up((*RUNTIME_DOORS, *BACKWARD_DOORS, *SCRIPT_DOORS))

_TAKE_OUT = "_ZN5torch3jit18deregisterOperatorERKN3c1014FunctionSchemaE"


def forbid_scripted(patterns: Sequence[str], refuse: Refuse, *, backward: bool = False) -> None:
    """Nothing but the dispatcher computes what a graph says; operators of TorchScript's own that match are gone."""
    if not patterns:
        return
    _C._set_graph_executor_optimize(False)  # or it would put in what is taken out here
    hidden = frozenset(matching([f"(?i:{pattern})" for pattern in patterns], SCRIPT_ONLY))  # prim::MKLDNNHardTanh
    _take_out((*RUNTIMES, *hidden, *(BACKWARD if backward else ())))
    forbid_names(RUNTIME_DOORS, refuse)
    if backward:
        forbid_names(BACKWARD_DOORS, refuse)
    if hidden:
        forbid_names(SCRIPT_DOORS, refuse)
        for name in ("_jit_get_operation", "_get_operation_overload"):
            setattr(_C, name, _screened(getattr(_C, name), hidden, refuse))


def _take_out(names: Iterable[str]) -> None:
    """Take these operators out of TorchScript's registry; where PyTorch has no such function, the names must do."""
    take_out = _library_function()
    if take_out is None:
        return
    for name in names:
        for schema in _C._jit_get_schemas_for_operator(name):
            # The schema itself: what an object of pybind11 holds right after what every object begins with.
            take_out(ctypes.c_void_p.from_address(id(schema) + object.__basicsize__))


@functools.cache
def _library_function() -> Callable[[ctypes.c_void_p], None] | None:
    try:
        found = getattr(ctypes.CDLL(_C.__file__), _TAKE_OUT)
    except (OSError, AttributeError):
        return None
    found.argtypes, found.restype = (ctypes.c_void_p,), None
    return found  # type: ignore[no-any-return]


def _screened(original: Callable[..., Any], hidden: frozenset[str], refuse: Refuse) -> Callable[..., Any]:
    def lookup(name: str, *args: object) -> Any:
        if name in hidden:
            refuse(name)
        return original(name, *args)

    return lookup
