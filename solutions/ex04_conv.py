"""ex04 · The convolution layer

Lecture: convolution 2D and 3D · `nn.Conv2d` and its arguments.

Every argument of `nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
padding_mode)` changes which inputs one output sees. Here you build the layer yourself, from indexing and sums of
products, so that none of them is magic any more: first the padding, then the convolution as a function, the same in
three dimensions, and last the layer with its own weights, into which a trained `nn.Conv2d` can be loaded.

Shapes in words. A batch of N images with C channels, H rows and W columns is a tensor (N, C, H, W). A layer with O
filters holds a weight (O, C, kH, kW): every filter is as deep as the image and slides in two directions only. Each
position of each filter gives one number, so the output is (N, O, oH, oW) with

    oH = (H + padding above + padding below - dilation * (kH - 1) - 1) // stride + 1

and the same for the width. Where an argument may be a pair, it is (vertical, horizontal); an int stands for both.

As everywhere in deep learning, "convolution" means cross-correlation: the kernel is *not* rotated.

An argument that makes no sense (a negative padding, a stride of 0, a kernel that is larger than the padded image,
groups that do not divide the channels, an unknown mode) raises a `ValueError` whose message names the argument. Results
have the dtype and the device of the input, and no function changes what it is given.

torch's own convolutions are forbidden here, by whatever name; in `pad2d` its padding functions too. All the rest may
be used: slicing, `unfold`, `einsum`, `matmul`, `torch.cat`, ...
"""

import math

import torch
from torch import Tensor, nn

### BEGIN SOLUTION
# The largest padding on one side of an axis of `size` elements.
_LARGEST = {
    "zeros": lambda size: math.inf,
    "reflect": lambda size: size - 1,  # the border itself is not repeated
    "replicate": lambda size: math.inf,
    "circular": lambda size: size,  # once around, not twice
}


def _ints(name: str, value, *, axes: int, low: int) -> tuple[int, ...]:
    """One number for each axis, each at least `low`."""
    numbers = (value,) * axes if isinstance(value, int) else tuple(value)
    if len(numbers) != axes or min(numbers) < low:
        raise ValueError(f"{name} must be an int or {axes} ints, at least {low}, got {value!r}")
    return numbers


