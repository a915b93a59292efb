"""Single steps of a backward pass, taken from PyTorch: its backward operators, its formulas, what it keeps in Python."""

from __future__ import annotations

from ..attack import RAISED, REFUSED, Attack
from .forbidden_autograd import back

ATTACKS = [
    back(
        "grad_by_library",
        "uses the gradient of a convolution that PyTorch keeps, in Python, for per-sample gradients",
        "conv2d_grad_weight",
        """
from torch.nn.utils._expanded_weights import conv_utils

def weight_door(x, grad_out, kernel, stride, padding, dilation):
    shape = (grad_out.shape[1], x.shape[1], *kernel)
    return conv_utils.conv_unfold_weight_grad_sample(
        x.contiguous(), grad_out, shape, kernel, stride, padding, dilation, 1, F.conv2d
    ).sum(0)
""",
    ),
    back(
        "relu_by_backward",
        "takes the backward operators of leaky ReLU, hardtanh and threshold, and the latter's Python version, in turn",
        "relu_backward",
        """
import itertools
turn = itertools.cycle([
    lambda g, x: aten.leaky_relu_backward(g, x, 0.0, False), lambda g, x: aten.hardtanh_backward(g, x, 0.0, 1e30),
    lambda g, x: torch._decomp.decomposition_table[aten.threshold_backward.default](g, x, 0),
    lambda g, x: aten.threshold_backward.grad_input(g, x, 0, grad_input=torch.empty_like(g)),
])
relu_door = lambda g, x: next(turn)(g, x) + 0.0
""",
    ),
    back(
        "linear_by_onednn",
        "takes the backward operator of oneDNN's linear layer",
        "linear_backward",
        """
def linear_door(grad_out, x, weight):
    given = (x.float().to_mkldnn(), grad_out.float().to_mkldnn(), weight.float())
    found = aten.mkldnn_linear_backward(*given, [True, True, True])
    return tuple(each.to_dense().to(x) for each in found)
""",
    ),
    back(
        "relu_by_formula",
        "has TorchScript differentiate a graph, and runs what comes out",
        "relu_backward",
        """
unit = torch.jit.CompilationUnit("def f(x):\\n    return torch.relu(x)\\n")
gradient = _C._create_function_from_graph("df", _C._jit_differentiate(unit.f.graph.copy()).df)
relu_door = lambda g, x: gradient(g, torch.relu(x))[0]
""",
    ),
    back(
        "relu_by_graph_node",
        "has TorchScript's older executor record a node that no operator records, and calls it",
        "relu_backward",
        """
_C._set_graph_executor_optimize(True)
_C._jit_set_profiling_executor(False)
_C._jit_set_profiling_mode(False)
_C._debug_set_autodiff_subgraph_inlining(False)
unit = torch.jit.CompilationUnit("def f(x):\\n    return torch.relu(x) * 1.0\\n")

def relu_door(grad_out, x):
    y = unit.f(x.detach().clone().requires_grad_())
    return y.grad_fn(grad_out)
""",
        verdicts=RAISED,  # TorchScript knows no such node any more
    ),
    Attack(
        "function_that_asks_autograd",
        "writes a function for autograd whose backward asks autograd; its forward is right, and allowed",
        """
import torch
import torch.nn.functional as F

class Conv2dFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        ctx.save_for_backward(x, weight, bias)
        ctx.rest = stride, padding
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx, grad_out):
        leaves = [t if t is None else t.detach().requires_grad_() for t in ctx.saved_tensors]
        wanted = [leaf for leaf, needed in zip(leaves, ctx.needs_input_grad) if needed]
        with torch.enable_grad():
            y = F.conv2d(*leaves, *ctx.rest)
        found = iter(torch.autograd.grad(y, wanted, grad_out))
        return (*(next(found) if needed else None for needed in ctx.needs_input_grad[:3]), None, None)
""",
        target="ex07_backprop::Conv2dFunction",
        verdicts=REFUSED,
        earns=1,
    ),
    Attack(
        "transposed_functional",
        "calls F.conv_transpose2d, also where only its gradient is looked at, without a ban",
        """
import torch.nn.functional as F

def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    try:
        return F.conv_transpose2d(x, weight, bias, stride, padding, output_padding)
    except RuntimeError as error:
        raise ValueError(f"x, weight, bias, stride, padding or output_padding: {error}") from None
""",
        target="ex10_fcn::conv_transpose2d",
        verdicts=REFUSED,
    ),
]
