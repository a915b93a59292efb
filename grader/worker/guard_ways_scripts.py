"""The ways through TorchScript that ask no dispatcher, and those to its own formulas for backward. See `guard_ways`."""

# mypy: disable-error-code="no-untyped-call,attr-defined,no-any-return"
from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch

from .guard_ways import Way, w, x
from .guard_ways_rest import ramp

_C: Any = torch._C
TENSOR = "Float(1, 2, 4, 4, strides=[32, 16, 4, 1], requires_grad=0, device=cpu)"
CONVOLVE = "prim::mkldnn_convolution"


# Compiled before the guard is armed.
UNIT = torch.jit.CompilationUnit("""
def relu(x):
    return torch.relu(x)

def softmax(x):
    return torch.softmax(x, -1)

def flatten(x):
    return torch.flatten(x, 1)

def chain(x):
    return torch.tanh(x * 2.0) * 3.0
""")
LOOK_UP = _C._jit_get_operation


def _static(function: Any) -> Way:
    """Static Runtime calls native functions directly."""
    return lambda: _C._jit_to_static_module(function.graph)(ramp())


def _loops(text: str) -> Way:
    """NNC makes loops of it."""

    def way() -> Any:
        _C._jit_set_te_must_use_llvm_cpu(False)
        graph = _C.parse_ir(f"graph(%x : {TENSOR}):\n  {text}\n  return (%y)")
        return _C._te.TensorExprKernel(graph).run((ramp(),))

    return way


def _lowered() -> Any:
    te = _C._te
    size = [te.ExprHandle.int(2)] * 3
    return te.lower(
        "aten::relu(Tensor self) -> Tensor", [te.BufHandle("x", size, te.Dtype.Float)], size, te.Dtype.Float
    )


def _onednn() -> Any:
    torch.jit.enable_onednn_fusion(True)
    return _C._jit_llga_enabled()


def _saved_look_up() -> Any:
    operation, _ = LOOK_UP(CONVOLVE)
    return operation(x(), w(), None, [1, 1], [0, 0], [1, 1], 1)


def _look_up_in_closure() -> Any:
    """What lies behind a name that refuses."""
    behind = [cell.cell_contents for cell in getattr(_C._jit_get_operation, "__closure__", None) or ()]
    found: Any = next((value for value in behind if type(value) is type(len)), LOOK_UP)
    operation, _ = found(CONVOLVE)
    return operation(x(), w(), None, [1, 1], [0, 0], [1, 1], 1)


def _known_as_builtin() -> Any:
    """The compiler takes a function of ours for the operator."""

    def conv(*args: Any) -> Any: ...

    importlib.import_module("torch.jit._builtins")._register_builtin(conv, CONVOLVE)
    unit = torch.jit.CompilationUnit("def f(x: Tensor, w: Tensor):\n  return conv(x, w, None, [1], [0], [1], 1)\n")
    return unit.f(x(), w())


def _node_by_node() -> Any:
    graph = _C.Graph()
    image, kernel = graph.addInput("x"), graph.addInput("w")
    values = (None, [1, 1], [0, 0], [1, 1], 1)
    node = graph.create(CONVOLVE, [image, kernel, *(graph.insertConstant(value) for value in values)], 1)
    graph.insertNode(node)
    graph.registerOutput(node.output())
    return _C._jit_interpret_graph(graph, (x(), w()))


def _differentiated() -> Any:
    gradient = _C._jit_differentiate(UNIT.relu.graph.copy())
    return _C._create_function_from_graph("df", gradient.df)(x(), x())


def _recorded() -> Any:
    """The older executor records a node for the whole graph, without an operator."""
    _C._set_graph_executor_optimize(True)
    _C._jit_set_profiling_executor(False)
    _C._jit_set_profiling_mode(False)
    _C._debug_set_autodiff_subgraph_inlining(False)
    return UNIT.chain(ramp().requires_grad_()).grad_fn


SCRIPTS: dict[str, dict[str, Callable[[], Any]]] = {
    "convolution": {
        "a look-up of operators saved before": _saved_look_up,
        "the look-up in a closure": _look_up_in_closure,
        "TorchScript's table of builtins": _known_as_builtin,
        "a graph made node by node": _node_by_node,
    },
    "relu": {
        "Static Runtime": _static(UNIT.relu),
        "NNC": _loops(f"%y : {TENSOR} = aten::relu(%x)"),
        "NNC, operator by operator": _lowered,
        "oneDNN's graphs": _onednn,
    },
    "softmax": {
        "Static Runtime": _static(UNIT.softmax),
        "NNC": _loops(
            "%d : int = prim::Constant[value=-1]()\n  %n : NoneType = prim::Constant()\n"
            f"  %y : {TENSOR} = aten::softmax(%x, %d, %n)"
        ),
    },
    "flatten": {"Static Runtime": _static(UNIT.flatten)},
    "backward": {"TorchScript's formulas": _differentiated, "TorchScript's own node": _recorded},
}
