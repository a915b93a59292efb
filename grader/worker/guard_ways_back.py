"""The ways to a backward pass: transposed convolution, backward operators, autograd. See `guard_ways`."""

# mypy: disable-error-code="no-untyped-call,attr-defined,assignment"
from __future__ import annotations

import importlib
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .guard_ways import ONES, ZEROS, Way, aten, in_thread, ops, redispatch, w, x

_C: Any = torch._C

# Taken before the guard is armed: what a learner would have who got hold of the originals.
ENGINE: Any = torch.autograd.Variable._execution_engine
SAVED_DUAL_LEVEL = _C._enter_dual_level
SAVED_NESTING = _C._functorch._grad_increment_nesting


def _transposed() -> Any:
    return torch.convolution(x(), w(2, 3, 2, 2), None, ONES, ZEROS, ONES, True, ZEROS, 1)


def _other_backend() -> Any:
    flags = [False] * 4
    operator = aten._convolution.default
    return redispatch(operator, "XLA", x(), w(2, 3, 2, 2), None, ONES, ZEROS, ONES, True, ZEROS, 1, *flags)


def _with_onednn(way: Way) -> Any:
    torch.backends.mkldnn.enabled = True
    return way()


def _graph() -> tuple[torch.Tensor, torch.Tensor]:
    """A linear layer: its backward is a plain matrix product, which nobody forbids."""
    weight = w(3, 4, requires_grad=True)
    return F.linear(x(2, 4), weight).sum(), weight


def _linear(weight: torch.Tensor) -> torch.Tensor:
    return F.linear(x(2, 4), weight).sum()


def _backward(*args: Any) -> Any:
    y, weight = _graph()
    y.backward(*args)
    return weight.grad


def _backward_function() -> Any:
    y, weight = _graph()
    torch.autograd.backward(y)
    return weight.grad


def _graph_function() -> Any:
    y, weight = _graph()
    run: Any = torch.autograd.graph._engine_run_backward
    return run((y,), (torch.ones(()),), False, False, (weight,), False, accumulate_grad=False)


def _grad() -> Any:
    y, weight = _graph()
    return torch.autograd.grad(y, weight)


def _run(engine: Any) -> Any:
    y, weight = _graph()
    return engine.run_backward((y,), (torch.ones(()),), False, False, (weight,), False, accumulate_grad=False)


def _by_operator() -> Any:
    y, weight = _graph()
    aten._backward(y, [weight])
    return weight.grad


def _by_hand_over_nodes() -> Any:
    y: Any = _graph()[0]
    return y.grad_fn.next_functions[0][0](y.grad_fn(torch.ones(())))


def _in_place() -> Any:
    weight = w(3, 4, requires_grad=True)
    y = torch.zeros(3, 4)
    y += weight
    y.mul_(3.0)
    return saved_grad(y.sum(), weight)


def _checkpoint() -> Any:
    from torch.utils.checkpoint import checkpoint

    weight = w(3, 4, requires_grad=True)
    return saved_grad(checkpoint(_linear, weight, use_reentrant=False), weight)


def _scripted_backward() -> Any:
    unit = torch.jit.CompilationUnit("""
def f(a, b):
    y = torch.mm(a, b).tanh().sum()
    y.backward()
    return y
""")
    weight = w(4, 3, requires_grad=True)
    for _ in range(4):
        unit.f(x(2, 4), weight)
    return weight.grad


def _dual() -> Any:
    import torch.autograd.forward_ad as forward

    with forward.dual_level():
        return forward.unpack_dual(_linear(forward.make_dual(w(3, 4), w(3, 4)))).tangent


def _dual_below() -> Any:
    level = SAVED_DUAL_LEVEL()
    dual = torch._make_dual(w(3, 4), w(3, 4), level=level)
    return torch._VF._unpack_dual(_linear(dual), level=level)[1]


def _functorch_below() -> Any:
    weight = w(3, 4)
    level = SAVED_NESTING()
    _C._functorch.set_inplace_requires_grad_allowed(True)
    inside = _C._functorch._wrap_for_grad(weight, level).requires_grad_()
    found = saved_grad(_linear(inside), inside)
    return _C._functorch._unwrap_for_grad(found[0], level)


def saved_grad(y: torch.Tensor, weight: torch.Tensor) -> Any:
    return ENGINE.run_backward((y,), (torch.ones_like(y),), False, False, (weight,), False, accumulate_grad=False)


