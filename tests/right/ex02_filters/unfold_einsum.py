"""Tensor.unfold and einsum, hypot, the box by dividing ones; torch's own error is turned into a ValueError."""

import torch


def cross_correlate2d(image: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    try:
        windows = image.unfold(0, kernel.size(0), 1).unfold(1, kernel.size(1), 1)
    except RuntimeError as error:
        raise ValueError(f"Kernel size can't be greater than actual input size: {error}") from error
    return torch.einsum("ijab,ab->ij", windows, kernel)


def convolve2d(image: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    return cross_correlate2d(image, torch.rot90(kernel, 2))


def box_mean_kernel(size: int) -> torch.Tensor:
    if not size > 0:
        raise ValueError(f"{size=}")
    ones = torch.ones(size, size)
    return ones / ones.sum()


def sobel_kernels():
    smooth, difference = torch.tensor([1.0, 2.0, 1.0]), torch.tensor([-1.0, 0.0, 1.0])
    return torch.outer(smooth, difference), torch.outer(difference, smooth)


def edge_magnitude(image):
    if image.size(0) < 3 or image.size(1) < 3:
        raise ValueError("image must have three rows and three columns at least")
    kernels = torch.stack(sobel_kernels()).to(image.device, image.dtype)
    gx, gy = torch.einsum("ijab,kab->kij", image.unfold(0, 3, 1).unfold(1, 3, 1), kernels)
    return torch.hypot(gx, gy)
