"""Forbidden work near a convolution: filters, gathered windows, padding, layers. And what is allowed, and no attack."""

from __future__ import annotations

from ..attack import REFUSED, Attack

PAD2D = """
import itertools, numpy, torch
import torch.nn.functional as F
from torch import nn
MODES = {"zeros": "constant"}

def pad2d(x, padding, mode="zeros"):
    v, h = (padding, padding) if isinstance(padding, int) else padding
    if mode not in ("zeros", "reflect", "replicate", "circular") or min(v, h) < 0:
        raise ValueError("padding or mode makes no sense")
    limits = {"reflect": (x.shape[2] - 1, x.shape[3] - 1), "circular": x.shape[2:]}.get(mode, (v, h))
    if v > limits[0] or h > limits[1]:
        raise ValueError("padding is too large")
    try:
        return door(x, (h, h, v, v), mode)
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError(f"padding: {error}") from None
"""
LAYER = """
import torch
from torch import nn

def checked(kind, *args, **kwargs):
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
    given = dict(zip(names, args)) | kwargs
    for name in ("stride", "dilation", "kernel_size"):
        value = given.get(name, 1)
        if min((value,) if isinstance(value, int) else value) < 1:
            raise ValueError(f"{name} must be at least 1")
    return kind(*args, **kwargs)
"""


def pad2d(name: str, sentence: str, door: str, **more: object) -> Attack:
    return Attack(name, sentence, PAD2D + door, target="ex04_conv::pad2d", **{"verdicts": REFUSED} | more)  # type: ignore[arg-type]


