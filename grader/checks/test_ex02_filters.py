"""Hidden checks of ex02: filters on one grey picture, in the plane."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st

from grader.checker import check, expect
from grader.checker import strategies as draw
from grader.checker.examples import test_examples  # noqa: F401  # the docstring examples: one public check a task

# What an error about a kernel that has no place may speak of.
PLACES = ["kernel", "image", "filter", "input", "size", "shape", "height", "width"]

Case = dict[str, Any]
Pick = Any  # hypothesis' draw function, named so that `draw` can stay the room of strategies


@st.composite
def filterings(pick: Pick, *, square: bool = False, room: tuple[int, int] = (0, 4), values: Any = draw.tensors) -> Case:
    """An image and a kernel that fits: `room` more rows and columns than the kernel has."""
    if square:
        kernel = (pick(draw.ints(1, 4)),) * 2
        size = (kernel[0] + pick(draw.ints(*room)),) * 2
    else:
        kernel = pick(draw.pairs(1, 4))
        size = tuple(k + pick(draw.ints(*room)) for k in kernel)
    return {"image": pick(values(size)), "kernel": pick(values(kernel))}


def snug() -> st.SearchStrategy[Case]:
    """Kernels that leave no room in height, in width, or in both."""
    kernels, more = draw.pairs(1, 4), draw.ints(0, 3)

    def with_images(kernel: tuple[int, int]) -> st.SearchStrategy[Case]:
        height, width = kernel
        one_row = st.tuples(st.just(height), more.map(width.__add__))
        one_column = st.tuples(more.map(height.__add__), st.just(width))
        images = draw.tensors(st.one_of(one_row, one_column))
        return st.fixed_dictionaries({"image": images, "kernel": draw.tensors(kernel)})

    return kernels.flatmap(with_images)


def anyhow(shape: Any) -> st.SearchStrategy[torch.Tensor]:
    """float64 reals in any memory layout."""
    return draw.layouts(draw.reals(shape))


def same_shape(got: torch.Tensor, want: torch.Tensor) -> None:
    """Something was done at all: an answer of None leaves every input as it was."""
    expect.that(got.shape == want.shape, f"the result should have shape {tuple(want.shape)}")


def too_large(function: Any) -> None:
    """A kernel that is larger than the image in both axes, in height alone, in width alone."""
    for kernel in [(4, 5), (4, 1), (1, 5)]:
        image, filters = torch.arange(1.0, 13.0).reshape(3, 4), torch.arange(1.0, 1.0 + kernel[0] * kernel[1])
        expect.value_error(function, image, filters.reshape(kernel), about=PLACES)


# cross_correlate2d


@check("cross_correlate2d", title="Square images and square kernels", points=1.5)
@given(case=filterings(square=True))
def test_cross_correlate2d_square(learner, reference, case):
    expect.close(learner.cross_correlate2d(**case), reference.cross_correlate2d(**case))


@check("cross_correlate2d", title="Height and width that differ, in image and kernel", points=1.5)
@given(case=filterings())
def test_cross_correlate2d_oblong(learner, reference, case):
    expect.close(learner.cross_correlate2d(**case), reference.cross_correlate2d(**case))


@check(
    "cross_correlate2d", title="A kernel as high or as wide as the image has one place left in that axis", points=0.5
)
@given(case=snug())
def test_cross_correlate2d_snug(learner, reference, case):
    expect.close(learner.cross_correlate2d(**case), reference.cross_correlate2d(**case))


@check("cross_correlate2d", title="float64 to its full precision, in any memory layout", points=0.5, examples=25)
@given(case=filterings(values=anyhow))
def test_cross_correlate2d_float64(learner, reference, case):
    expect.close(learner.cross_correlate2d(**case), reference.cross_correlate2d(**case))


@check("cross_correlate2d", title="The image and the kernel stay as they were", points=0.5, examples=15)
@given(case=filterings())
def test_cross_correlate2d_unchanged(learner, reference, case):
    same_shape(learner.cross_correlate2d(**case), reference.cross_correlate2d(**case))
    expect.unchanged(learner.cross_correlate2d, **case)


@check("cross_correlate2d", title="A kernel larger than the image, in one axis or both, is a ValueError", points=0.5)
def test_cross_correlate2d_errors(learner, reference):
    too_large(learner.cross_correlate2d)


# convolve2d


@check("convolve2d", title="Square images and square kernels", points=1.5)
@given(case=filterings(square=True))
def test_convolve2d_square(learner, reference, case):
    expect.close(learner.convolve2d(**case), reference.convolve2d(**case))


@check("convolve2d", title="Height and width that differ, in image and kernel", points=1)
@given(case=filterings())
def test_convolve2d_oblong(learner, reference, case):
    expect.close(learner.convolve2d(**case), reference.convolve2d(**case))


@check("convolve2d", title="One bright pixel turns into a picture of the kernel, the right way round", points=0.5)
@given(kernel=draw.tensors(draw.pairs(1, 4)))
def test_convolve2d_pixel(learner, reference, kernel):
    height, width = kernel.shape
    image = torch.zeros(2 * height - 1, 2 * width - 1)
    image[height - 1, width - 1] = 1
    expect.close(learner.convolve2d(image, kernel), kernel)


@check("convolve2d", title="A kernel as high or as wide as the image has one place left in that axis", points=0.5)
@given(case=snug())
def test_convolve2d_snug(learner, reference, case):
    expect.close(learner.convolve2d(**case), reference.convolve2d(**case))


@check("convolve2d", title="float64 to its full precision, in any memory layout", points=0.5, examples=25)
@given(case=filterings(values=anyhow))
def test_convolve2d_float64(learner, reference, case):
    expect.close(learner.convolve2d(**case), reference.convolve2d(**case))


@check("convolve2d", title="The image and the kernel stay as they were", points=0.5, examples=15)
@given(case=filterings())
def test_convolve2d_unchanged(learner, reference, case):
    same_shape(learner.convolve2d(**case), reference.convolve2d(**case))
    expect.unchanged(learner.convolve2d, **case)


@check("convolve2d", title="A kernel larger than the image, in one axis or both, is a ValueError", points=0.5)
def test_convolve2d_errors(learner, reference):
    too_large(learner.convolve2d)


# box_mean_kernel: entries are far below 1, so the bound has to be, too. The dtype has a check of its own.


@check("box_mean_kernel", title="The mean of a box with an odd number of rows", points=1)
@given(half=draw.ints(1, 4))
def test_box_mean_kernel_odd(learner, reference, half):
    size = 2 * half + 1
    expect.close(learner.box_mean_kernel(size).to(torch.float32), reference.box_mean_kernel(size), terms=1)


@check("box_mean_kernel", title="The mean of a box with an even number of rows", points=0.5)
@given(half=draw.ints(1, 4))
def test_box_mean_kernel_even(learner, reference, half):
    expect.close(learner.box_mean_kernel(2 * half).to(torch.float32), reference.box_mean_kernel(2 * half), terms=1)


@check("box_mean_kernel", title="A box of a single pixel leaves the picture as it is", points=0.5)
def test_box_mean_kernel_one(learner, reference):
    expect.close(learner.box_mean_kernel(1).to(torch.float32), reference.box_mean_kernel(1), terms=1)


@check("box_mean_kernel", title="The kernel is a float32 tensor with two axes", points=0.5)
@given(size=draw.ints(1, 4))
def test_box_mean_kernel_frame(learner, reference, size):
    got = learner.box_mean_kernel(size)
    expect.that(got.dtype == torch.float32, "the kernel should be float32")
    expect.that(got.shape == (size, size), f"size {size} should give a kernel of shape ({size}, {size})")


@check("box_mean_kernel", title="A size that is less than 1 is a ValueError that names it", points=0.5)
def test_box_mean_kernel_errors(learner, reference):
    expect.value_error(learner.box_mean_kernel, -2, about=["size", "kernel"])
    expect.value_error(learner.box_mean_kernel, 0, about=["size", "kernel"])


# sobel_kernels: values and frame are asked for one by one


@check("sobel_kernels", title="The first kernel is d/dx: brighter to the right", points=1)
def test_sobel_kernels_dx(learner, reference):
    expect.close(learner.sobel_kernels()[0].to(torch.float32), reference.sobel_kernels()[0])


@check("sobel_kernels", title="The second kernel is d/dy: brighter downwards", points=1)
def test_sobel_kernels_dy(learner, reference):
    expect.close(learner.sobel_kernels()[1].to(torch.float32), reference.sobel_kernels()[1])


@check("sobel_kernels", title="Both kernels have the right nine weights, wherever they stand", points=0.5)
def test_sobel_kernels_weights(learner, reference):
    for got, want in zip(learner.sobel_kernels(), reference.sobel_kernels(), strict=True):
        weights = got.to(torch.float32).flatten().sort().values
        expect.close(weights, want.flatten().sort().values, what="the sorted list of weights")


@check("sobel_kernels", title="The answer is a tuple of two float32 tensors, 3 by 3", points=0.5)
def test_sobel_kernels_frame(learner, reference):
    got = learner.sobel_kernels()
    expect.that(isinstance(got, tuple | list) and len(got) == 2, "sobel_kernels should return a tuple of two tensors")
    for one, name in zip(got, ("d/dx", "d/dy"), strict=True):
        expect.that(one.dtype == torch.float32, f"{name} should be float32")
        expect.that(one.shape == (3, 3), f"{name} should have shape (3, 3)")


# edge_magnitude


@check("edge_magnitude", title="Edges that run straight up and down, or straight across", points=1)
@given(across=st.booleans(), line=draw.tensors(st.tuples(draw.ints(3, 7))), other=draw.ints(3, 5))
def test_edge_magnitude_straight(learner, reference, across, line, other):
    image = line.repeat(other, 1)
    image = image.T.contiguous() if across else image
    expect.close(learner.edge_magnitude(image), reference.edge_magnitude(image))


@check("edge_magnitude", title="Edges of any direction in a square image", points=1)
@given(image=draw.tensors(draw.ints(3, 7).map(lambda size: (size, size))))
def test_edge_magnitude_square(learner, reference, image):
    expect.close(learner.edge_magnitude(image), reference.edge_magnitude(image))


@check("edge_magnitude", title="Images whose height and width differ", points=1)
@given(image=draw.tensors(draw.sizes(3, 8)))
def test_edge_magnitude_oblong(learner, reference, image):
    expect.close(learner.edge_magnitude(image), reference.edge_magnitude(image))


@check("edge_magnitude", title="Images so small that the kernels have one place left in an axis", points=0.5)
@given(image=draw.tensors(st.one_of(st.tuples(st.just(3), draw.ints(3, 6)), st.tuples(draw.ints(3, 6), st.just(3)))))
def test_edge_magnitude_snug(learner, reference, image):
    expect.close(learner.edge_magnitude(image), reference.edge_magnitude(image))


@check("edge_magnitude", title="float64 to its full precision, in any memory layout", points=0.5, examples=25)
@given(image=anyhow(draw.sizes(3, 7)))
def test_edge_magnitude_float64(learner, reference, image):
    expect.close(learner.edge_magnitude(image), reference.edge_magnitude(image))


@check("edge_magnitude", title="The image stays as it was", points=0.5, examples=15)
@given(image=draw.tensors(draw.sizes(3, 6)))
def test_edge_magnitude_unchanged(learner, reference, image):
    same_shape(learner.edge_magnitude(image), reference.edge_magnitude(image))
    expect.unchanged(learner.edge_magnitude, image)


@check("edge_magnitude", title="An image smaller than the kernels, in one axis or both, is a ValueError", points=0.5)
def test_edge_magnitude_errors(learner, reference):
    for size in [(2, 2), (2, 5), (4, 2)]:
        image = torch.arange(1.0, 1.0 + size[0] * size[1]).reshape(size)
        expect.value_error(learner.edge_magnitude, image, about=PLACES)
