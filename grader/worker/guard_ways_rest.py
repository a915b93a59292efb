"""The ways to gathered windows, activation, pooling, flattening, softmax and cross entropy. See `guard_ways`."""

# mypy: disable-error-code="no-untyped-call,attr-defined,no-any-return"
from __future__ import annotations

import importlib
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .guard_ways import Way, aten, in_thread, ops, x

_C: Any = torch._C
refs: Any = torch._refs
SAVED_REFERENCE = refs.nn.functional.relu
TWO, ONE, NONE = [2, 2], [1, 1], [0, 0]
TARGET = torch.tensor([0, 1, 1])


def ramp(*shape: int) -> torch.Tensor:
    """Negative and positive, no two alike."""
    count = torch.Size(shape or (1, 2, 4, 4)).numel()
    return torch.arange(count).reshape(shape or (1, 2, 4, 4)) - (count - 1) / 2


def scores() -> torch.Tensor:
    return ramp(3, 2).log_softmax(1)


def decomposed(operator: Any, *args: Any) -> Any:
    return torch._decomp.decomposition_table[operator](*args)


def traced(operator: Any, *args: Any) -> Any:
    """The operator taken apart by a tracer, before any kernel is asked."""
    make_fx: Any = importlib.import_module("torch.fx.experimental.proxy_tensor").make_fx
    table = dict(torch._decomp.decomposition_table)
    return make_fx(lambda: operator(*args), decomposition_table=table, tracing_mode="real")()


def mapped(function: Any) -> Any:
    return torch.func.vmap(function)(ramp(1, 1, 2, 4, 4))


def refs_mode(way: Way) -> Any:
    """torch.f means torch._refs.f in there."""
    with importlib.import_module("torch._prims.context").TorchRefsMode():
        return way()


def quantized() -> torch.Tensor:
    return torch.quantize_per_tensor(ramp(), 0.5, 0, torch.qint8)


def _numpys_own() -> Any:
    """numpy keeps every function of its own in a set."""
    overrides: Any = importlib.import_module("numpy")._core.overrides
    return next(f for f in overrides.ARRAY_FUNCTIONS if f.__name__ == "ravel")(ramp().numpy())


IM2COL: dict[str, Way] = {
    "F.unfold": lambda: F.unfold(x(), 2),
    "nn.Unfold": lambda: nn.Sequential(nn.Unfold(2))(x()),
    "torch._C._nn": lambda: _C._nn.im2col(x(), TWO, ONE, NONE, ONE),
    "torch.ops": lambda: aten.im2col.default(x(), TWO, ONE, NONE, ONE),
    "torch.ops, out": lambda: aten.im2col.out(x(), TWO, ONE, NONE, ONE, out=torch.empty(0)),
    "torch.func.vmap": lambda: mapped(lambda one: F.unfold(one, 2)),
    "another thread": lambda: in_thread(lambda: F.unfold(x(), 2)),
    "decomposition": lambda: decomposed(aten.im2col.default, x(), TWO, ONE, NONE, ONE),
    "decomposition of a tracer": lambda: traced(aten.im2col, x(), TWO, ONE, NONE, ONE),
}

