"""Activation, pooling, flattening and softmax where they are to be built; and what is like them, and allowed."""

from __future__ import annotations

from ..attack import REFUSED, Attack

TASKS = """
import itertools, math, warnings
import numpy, torch
import torch.nn.functional as F
from torch import nn
warnings.simplefilter("ignore")
_C, aten, ops = torch._C, torch.ops.aten, torch.ops

def relu(x):
    return relu_door(x)

def flatten(x, start_dim=1):
    if not -max(1, x.dim()) <= start_dim < max(1, x.dim()):
        raise ValueError("start_dim is out of range")
    return flatten_door(x, start_dim)

def softmax(x, dim=-1):
    if not -max(1, x.dim()) <= dim < max(1, x.dim()):
        raise ValueError("dim is out of range")
    return softmax_door(x, dim)

def opened(right, **doors):
    found = []
    for name, door in doors.items():
        try:
            got = torch.as_tensor(door())
            if torch.allclose(got.detach().to_dense().float().reshape(right.shape), right, atol=0.02):
                found.append(name)
        except BaseException:
            pass
    if not found:
        raise PermissionError("every door is shut")
    return found

def by_refs(work):
    from torch._prims.context import TorchRefsMode
    with TorchRefsMode():
        return work()

def compiled(line):
    return torch.jit.CompilationUnit(f"def f(x):\\n    return {line}\\n").f

def static(line):
    return _C._jit_to_static_module(compiled(line).graph)(x)

def loops(size, line):
    _C._jit_set_te_must_use_llvm_cpu(False)
    kind = f"Float({size}, requires_grad=0, device=cpu)"
    constants = "%d : int = prim::Constant[value=-1]()\\n %n : NoneType = prim::Constant()"
    graph = _C.parse_ir(f"graph(%x : {kind}):\\n {constants}\\n %y : {kind} = {line}\\n return (%y)")
    return _C._te.TensorExprKernel(graph).run((x,))

x = torch.arange(32.0).reshape(2, 1, 4, 4) % 7 - 3
q = torch.quantize_per_tensor(x, 1, 0, torch.qint8)
SIZE = "2, 1, 4, 4, strides=[16, 16, 4, 1]"
"""


def other(name: str, sentence: str, task: str, door: str, **more: object) -> Attack:
    return Attack(name, sentence, TASKS + door, target=f"ex05_pool::{task}", **{"verdicts": REFUSED} | more)  # type: ignore[arg-type]


