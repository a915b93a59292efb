"""Backward passes where they are to be written: autograd by every door, and the transposed convolution."""

from __future__ import annotations

from ..attack import REFUSED, Attack

TASKS = """
import torch
import torch.nn.functional as F
from torch import nn
_C, aten, ops = torch._C, torch.ops.aten, torch.ops
ONE, NONE = [1, 1], [0, 0]

def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)

def fitting(shape, grad_out, kernel, stride, padding, dilation):
    try:
        weight = torch.zeros(grad_out.shape[1], shape[1], *kernel)
        like = F.conv2d(torch.zeros(shape), weight, None, stride, padding, dilation)
    except RuntimeError as error:
        raise ValueError(f"kernel_size, stride or padding does not fit: {error}") from None
    if like.shape != grad_out.shape:
        raise ValueError("grad_out has another shape")

def conv2d_grad_weight(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    fitting(x.shape, grad_out, pair(kernel_size), stride, padding, dilation)
    return weight_door(x, grad_out, pair(kernel_size), pair(stride), pair(padding), pair(dilation))

def conv2d_grad_input(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    if weight.shape[:2] != (grad_out.shape[1], input_shape[1]):
        raise ValueError("weight has another shape")
    fitting(input_shape, grad_out, weight.shape[2:], stride, padding, dilation)
    return input_door(tuple(input_shape), weight, grad_out, pair(stride), pair(padding), pair(dilation))

def relu_backward(grad_out, x):
    if grad_out.shape != x.shape:
        raise ValueError("grad_out and x")
    return relu_door(grad_out, x)

def linear_backward(grad_out, x, weight):
    if grad_out.shape != (len(x), len(weight)) or x.shape[1] != weight.shape[1]:
        raise ValueError("grad_out, x and weight do not fit")
    return linear_door(grad_out, x, weight)
"""
# What a task would do with the doors, tried while the module is loaded.
SQUARE, ONE = "torch.ones(1, 1, 2, 2)", "torch.ones(1, 1, 1, 1)"
TRY = {
    "conv2d_grad_weight": f"weight_door({SQUARE}, {ONE}, (2, 2), (1, 1), (0, 0), (1, 1))",
    "conv2d_grad_input": f"input_door((1, 1, 2, 2), {SQUARE}, {ONE}, (1, 1), (0, 0), (1, 1))",
    "relu_backward": "relu_door(torch.ones(2), torch.ones(2))",
    "linear_backward": "linear_door(torch.ones(2, 3), torch.ones(2, 4), torch.ones(3, 4))",
}


def back(name: str, sentence: str, task: str, door: str, **more: object) -> Attack:
    source = TASKS + door + f"\nattempt(lambda: {TRY[task]} is not None)\n"
    return Attack(name, sentence, source, target=f"ex07_backprop::{task}", **{"verdicts": REFUSED} | more)  # type: ignore[arg-type]


