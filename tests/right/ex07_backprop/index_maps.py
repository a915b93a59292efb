"""as_strided windows over the image and over a map of its pixel numbers; gradients come home by index_add and bincount."""

from typing import NamedTuple

import torch


class Frame(NamedTuple):
    """One sliding window: sizes and steps, each (vertical, horizontal)."""

    size: tuple
    kernel: tuple
    stride: tuple
    padding: tuple = (0, 0)
    dilation: tuple = (1, 1)

    @classmethod
    def of(cls, size, *values):
        pairs = [value if isinstance(value, tuple) else (value, value) for value in values]
        frame = cls(tuple(size), *pairs)
        for name, low in (("kernel", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            if min(getattr(frame, name)) < low:
                raise ValueError(f"illegal {name}")
        if min(frame.output) < 1:
            raise ValueError("the kernel does not fit: no output is left")
        return frame

    @property
    def grown(self):
        return tuple(n + 2 * p for n, p in zip(self.size, self.padding))

    @property
    def output(self):
        return tuple(
            (n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(self.grown, self.kernel, self.stride, self.dilation)
        )

    def expects(self, grad_out, *leading):
        if tuple(grad_out.shape) != (*leading, *self.output):
            raise ValueError(f"grad_out: {(*leading, *self.output)} was expected")

    def windows(self, plane):
        """(..., oH, oW, kH, kW) without a copy, from (..., H, W) already padded."""
        plane = plane.contiguous()
        *outer, down, right = plane.stride()
        steps = (down * self.stride[0], right * self.stride[1], down * self.dilation[0], right * self.dilation[1])
        return plane.as_strided((*plane.shape[:-2], *self.output, *self.kernel), (*outer, *steps))

    def numbers(self, device):
        """For each window element, the number of its pixel in the padded plane."""
        count = self.grown[0] * self.grown[1]
        return self.windows(torch.arange(count, device=device).view(self.grown))

    def pad(self, x):
        top, left = self.padding
        out = x.new_zeros(*x.shape[:-2], *self.grown)
        out.narrow(-2, top, x.shape[-2]).narrow(-1, left, x.shape[-1]).copy_(x)
        return out

    def home(self, values):
        """Add (N, C, oH, oW, kH, kW) up, pixel by pixel, and cut the padding off."""
        n, c = values.shape[:2]
        flat = values.new_zeros(n * c, self.grown[0] * self.grown[1])
        flat.index_add_(1, self.numbers(values.device).reshape(-1), values.reshape(n * c, -1))
        plane = flat.view(n, c, *self.grown)
        return plane.narrow(2, self.padding[0], self.size[0]).narrow(3, self.padding[1], self.size[1])


def rotate180(kernel):
    return kernel.flatten(-2).flip(-1).unflatten(-1, kernel.shape[-2:])


def full_convolution2d(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    rows = (torch.arange(h)[:, None] + torch.arange(kh)).view(h, 1, kh, 1)
    columns = (torch.arange(w)[:, None] + torch.arange(kw)).view(1, w, 1, kw)
    where = (rows * (w + kw - 1) + columns).to(image.device)
    result = image.new_zeros((h + kh - 1) * (w + kw - 1))
    return result.index_add(0, where.flatten(), (image[:, :, None, None] * kernel).flatten()).view(h + kh - 1, -1)


def conv2d_grad_weight(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    frame = Frame.of(x.shape[2:], kernel_size, stride, padding, dilation)
    frame.expects(grad_out, x.shape[0], grad_out.shape[1])
    return torch.tensordot(grad_out, frame.windows(frame.pad(x)), dims=([0, 2, 3], [0, 2, 3]))


def conv2d_grad_input(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    frame = Frame.of(input_shape[2:], tuple(weight.shape[2:]), stride, padding, dilation)
    frame.expects(grad_out, input_shape[0], weight.shape[0])
    if weight.shape[1] != input_shape[1]:
        raise ValueError("weight: wrong number of input channels")
    return frame.home(torch.einsum("nohw,ocij->nchwij", grad_out, weight))


def conv2d_grad_bias(grad_out):
    return grad_out.mean((0, 2, 3), dtype=torch.float64).mul(grad_out[:, 0].numel()).type_as(grad_out)


def relu_backward(grad_out, x):
    result = torch.zeros_like(grad_out)
    alive = x.gt(0)
    result[alive] = grad_out[alive]
    return result


def linear_backward(grad_out, x, weight):
    return (
        torch.addmm(torch.zeros_like(x), grad_out, weight),
        sum(torch.outer(g, row) for g, row in zip(grad_out, x)),
        sum(grad_out.unbind(0)),
    )


def max_pool2d_backward(grad_out, x, kernel_size, stride=None):
    frame = Frame.of(x.shape[2:], kernel_size, kernel_size if stride is None else stride)
    frame.expects(grad_out, *x.shape[:2])
    windows = frame.windows(x).flatten(-2)
    # sorted stably from large to small, the first of equal ones stays first
    winner = windows.sort(dim=-1, descending=True, stable=True).indices[..., :1]
    share = torch.zeros_like(windows).scatter_(-1, winner, grad_out.unsqueeze(-1))
    return frame.home(share.unflatten(-1, frame.kernel))


def avg_pool2d_backward(grad_out, input_shape, kernel_size, stride=None):
    frame = Frame.of(input_shape[2:], kernel_size, kernel_size if stride is None else stride)
    frame.expects(grad_out, *input_shape[:2])
    taps = frame.kernel[0] * frame.kernel[1]
    return frame.home(grad_out.div(taps)[..., None, None].expand(-1, -1, -1, -1, *frame.kernel))


class Conv2dFunction(torch.autograd.Function):
    generate_vmap_rule = False

    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        ctx.frame = Frame.of(x.shape[2:], tuple(weight.shape[2:]), stride, padding)
        if x.shape[1] != weight.shape[1]:
            raise ValueError("weight and x disagree about the channels")
        windows = ctx.frame.windows(ctx.frame.pad(x))
        ctx.save_for_backward(windows, weight, bias)
        result = torch.einsum("nchwij,ocij->nohw", windows, weight)
        if bias is not None:
            result = result + bias.unsqueeze(-1).unsqueeze(-1)
        return result

    @staticmethod
    def backward(ctx, grad_out):
        windows, weight, _ = ctx.saved_tensors
        needs = ctx.needs_input_grad
        return (
            ctx.frame.home(torch.einsum("nohw,ocij->nchwij", grad_out, weight)) if needs[0] else None,
            torch.einsum("nohw,nchwij->ocij", grad_out, windows) if needs[1] else None,
            grad_out.sum((0, 2, 3)) if needs[2] else None,
            None,
            None,
        )