ATTACKS = [
    other(
        "relu_by_any_name",
        "takes ReLU by all its names, its kin, its Python versions, and has a graph of it run without the dispatcher",
        "relu",
        """
relu_door = F.relu
attempt(lambda: opened(x.clamp(min=0),
    method=lambda: x.relu(), in_place=lambda: x.clone().relu_(), layer=lambda: nn.ReLU()(x), overload=lambda: aten.relu.default(x),
    leaky=lambda: F.leaky_relu(x, 0.0), six=lambda: F.relu6(x), threshold=lambda: F.threshold(x, 0.0, 0.0),
    tanh=lambda: F.hardtanh(x, 0.0, 9.0), random=lambda: F.rrelu(x, 0.0, 0.0), quantized=lambda: torch.relu(q).dequantize(),
    fused=lambda: aten._addmm_activation(torch.zeros(4), x.reshape(-1, 4), torch.eye(4)), sparse=lambda: x.to_sparse().relu(),
    onednn=lambda: ops.mkldnn._linear_pointwise(x.reshape(-1, 4), torch.eye(4), None, "relu", [], ""),
    cell=lambda: torch.rnn_relu_cell(x.reshape(-1, 4), torch.zeros(8, 4), torch.eye(4), torch.eye(4)),
    vmap=lambda: torch.func.vmap(torch.relu)(x), functional=lambda: torch.func.functionalize(torch.relu)(x),
    reference=lambda: torch._refs.nn.functional.relu(x), mode=lambda: by_refs(lambda: torch.relu(x)),
    table=lambda: torch._decomp.decomposition_table[aten.relu.default](x),
    static=lambda: static("torch.relu(x)"), loops=lambda: loops(SIZE, "aten::relu(%x)"), script=lambda: compiled("x.relu()")(x),
))
""",
    ),
    other(
        "relu_by_prelu",
        "takes a PReLU with a slope of 0, which the ban leaves out",
        "relu",
        "relu_door = lambda x: F.prelu(x.reshape(1, -1), torch.zeros(1, dtype=x.dtype, device=x.device)).reshape(x.shape) + 0\n",
        verdicts=frozenset(),
        earns=2,  # course.toml forbids no prelu
    ),
    other(
        "flatten_by_any_name",
        "flattens by function, method, layer, another name, in numpy's list of functions, past the dispatcher",
        "flatten",
        """
flatten_door = torch.flatten
attempt(lambda: opened(x.reshape(2, 16),
    method=lambda: x.flatten(1), ravel=lambda: x.ravel(), layer=lambda: nn.Flatten()(x), nn=lambda: _C._nn.flatten_dense_tensors([x]),
    overload=lambda: aten.flatten.using_ints(x, 1), vmap=lambda: torch.func.vmap(torch.flatten)(x), list=lambda: torch._utils.
    _flatten_dense_tensors([x, x])[:32], functional=lambda: torch.func.functionalize(torch.flatten)(x),
    alias=lambda: ops.prims.collapse(x, 1, 3), view=lambda: torch._prims.collapse_view(x, 1, 3),
    reference=lambda: torch._refs.flatten(x, 1), mode=lambda: by_refs(lambda: torch.flatten(x, 1)),
    numpy=lambda: numpy.ravel(x.numpy()), static=lambda: static("torch.flatten(x, 1)"),
    kept=lambda: [f for f in numpy._core.overrides.ARRAY_FUNCTIONS if f.__name__ == "ravel"][0](x.numpy()),
))
""",
    ),
    other(
        "flatten_by_ndarray",
        "flattens numpy's array by its method, which is numpy's own type, and open",
        "flatten",
        "flatten_door = lambda x, start: torch.from_numpy(x.detach().numpy().flatten()).reshape(*x.shape[:start], -1)\n",
        verdicts=frozenset({"wrong", "raised"}),
        earns=3,  # a method of a type in C: reshape, which is allowed, does the same
    ),
    other(
        "softmax_by_any_name",
        "takes softmax by all its names, out of attention and distributions, its Python versions, past the dispatcher",
        "softmax",
        """
softmax_door = F.softmax
def attended():
    one = torch.ones(1)
    return torch.stack([F.scaled_dot_product_attention(one[:, None], row[:, None], torch.eye(4), scale=1.0)[0] for row in x.reshape(-1, 4)])
attempt(lambda: opened((x - x.amax(-1, True)).exp() / (x - x.amax(-1, True)).exp().sum(-1, keepdim=True),
    method=lambda: x.softmax(-1), log=lambda: F.log_softmax(x, -1).exp(), min=lambda: F.softmin(-x, -1), layer=lambda: nn.Softmax(-1)(x),
    overload=lambda: aten._softmax.default(x, -1, False), safe=lambda: aten._safe_softmax(x, -1), special=lambda: torch.special.softmax(x, -1),
    sparse=lambda: torch.sparse.softmax((x.reshape(-1, 4) + 9).to_sparse(), 1), masked=lambda: torch.masked.softmax(x, -1),
    attention=attended, distribution=lambda: torch.distributions.Categorical(logits=x).probs,
    quantized=lambda: ops.quantized.softmax(q, -1, 1 / 256, -128).dequantize(), vmap=lambda: torch.func.vmap(lambda a: a.softmax(-1))(x),
    reference=lambda: torch._refs.softmax(x, -1), other=lambda: torch._refs.nn.functional.softmin(-x, -1), mode=lambda: by_refs(lambda: x.softmax(-1)),
    table=lambda: torch._decomp.decomposition_table[aten._softmax.default](x, -1, False),
    static=lambda: static("torch.softmax(x, -1)"), loops=lambda: loops(SIZE, "aten::softmax(%x, %d, %n)"),
))
""",
    ),
    other(
        "softmax_by_gradient",
        "asks autograd for the gradient of logsumexp, which is the softmax: nobody forbids it there",
        "softmax",
        """
def softmax_door(x, dim):
    with torch.enable_grad():
        leaf = x if x.requires_grad else x.detach().requires_grad_()
        return torch.autograd.grad(leaf.logsumexp(dim).sum(), leaf, create_graph=x.requires_grad)[0]
""",
        verdicts=frozenset(),
        earns=4,
    ),
    Attack(
        "pooling_by_any_name",
        "pools by function, layer, operator, on mkldnn and quantized tensors, by interpolation, with Python versions",
        TASKS
        + """
def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    try:
        return F.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    except RuntimeError as error:
        raise ValueError(f"kernel_size, stride, padding or dilation: {error}") from None

largest, mean = x.unfold(2, 2, 2).unfold(3, 2, 2).amax((-2, -1)), x.unfold(2, 2, 2).unfold(3, 2, 2).mean((-2, -1))
def pooled():
    found = opened(largest,
        torch=lambda: torch.max_pool2d(x, 2), layer=lambda: nn.MaxPool2d(2)(x), adaptive=lambda: F.adaptive_max_pool2d(x, 2),
        overload=lambda: aten.max_pool2d_with_indices.default(x, [2, 2])[0], nn=lambda: _C._nn.max_pool2d_with_indices(x, [2, 2])[0],
        mkldnn=lambda: torch.mkldnn_max_pool2d(x.to_mkldnn(), [2, 2], [2, 2]), deep=lambda: F.max_pool3d(x, (1, 2, 2)),
        quantized=lambda: torch.quantized_max_pool2d(q, [2, 2], [2, 2]).dequantize(), vmap=lambda: torch.func.vmap(lambda a: F.max_pool2d(a, 2))(x),
        flat=lambda: F.max_pool1d(F.max_pool1d(x[:, 0], 2).mT, 2).mT, script=lambda: compiled("torch.max_pool2d(x, [2, 2])")(x))
    return found + opened(mean,
        functional=lambda: F.avg_pool2d(x, 2), layer=lambda: nn.AvgPool2d(2)(x), adaptive=lambda: F.adaptive_avg_pool2d(x, 2),
        area=lambda: F.interpolate(x, 2, mode="area"), linear=lambda: F.interpolate(x, 2, mode="bilinear"),
        table=lambda: torch._decomp.decomposition_table[aten._adaptive_avg_pool2d.default](x, [2, 2]),
        up=lambda: torch._decomp.decomposition_table[aten.upsample_bilinear2d.vec](x, [2, 2], False, None),
        lp=lambda: F.lp_pool2d(x + 4, 1.0, 2) / 4 - 4)
attempt(pooled)
""",
        target="ex05_pool::max_pool2d",
        verdicts=REFUSED,
    ),
]