RELU: dict[str, Way] = {
    "F.relu": lambda: F.relu(ramp()),
    "F.relu6": lambda: F.relu6(ramp()),
    "F.leaky_relu": lambda: F.leaky_relu(ramp(), 0.0),
    "F.threshold": lambda: F.threshold(ramp(), 0.0, 0.0),
    "F.hardtanh": lambda: F.hardtanh(ramp(), 0.0, 1e9),
    "F.rrelu": lambda: F.rrelu(ramp(), 0.0, 0.0),
    "in place": lambda: ramp().relu_(),
    "nn.ReLU": lambda: nn.Sequential(nn.ReLU())(ramp()),
    "torch.ops": lambda: aten.relu.default(ramp()),
    "torch.ops, fused": lambda: aten._addmm_activation(torch.zeros(2), ramp(2, 2), torch.eye(2)),
    "torch.ops, oneDNN": lambda: ops.mkldnn._linear_pointwise(ramp(2, 2), torch.eye(2), None, "relu", [], ""),
    "recurrent": lambda: torch.rnn_relu_cell(ramp(1, 2), torch.zeros(1, 2), torch.eye(2), torch.eye(2)),
    "quantized": lambda: torch.relu(quantized()).dequantize(),
    "sparse": lambda: torch.relu(ramp(4, 4).to_sparse()),
    "transformer": lambda: nn.TransformerEncoderLayer(4, 1, 4, batch_first=True).eval()(ramp(1, 3, 4)),
    "torch.func.functionalize": lambda: torch.func.functionalize(torch.relu)(ramp()),
    "torch.func.vmap": lambda: torch.func.vmap(torch.relu)(ramp()),
    "another thread": lambda: in_thread(lambda: F.relu(ramp())),
    "reference": lambda: refs.nn.functional.relu(ramp()),
    "reference by mode": lambda: refs_mode(lambda: torch.relu(ramp())),
    "a reference saved before, below its decorators": lambda: SAVED_REFERENCE.__wrapped__(ramp()),
    "decomposition": lambda: decomposed(aten.relu.default, ramp()),
    "decomposition of a tracer": lambda: traced(aten.relu, ramp()),
}

POOLING: dict[str, Way] = {
    "F.max_pool2d": lambda: F.max_pool2d(ramp(), 2),
    "F.avg_pool2d": lambda: F.avg_pool2d(ramp(), 2),
    "F.lp_pool2d": lambda: F.lp_pool2d(x(1, 1, 4, 4), 2.0, 2),
    "F.adaptive_max_pool2d": lambda: F.adaptive_max_pool2d(ramp(), 2),
    "F.adaptive_avg_pool2d": lambda: F.adaptive_avg_pool2d(ramp(), 2),
    "F.fractional_max_pool2d": lambda: F.fractional_max_pool2d(ramp(), 2, 2),
    "F.interpolate": lambda: F.interpolate(ramp(), 2, mode="area"),
    "one dimension": lambda: F.max_pool1d(ramp(1, 2, 4), 2),
    "three dimensions": lambda: F.avg_pool3d(ramp(1, 1, 2, 4, 4), (1, 2, 2)),
    "nn.MaxPool2d": lambda: nn.Sequential(nn.MaxPool2d(2))(ramp()),
    "torch.ops": lambda: aten.max_pool2d_with_indices.default(ramp(), TWO),
    "torch.ops, average": lambda: aten.avg_pool2d.default(ramp(), TWO),
    "torch.ops, mkldnn": lambda: torch.mkldnn_max_pool2d(ramp().to_mkldnn(), TWO, TWO).to_dense(),
    "torch._C._nn": lambda: _C._nn.max_pool2d_with_indices(ramp(), TWO),
    "quantized": lambda: torch.quantized_max_pool2d(quantized(), TWO, TWO).dequantize(),
    "torch.func.vmap": lambda: mapped(lambda one: F.max_pool2d(one, 2)),
    "another thread": lambda: in_thread(lambda: F.max_pool2d(ramp(), 2)),
    "decomposition": lambda: decomposed(aten._adaptive_avg_pool2d.default, ramp(), TWO),
    "decomposition, upsampling": lambda: decomposed(aten.upsample_nearest2d.default, ramp(), TWO),
    "decomposition of a tracer": lambda: traced(aten.upsample_nearest2d, ramp(), TWO),
}

FLATTEN: dict[str, Way] = {
    "Tensor.flatten": lambda: ramp().flatten(1),
    "Tensor.ravel": lambda: ramp().ravel(),
    "torch.flatten": lambda: torch.flatten(ramp(), 1),
    "nn.Flatten": lambda: nn.Sequential(nn.Flatten())(ramp()),
    "torch.ops": lambda: aten.flatten.using_ints(ramp(), 1),
    "torch._C._nn": lambda: _C._nn.flatten_dense_tensors([ramp()]),
    "torch.func.functionalize": lambda: torch.func.functionalize(torch.flatten)(ramp()),
    "torch.func.vmap": lambda: torch.func.vmap(torch.flatten)(ramp()),
    "another thread": lambda: in_thread(lambda: torch.flatten(ramp())),
    "another name": lambda: torch.ops.prims.collapse(ramp(), 1, 3),
    "another name for a view": lambda: torch._prims.collapse_view(ramp(), 1, 3),
    "reference": lambda: refs.flatten(ramp(), 1),
    "reference, ravel": lambda: refs.ravel(ramp()),
    "reference by mode": lambda: refs_mode(lambda: torch.flatten(ramp())),
    "numpy.ravel": lambda: importlib.import_module("numpy").ravel(ramp().numpy()),
    "numpy's own list": _numpys_own,
}