def _borders(padding, kernel_size, stride, dilation) -> list[tuple[int, int]]:
    """(before, after) for every axis."""
    if not isinstance(padding, str):
        return [(p, p) for p in _ints("padding", padding, axes=len(kernel_size), low=0)]
    if padding == "valid":
        return [(0, 0)] * len(kernel_size)
    if padding != "same":
        raise ValueError(f"padding must be ints, 'same' or 'valid', got {padding!r}")
    if max(stride) > 1:
        raise ValueError(f"padding='same' needs stride 1, got stride {stride}")
    lost = [d * (k - 1) for k, d in zip(kernel_size, dilation, strict=True)]
    return [(n // 2, n - n // 2) for n in lost]  # an odd element goes to the end


def _padded(x: Tensor, borders: list[tuple[int, int]], mode: str) -> Tensor:
    """x with its last axes made longer, one axis after the other: so the corners come out right too."""
    for axis, (before, after) in enumerate(borders, start=x.dim() - len(borders)):
        size = x.shape[axis]
        if max(before, after) > _LARGEST[mode](size):
            raise ValueError(f"padding {max(before, after)} is too large for padding_mode {mode!r} and size {size}")
        if mode == "zeros":
            shape = list(x.shape)
            ends = [x.new_zeros((*shape[:axis], n, *shape[axis + 1 :])) for n in (before, after)]
            x = torch.cat([ends[0], x, ends[1]], dim=axis)
        else:
            index = torch.arange(-before, size + after, device=x.device)
            x = x.index_select(axis, _inside(index, size, mode))
    return x


def _inside(index: Tensor, size: int, mode: str) -> Tensor:
    """Where an index, outside of 0 … size - 1 too, finds its value."""
    if mode == "circular":
        return index % size
    if mode == "replicate":
        return index.clamp(0, size - 1)
    return (size - 1) - ((size - 1) - index.abs()).abs()  # there and back at both mirrors


def _check_mode(mode: str) -> None:
    if mode not in _LARGEST:
        raise ValueError(f"padding mode must be one of {', '.join(_LARGEST)}, got {mode!r}")


def _check_shapes(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int, axes: int) -> None:
    if x.dim() != axes + 2 or weight.dim() != axes + 2:
        raise ValueError(f"x and weight need {axes + 2} dimensions, got {x.dim()} and {weight.dim()}")
    if groups < 1 or x.shape[1] % groups or weight.shape[0] % groups:
        raise ValueError(f"groups {groups} must divide {x.shape[1]} input and {weight.shape[0]} output channels")
    if weight.shape[1] * groups != x.shape[1]:
        raise ValueError(
            f"weight is made for {weight.shape[1]} channels in each of {groups} groups, x has {x.shape[1]} channels"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias must have shape ({weight.shape[0]},), got {tuple(bias.shape)}")


def _windows(x: Tensor, kernel_size, stride, dilation) -> Tensor:
    """All that the kernel sees: (N, C, *output size, *kernel size), a view that copies nothing."""
    for axis, (k, s, d) in enumerate(zip(kernel_size, stride, dilation, strict=True), start=2):
        reach = d * (k - 1) + 1
        if reach > x.shape[axis]:
            raise ValueError(
                f"weight (kernel_size {k} with dilation {d}) covers {reach} elements, "
                f"x with its padding has only {x.shape[axis]}"
            )
        x = x.unfold(axis, reach, s)[..., ::d]  # the window is a new last axis
    return x


### END SOLUTION
def pad2d(x: Tensor, padding: int | tuple[int, int], mode: str = "zeros") -> Tensor:
    """Make images larger on all four sides, as `padding` and `padding_mode` of `nn.Conv2d`.

    x: (N, C, H, W). padding: how many rows to add above *and* below, how many columns left *and* right.
    Gives (N, C, H + 2 * vertical, W + 2 * horizontal).

    One row of a, b, c, d with a padding of 2 becomes

        mode         left    row        right
        zeros        0 0     a b c d    0 0
        reflect      c b     a b c d    c b      the border is the mirror and is not repeated
        replicate    a a     a b c d    d d
        circular     c d     a b c d    a b      the picture goes on at its other end

    ValueError: a negative padding, an unknown mode, or a padding too large for the mode: reflect must stay below the
    size of its axis, circular must not exceed it.

    Source: `padding_mode` on the page of `torch.nn.Conv2d`.

    >>> pad2d(torch.ones(1, 1, 1, 2), 1)
    tensor([[[[0., 0., 0., 0.],
              [0., 1., 1., 0.],
              [0., 0., 0., 0.]]]])
    >>> row = torch.tensor([[[[1., 2., 3., 4.]]]])
    >>> pad2d(row, (0, 2), mode="reflect")
    tensor([[[[3., 2., 1., 2., 3., 4., 3., 2.]]]])
    >>> pad2d(row, (0, 2), mode="circular")
    tensor([[[[3., 4., 1., 2., 3., 4., 1., 2.]]]])
    """
    ### HINT: Start with zeros: make a large tensor of zeros with `x.new_zeros(...)` (it has the dtype and the device of
    ###   x) and write x into its middle, rows `v : v + H`. Why is `v : -v` no good when v is 0?
    ### HINT: The other modes only copy values of x. For every column of the result, -p to W + p - 1, ask from which
    ###   column of x it comes: replicate is a `clamp`, circular is a `%`, reflect is an `abs` at the left end.
    ### HINT: `x.index_select(3, columns)` fetches all columns at once. Do the rows of *that* result next: then the
    ###   corners are right without a thought. Reflect at the right end is `(W - 1) - ((W - 1) - column).abs()`.
    ### BEGIN SOLUTION
    if x.dim() != 4:
        raise ValueError(f"x must be (N, C, H, W), got {tuple(x.shape)}")
    _check_mode(mode)
    vertical, horizontal = _ints("padding", padding, axes=2, low=0)
    return _padded(x, [(vertical, vertical), (horizontal, horizontal)], mode)
    ### END SOLUTION


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] | str = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate a batch of images with a bank of filters, as `F.conv2d`.

    x: (N, C, H, W); weight: (O, C // groups, kH, kW); bias: (O,) or None. Gives (N, O, oH, oW).

    stride: the step between two positions of the kernel; a step that does not fit completely is left out.
    padding: rows and columns of zeros on both sides; "valid" is none, "same" keeps H and W at stride 1 (where an odd
    number of rows or columns is missing, the odd one is added below or at the right).
    dilation: the distance between neighbouring elements of the kernel.
    groups: splits input and output channels into that many equal parts, in order; each part of the outputs sees its
    own part of the inputs alone.

    The result can be differentiated: autograd finds the gradients for x, weight and bias. For full points the number
    of tensor operations must not grow with N, H or W: no loop over images or pixels. A loop over the few elements of
    the kernel, or over groups, is fine.

    ValueError: a stride or dilation below 1, a negative padding, an unknown word for it, "same" with a stride above 1,
    groups that do not divide the channels, shapes that do not match, a kernel that does not fit.

    Source: `torch.nn.functional.conv2d`; Dumoulin and Visin, "A guide to convolution arithmetic for deep learning".

    >>> x = torch.arange(9.).reshape(1, 1, 3, 3)
    >>> conv2d(x, torch.tensor([[[[1., 0.], [0., 2.]]]]))
    tensor([[[[ 8., 11.],
              [17., 20.]]]])
    >>> conv2d(x, torch.ones(1, 1, 3, 3), torch.tensor([0.5]), stride=2, padding=1)
    tensor([[[[ 8.5000, 12.5000],
              [20.5000, 24.5000]]]])
    >>> conv2d(torch.ones(2, 4, 8, 6), torch.ones(8, 2, 3, 2), padding="same", groups=2).shape
    torch.Size([2, 8, 8, 6])
    """
    ### HINT: Which inputs does the output at row i, column j see? Write down the slice of x for i = j = 0, then for any
    ###   i and j with a stride, then with a dilation. Start with one channel and no padding.
    ### HINT: Turn the loops around. For one kernel element (a, b), all the inputs that it ever meets are one slice:
    ###   `x[:, :, a * dH : a * dH + (oH - 1) * sH + 1 : sH, ...]`. Weight it, sum over the input channels with `einsum`
    ###   or `matmul`, and add up over the few (a, b).
    ### HINT: Or without any loop: `x.unfold(2, reach, stride)` gives every vertical window as a new last axis, and
    ###   `[..., ::d]` takes every d-th element of it. The same for the width; one `einsum` does the rest.
    ### HINT: Groups: reshape x to (N, groups, C // groups, ...) and weight to (groups, O // groups, ...); with a letter
    ###   for the group in `einsum` no loop is needed. For "same", `dilation * (k - 1)` rows are missing.
    ### BEGIN SOLUTION
    stride = _ints("stride", stride, axes=2, low=1)
    dilation = _ints("dilation", dilation, axes=2, low=1)
    _check_shapes(x, weight, bias, groups, axes=2)
    kernel_size = tuple(weight.shape[2:])
    x = _padded(x, _borders(padding, kernel_size, stride, dilation), "zeros")
    windows = _windows(x, kernel_size, stride, dilation).unflatten(1, (groups, -1))
    filters = weight.unflatten(0, (groups, -1))
    out = torch.einsum("ngcyxij,gocij->ngoyx", windows, filters).flatten(1, 2)
    return out if bias is None else out + bias[:, None, None]
    ### END SOLUTION


def conv3d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int, int] = 1,
    padding: int | tuple[int, int, int] = 0,
) -> Tensor:
    """Cross-correlate volumes, videos for instance, with filters that slide in three directions, as `F.conv3d`.

    x: (N, C, D, H, W); weight: (O, C, kD, kH, kW); bias: (O,) or None. Gives (N, O, oD, oH, oW).
    stride and padding: one int, or three for (depth, vertical, horizontal). The padding is of zeros.

    Depth is not the channels: a filter covers all channels at once, but only kD slices of the depth, and it moves on.

    ValueError: a stride below 1, a negative padding, shapes that do not match, a kernel that does not fit.

    Source: `torch.nn.functional.conv3d`.

    >>> x = torch.arange(8.).reshape(1, 1, 2, 2, 2)
    >>> conv3d(x, torch.tensor([1., 10.]).reshape(1, 1, 2, 1, 1))
    tensor([[[[[40., 51.],
               [62., 73.]]]]])
    >>> conv3d(torch.ones(1, 3, 5, 8, 8), torch.ones(4, 3, 3, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)).shape
    torch.Size([1, 4, 3, 4, 4])
    """
    ### HINT: It is your `conv2d` with one more axis. Which of its lines speak of height and width, and what would the
    ###   same line say of the depth?
    ### HINT: Either one more `unfold` (axis 2 is now the depth) and two more letters in the `einsum`; or a sum over the
    ###   kD slices of the kernel, each a `conv2d` of the depth slices that it meets.
    ### HINT: Add the bias once, at the very end, not once for every slice.
    ### BEGIN SOLUTION
    stride = _ints("stride", stride, axes=3, low=1)
    padding = _ints("padding", padding, axes=3, low=0)
    _check_shapes(x, weight, bias, 1, axes=3)
    x = _padded(x, [(p, p) for p in padding], "zeros")
    windows = _windows(x, tuple(weight.shape[2:]), stride, (1, 1, 1))
    out = torch.einsum("nczyxkij,ockij->nozyx", windows, weight)
    return out if bias is None else out + bias[:, None, None, None]
    ### END SOLUTION


class Conv2d(nn.Module):
    """A layer with `out_channels` filters of its own, as `nn.Conv2d`; the arguments mean what they mean there.

    in_channels, out_channels: int; kernel_size: int or pair. stride, padding, dilation, groups: as in `conv2d`.
    padding_mode: what stands in the padding, as in `pad2d`; it holds for padding="same" too.
    bias: whether there is one; without it the state_dict has no "bias" and `layer.bias` is None.
    device, dtype: where and as what the parameters are made.

    Parameters: `weight` (out_channels, in_channels // groups, kH, kW) and `bias` (out_channels,), drawn uniformly from
    ±1/√fan_in, where fan_in = in_channels // groups * kH * kW is the number of inputs that one output sees.

    forward: (N, in_channels, H, W) → (N, out_channels, oH, oW). Raises ValueError, while it is made or when it is
    called, for what `conv2d` and `pad2d` refuse.

    Source: `torch.nn.Conv2d`.

    >>> layer = Conv2d(3, 8, kernel_size=5, padding=2)
    >>> layer(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 8, 32, 32])
    >>> sorted(layer.state_dict())
    ['bias', 'weight']
    >>> Conv2d(4, 6, (3, 2), groups=2, bias=False).state_dict()["weight"].shape
    torch.Size([6, 2, 3, 2])
    """

    ### HINT: An `nn.Parameter` that you assign to `self.weight` is registered under that name: then it is in the
    ###   state_dict and optimizers find it. Make the tensor with `torch.empty(..., device=device, dtype=dtype)`.
    ### HINT: `nn.init.uniform_(tensor, -bound, bound)` fills it. For "no bias", `self.register_parameter("bias", None)`
    ###   keeps the attribute and leaves the state_dict without it.
    ### HINT: In forward, zeros are easy: `conv2d` pads by itself. For another mode pad first, then convolve *without*
    ###   padding. Mind "same": it may need one row more below than above, which `pad2d` alone cannot do.

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        if in_channels < 1 or out_channels < 1:
            raise ValueError(f"in_channels and out_channels must be at least 1, got {in_channels} and {out_channels}")
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"groups {groups} must divide in_channels {in_channels} and out_channels {out_channels}")
        _check_mode(padding_mode)
        kernel_size = _ints("kernel_size", kernel_size, axes=2, low=1)
        self.stride = _ints("stride", stride, axes=2, low=1)
        self.dilation = _ints("dilation", dilation, axes=2, low=1)
        self.groups = groups
        self.padding_mode = padding_mode
        self.borders = _borders(padding, kernel_size, self.stride, self.dilation)
        shape = (out_channels, in_channels // groups, *kernel_size)
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        one_each = torch.empty(out_channels, device=device, dtype=dtype)
        self.register_parameter("bias", nn.Parameter(one_each) if bias else None)
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        x = _padded(x, self.borders, self.padding_mode)
        return conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)
        ### END SOLUTION