# A transposed convolution, by functions that compute plain ones too, and the backward operators.
TRANSPOSED: dict[str, Way] = {
    "conv_transpose1d": lambda: F.conv_transpose1d(x(1, 2, 5), w(2, 3, 2)),
    "conv_transpose2d": lambda: F.conv_transpose2d(x(), w(2, 3, 2, 2)),
    "conv_transpose2d, float64": lambda: F.conv_transpose2d(x(dtype=torch.float64), w(2, 3, 2, 2).double()),
    "conv_transpose3d": lambda: F.conv_transpose3d(x(1, 2, 3, 3, 3), w(2, 1, 2, 2, 2)),
    "nn.ConvTranspose2d": lambda: nn.Sequential(nn.ConvTranspose2d(2, 3, 2))(x()),
    "torch.convolution": lambda: torch.convolution(x(), w(2, 3, 2, 2), None, ONES, ZEROS, ONES, True, ZEROS, 1),
    "torch.convolution, float64": lambda: torch.convolution(
        x().double(), w(2, 3, 2, 2).double(), None, ONES, ZEROS, ONES, True, ZEROS, 1
    ),
    "torch.convolution, three dimensions": lambda: torch.convolution(
        x(1, 2, 3, 3, 3), w(2, 1, 2, 2, 2), None, [1, 1, 1], [0, 0, 0], [1, 1, 1], True, [0, 0, 0], 1
    ),
    "torch._convolution": lambda: _C._VariableFunctions._convolution(
        x(), w(2, 3, 2, 2), None, ONES, ZEROS, ONES, True, ZEROS, 1, False, False, False, False
    ),
    "torch.ops": lambda: aten.convolution(x(), w(2, 3, 2, 2), None, ONES, ZEROS, ONES, True, ZEROS, 1),
    "torch.ops, out": lambda: aten.convolution.out(
        x(), w(2, 3, 2, 2), None, ONES, ZEROS, ONES, True, ZEROS, 1, out=torch.empty(1, 3, 6, 6)
    ),
    "torch.ops, the deprecated overload": lambda: aten._convolution.deprecated(
        x(), w(2, 3, 2, 2), None, ONES, ZEROS, ONES, True, ZEROS, 1, False, False, False
    ),
    "torch.ops, overrideable": lambda: aten.convolution_overrideable(
        x(), w(2, 3, 2, 2), None, ONES, ZEROS, ONES, True, ZEROS, 1
    ),
    "torch._C._nn": lambda: _C._nn.slow_conv_transpose2d(x(), w(2, 3, 2, 2), [2, 2]),
    "torch._C._nn, three dimensions": lambda: _C._nn.slow_conv_transpose3d(
        x(1, 2, 3, 3, 3), w(2, 1, 2, 2, 2), [2, 2, 2]
    ),
    "oneDNN, pointwise": lambda: ops.mkldnn._convolution_transpose_pointwise(
        x(), w(2, 3, 2, 2), None, ZEROS, ZEROS, ONES, ONES, 1, "none", [], None
    ),
    "oneDNN switched on": lambda: _with_onednn(_transposed),
    "oneDNN's flags": lambda: torch.backends.mkldnn.flags(enabled=True),
    "torch.jit.script": lambda: torch.jit.script(nn.ConvTranspose2d(2, 3, 2))(x()),
    "another backend's kernel": _other_backend,
    "transposed in another thread": lambda: in_thread(_transposed),
    "torch.nn.grad": lambda: torch.nn.grad.conv2d_input((1, 2, 5, 5), w(), w(1, 3, 4, 4)),
    "convolution_backward": lambda: aten.convolution_backward(
        w(1, 3, 4, 4), x(), w(), None, ONES, ZEROS, ONES, False, ZEROS, 1, [True, True, False]
    ),
    "threshold_backward": lambda: aten.threshold_backward(x(), x(), 0),
    "leaky_relu_backward": lambda: aten.leaky_relu_backward(x(), x(), 0.0, False),
    "linear, oneDNN": lambda: aten.mkldnn_linear_backward(
        x(2, 3).to_mkldnn(), x(2, 4).to_mkldnn(), w(4, 3), [True, True, True]
    ),
    "decomposition": lambda: torch._decomp.decomposition_table[aten.threshold_backward.default](x(), x(), 0),
    "weight gradient in Python": lambda: importlib.import_module(
        "torch.nn.utils._expanded_weights.conv_utils"
    ).conv_unfold_weight_grad_sample(x(), w(1, 3, 4, 4), (3, 2, 2, 2), (2, 2), ONES, ZEROS, ONES, 1, F.conv2d),
    "max pool backward": lambda: aten.max_pool2d_with_indices_backward(
        x(1, 1, 2, 2), x(1, 1, 4, 4), [2, 2], [2, 2], ZEROS, ONES, False, torch.zeros(1, 1, 2, 2, dtype=torch.int64)
    ),
    "average pool backward": lambda: aten.avg_pool2d_backward(
        x(1, 1, 2, 2), x(1, 1, 4, 4), [2, 2], [2, 2], ZEROS, False, True, None
    ),
}

AUTOGRAD: dict[str, Way] = {
    "Tensor.backward": _backward,
    "torch.autograd.grad": _grad,
    "torch.autograd.backward": _backward_function,
    "the engine": lambda: _run(torch.autograd.Variable._execution_engine),
    "a new engine": lambda: _run(_C._ImperativeEngine()),
    "an engine saved before": lambda: _run(ENGINE),
    "torch.autograd.graph": _graph_function,
    "aten::_backward": _by_operator,
    "nodes called by hand": _by_hand_over_nodes,
    "another thread": lambda: in_thread(lambda: _run(ENGINE)),
    "enable_grad": lambda: torch.enable_grad()(_run)(ENGINE),
    "in place": _in_place,
    "checkpoint": _checkpoint,
    "TorchScript": _scripted_backward,
    "vjp of torch.autograd.functional": lambda: torch.autograd.functional.vjp(_linear, w(3, 4))[1],
    "jacobian of torch.autograd.functional": lambda: torch.autograd.functional.jacobian(_linear, w(3, 4)),
    "torch.func.grad": lambda: torch.func.grad(_linear)(w(3, 4)),
    "torch.func.vjp": lambda: torch.func.vjp(_linear, w(3, 4))[1](torch.ones(())),
    "torch.func.jvp": lambda: torch.func.jvp(_linear, (w(3, 4),), (w(3, 4),))[1],
    "torch.func.jacrev": lambda: torch.func.jacrev(_linear)(w(3, 4)),
    "torch.func.jacfwd": lambda: torch.func.jacfwd(_linear)(w(3, 4)),
    "functorch": lambda: importlib.import_module("functorch").grad(_linear)(w(3, 4)),
    "below torch.func": _functorch_below,
    "forward mode": _dual,
    "below forward mode": _dual_below,
}

BACKWARD: dict[str, Way] = TRANSPOSED | AUTOGRAD
