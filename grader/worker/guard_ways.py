"""The ways themselves: small pieces of code that try to get a forbidden operation done. Only `guard_doors` runs them.

This file holds convolution and padding, its neighbours the rest. Each way returns the result, if it gets one; a true
result is never zero. They stand in the order in which they are tried; those that leave a mess behind come last.
"""

# mypy: disable-error-code="no-untyped-call,attr-defined,assignment"
from __future__ import annotations

import copy
import importlib
import pickle  # noqa: TID251  # a way in, tried on ourselves
import threading
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

Way = Callable[[], Any]
_C: Any = torch._C
aten: Any = torch.ops.aten
ops: Any = torch.ops

SAVED = F.conv2d  # taken before the guard is armed
SAVED_FROM_C = _C._VariableFunctions.conv2d
SAVED_OPERATOR = aten.conv2d.default
ONES = [1, 1]
ZEROS = [0, 0]


def x(*shape: int, **kwargs: Any) -> torch.Tensor:
    return torch.ones(shape or (1, 2, 5, 5), **kwargs)


def w(*shape: int, **kwargs: Any) -> torch.Tensor:
    return torch.ones(shape or (3, 2, 2, 2), **kwargs)


def redispatch(operator: Any, key: str, *args: Any) -> Any:
    return operator.redispatch(_C.DispatchKeySet(getattr(_C.DispatchKey, key)), *args)


def in_thread(way: Way) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(way()))
    thread.start()
    thread.join()
    return found or None


def _subclass() -> Any:
    class Mine(torch.Tensor):
        pass

    return F.conv2d(x().as_subclass(Mine), w().as_subclass(Mine)).as_subclass(torch.Tensor)


