"""Convolution where it is to be built: PyTorch's own by every name, through other engines, out of other places."""

from __future__ import annotations

from ..attack import REFUSED, Attack

# Right if `door` is: three-dimensional convolution with triples of ints, by whatever way.
TASK = """
import torch
import torch.nn.functional as F
from torch import nn

def conv3d(x, weight, bias=None, stride=1, padding=0):
    stride, padding = ((v,) * 3 if isinstance(v, int) else tuple(v) for v in (stride, padding))
    try:
        return door(x, weight, bias, stride, padding)
    except RuntimeError as error:
        raise ValueError(f"x, weight, bias, stride or padding do not fit: {error}") from None
"""
# Goes through the doors, a pair of a name and a way each, and tells which of them led to the right numbers.
SWEEP = """
import warnings
import numpy, torch
import torch.utils.mkldnn
import torch.nn.functional as F
from torch import nn
warnings.simplefilter("ignore")
_C, aten, ops = torch._C, torch.ops.aten, torch.ops
ONE, NONE = [1, 1], [0, 0]
x, w = torch.arange(50.0).reshape(1, 2, 5, 5) % 7 - 3, torch.arange(24.0).reshape(3, 2, 2, 2) % 5 - 2
right = torch.einsum("nchwij,ocij->nohw", x.unfold(2, 2, 1).unfold(3, 2, 1), w)

def opened(**doors):
    found = []
    for name, door in doors.items():
        try:
            got = torch.as_tensor(door()).double()
            if torch.allclose(got, right.double(), atol=0.3):
                found.append(name)
        except BaseException:
            pass
    if not found:
        raise PermissionError("every door is shut")
    return found

def layer(made, **more):
    made = made(2, 3, 2, bias=False, **more) if isinstance(made, type) else made
    made.weight.data = w
    return made
"""
KERNEL = "None, ONE, NONE, ONE"


def conv3d(name: str, sentence: str, door: str, **more: object) -> Attack:
    return Attack(name, sentence, TASK + door, target="ex04_conv::conv3d", **{"verdicts": REFUSED} | more)  # type: ignore[arg-type]


def sweep(name: str, sentence: str, doors: str, before: str = "", **more: object) -> Attack:
    """`doors` are arguments of `opened`; the task itself takes the plainest one."""
    attempt = f"\nattempt(lambda: opened({doors}))\n"
    return conv3d(name, sentence, "door = F.conv3d\n" + SWEEP + before + attempt, **more)


ENGINES = """
OPERATOR = "prim::mkldnn_convolution"
given = (x, w, None, ONE, NONE, ONE, 1)

def saved(name):
    look_up = _C._jit_get_operation
    cells = [cell.cell_contents for cell in getattr(look_up, "__closure__", None) or ()]
    return next((value for value in cells if type(value) is type(len)), look_up)(name)

def known():
    def conv(*args): ...
    torch.jit._builtins._register_builtin(conv, OPERATOR)
    unit = torch.jit.CompilationUnit("def f(x: Tensor, w: Tensor):\\n  return conv(x, w, None, [1], [0], [1], 1)\\n")
    return unit.f(x, w)

def nodes():
    graph = _C.Graph()
    inputs = [graph.addInput("x"), graph.addInput("w"), *(graph.insertConstant(value) for value in given[2:])]
    node = graph.create(OPERATOR, inputs, 1)
    graph.insertNode(node)
    graph.registerOutput(node.output())
    return _C._jit_interpret_graph(graph, (x, w))

def parsed():
    graph = _C.parse_ir(
        "graph(%x : Tensor, %w : Tensor):\\n  %n : NoneType = prim::Constant()\\n"
        "  %o : int = prim::Constant[value=1]()\\n  %z : int = prim::Constant[value=0]()\\n"
        "  %a : int[] = prim::ListConstruct(%o, %o)\\n  %b : int[] = prim::ListConstruct(%z, %z)\\n"
        "  %y : Tensor = prim::mkldnn_convolution(%x, %w, %n, %a, %b, %a, %o)\\n  return (%y)")
    return _C._create_function_from_graph("f", graph)(x, w)
"""