SWEEP = """
import importlib, sys, threading, warnings
import torch.autograd.forward_ad as fwd
warnings.simplefilter("ignore")

def opened(**doors):
    found = []
    for name, door in doors.items():
        try:
            got = door()
            if got is not None and torch.allclose(got.detach().float(), right, atol=0.1):
                found.append(name)
        except BaseException:
            pass
    if not found:
        raise PermissionError("every door is shut")
    return found
"""
AUTOGRAD = """
x, g, w = torch.arange(8.0).reshape(2, 4), torch.arange(6.0).reshape(2, 3) - 2, torch.ones(3, 4)
right = g.T @ x
f = lambda w: F.linear(x, w)
scalar = lambda w: (f(w) * g).sum()

def graph():
    leaf = w.clone().requires_grad_()
    return f(leaf), leaf

def run(engine):
    y, leaf = graph()
    return engine((y,), (g,), False, False, (leaf,), False, accumulate_grad=False)[0]

def stepped(step):
    y, leaf = graph()
    step(y, leaf)
    return leaf.grad

def node():
    y = (w.clone().requires_grad_() * right).sum()
    return y.grad_fn.next_functions[0][0](y.grad_fn(torch.ones(())))[0]

def guards():
    frame = sys._getframe()
    while not hasattr(frame.f_locals.get("self"), "guard"):
        frame = frame.f_back
    guard = frame.f_locals["self"].guard
    y, leaf = graph()
    return guard.run_backward((y,), [leaf], (g,))[0]

def hooked():
    got = []
    leaf = w.clone().requires_grad_()
    leaf.register_hook(got.append)
    scalar(leaf).backward()
    return got[0]

def dual():
    with fwd.dual_level():
        return torch.stack([fwd.unpack_dual(scalar(fwd.make_dual(w, e.reshape(3, 4)))).tangent for e in torch.eye(12)])

def traced(function):
    level = _C._functorch._grad_increment_nesting()
    try:
        _C._functorch.set_inplace_requires_grad_allowed(True)
        leaf = _C._functorch._wrap_for_grad(w, level).requires_grad_()
        return _C._functorch._unwrap_for_grad(torch.autograd.grad(function(leaf), leaf)[0], level)
    finally:
        _C._functorch._grad_decrement_nesting()

class Inner(torch.autograd.Function):
    @staticmethod
    def forward(ctx, leaf):
        return leaf.sum()
    @staticmethod
    def backward(ctx, up):
        with torch.enable_grad():
            y, leaf = graph()
        return torch.autograd.grad(y, leaf, g)[0]
"""
ATTACKS = [
    back(
        "grad_by_autograd",
        "lets autograd work the gradient out",
        "conv2d_grad_weight",
        """
def weight_door(x, grad_out, kernel, stride, padding, dilation):
    weight = x.new_zeros(grad_out.shape[1], x.shape[1], *kernel, requires_grad=True)
    return torch.autograd.grad(F.conv2d(x, weight, None, stride, padding, dilation), weight, grad_out)[0]
""",
    ),
    back(
        "grad_by_any_name",
        "goes to autograd, its engines, its nodes, to functorch, forward mode and the guard's own engine",
        "relu_backward",
        """
def relu_door(grad_out, x):
    leaf = x.detach().clone().requires_grad_()
    return torch.autograd.grad(torch.relu(leaf), leaf, grad_out)[0]
"""
        + SWEEP
        + AUTOGRAD
        + """
engine = torch.autograd.Variable._execution_engine
attempt(lambda: opened(
    backward=lambda: stepped(lambda y, leaf: y.backward(g)),
    module=lambda: stepped(lambda y, leaf: torch.autograd.backward(y, g)),
    operator=lambda: stepped(lambda y, leaf: aten._backward(scalar(leaf), [leaf])),
    engine=lambda: run(engine.run_backward), other=lambda: run(_C._ImperativeEngine().run_backward),
    graph=lambda: run(torch.autograd.graph._engine_run_backward), nodes=node, guards=guards, hook=hooked, vjp=lambda: torch.autograd.functional.vjp(f, w, g)[1],
    jacobian=lambda: torch.autograd.functional.jacobian(scalar, w), grad=lambda: torch.func.grad(scalar)(w),
    func=lambda: torch.func.vjp(f, w)[1](g)[0], jacrev=lambda: torch.func.jacrev(scalar)(w),
    jacfwd=lambda: torch.func.jacfwd(scalar)(w), functorch=lambda: importlib.import_module("functorch").grad(scalar)(w),
    jvp=lambda: torch.stack([torch.func.jvp(scalar, (w,), (e.reshape(3, 4),))[1] for e in torch.eye(12)]).reshape(3, 4),
    dual=lambda: dual().reshape(3, 4), nested=lambda: traced(scalar),
    inner=lambda: stepped(lambda y, leaf: Inner.apply(leaf).backward()),
))
""",
    ),
    back(
        "transposed_by_name",
        "convolves backwards: by functions, layers, operators, oneDNN, quantized and in PyTorch's own gradient module",
        "conv2d_grad_input",
        """
def input_door(shape, weight, grad_out, stride, padding, dilation):
    return torch.nn.grad.conv2d_input(shape, weight, grad_out, stride, padding, dilation)
"""
        + SWEEP
        + """
g, w = torch.arange(48.0).reshape(1, 3, 4, 4) % 7 - 3, torch.arange(24.0).reshape(3, 2, 2, 2) % 5 - 2
right = F.fold(torch.einsum("nchw,cokl->noklhw", g, w).reshape(1, 8, 16), (5, 5), 2)

def layer(kind, **more):
    made = kind(3, 2, 2, bias=False, **more)
    made.weight.data = w
    return made

def switched():
    torch.backends.mkldnn.enabled = True
    torch.backends.mkldnn.set_flags(True)
    return torch.convolution(g, w, None, ONE, NONE, ONE, True, NONE, 1)

attempt(lambda: opened(
    functional=lambda: F.conv_transpose2d(g, w), double=lambda: F.conv_transpose2d(g.double(), w.double()),
    deep=lambda: F.conv_transpose3d(g[:, :, None], w[:, :, None])[:, :, 0], layer=lambda: layer(nn.ConvTranspose2d)(g),
    one=lambda: torch.convolution(g, w, None, ONE, NONE, ONE, True, NONE, 1), onednn=switched,
    two=lambda: torch._convolution(g, w, None, ONE, NONE, ONE, True, NONE, 1, False, False, False, False),
    overload=lambda: aten.convolution.default(g, w, None, ONE, NONE, ONE, True, NONE, 1),
    nn=lambda: _C._nn.slow_conv_transpose2d(g, w, [2, 2]),
    script=lambda: torch.jit.script(layer(nn.ConvTranspose2d))(g),
    pointwise=lambda: ops.mkldnn._convolution_transpose_pointwise(g, w, None, NONE, NONE, ONE, ONE, 1, "none", [], ""),
    backward=lambda: aten.convolution_backward(
        g, right, w, None, ONE, NONE, ONE, False, NONE, 1, [True, False, False])[0],
    slow=lambda: aten._slow_conv2d_backward(g, right, w, [2, 2], ONE, NONE, [True, False, False])[0],
    forced=lambda: aten._convolution.default.redispatch(_C.DispatchKeySet(_C.DispatchKey.XLA), g, w, None, ONE, NONE,
                                                        ONE, True, NONE, 1, False, False, False, False),
))
""",
    ),
]