SOFTMAX: dict[str, Way] = {
    "F.softmax": lambda: F.softmax(ramp(), -1),
    "F.log_softmax": lambda: F.log_softmax(ramp(), -1),
    "F.softmin": lambda: F.softmin(ramp(), -1),
    "F.gumbel_softmax": lambda: F.gumbel_softmax(ramp()),
    "F.scaled_dot_product_attention": lambda: F.scaled_dot_product_attention(
        x(1, 1, 2, 2), x(1, 1, 2, 2), ramp(1, 1, 2, 2)
    ),
    "nn.Softmax": lambda: nn.Sequential(nn.Softmax(-1))(ramp()),
    "nn.MultiheadAttention": lambda: nn.MultiheadAttention(4, 1)(*[ramp(2, 4)] * 3)[1],
    "transformer": lambda: nn.TransformerEncoderLayer(4, 1, 4, batch_first=True).eval()(ramp(1, 3, 4)),
    "torch.special": lambda: torch.special.softmax(ramp(), -1),
    "torch.sparse": lambda: torch.sparse.softmax(ramp(4, 4).to_sparse(), 1),
    "torch.masked": lambda: torch.masked.softmax(ramp(), -1),
    "torch.distributions": lambda: torch.distributions.Categorical(logits=ramp()).probs,
    "torch.ops": lambda: aten._softmax.default(ramp(), -1, False),
    "torch.ops, safe": lambda: aten._safe_softmax(ramp(), -1),
    "quantized": lambda: ops.quantized.softmax(quantized(), -1, 0.01, 0).dequantize(),
    "torch.func.vmap": lambda: torch.func.vmap(lambda one: torch.softmax(one, -1))(ramp()),
    "another thread": lambda: in_thread(lambda: F.softmax(ramp(), -1)),
    "reference": lambda: refs.softmax(ramp(), -1),
    "reference, softmin": lambda: refs.nn.functional.softmin(ramp(), -1),
    "decomposition": lambda: decomposed(aten._softmax.default, ramp(), -1, False),
    "decomposition of a tracer": lambda: traced(aten._softmax, ramp(), -1, False),
}

CROSS_ENTROPY: dict[str, Way] = {
    "F.cross_entropy": lambda: F.cross_entropy(ramp(3, 2), TARGET),
    "F.nll_loss": lambda: F.nll_loss(scores(), TARGET),
    "nn.CrossEntropyLoss": lambda: nn.CrossEntropyLoss()(ramp(3, 2), TARGET),
    "nn.NLLLoss": lambda: nn.NLLLoss()(scores(), TARGET),
    "probabilities": lambda: F.cross_entropy(ramp(3, 2), torch.eye(2)[TARGET]),
    "two dimensions": lambda: _C._nn.nll_loss2d(scores().reshape(3, 2, 1, 1), TARGET.reshape(3, 1, 1)),
    "binary": lambda: F.binary_cross_entropy_with_logits(ramp(3, 2), torch.eye(2)[TARGET]),
    "torch.ops": lambda: aten.nll_loss_forward.default(scores(), TARGET, None, 1, -100),
    "torch.func.vmap": lambda: torch.func.vmap(lambda one: F.cross_entropy(one, TARGET))(ramp(1, 3, 2)),
    "another thread": lambda: in_thread(lambda: F.cross_entropy(ramp(3, 2), TARGET)),
    "reference": lambda: refs.nn.functional.nll_loss(scores(), TARGET),
    "decomposition": lambda: decomposed(aten.nll_loss_forward.default, scores(), TARGET, None, 1, -100),
}
