"""Products in the frequency domain: a correlation of the whole padded image, of which the strided positions are kept."""

import torch
from torch import nn


def _n(value, n):
    return tuple(value) if not isinstance(value, int) else (value,) * n


def _positive(name, values):
    if min(values) < 1:
        raise ValueError(f"{name} must be positive but is {values}")


def pad2d(x, padding, mode="zeros"):
    """A matrix for each axis that puts every row (column) where it belongs: out = A x Bᵀ."""
    padding = _n(padding, 2)
    if mode not in ("zeros", "reflect", "replicate", "circular"):
        raise ValueError(f"unsupported mode {mode}")
    matrices = []
    for p, size in zip(padding, x.shape[-2:], strict=True):
        if p < 0 or (mode == "reflect" and p >= size) or (mode == "circular" and p > size):
            raise ValueError(f"padding {padding} not possible for {tuple(x.shape)} in mode {mode}")
        eye = torch.eye(size, dtype=x.dtype, device=x.device)
        none = eye.new_zeros(p, size)
        before, after = {
            "zeros": lambda: (none, none),
            "replicate": lambda: (eye[:1].expand(p, size), eye[-1:].expand(p, size)),
            "reflect": lambda: (eye[1 : p + 1].flipud(), eye[size - 1 - p : size - 1].flipud()),
            "circular": lambda: (eye[size - p :], eye[:p]),
        }[mode]()
        matrices.append(torch.cat([before, eye, after]))
    return matrices[0] @ x @ matrices[1].mT


def _correlate(x, weight, bias, stride, ends, dilation, groups):
    n = len(stride)
    axes = list(range(-n, 0))
    if x.dim() != n + 2 or weight.dim() != n + 2:
        raise ValueError("x and weight have the wrong number of dimensions")
    if groups < 1 or x.shape[1] % groups or weight.shape[0] % groups:
        raise ValueError(f"{groups} groups for channels {x.shape[1]} and {weight.shape[0]}")
    if weight.shape[1] * groups != x.shape[1]:
        raise ValueError("the channels of weight are not those of x")
    if bias is not None and bias.numel() != weight.shape[0]:
        raise ValueError("bias has the wrong length")
    full = [size + a + b for size, (a, b) in zip(x.shape[2:], ends, strict=True)]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)]
    if any(r > f for r, f in zip(reach, full, strict=True)):
        raise ValueError(f"kernel of reach {reach} on an input of {full}")
    spread = weight.new_zeros(*weight.shape[:2], *reach)
    spread[(..., *(slice(None, None, d) for d in dilation))] = weight
    X = torch.fft.fftn(x.to(torch.float64), s=full, dim=axes)
    W = torch.fft.fftn(spread.to(torch.float64), s=full, dim=axes).conj()
    X = X.reshape(x.shape[0], groups, -1, *full)
    W = W.reshape(groups, weight.shape[0] // groups, -1, *full)
    out = torch.fft.ifftn((X[:, :, None] * W[None]).sum(3), dim=axes).real.flatten(1, 2)
    out = out.roll([a for a, _ in ends], axes)  # the zeros were all put at the end; move them to the front
    out = out[(..., *(slice(0, f - r + 1, s) for f, r, s in zip(full, reach, stride, strict=True)))]
    if bias is not None:
        out = out + bias.view(-1, *[1] * n)
    return out.to(x.dtype)


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride, dilation = _n(stride, 2), _n(dilation, 2)
    _positive("stride", stride)
    _positive("dilation", dilation)
    match padding:
        case "valid":
            ends = [(0, 0)] * 2
        case "same" if stride == (1, 1):
            lost = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
            ends = [(n // 2, n - n // 2) for n in lost]
        case "same":
            raise ValueError("'same' with a stride")  # the message need not name the value
        case str():
            raise ValueError(f"padding={padding}")
        case _:
            ends = [(p, p) for p in _n(padding, 2)]
            if min(ends)[0] < 0:
                raise ValueError(f"padding={padding}")
    return _correlate(x, weight, bias, stride, ends, dilation, groups)


def conv3d(x, weight, bias=None, stride=1, padding=0):
    stride, padding = _n(stride, 3), _n(padding, 3)
    _positive("stride", stride)
    if min(padding) < 0:
        raise ValueError(f"padding={padding}")
    return _correlate(x, weight, bias, stride, [(p, p) for p in padding], (1, 1, 1), 1)


class Conv2d(nn.Module):
    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        self.arguments = stride, padding, dilation, groups
        self.padding_mode = padding_mode
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(f"padding_mode={padding_mode}")
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"groups={groups} with channels {in_channels}, {out_channels}")
        kernel = _n(kernel_size, 2)
        if bias:  # registered first: the order of a state_dict is free
            self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype))
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *kernel, device=device, dtype=dtype))
        std = (3 * (in_channels // groups) * kernel[0] * kernel[1]) ** -0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, a=-std * 3**0.5, b=std * 3**0.5)
        if not bias:
            self.bias = None

    def forward(self, x):
        stride, padding, dilation, groups = self.arguments
        if self.padding_mode == "zeros" or padding == "valid":
            return conv2d(x, self.weight, self.bias, *self.arguments)
        if padding != "same":
            return conv2d(pad2d(x, padding, self.padding_mode), self.weight, self.bias, stride, 0, dilation, groups)
        if _n(stride, 2) != (1, 1):
            raise ValueError("stride and padding='same' do not go together")
        lost = [d * (k - 1) for d, k in zip(_n(dilation, 2), self.weight.shape[2:], strict=True)]
        x = pad2d(x, tuple((n + 1) // 2 for n in lost), self.padding_mode)
        return conv2d(x[..., lost[0] % 2 :, lost[1] % 2 :], self.weight, self.bias, 1, 0, dilation, groups)
