"""as_strided windows and tensordot; everything is computed in float64 and rounded once at the end."""

import torch
from torch import nn


def _axes(value, n, name, least):
    value = (value,) * n if isinstance(value, int) else tuple(value)
    if len(value) != n or any(v < least for v in value):
        raise ValueError(f"`{name}` is {value}; it should have {n} entries of {least} or more")
    return value


def _grow(x, ends):
    """Zeros around the last axes, by writing into a larger buffer."""
    n = len(ends)
    sizes = [s + a + b for s, (a, b) in zip(x.shape[-n:], ends, strict=True)]
    big = x.new_zeros(*x.shape[:-n], *sizes)
    middle = tuple(slice(a, a + s) for s, (a, _) in zip(x.shape[-n:], ends, strict=True))
    big[(..., *middle)] = x
    return big


def pad2d(x, padding, mode="zeros"):
    """A buffer of zeros; then the borders are filled, rows first, columns with the corners after them."""
    if mode not in {"zeros", "reflect", "replicate", "circular"}:
        raise ValueError(f"`mode` is {mode!r}")
    v, h = _axes(padding, 2, "padding", 0)
    height, width = x.shape[2:]
    slack = {"reflect": 1, "circular": 0}
    if mode in slack and (v > height - slack[mode] or h > width - slack[mode]):
        raise ValueError(f"`padding` is {padding}, too much for {mode}")
    big = _grow(x, [(v, v), (h, h)])
    if mode == "zeros":
        return big
    for p, size, view in ((v, height, big.transpose(2, 3)), (h, width, big)):
        for k in range(p):
            left, right = p - 1 - k, p + size + k  # the k-th column away from the picture
            if mode == "replicate":
                sources = p, p + size - 1
            elif mode == "circular":
                sources = p + size - 1 - k, p + k
            else:
                sources = p + 1 + k, p + size - 2 - k
            view[..., left] = view[..., sources[0]].clone()
            view[..., right] = view[..., sources[1]].clone()
    return big


def _strided(x, weight, bias, stride, ends, dilation, groups):
    n = len(stride)
    if x.shape[1] % groups or weight.shape[0] % groups or weight.shape[1] * groups != x.shape[1]:
        raise ValueError(f"weight {tuple(weight.shape)} and x {tuple(x.shape)} do not go together in {groups} groups")
    kernel = weight.shape[2:]
    big = _grow(x.double(), ends).contiguous()
    outs = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(big.shape[2:], kernel, stride, dilation, strict=True)
    ]
    if min(outs) < 1:
        raise ValueError(f"kernel {tuple(kernel)} does not fit into {tuple(big.shape[2:])}")
    first, channel, *steps = big.stride()
    shape = (*big.shape[:2], *outs, *kernel)
    strides = (
        first, channel, *(a * s for a, s in zip(steps, stride, strict=True)),
        *(a * d for a, d in zip(steps, dilation, strict=True)),
    )  # fmt: skip
    windows = big.as_strided(shape, strides)
    filters = weight.double()
    each_in, each_out = x.shape[1] // groups, weight.shape[0] // groups
    over = [1, *range(2 + n, 2 + 2 * n)], list(range(1, 2 + n))
    parts = [
        torch.tensordot(
            windows[:, g * each_in : (g + 1) * each_in], filters[g * each_out : (g + 1) * each_out], dims=over
        )
        for g in range(groups)
    ]
    out = torch.cat(parts, dim=-1)
    if bias is not None:
        if bias.shape[0] != weight.shape[0]:
            raise ValueError("bias")
        out = out + bias
    return out.movedim(-1, 1).to(x.dtype)


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride, dilation = _axes(stride, 2, "stride", 1), _axes(dilation, 2, "dilation", 1)
    if groups < 1:
        raise ValueError("groups")
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"`padding` is {padding!r}")
        lost = [d * (k - 1) * (padding == "same") for d, k in zip(dilation, weight.shape[2:], strict=True)]
        if padding == "same" and stride != (1, 1):
            raise ValueError("`stride` has to be 1 for padding='same'")
        ends = [(p // 2, (p + 1) // 2) for p in lost]
    else:
        ends = [(p, p) for p in _axes(padding, 2, "padding", 0)]
    return _strided(x, weight, bias, stride, ends, dilation, groups)


def conv3d(x, weight, bias=None, stride=1, padding=0):
    stride = _axes(stride, 3, "stride", 1)
    ends = [(p, p) for p in _axes(padding, 3, "padding", 0)]
    return _strided(x, weight, bias, stride, ends, (1, 1, 1), 1)


class _Base(nn.Module):
    """Only here to show that a layer may have a parent of its own."""

    def __init__(self):
        super().__init__()
        self._ready = True


class Conv2d(_Base):
    __constants__ = ("stride", "padding")

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
        padding_mode="zeros", device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        if not 0 < groups <= in_channels or in_channels % groups or out_channels % groups:
            raise ValueError(f"`groups` is {groups}, channels are {in_channels} and {out_channels}")
        self.kernel_size = _axes(kernel_size, 2, "kernel_size", 1)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.padding_mode = padding_mode
        make = {"device": device, "dtype": dtype}
        self.weight = nn.Parameter(torch.zeros(out_channels, in_channels // groups, *self.kernel_size, **make))
        if bias:
            self.bias = nn.Parameter(torch.zeros(out_channels, **make))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        bound = self.weight[0].numel() ** -0.5
        for parameter in self.parameters():
            parameter.uniform_(-bound, bound)

    def forward(self, x):
        padding = self.padding
        if self.padding_mode != "zeros" and padding == "same":
            d = _axes(self.dilation, 2, "dilation", 1)
            if _axes(self.stride, 2, "stride", 1) != (1, 1):
                raise ValueError("stride")
            lost = [a * (k - 1) for a, k in zip(d, self.kernel_size, strict=True)]
            x = pad2d(x, [(n + 1) // 2 for n in lost], self.padding_mode)
            x = x[:, :, lost[0] % 2 :, lost[1] % 2 :]
            padding = "valid"
        elif self.padding_mode != "zeros" and padding != "valid":
            x, padding = pad2d(x, padding, self.padding_mode), 0
        return conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
