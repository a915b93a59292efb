"""Four loops over plain Python numbers, as one would write it on paper; torch only at the door."""

import math

import torch


def cross_correlate2d(image, kernel):
    H, W = image.shape
    kH, kW = kernel.shape
    if kH > H:
        raise ValueError(f"kernel has {kH} rows, image has {H}")
    if kW > W:
        raise ValueError(f"kernel has {kW} columns, image has {W}")
    pixels, weights = image.tolist(), kernel.tolist()
    result = []
    for i in range(H - kH + 1):
        row = []
        for j in range(W - kW + 1):
            total = 0.0
            for a in range(kH):
                for b in range(kW):
                    total += pixels[i + a][j + b] * weights[a][b]
            row.append(total)
        result.append(row)
    return torch.tensor(result, dtype=image.dtype, device=image.device)


def convolve2d(image, kernel):
    turned = [row[::-1] for row in kernel.tolist()[::-1]]
    return cross_correlate2d(image, torch.tensor(turned, dtype=kernel.dtype, device=kernel.device))


def box_mean_kernel(size):
    if size <= 0:
        raise ValueError("Size has to be positive")
    return torch.tensor([[1 / (size * size)] * size] * size)


def sobel_kernels():
    dx = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    dy = torch.tensor([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]])
    return (dx, dy)


def edge_magnitude(image):
    dx, dy = sobel_kernels()
    gx, gy = cross_correlate2d(image, dx), cross_correlate2d(image, dy)
    out = torch.empty_like(gx)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = math.sqrt(gx[i, j].item() ** 2 + gy[i, j].item() ** 2)
    return out
