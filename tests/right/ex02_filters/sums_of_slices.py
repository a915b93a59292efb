"""One slice of the image for each element of the kernel, double precision inside, errors raised when it is too late."""

from itertools import product

import torch


def _slide(image, kernel, element):
    rows, columns = kernel.shape
    height, width = image.shape[0] - rows + 1, image.shape[1] - columns + 1
    parts = [
        image.double()[a : a + max(height, 0), b : b + max(width, 0)] * kernel[element(a, rows), element(b, columns)]
        for a, b in product(range(rows), range(columns))
    ]
    result = torch.stack(parts).sum(0)
    if not result.numel():
        raise ValueError("nothing left: kernel too large")
    return result.to(image.dtype)


def cross_correlate2d(image, kernel):
    return _slide(image, kernel.double(), lambda a, size: a)


def convolve2d(image, kernel):
    return _slide(image, kernel.double(), lambda a, size: size - 1 - a)


def box_mean_kernel(size):
    numbers = [1.0] * (size * size) if size > 0 else []
    if not numbers:
        raise ValueError("nothing to average with this size")
    kernel = torch.FloatTensor(numbers).view(size, size)
    kernel /= kernel.sum()
    return kernel


def sobel_kernels():
    dx = torch.tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return dx.float(), dx.mT.float()


def edge_magnitude(image):
    dx, dy = sobel_kernels()
    gx, gy = convolve2d(image, dx), convolve2d(image, dy)  # turned kernels change signs only
    return gx.mul(gx).addcmul(gy, gy).sqrt_()
