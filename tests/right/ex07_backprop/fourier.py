"""The convolution theorem: products of spectra in double precision; pooling by difference arrays and running sums."""

import torch
from torch import fft


def _both(value):
    return (int(value),) * 2 if not isinstance(value, (tuple, list)) else tuple(value)


def _places(size, kernel, stride, padding=(0, 0), dilation=(1, 1)):
    names = {"kernel_size": kernel, "stride": stride, "dilation": dilation}
    for name, value in names.items():
        if min(value) < 1:
            raise ValueError(f"{name}={value}: at least 1, please")
    if min(padding) < 0:
        raise ValueError(f"padding={padding}: at least 0, please")
    places = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation):
        places.append(len(range(0, n + 2 * p - d * (k - 1), s)))
    if 0 in places:
        raise ValueError(f"kernel_size={kernel}: no place for it in {size}")
    return tuple(places)


def _must(fits, what):
    if not fits:
        raise ValueError(f"{what} has a shape that does not match the other arguments")


def rotate180(kernel):
    return kernel.flip([kernel.dim() - 1]).flip([kernel.dim() - 2])


def _full(a, b, equation):
    """Full convolution over the last two axes, everything before them by `equation`."""
    size = [m + n - 1 for m, n in zip(a.shape[-2:], b.shape[-2:])]
    product = torch.einsum(equation, fft.fft2(a.double(), s=size), fft.fft2(b.double(), s=size))
    return fft.ifft2(product).real.to(a.dtype)


def full_convolution2d(image, kernel):
    return _full(image, kernel, "uv,uv->uv")


def _spread(t, step):
    """Zeros between neighbours, so that they lie `step` apart."""
    wide = t.new_zeros(*t.shape[:-2], *((n - 1) * s + 1 for n, s in zip(t.shape[-2:], step)))
    wide[..., :: step[0], :: step[1]] = t
    return wide


def _window(t, start, size):
    """The part of t from `start` on, with zeros where it ends."""
    out = t.new_zeros(*t.shape[:-2], *size)
    from_, to, room = [], [], []
    for begin, n, have in zip(start, size, t.shape[-2:]):
        low, high = max(begin, 0), max(max(begin, 0), min(begin + n, have))
        from_.append(slice(low, high))
        to.append(slice(low - begin, high - begin))
        room.append(high - low)
    if min(room) > 0:
        out[(..., *to)] = t[(..., *from_)]
    return out


def conv2d_grad_weight(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    kernel, stride, padding, dilation = map(_both, (kernel_size, stride, padding, dilation))
    places = _places(x.shape[2:], kernel, stride, padding, dilation)
    _must(tuple(grad_out.shape) == (x.shape[0], grad_out.shape[1], *places), "grad_out")
    upstream = _spread(grad_out, stride)
    full = _full(x, rotate180(upstream), "ncuv,nouv->ocuv")
    start = [n - 1 - p for n, p in zip(upstream.shape[2:], padding)]
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    return _window(full, start, reach)[..., :: dilation[0], :: dilation[1]]


def conv2d_grad_input(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    stride, padding, dilation = map(_both, (stride, padding, dilation))
    places = _places(tuple(input_shape[2:]), tuple(weight.shape[2:]), stride, padding, dilation)
    _must(weight.shape[1] == input_shape[1], "weight")
    _must(tuple(grad_out.shape) == (input_shape[0], weight.shape[0], *places), "grad_out")
    full = _full(_spread(grad_out, stride), _spread(weight, dilation), "nouv,ocuv->ncuv")
    return _window(full, padding, input_shape[2:])


def conv2d_grad_bias(grad_out):
    return fft.fft2(grad_out.double())[..., 0, 0].real.sum(0).to(grad_out.dtype)  # the frequency 0 is the sum


def relu_backward(grad_out, x):
    return grad_out * (torch.sign(x) + 1).div(2, rounding_mode="floor")


def linear_backward(grad_out, x, weight):
    grad_x = (grad_out.double().unsqueeze(2) * weight.double()).sum(1)
    grad_weight = (grad_out.double().unsqueeze(2) * x.double().unsqueeze(1)).sum(0)
    return grad_x.to(x), grad_weight.to(x), grad_out.double().sum(0).to(x)


def max_pool2d_backward(grad_out, x, kernel_size, stride=None):
    kernel = _both(kernel_size)
    stride = kernel if stride is None else _both(stride)
    places = _places(x.shape[2:], kernel, stride)
    _must(tuple(grad_out.shape) == (*x.shape[:2], *places), "grad_out")

    def seen(t, i, j):
        rows = slice(i, i + (places[0] - 1) * stride[0] + 1, stride[0])
        return t[:, :, rows, j : j + (places[1] - 1) * stride[1] + 1 : stride[1]]

    taps = [(i, j) for i in range(kernel[0]) for j in range(kernel[1])]
    best = torch.stack([seen(x, i, j) for i, j in taps]).max(0).values
    open_ = torch.ones_like(best, dtype=torch.bool)  # windows that have found no winner yet
    grad = torch.zeros_like(x)
    for i, j in taps:
        wins = open_ & (seen(x, i, j) == best)
        seen(grad, i, j).add_(grad_out * wins)
        open_ &= ~wins
    return grad


def avg_pool2d_backward(grad_out, input_shape, kernel_size, stride=None):
    kernel = _both(kernel_size)
    stride = kernel if stride is None else _both(stride)
    n, c, h, w = input_shape
    places = _places((h, w), kernel, stride)
    _must(tuple(grad_out.shape) == (n, c, *places), "grad_out")
    rows = torch.arange(places[0], device=grad_out.device) * stride[0]
    columns = torch.arange(places[1], device=grad_out.device) * stride[1]
    edges = torch.zeros(n, c, h + 1, w + 1, dtype=torch.float64, device=grad_out.device)
    for down, right, sign in ((0, 0, 1), (kernel[0], 0, -1), (0, kernel[1], -1), (kernel[0], kernel[1], 1)):
        # distinct windows have distinct corners, so plain += is enough here
        edges[:, :, (rows + down)[:, None], columns + right] += sign * grad_out.double()
    total = edges.cumsum(-1).cumsum(-2)[:, :, :h, :w]
    return (total / (kernel[0] * kernel[1])).to(grad_out.dtype)


class Conv2dFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        stride, padding = _both(stride), _both(padding)
        places = _places(x.shape[2:], weight.shape[2:], stride, padding)
        full = _full(x, rotate180(weight), "ncuv,ocuv->nouv")
        start = [k - 1 - p for k, p in zip(weight.shape[2:], padding)]
        size = [(m - 1) * s + 1 for m, s in zip(places, stride)]
        result = _window(full, start, size)[..., :: stride[0], :: stride[1]].contiguous()
        if bias is not None:
            result += bias.view(-1, 1, 1)
        ctx.stride, ctx.padding = stride, padding
        ctx.save_for_backward(x, weight)
        return result

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        rules = (
            lambda: conv2d_grad_input(x.shape, weight, grad_out, ctx.stride, ctx.padding),
            lambda: conv2d_grad_weight(x, grad_out, weight.shape[2:], ctx.stride, ctx.padding),
            lambda: conv2d_grad_bias(grad_out),
            lambda: None,
            lambda: None,
        )
        return tuple(rule() if needed else None for rule, needed in zip(rules, ctx.needs_input_grad))