def _own_torch_function() -> Any:
    class Mine(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            with _C.DisableTorchFunctionSubclass():
                return func(*args, **(kwargs or {}))

    return F.conv2d(x().as_subclass(Mine), w())


def _own_class() -> Any:
    class Mine(nn.Conv2d):
        pass

    return Mine(2, 3, 2)(x())


def _quantized() -> Any:
    quantized = torch.quantize_per_tensor(x(), 0.1, 0, torch.quint8)
    kernel = torch.quantize_per_tensor(w(), 0.1, 0, torch.qint8)
    packed = ops.quantized.conv2d_prepack(kernel, None, ONES, ZEROS, ONES, 1)
    return ops.quantized.conv2d(quantized, packed, 1.0, 0).dequantize()


def _mkldnn_tensors() -> Any:
    return torch.mkldnn_convolution(x().to_mkldnn(), w(), None, ZEROS, ONES, ONES, 1)


def _other_backend() -> Any:
    return redispatch(aten.mkldnn_convolution.default, "XLA", x(), w(), None, ZEROS, ONES, ONES, 1)


def _forced_key() -> Any:
    keys = _C.DispatchKeySet(_C.DispatchKey.XLA)
    image, kernel = x(), w()
    with _C._ForceDispatchKeyGuard(keys, _C.DispatchKeySet(_C.DispatchKey.AutogradCPU)):
        return torch.mkldnn_convolution(image, kernel, None, ZEROS, ONES, ONES, 1)


def _own_library() -> Any:
    library = torch.library.Library("aten", "IMPL")
    library.impl("conv2d", torch.library.fallthrough_kernel, "CPU")
    try:
        return F.conv2d(x(), w())
    finally:
        library._destroy()


def _library_taken_down() -> Any:
    raw = _C._dispatch_library("IMPL", "aten", "", __file__, 1)
    raw.impl("conv2d", "CPU", torch.library.fallthrough_kernel)
    raw.reset()
    return F.conv2d(x(), w())


def _numpy(name: str) -> Way:
    def way() -> Any:
        numpy: Any = importlib.import_module("numpy")
        return getattr(numpy, name)([1.0, 2.0], [1.0, 1.0])

    return way


def _numpy_below() -> Any:
    numpy: Any = importlib.import_module("numpy")
    core = getattr(numpy, "_core", None) or numpy.core
    return core.multiarray.correlate([1.0, 2.0], [1.0, 1.0])


def _scripted_operator() -> Any:
    return ops.prim.mkldnn_convolution(x(), w(), None, ONES, ZEROS, ONES, 1)


def _scripted_graph() -> Any:
    graph = _C.parse_ir(
        """graph(%x : Tensor, %w : Tensor):
          %one : int = prim::Constant[value=1]()
          %zero : int = prim::Constant[value=0]()
          %none : NoneType = prim::Constant()
          %a : int[] = prim::ListConstruct(%one, %one)
          %b : int[] = prim::ListConstruct(%zero, %zero)
          %y : Tensor = prim::mkldnn_convolution(%x, %w, %none, %a, %b, %a, %one)
          return (%y)"""
    )
    return _C._create_function_from_graph("f", graph)(x(), w())


def _for_inference() -> Any:
    module = torch.jit.script(nn.Sequential(nn.Conv2d(2, 3, 2)).eval())
    return torch.jit.optimize_for_inference(module)(x())


CONVOLUTION: dict[str, Way] = {
    "functional": lambda: F.conv2d(x(), w()),
    "torch": lambda: torch.conv2d(x(), w()),
    "module in a Sequential": lambda: nn.Sequential(nn.Conv2d(2, 3, 2))(x()),
    "one dimension": lambda: F.conv1d(x(1, 2, 5), w(3, 2, 2)),
    "three dimensions": lambda: F.conv3d(x(1, 2, 3, 3, 3), w(1, 2, 2, 2, 2)),
    "same padding": lambda: F.conv2d(x(), w(3, 2, 3, 3), padding="same"),
    "transposed": lambda: F.conv_transpose2d(x(), w(2, 3, 2, 2)),
    "lazy module": lambda: nn.LazyConv2d(3, 2)(x()),
    "reshaped to one dimension": lambda: torch.conv1d(x(2, 5, 5), w(3, 5, 2)),
    "depthwise": lambda: F.conv2d(x(), w(2, 1, 2, 2), groups=2),
    "time, batch, channel": lambda: torch.conv_tbc(x(5, 1, 2), w(2, 2, 3), w(3), 0),
    "torch.convolution": lambda: torch.convolution(x(), w(), None, ONES, ZEROS, ONES, False, ZEROS, 1),
    "torch._convolution": lambda: _C._VariableFunctions._convolution(
        x(), w(), None, ONES, ZEROS, ONES, False, ZEROS, 1, False, False, False, False
    ),
    "torch._convolution_mode": lambda: torch._convolution_mode(x(), w(), None, ONES, "valid", ONES, 1),
    "torch.ops": lambda: aten.conv2d(x(), w()),
    "torch.ops, convolution": lambda: aten.convolution(x(), w(), None, ONES, ZEROS, ONES, False, ZEROS, 1),
    "torch.ops, out": lambda: aten.convolution.out(
        x(), w(), None, ONES, ZEROS, ONES, False, ZEROS, 1, out=torch.empty(1, 3, 4, 4)
    ),
    "torch.ops, backward": lambda: aten.convolution_backward(
        w(1, 3, 4, 4), x(), w(), None, ONES, ZEROS, ONES, False, ZEROS, 1, [True, True, False]
    ),
    "torch.ops, called by key": lambda: aten.conv2d.default._op_dk(_C.DispatchKey.CompositeImplicitAutograd, x(), w()),
    "torch.ops, decompose": lambda: aten.conv2d.default.decompose(x(), w()),
    "torch._C._VariableFunctions": lambda: _C._VariableFunctions.conv2d(x(), w()),
    "torch._C._nn": lambda: _C._nn.thnn_conv2d(x(), w(), [2, 2]),
    "torch._C._nn, dilated": lambda: _C._nn.slow_conv_dilated2d(x(), w(), [2, 2]),
    "torch._C._nn, three dimensions": lambda: _C._nn.slow_conv3d(x(1, 2, 3, 3, 3), w(1, 2, 2, 2, 2), [2, 2, 2]),
    "oneDNN": lambda: aten.mkldnn_convolution(x(), w(), None, ZEROS, ONES, ONES, 1),
    "oneDNN, pointwise": lambda: ops.mkldnn._convolution_pointwise(
        x(), w(), None, ZEROS, ONES, ONES, 1, "none", [], None
    ),
    "mkldnn tensors": _mkldnn_tensors,
    "sparse tensors": lambda: F.conv2d(x().to_sparse(), w()),
    "nested tensors": lambda: F.conv2d(torch.nested.nested_tensor([x(2, 5, 5)]), w()),
    "quantized": _quantized,
    "complex": lambda: F.conv2d(x(dtype=torch.complex64), w(dtype=torch.complex64)),
    "float64": lambda: F.conv2d(x(dtype=torch.float64), w(dtype=torch.float64)),
    "bfloat16": lambda: F.conv2d(x(dtype=torch.bfloat16), w(dtype=torch.bfloat16)),
    "int64": lambda: F.conv2d(x(dtype=torch.int64), w(dtype=torch.int64)),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16)(F.conv2d)(x(), w()),
    "inference mode": lambda: torch.inference_mode()(F.conv2d)(x(), w()),
    "requires_grad": lambda: F.conv2d(x(requires_grad=True), w(requires_grad=True)),
    "another thread": lambda: in_thread(lambda: F.conv2d(x(), w())),
    "a reference saved before": lambda: SAVED(x(), w()),
    "a builtin saved before": lambda: SAVED_FROM_C(x(), w()),
    "an operator saved before": lambda: SAVED_OPERATOR(x(), w()),
    "getattr": lambda: getattr(torch, "".join(["con", "v2d"]))(x(), w()),
    "vars": lambda: vars(F)["conv2d"](x(), w()),
    "deepcopy": lambda: copy.deepcopy(F.conv2d)(x(), w()),
    "pickle": lambda: pickle.loads(pickle.dumps(torch.conv2d))(x(), w()),  # noqa: S301
    "an own class": _own_class,
    "a tensor subclass": _subclass,
    "__torch_function__": _own_torch_function,
    "torch.func.functional_call": lambda: torch.func.functional_call(nn.Conv2d(2, 3, 2), {"weight": w()}, (x(),)),
    "torch.func.vmap": lambda: torch.func.vmap(lambda one: F.conv2d(one, w()))(x(2, 1, 2, 5, 5)),
    "weight_norm": lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 3, 2))(x()),
    "torch.fx": lambda: torch.fx.symbolic_trace(nn.Sequential(nn.Conv2d(2, 3, 2)))(x()),
    "torch.jit.script": lambda: torch.jit.script(nn.Sequential(nn.Conv2d(2, 3, 2)))(x()),
    "torch.jit.trace": lambda: torch.jit.trace(nn.Sequential(nn.Conv2d(2, 3, 2)), x(), check_trace=False)(x()),
    "torch.jit.optimize_for_inference": _for_inference,
    "an operator of TorchScript's own": _scripted_operator,
    "the same in a graph by hand": _scripted_graph,
    "another backend's kernel": _other_backend,
    "another backend's key forced": _forced_key,
    "numpy.convolve": _numpy("convolve"),
    "numpy.correlate": _numpy("correlate"),
    "numpy's C function": _numpy_below,
    "scipy": lambda: importlib.import_module("scipy.signal").convolve2d([[1.0]], [[1.0]]),
    "torchvision": lambda: importlib.import_module("torchvision.ops").DeformConv2d(1, 1, 1),
    "reloaded module": lambda: importlib.reload(F).conv2d(x(), w()),
    "an own library": _own_library,
    "a library taken down": _library_taken_down,
}

