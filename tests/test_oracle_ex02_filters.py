"""The reference of ex02 against torch's convolution and pooling, numpy's one-dimensional one, and plain geometry."""

import importlib.util
import math
import random
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

SOURCE = Path(__file__).resolve().parents[1] / "solutions" / "ex02_filters.py"


@pytest.fixture(scope="module")
def ref():
    spec = importlib.util.spec_from_file_location("ex02_filters_under_test", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def dice():
    return random.Random(2)


@pytest.fixture
def bits():
    return torch.Generator().manual_seed(2)


def integers(bits, *shape, dtype=torch.float32):
    return torch.randint(-3, 4, shape, generator=bits).to(dtype)


def drawn(dice, bits, dtype=torch.float32):
    """An image of up to 9 by 9 and a kernel that fits."""
    size = dice.randint(1, 9), dice.randint(1, 9)
    kernel = dice.randint(1, min(5, size[0])), dice.randint(1, min(5, size[1]))
    return integers(bits, *size, dtype=dtype), integers(bits, *kernel, dtype=dtype)


def torch_cross_correlation(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def same(got, want):
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    assert torch.equal(got, want)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cross_correlate2d_agrees_with_conv2d(ref, dice, bits, dtype):
    for _ in range(2000):
        image, kernel = drawn(dice, bits, dtype)
        same(ref.cross_correlate2d(image, kernel), torch_cross_correlation(image, kernel))


def test_convolve2d_agrees_with_conv2d_on_a_rotated_kernel(ref, dice, bits):
    for _ in range(2000):
        image, kernel = drawn(dice, bits)
        same(ref.convolve2d(image, kernel), torch_cross_correlation(image, torch.rot90(kernel, 2)))


def test_convolve2d_agrees_with_numpy_in_one_dimension(ref, dice, bits):
    for _ in range(1000):
        long = dice.randint(1, 12)
        image, kernel = integers(bits, long, dtype=torch.float64), integers(bits, dice.randint(1, long)).double()
        want = torch.from_numpy(np.convolve(image.numpy(), kernel.numpy(), "valid"))
        same(ref.convolve2d(image[None], kernel[None])[0], want)
        same(ref.convolve2d(image[:, None], kernel[:, None])[:, 0], want)


def test_convolve2d_agrees_with_the_convolution_theorem(ref, dice, bits):
    for _ in range(500):
        image, kernel = drawn(dice, bits, torch.float64)
        size = [a + b - 1 for a, b in zip(image.shape, kernel.shape, strict=True)]
        full = torch.fft.ifft2(torch.fft.fft2(image, size) * torch.fft.fft2(kernel, size)).real
        rows, columns = kernel.shape
        want = full[rows - 1 : image.shape[0], columns - 1 : image.shape[1]]
        torch.testing.assert_close(ref.convolve2d(image, kernel), want)


def test_reals_agree_in_both_precisions(ref, dice, bits):
    for dtype in (torch.float32, torch.float64):
        for _ in range(300):
            image, kernel = drawn(dice, bits, dtype)
            image, kernel = (image + 0.1).sin(), (kernel + 0.1).cos()
            torch.testing.assert_close(ref.cross_correlate2d(image, kernel), torch_cross_correlation(image, kernel))


def test_memory_layout_does_not_matter_and_nothing_is_changed(ref, dice, bits):
    for _ in range(200):
        image, kernel = (tensor.T.contiguous().T for tensor in drawn(dice, bits))
        before = image.clone(), kernel.clone()
        for filtered in (ref.cross_correlate2d, ref.convolve2d):
            same(filtered(image, kernel), filtered(*before))
        assert torch.equal(image, before[0])
        assert torch.equal(kernel, before[1])


def test_the_filters_pass_gradcheck(ref, bits):
    image, kernel = integers(bits, 4, 5, dtype=torch.float64), integers(bits, 2, 3, dtype=torch.float64)
    inputs = image.requires_grad_(), kernel.requires_grad_()
    for filtered in (ref.cross_correlate2d, ref.convolve2d):
        assert torch.autograd.gradcheck(filtered, inputs)


@pytest.mark.parametrize("task", ["cross_correlate2d", "convolve2d"])
def test_a_kernel_that_does_not_fit_is_named(ref, task):
    fitting = 0
    sizes = [(h, w) for h in range(1, 6) for w in range(1, 6)]
    for size in sizes:
        for kernel in sizes:
            if kernel[0] <= size[0] and kernel[1] <= size[1]:
                getattr(ref, task)(torch.ones(size), torch.ones(kernel))
                fitting += 1
                continue
            with pytest.raises(ValueError, match="kernel"):
                getattr(ref, task)(torch.ones(size), torch.ones(kernel))
    assert fitting == 225


def test_box_mean_kernel_agrees_with_avg_pool2d(ref, bits):
    for size in range(1, 9):
        image = integers(bits, 9, 10)
        want = F.avg_pool2d(image[None, None], size, stride=1)[0, 0]
        torch.testing.assert_close(ref.cross_correlate2d(image, ref.box_mean_kernel(size)), want)


def test_box_mean_kernel_is_flat_and_sums_to_one(ref):
    for size in range(1, 30):
        kernel = ref.box_mean_kernel(size)
        assert kernel.shape == (size, size)
        assert kernel.dtype == torch.float32
        assert kernel.unique().numel() == 1
        assert kernel.double().sum().item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("size", [0, -1, -7])
def test_box_mean_kernel_names_a_bad_size(ref, size):
    with pytest.raises(ValueError, match="size"):
        ref.box_mean_kernel(size)


def test_sobel_kernels_are_a_smoothing_times_a_difference(ref):
    dx, dy = ref.sobel_kernels()
    same(dx, torch.tensor([1.0, 2.0, 1.0]).outer(torch.tensor([-1.0, 0.0, 1.0])))
    same(dy, dx.T)


def test_sobel_kernels_measure_a_slope(ref, dice):
    """On a plane, rising by a to the right and by b downwards, both kernels answer 8 times the slope, everywhere."""
    dx, dy = ref.sobel_kernels()
    for _ in range(300):
        a, b, c = (dice.randint(-5, 5) for _ in range(3))
        rows, columns = torch.meshgrid(torch.arange(5.0), torch.arange(6.0), indexing="ij")
        plane = a * columns + b * rows + c
        same(ref.cross_correlate2d(plane, dx), torch.full((3, 4), 8.0 * a))
        same(ref.cross_correlate2d(plane, dy), torch.full((3, 4), 8.0 * b))
        torch.testing.assert_close(ref.edge_magnitude(plane), torch.full((3, 4), 8.0 * math.hypot(a, b)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_edge_magnitude_agrees_with_conv2d(ref, dice, bits, dtype):
    dx = torch.tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=dtype)
    bank = torch.stack([dx, dx.T])[:, None]
    for _ in range(1000):
        image = integers(bits, dice.randint(3, 9), dice.randint(3, 9), dtype=dtype).sin()
        want = F.conv2d(image[None, None], bank)[0].norm(dim=0)
        torch.testing.assert_close(ref.edge_magnitude(image), want)


def test_edge_magnitude_does_not_care_which_way_the_image_lies(ref, dice, bits):
    for _ in range(300):
        image = integers(bits, dice.randint(3, 8), dice.randint(3, 8))
        want = ref.edge_magnitude(image)
        same(ref.edge_magnitude(image.T), want.T)
        same(ref.edge_magnitude(image.flip(0)), want.flip(0))
        same(ref.edge_magnitude(7 - image), want)


def test_edge_magnitude_names_an_image_that_is_too_small(ref):
    for size in [(2, 2), (1, 3), (2, 9), (9, 2), (3, 1)]:
        with pytest.raises(ValueError, match="image"):
            ref.edge_magnitude(torch.ones(size))
