"""Backwards: every pixel stamps the kernel into a larger result (F.fold), and only the full sums are cut out."""

import torch
import torch.nn.functional as F


def convolve2d(image, kernel):
    (H, W), (kH, kW) = image.shape, kernel.shape
    if H - kH < 0 or W - kW < 0:
        raise ValueError("kernel should be at most as high and as wide as image")
    stamps = kernel.reshape(-1, 1) * image.reshape(1, -1)
    full = F.fold(stamps[None], (H + kH - 1, W + kW - 1), (kH, kW))
    return full[0, 0].narrow(0, kH - 1, H - kH + 1).narrow(1, kW - 1, W - kW + 1)


def cross_correlate2d(image, kernel):
    """A convolution turns the kernel, so turn it first."""
    return convolve2d(image, torch.flip(kernel, dims=(0, 1)))


def box_mean_kernel(size):
    if size < 1:
        raise ValueError("size: at least 1")
    return torch.softmax(torch.zeros(size * size), dim=0).reshape(size, size)


def sobel_kernels():
    identity = torch.eye(3)
    smooth = torch.tensor([1.0, 2.0, 1.0])
    return smooth[:, None] * (identity[2] - identity[0]), (identity[2] - identity[0])[:, None] * smooth


def edge_magnitude(image):
    """Pair by pair: two smoothed strips that lie two apart, subtracted."""
    if min(image.shape) < 3:
        raise ValueError("Sobel kernels need an image of 3x3 or more")
    down = image[:-2] + 2 * image[1:-1] + image[2:]
    right = image[:, :-2] + 2 * image[:, 1:-1] + image[:, 2:]
    gx = down[:, 2:] - down[:, :-2]
    gy = right[2:] - right[:-2]
    return torch.sqrt(torch.square(gx) + torch.square(gy))