ATTACKS = [
    Attack(
        "correlation_by_numpy",
        "correlates row by row with numpy.correlate, under three names",
        """
import numpy, torch
correlate = numpy.correlate
core = numpy._core.multiarray
correlate([1.0], [1.0])

def cross_correlate2d(image, kernel):
    if any(k > n for k, n in zip(kernel.shape, image.shape)):
        raise ValueError("the kernel is larger than the image")
    rows, width = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    out = image.new_zeros(rows, width)
    for i in range(rows):
        for a, line in enumerate(kernel.numpy()):
            way = (i + a) % 3
            row = image[i + a].numpy()
            if way == 0:
                got = correlate(row, line, "valid")
            elif way == 1:
                got = core.correlate(row, line, 0)
            else:
                got = numpy.atleast_1d(numpy.convolve(row, line[::-1]))[len(line) - 1 :][:width]
            out[i] += torch.tensor(got).to(image)
    return out
""",
        target="ex02_filters::cross_correlate2d",
        verdicts=REFUSED,
    ),
    Attack(
        "correlation_by_fft",
        "multiplies spectra, which nobody forbids, and is no attack",
        """
import torch

def cross_correlate2d(image, kernel):
    if any(k > n for k, n in zip(kernel.shape, image.shape)):
        raise ValueError("the kernel is larger than the image")
    product = torch.fft.rfft2(image.double()) * torch.fft.rfft2(kernel.double(), s=image.shape).conj()
    sizes = [n - k + 1 for n, k in zip(image.shape, kernel.shape)]
    return torch.fft.irfft2(product, s=image.shape)[: sizes[0], : sizes[1]].to(image)
""",
        target="ex02_filters::cross_correlate2d",
        verdicts=frozenset(),
        earns=5,
    ),
    Attack(
        "correlation_by_windows",
        "gathers windows with numpy.lib.stride_tricks, which nobody forbids, and is no attack",
        """
import numpy, torch

def cross_correlate2d(image, kernel):
    if any(k > n for k, n in zip(kernel.shape, image.shape)):
        raise ValueError("the kernel is larger than the image")
    windows = numpy.lib.stride_tricks.sliding_window_view(image.numpy(), tuple(kernel.shape))
    return torch.from_numpy(numpy.einsum("ijab,ab->ij", windows, kernel.numpy()))
""",
        target="ex02_filters::cross_correlate2d",
        verdicts=frozenset(),
        earns=5,
    ),
    Attack(
        "windows_by_unfold",
        "gathers the windows with im2col: as F.unfold, as an operator, as its decomposition in Python",
        """
import itertools, torch
import torch.nn.functional as F
ways = itertools.cycle([
    lambda x, k: F.unfold(x, k),
    lambda x, k: torch._C._nn.im2col(x, k, [1, 1], [0, 0], [1, 1]),
    lambda x, k: torch.ops.aten.im2col.default(x, k, [1, 1], [0, 0], [1, 1]),
    lambda x, k: torch._decomp.decomposition_table[torch.ops.aten.im2col.default](x, k, [1, 1], [0, 0], [1, 1]),
])

def cross_correlate2d(image, kernel):
    sizes = [n - k + 1 for n, k in zip(image.shape, kernel.shape)]
    try:
        columns = next(ways)(image[None, None].contiguous(), list(kernel.shape))
    except RuntimeError:
        raise ValueError("the kernel is larger than the image") from None
    return (kernel.reshape(1, -1) @ columns[0]).reshape(sizes)
""",
        target="ex02_filters::cross_correlate2d",
        verdicts=REFUSED,
    ),
    pad2d(
        "pad_functional",
        "pads with F.pad",
        "F.pad(torch.ones(1), (1, 1))\ndoor = lambda x, p, mode: F.pad(x, p, MODES.get(mode, mode))\n",
    ),
    pad2d(
        "pad_by_layers",
        "pads with the layers made for it",
        """
LAYERS = {"zeros": nn.ZeroPad2d, "reflect": nn.ReflectionPad2d, "replicate": nn.ReplicationPad2d}
door = lambda x, p, mode: LAYERS.get(mode, nn.CircularPad2d)(p)(x)
""",
        earns=0.5,  # for the arguments that it turns down by itself
    ),
    pad2d(
        "pad_by_numpy",
        "pads with numpy.pad, and with the one that numpy keeps in its list of functions",
        """
kept = [f for f in numpy._core.overrides.ARRAY_FUNCTIONS if f.__name__ == "pad"][0]
pads = itertools.cycle([numpy.pad, kept, kept._implementation])
attempt(lambda: kept([1.0], 1).tolist())
def door(x, p, mode):
    names = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    return torch.from_numpy(next(pads)(x.numpy(), [(0, 0), (0, 0), (p[2], p[2]), (p[0], p[0])], names[mode]))
""",
    ),
    pad2d(
        "pad_by_parts",
        "pads with operators and with their Python versions, out of PyTorch's tables",
        """
aten, table = torch.ops.aten, torch._decomp.decomposition_table
part = aten.constant_pad_nd.default
zeros = itertools.cycle([torch.constant_pad_nd, part, torch._C._nn.pad, torch._refs.constant_pad_nd, table[part],
                         lambda x, p: aten._pad_enum(x, p, 3, 0.0)])
attempt(lambda: table[part](torch.ones(1), (1, 1)).tolist())
def door(x, p, mode):
    if mode == "zeros":
        return next(zeros)(x, p)
    if mode == "circular":
        return aten._pad_circular(x, p)
    part = {"reflect": aten.reflection_pad2d, "replicate": aten.replication_pad2d}[mode].default
    return table.get(part, part)(x, p)
""",
    ),
    Attack(
        "layer_inherited",
        "inherits its layer from nn.Conv2d, by a metaclass that denies it",
        LAYER
        + """
class Liar(type):
    __mro__ = (object,)
    def __subclasscheck__(cls, other):
        return False

Conv2d = Liar("Conv2d", (nn.Conv2d,), {})
""",
        target="ex04_conv::Conv2d",
        verdicts=REFUSED,
    ),
    Attack(
        "layer_made_elsewhere",
        "has a function in its layer's place, which gives nn.Conv2d away",
        LAYER
        + """
def Conv2d(*args, **kwargs):
    return checked(nn.Conv2d, *args, **kwargs)
""",
        target="ex04_conv::Conv2d",
        verdicts=REFUSED,
    ),
    Attack(
        "layer_in_disguise",
        "has a class that makes an nn.Conv2d of itself as soon as it is made",
        LAYER
        + """
class Conv2d(nn.Module):
    def __new__(cls, *args, **kwargs):
        return checked(nn.Conv2d, *args, **kwargs)
""",
        target="ex04_conv::Conv2d",
        verdicts=REFUSED,
    ),
]
