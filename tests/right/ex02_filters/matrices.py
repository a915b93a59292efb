"""Filtering as one big matrix: row (i, j) of it holds the kernel where it stands at (i, j), zeros elsewhere."""

import torch


def _matrix(size, kernel):
    """(places, pixels), and the shape of the result."""
    shape = [n - k + 1 for n, k in zip(size, kernel.shape)]
    if not all(n >= 1 for n in shape):
        raise ValueError(f"kernel {list(kernel.shape)} > image {list(size)}")
    matrix = kernel.new_zeros(*shape, *size)
    for i in range(shape[0]):
        for j in range(shape[1]):
            matrix[i, j, i : i + kernel.shape[0], j : j + kernel.shape[1]] = kernel
    return matrix.flatten(0, 1).flatten(1), shape


def cross_correlate2d(image, kernel):
    matrix, shape = _matrix(image.shape, kernel)
    return torch.mv(matrix, image.reshape(-1)).view(shape)


def convolve2d(image, kernel):
    index = torch.arange(kernel.numel() - 1, -1, -1, device=kernel.device)
    return cross_correlate2d(image, kernel.reshape(-1)[index].reshape(kernel.shape))


def box_mean_kernel(size):
    if size < 1:
        raise ValueError("size must not be below one")
    kernel = torch.empty(size, size, dtype=torch.float32)
    kernel.fill_(size**-2)
    return torch.nn.Parameter(kernel, requires_grad=False)


def sobel_kernels():
    dx = torch.zeros(3, 3)
    dx[:, 2] = torch.tensor([1, 2, 1])
    dx -= dx.fliplr()
    return dx, dx.transpose(0, 1)


def edge_magnitude(image):
    squares = 0
    for kernel in sobel_kernels():
        squares = squares + cross_correlate2d(image, kernel.type_as(image)).pow(2)
    return squares**0.5
