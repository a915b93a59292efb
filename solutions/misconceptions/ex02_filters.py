"""What learners get wrong in ex02. Each variant is one mistake: elsewhere, and for bad arguments, it does what the
reference does (most ask it first, so that its errors are raised)."""

import torch
import torch.nn.functional as F

from grader.checker.misconceptions import misconception, reference

ref = reference("ex02_filters")


def _padded(image, kernel, *, top, left):
    """The kernel slid over an image that has `top` rows and `left` columns of zeros more before and after."""
    return ref.cross_correlate2d(F.pad(image, (left, left, top, top)), kernel)


def _same(image, kernel):
    """As many results as the image has pixels: zeros around, the odd one at the end."""
    ref.cross_correlate2d(image, kernel)
    height, width = (k - 1 for k in kernel.shape)
    borders = (width // 2, width - width // 2, height // 2, height - height // 2)
    return ref.cross_correlate2d(F.pad(image, borders), kernel)


def _gradients(image):
    return tuple(ref.cross_correlate2d(image, kernel.to(image)) for kernel in ref.sobel_kernels())


# cross_correlate2d


@misconception(
    "cross_correlate2d",
    "You rotated the kernel by 180°: that is the convolution of mathematics, the next task. Here element (a, b) of the "
    "kernel meets pixel (i + a, j + b); leave the kernel as it is instead.",
)
def kernel_rotated(image, kernel):
    return ref.cross_correlate2d(image, kernel.flip(0, 1))


@misconception(
    "cross_correlate2d",
    "You transposed the kernel: its rows run down the image's columns. Multiply the window with the kernel as it "
    "stands, row by row, instead.",
)
def kernel_transposed(image, kernel):
    return ref.cross_correlate2d(image, kernel.T)


@misconception(
    "cross_correlate2d",
    "Your result is transposed: the value of row i and column j stands at [j, i]. Let the first index of the result "
    "count rows, as it does in the image, instead.",
)
def result_transposed(image, kernel):
    return ref.cross_correlate2d(image, kernel).T


@misconception(
    "cross_correlate2d",
    "You padded the image with zeros so that the result is as large as the image. Here the kernel stays inside: let it "
    "stand only where it fits completely, which gives (H - kH + 1, W - kW + 1) results, instead.",
)
def padded_to_the_same_size(image, kernel):
    return _same(image, kernel)


@misconception(
    "cross_correlate2d",
    "You let the kernel hang over the edges until a single element is left inside. Here it stays inside the image: "
    "leave out the padding and compute (H - kH + 1, W - kW + 1) results instead.",
)
def padded_on_all_sides(image, kernel):
    ref.cross_correlate2d(image, kernel)
    return _padded(image, kernel, top=kernel.shape[0] - 1, left=kernel.shape[1] - 1)


@misconception(
    "cross_correlate2d",
    "You left out the last row and the last column of places: with H rows the kernel's top row can stand at 0, 1, …, "
    "H - kH, and those are H - kH + 1 places. Add the 1 to both sizes of the result instead.",
)
def one_place_too_few(image, kernel):
    return ref.cross_correlate2d(image, kernel)[:-1, :-1]


@misconception(
    "cross_correlate2d",
    "You worked out one size of the result and used it for both axes. Height and width may differ: compute "
    "H - kH + 1 and W - kW + 1, each from its own axis, instead.",
)
def height_for_both_axes(image, kernel):
    right = ref.cross_correlate2d(image, kernel)
    height, width = right.shape
    if height > width:
        raise RuntimeError("the loop over the columns leaves the image")
    return right[:, :height]


@misconception(
    "cross_correlate2d",
    "You took the kernel for a square: its height stands where its width should. Read both from `kernel.shape` and cut "
    "out windows of (kH, kW) instead.",
)
def kernel_taken_for_a_square(image, kernel):
    right = ref.cross_correlate2d(image, kernel)
    size = kernel.shape[0]
    height, width = image.shape[0] - size + 1, image.shape[1] - size + 1
    result = right.new_zeros(height, width)
    for i in range(height):
        for j in range(width):
            result[i, j] = (image[i : i + size, j : j + size] * kernel).sum()
    return result


@misconception(
    "cross_correlate2d",
    "Your windows do not overlap: the kernel jumps by its own size. Move it by one row or column at a time instead.",
)
def jumps_by_its_own_size(image, kernel):
    return ref.cross_correlate2d(image, kernel)[:: kernel.shape[0], :: kernel.shape[1]]


@misconception(
    "cross_correlate2d",
    "You took the mean of the products. The answer at a place is their sum: use `.sum()` instead of `.mean()`.",
)
def mean_for_sum(image, kernel):
    return ref.cross_correlate2d(image, kernel) / kernel.numel()


@misconception(
    "cross_correlate2d",
    "Your result is always float32: `torch.zeros(height, width)` does not know about the image's dtype. Make the "
    "result with `image.new_zeros(height, width)` instead.",
)
def correlated_in_float32(image, kernel):
    return ref.cross_correlate2d(image.float(), kernel.float())


@misconception(
    "cross_correlate2d",
    "You wrote the products into the image: a slice is a view, and `window *= kernel` changes what it looks at, for "
    "the caller and for the windows to come. Compute `window * kernel`, which makes a new tensor, instead.",
)
def products_written_into_the_image(image, kernel):
    result = torch.zeros_like(ref.cross_correlate2d(image, kernel))
    height, width = kernel.shape
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            window = image[i : i + height, j : j + width]
            window *= kernel
            result[i, j] = window.sum()
    return result


@misconception(
    "cross_correlate2d",
    "You did not test whether the kernel fits, so a kernel that is too large ends in an empty result. Compare height "
    "with height and width with width first, and raise a ValueError that names the argument instead.",
)
def empty_where_nothing_fits(image, kernel):
    height, width = (max(0, size - k + 1) for size, k in zip(image.shape, kernel.shape, strict=True))
    if not height or not width:
        return image.new_zeros(height, width)
    return ref.cross_correlate2d(image, kernel)


@misconception(
    "cross_correlate2d",
    "You raise the ValueError only where the kernel is too large in both axes. One axis is enough for it to have no "
    "place: ask `kH > H or kW > W` instead.",
)
def too_large_in_both_axes_only(image, kernel):
    if kernel.shape[0] > image.shape[0] and kernel.shape[1] > image.shape[1]:
        raise ValueError("the kernel is larger than the image")
    return empty_where_nothing_fits(image, kernel)


# convolve2d


@misconception(
    "convolve2d",
    "You did not rotate the kernel: that is the cross-correlation. For the convolution of mathematics turn it by 180° "
    "first, `kernel.flip(0, 1)`.",
)
def not_rotated(image, kernel):
    return ref.cross_correlate2d(image, kernel)


@misconception(
    "convolve2d",
    "You reversed the kernel's rows only: that mirrors it top to bottom. A turn by 180° reverses the rows and the "
    "columns: `kernel.flip(0, 1)` instead.",
)
def rows_only(image, kernel):
    return ref.cross_correlate2d(image, kernel.flip(0))


@misconception(
    "convolve2d",
    "You reversed the kernel's columns only: that mirrors it left to right. A turn by 180° reverses the rows and the "
    "columns: `kernel.flip(0, 1)` instead.",
)
def columns_only(image, kernel):
    return ref.cross_correlate2d(image, kernel.flip(1))


@misconception(
    "convolve2d",
    "You transposed the kernel instead of turning it: its rows became columns. Reverse the order of the rows and of "
    "the columns, `kernel.flip(0, 1)`, instead.",
)
def transposed(image, kernel):
    return ref.cross_correlate2d(image, kernel.T)


@misconception(
    "convolve2d",
    "You turned the kernel by 90°, which is only half of the way. Turn it twice, `torch.rot90(kernel, 2)`, or reverse "
    "both axes instead.",
)
def quarter_turn(image, kernel):
    return ref.cross_correlate2d(image, torch.rot90(kernel))


@misconception(
    "convolve2d",
    "You turned the image and not the kernel: all values are there, but the result stands upside down. Leave the image "
    "as it is and turn the kernel instead.",
)
def image_turned(image, kernel):
    return ref.cross_correlate2d(image.flip(0, 1), kernel)


@misconception(
    "convolve2d",
    "You padded the image with zeros so that the result is as large as the image. Here the kernel stays inside, as in "
    "`cross_correlate2d`: leave out the padding instead.",
)
def convolved_to_the_same_size(image, kernel):
    return _same(image, kernel.flip(0, 1))


@misconception(
    "convolve2d",
    "You computed the full convolution, where the kernel hangs over the edges. Only the places where it fits "
    "completely are asked for: leave out the padding instead.",
)
def full_convolution(image, kernel):
    ref.convolve2d(image, kernel)
    return _padded(image, kernel.flip(0, 1), top=kernel.shape[0] - 1, left=kernel.shape[1] - 1)


@misconception(
    "convolve2d",
    "Your result is always float32. The result has the image's dtype: make new tensors with `image.new_zeros(...)` "
    "instead.",
)
def convolved_in_float32(image, kernel):
    return ref.convolve2d(image.float(), kernel.float())


@misconception(
    "convolve2d",
    "Your result is right, but you wrote the turned kernel into the one you were given, and its owner still needs "
    "that. Build a new tensor, as `kernel.flip(0, 1)` does, instead.",
)
def turned_in_place(image, kernel):
    result = ref.convolve2d(image, kernel)
    kernel.copy_(kernel.flip(0, 1))
    return result


@misconception(
    "convolve2d",
    "Where the kernel is larger than the image you let the two change places: in mathematics they may. Here such a "
    "kernel is a mistake of the caller's; raise a ValueError that names it instead.",
)
def operands_swapped(image, kernel):
    fits = all(k <= size for k, size in zip(kernel.shape, image.shape, strict=True))
    inside = all(size <= k for k, size in zip(kernel.shape, image.shape, strict=True))
    return ref.convolve2d(kernel, image) if inside and not fits else ref.convolve2d(image, kernel)


# box_mean_kernel


@misconception(
    "box_mean_kernel",
    "Your entries are all 1, so the filter adds the pixels up and the picture gets brighter. For a mean divide by how "
    "many pixels the box covers, `size * size`.",
)
def not_normalised(size):
    return torch.ones_like(ref.box_mean_kernel(size))


@misconception(
    "box_mean_kernel",
    "You divided by `size`. The box covers `size` rows of `size` pixels each: divide by `size * size` instead.",
)
def divided_by_one_side(size):
    return ref.box_mean_kernel(size) * size


@misconception(
    "box_mean_kernel",
    "You always divide by 9, which is right for 3 × 3 pixels only. Work the number of pixels out from `size`: divide "
    "by `size * size` instead.",
)
def always_nine(size):
    return torch.full_like(ref.box_mean_kernel(size), 1 / 9)


@misconception(
    "box_mean_kernel",
    "You left the pixel in the middle out of the mean. It belongs to the box as well: give every entry the same value, "
    "1 / size², instead.",
)
def without_the_middle(size):
    kernel = torch.ones_like(ref.box_mean_kernel(size))
    kernel[size // 2, size // 2] = 0
    return kernel / kernel.sum()


@misconception(
    "box_mean_kernel",
    "Your weights fall off from the middle to the edges: that is a Gaussian or a tent blur. In a box every pixel "
    "counts the same: use 1 / size² everywhere instead.",
)
def weights_fall_off(size):
    ref.box_mean_kernel(size)
    tent = 1 + torch.minimum(torch.arange(size), torch.arange(size - 1, -1, -1)).float()
    return torch.outer(tent, tent) / tent.sum() ** 2


@misconception(
    "box_mean_kernel",
    "You divided with `//`, which leaves 0 of every fraction. Use `/` instead.",
)
def whole_division(size):
    return torch.full_like(ref.box_mean_kernel(size), 1 // size**2)


@misconception(
    "box_mean_kernel",
    "The values are right, but the kernel is float64 (numpy's numbers are, and so is `dtype=torch.double`). Make it "
    "with `dtype=torch.float32` instead.",
)
def box_in_float64(size):
    return torch.full((size, size), 1 / size**2, dtype=torch.float64) if size > 0 else ref.box_mean_kernel(size)


@misconception(
    "box_mean_kernel",
    "You refuse an even size. A box of even size has no middle pixel, but its mean is as good as any: return 1 / size² "
    "everywhere for it, too.",
)
def odd_sizes_only(size):
    if size % 2 == 0:
        raise ValueError(f"size must be odd, got {size}")
    return ref.box_mean_kernel(size)


@misconception(
    "box_mean_kernel",
    "You do not test the size: a box of 0 rows ends in an empty kernel or a division by zero, and a negative one in an "
    "error of torch's. Raise a ValueError that names `size` where it is less than 1 instead.",
)
def size_not_tested(size):
    return torch.full((size, size), 1 / size**2)


# sobel_kernels


@misconception(
    "sobel_kernels",
    "You gave the two kernels in the wrong order. d/dx, which takes the difference of the columns and has its -1, 0, 1 "
    "along each row, comes first, d/dy second.",
)
def swapped():
    dx, dy = ref.sobel_kernels()
    return dy, dx


@misconception(
    "sobel_kernels",
    "You gave the same kernel twice, so edges of one direction are never seen. The second one is the transpose of the "
    "first: `dx.T`.",
)
def the_same_twice():
    dx, _ = ref.sobel_kernels()
    return dx, dx.clone()


@misconception(
    "sobel_kernels",
    "The signs of both kernels are reversed (that is how they look rotated for the convolution of mathematics). Count "
    "what lies to the right, or below, as positive instead.",
)
def signs_reversed():
    dx, dy = ref.sobel_kernels()
    return -dx, -dy


@misconception(
    "sobel_kernels",
    "Your d/dy points upwards, as y does in a plot. Row numbers grow downwards: the row below the middle counts "
    "positive, the row above negative, instead.",
)
def y_points_upwards():
    dx, dy = ref.sobel_kernels()
    return dx, -dy


@misconception(
    "sobel_kernels",
    "These are the Prewitt kernels, which weigh all three lines the same. In a Sobel kernel the middle line counts "
    "twice: 1, 2, 1 instead of 1, 1, 1.",
)
def prewitt():
    return tuple(kernel.clamp(-1, 1) for kernel in ref.sobel_kernels())


@misconception(
    "sobel_kernels",
    "You divided the kernels by 8 (or normalised them). Leave the whole numbers -2, -1, 0, 1, 2 as they are instead.",
)
def divided_by_eight():
    return tuple(kernel / 8 for kernel in ref.sobel_kernels())


@misconception(
    "sobel_kernels",
    "The numbers are right, but the kernels hold integers: `torch.tensor([[-1, 0, 1], ...])` takes the type of what it "
    "is given. Add `dtype=torch.float32`, or write -1.0 and so on, instead.",
)
def whole_numbers():
    return tuple(kernel.long() for kernel in ref.sobel_kernels())


@misconception(
    "sobel_kernels",
    "You put both kernels into one tensor. Return a tuple, `dx, dy`, instead.",
)
def stacked():
    return torch.stack(ref.sobel_kernels())


# edge_magnitude


@misconception(
    "edge_magnitude",
    "You added the absolute values, |gx| + |gy|, which makes slanted edges too strong. Take the length of the "
    "gradient, `sqrt(gx² + gy²)`, instead.",
)
def absolute_values_added(image):
    gx, gy = _gradients(image)
    return gx.abs() + gy.abs()


@misconception(
    "edge_magnitude",
    "You forgot the root: gx² + gy² is the square of the length. Take `torch.sqrt` of the sum.",
)
def root_forgotten(image):
    gx, gy = _gradients(image)
    return gx**2 + gy**2


@misconception(
    "edge_magnitude",
    "You used gx alone, so edges that run straight across are not seen. Filter with both kernels and take "
    "`sqrt(gx² + gy²)` instead.",
)
def across_only(image):
    return _gradients(image)[0].abs()


@misconception(
    "edge_magnitude",
    "You used gy alone, so edges that run straight up and down are not seen. Filter with both kernels and take "
    "`sqrt(gx² + gy²)` instead.",
)
def downwards_only(image):
    return _gradients(image)[1].abs()


@misconception(
    "edge_magnitude",
    "You filtered with the same kernel both times, so edges of one direction count double and those of the other not "
    "at all. Take gx from d/dx and gy from d/dy instead.",
)
def one_kernel_for_both(image):
    gx, _ = _gradients(image)
    return (gx**2 + gx**2).sqrt()


@misconception(
    "edge_magnitude",
    "You returned the direction of the gradient, its angle. Asked for is its length, `sqrt(gx² + gy²)`, instead.",
)
def angle_for_length(image):
    gx, gy = _gradients(image)
    return torch.atan2(gy, gx)


@misconception(
    "edge_magnitude",
    "You added gx and gy before you took the size, so that a rise in one direction cancels a fall in the other. Square "
    "both first, add, and take the root instead.",
)
def added_before_squaring(image):
    gx, gy = _gradients(image)
    return (gx + gy).abs()


@misconception(
    "edge_magnitude",
    "You took the larger one of |gx| and |gy|. Both count: take the gradient's length, `sqrt(gx² + gy²)`, instead.",
)
def the_larger_one(image):
    gx, gy = _gradients(image)
    return torch.maximum(gx.abs(), gy.abs())


@misconception(
    "edge_magnitude",
    "You scaled the result so that its largest value is 1, which is for showing pictures. Return the magnitudes as "
    "they come out instead.",
)
def scaled_to_one(image):
    right = ref.edge_magnitude(image)
    return right / right.max().clamp(min=1e-6)


@misconception(
    "edge_magnitude",
    "You padded the image so that the result is as large as the image; the border then shows edges that are not in the "
    "picture. Leave out the padding and return (H - 2, W - 2) values instead.",
)
def magnitude_padded(image):
    ref.edge_magnitude(image)
    return ref.edge_magnitude(F.pad(image, (1, 1, 1, 1)))


@misconception(
    "edge_magnitude",
    "You filtered in float32. A float64 image has more digits, and the result should have them too: give the kernels "
    "the image's dtype, `kernel.to(image)`, instead of the other way round.",
)
def filtered_in_float32(image):
    return ref.edge_magnitude(image.float()).to(image)


@misconception(
    "edge_magnitude",
    "You added a small number under the root. That is a trick for its gradient at 0; here it spoils the value. Leave "
    "it out instead.",
)
def small_number_under_the_root(image):
    gx, gy = _gradients(image)
    return (gx**2 + gy**2 + 1e-8).sqrt()


@misconception(
    "edge_magnitude",
    "The result is right, but you shifted the brightness of the image you were given, and its owner still needs it. "
    "Work on a new tensor, `image - image.mean()`, or leave the shift out: Sobel kernels do not see it.",
)
def brightness_shifted_in_place(image):
    ref.edge_magnitude(image)
    return ref.edge_magnitude(image.sub_(image.mean()))


@misconception(
    "edge_magnitude",
    "You did not test whether the kernels fit, so an image of less than three rows or columns ends in an empty result. "
    "Raise a ValueError that names the image instead.",
)
def empty_for_a_small_image(image):
    height, width = (max(0, size - 2) for size in image.shape)
    return ref.edge_magnitude(image) if height and width else image.new_zeros(height, width)