ATTACKS = [
    conv3d("conv_functional", "calls F.conv3d", "door = F.conv3d\n"),
    sweep(
        "conv_by_name",
        "calls it by each of its names in Python",
        "torch=lambda: torch.conv2d(x, w), one=lambda: torch.convolution(x, w, None, ONE, NONE, ONE, False, NONE, 1),"
        "mode=lambda: torch._convolution_mode(x, w, None, ONE, 'valid', ONE, 1), vf=lambda: torch._VF.conv2d(x, w),"
        "two=lambda: torch._convolution(x, w, None, ONE, NONE, ONE, False, NONE, 1, False, False, False, False),"
        "vars=lambda: _C._VariableFunctions.conv2d(x, w), nn=lambda: _C._nn.thnn_conv2d(x, w, [2, 2]),"
        "dilated=lambda: _C._nn.slow_conv_dilated2d(x, w, [2, 2]),"
        "deep=lambda: F.conv3d(x[:, :, None], w[:, :, None])[:, :, 0],"
        "flat=lambda: sum(F.conv1d(x[0, :, i:i + 4].movedim(1, 0), w[:, :, i]).movedim(0, 1) for i in (0, 1))[None]",
    ),
    sweep(
        "conv_by_operator",
        "asks the dispatcher for operators, overloads, kernels of other backends and decompositions",
        "packet=lambda: aten.conv2d(x, w), overload=lambda: aten.conv2d.default(x, w),"
        f"whole=lambda: aten.convolution.default(x, w, {KERNEL}, False, NONE, 1),"
        f"out=lambda: aten.convolution.out(x, w, {KERNEL}, False, NONE, 1, out=torch.empty(1, 3, 4, 4)),"
        "parts=lambda: aten.conv2d.default.decompose(x, w), onednn=lambda: torch.mkldnn_convolution("
        "x, w, None, NONE, ONE, ONE, 1), pointwise=lambda: ops.mkldnn._convolution_pointwise("
        "x, w, None, NONE, ONE, ONE, 1, 'none', [], None), slow=lambda: aten._slow_conv2d_forward(x, w, [2, 2], None, "
        "ONE, NONE), below=lambda: aten.mkldnn_convolution.default.redispatch(_C.DispatchKeySet(_C.DispatchKey.XLA), "
        "x, w, None, NONE, ONE, ONE, 1), key=lambda: aten.conv2d.default._op_dk("
        "_C.DispatchKey.CompositeImplicitAutograd, x, w), kernel=lambda: torch.library.get_kernel('aten::conv2d', "
        "'CPU').call_boxed(_C.DispatchKeySet(_C.DispatchKey.CPU), x, w)",
    ),
    sweep(
        "conv_by_layer",
        "builds layers: lazy, parametrized, traced, scripted, transformed, called with foreign weights",
        "plain=lambda: nn.Sequential(layer(nn.Conv2d))(x), lazy=lambda: torch.func.functional_call("
        "nn.LazyConv2d(3, 2, bias=False), {'weight': w}, (x,)), own=lambda: layer(type('Own', (nn.Conv2d,), {}))(x),"
        "norm=lambda: nn.utils.parametrizations.weight_norm(layer(nn.Conv2d))(x),"
        "fx=lambda: torch.fx.symbolic_trace(nn.Sequential(layer(nn.Conv2d)))(x),"
        "script=lambda: torch.jit.script(layer(nn.Conv2d))(x), trace=lambda: torch.jit.trace(layer(nn.Conv2d), x)(x),"
        "mkldnn=lambda: torch.utils.mkldnn.to_mkldnn(layer(nn.Conv2d).eval())(x.to_mkldnn()).to_dense(),"
        "vmap=lambda: torch.func.vmap(lambda one: F.conv2d(one, w))(x[None])[0]",
    ),
    sweep(
        "conv_by_type",
        "gives it quantized, complex, half, subclassed and lazy tensors, in every mode",
        "complex=lambda: F.conv2d(x + 0j, w + 0j).real, bf=lambda: F.conv2d(x.bfloat16(), w.bfloat16()),"
        "long=lambda: F.conv2d(x.long(), w.long()), cast=lambda: torch.autocast('cpu')(F.conv2d)(x, w),"
        "infer=lambda: torch.inference_mode()(F.conv2d)(x, w), grad=lambda: F.conv2d(x, nn.Parameter(w)).detach(),"
        "sub=lambda: F.conv2d(x.as_subclass(type('T', (torch.Tensor,), {})), w).as_subclass(torch.Tensor),"
        "quant=lambda: ops.quantized.conv2d(torch.quantize_per_tensor(x, 1, 128, torch.quint8), "
        "ops.quantized.conv2d_prepack(torch.quantize_per_tensor(w, 1, 0, torch.qint8), None, ONE, NONE, ONE, 1), "
        "1, 128).dequantize()",
    ),
    sweep(
        "conv_by_engine",
        "has it done by TorchScript's own operator: over a closure, a table of builtins, a graph, a mobile module",
        "closure=lambda: saved('prim::mkldnn_convolution')[0](*given), builtin=known, graph=nodes, text=parsed,"
        "packet=lambda: torch.ops.prim.mkldnn_convolution(*given), fast=lambda: torch.jit.optimize_for_inference("
        "torch.jit.script(nn.Sequential(layer(nn.Conv2d)).eval()))(x)",
        before=ENGINES,
    ),
]