PADDING: dict[str, Way] = {
    "constant": lambda: F.pad(x(), (1, 1)),
    "reflect": lambda: F.pad(x(), (1, 1, 1, 1), mode="reflect"),
    "replicate": lambda: F.pad(x(), (1, 1, 1, 1), mode="replicate"),
    "circular": lambda: F.pad(x(), (1, 1, 1, 1), mode="circular"),
    "torch.constant_pad_nd": lambda: torch.constant_pad_nd(x(), (1, 1)),
    "torch._C._nn.pad": lambda: _C._nn.pad(x(), (1, 1)),
    "torch._C._nn.reflection_pad2d": lambda: _C._nn.reflection_pad2d(x(), (1, 1, 1, 1)),
    "torch._C._nn.replication_pad2d": lambda: _C._nn.replication_pad2d(x(), (1, 1, 1, 1)),
    "torch.ops, circular": lambda: aten._pad_circular(x(), (1, 1, 1, 1)),
    "torch.ops, by number": lambda: aten._pad_enum(x(), (1, 1, 1, 1), 1),
    "nn.ZeroPad2d": lambda: nn.ZeroPad2d(1)(x()),
    "nn.ConstantPad2d": lambda: nn.ConstantPad2d(1, 2.0)(x()),
    "nn.ReflectionPad2d": lambda: nn.ReflectionPad2d(1)(x()),
    "nn.ReplicationPad2d": lambda: nn.ReplicationPad2d(1)(x()),
    "nn.CircularPad2d": lambda: nn.CircularPad2d(1)(x()),
    "sparse tensors": lambda: torch.constant_pad_nd(x().to_sparse(), (1, 1)),
    "another thread": lambda: in_thread(lambda: F.pad(x(), (1, 1))),
    "numpy.pad": lambda: importlib.import_module("numpy").pad([1.0], 1),
    "decomposition": lambda: torch._decomp.decomposition_table[aten.constant_pad_nd.default](x(), (1, 1)),
}
