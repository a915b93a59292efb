"""The convolution theorem: products of spectra; edges as complex numbers; results are views, a list for a tuple."""

import torch
from torch import fft


def _full(image, kernel):
    size = [a + b - 1 for a, b in zip(image.shape, kernel.shape)]
    return fft.irfft2(fft.rfft2(image, s=size) * fft.rfft2(kernel, s=size), s=size)


def convolve2d(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    if h < kh or w < kw:
        raise ValueError("shapes do not fit: the image has to cover the kernel")
    return _full(image, kernel)[kh - 1 : h, kw - 1 : w]


def cross_correlate2d(image, kernel):
    return convolve2d(image, kernel.flip([0, 1]))


def box_mean_kernel(size):
    if size < 1:
        raise ValueError("box_mean_kernel: size < 1")
    return torch.tensor(1 / size**2, dtype=torch.float32).expand(size, size)


def sobel_kernels():
    dx = -torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])  # with zeros that are -0.0
    return [dx, dx.t()]


def edge_magnitude(image):
    dx, dy = (k.to(image.dtype).to(image.device) for k in sobel_kernels())
    return torch.complex(cross_correlate2d(image, dx), cross_correlate2d(image, dy)).abs()
