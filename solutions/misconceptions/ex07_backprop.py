"""What learners get wrong in ex07. Each variant is one mistake: elsewhere, and for bad arguments, it does what the
reference does (most ask it first, so that its errors are raised)."""

import torch
import torch.nn.functional as F

from grader.checker.misconceptions import misconception, reference

ref = reference("ex07_backprop")
ONES = torch.ones_like


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _vertical(value):
    """The pair that someone has who reads only its first half."""
    return value if value is None else (_pair(value)[0],) * 2


def _swapped(value):
    return _pair(value)[::-1]


def _taps(kernel, stride, dilation, output):
    return ref._taps(_pair(kernel), _pair(stride), _pair(dilation), output)


def _padded(x, padding):
    top, left = _pair(padding)
    return F.pad(x, (left, left, top, top))


# rotate180


@misconception(
    "rotate180",
    "You reversed the rows only: that mirrors the kernel top to bottom. A turn by 180° reverses the rows and the "
    "columns: `kernel.flip(-2, -1)` instead.",
)
def rows_only(kernel):
    return kernel.flip(-2)


@misconception(
    "rotate180",
    "You reversed the columns only: that mirrors the kernel left to right. A turn by 180° reverses the rows and the "
    "columns: `kernel.flip(-2, -1)` instead.",
)
def columns_only(kernel):
    return kernel.flip(-1)


@misconception(
    "rotate180",
    "You transposed the kernel: height and width trade places, and nothing is turned round. Reverse the order of "
    "the rows and of the columns instead.",
)
def transposed(kernel):
    return kernel.transpose(-2, -1)


@misconception(
    "rotate180",
    "You turned by 90°, which is only half of the way: the shape shows it wherever height and width differ. Turn "
    "twice, `torch.rot90(kernel, 2, (-2, -1))`, or flip both axes instead.",
)
def quarter_turn(kernel):
    return torch.rot90(kernel, 1, (-2, -1))


@misconception(
    "rotate180",
    "You reversed the kernel along the diagonal (a turn and a transposition together). Leave the axes in their "
    "order and only flip both of them instead.",
)
def turned_and_transposed(kernel):
    return kernel.flip(-2, -1).transpose(-2, -1)


@misconception(
    "rotate180",
    "You flipped every axis, so that filters and channels change places, too. Only the last two axes turn: name "
    "them, `kernel.flip(-2, -1)`, instead.",
)
def every_axis(kernel):
    return kernel.flip(tuple(range(kernel.dim())))


@misconception(
    "rotate180",
    "You flipped the first two axes. In a filter bank those are the filters and their channels; height and width "
    "are the last two. Count from the end, -2 and -1, instead.",
)
def first_two_axes(kernel):
    return kernel.flip(0, 1)


@misconception(
    "rotate180",
    "You gave the kernel back as it was. Element (i, j) has to move to (kH - 1 - i, kW - 1 - j): reverse the rows "
    "and the columns.",
)
def not_turned(kernel):
    return kernel.clone()


@misconception(
    "rotate180",
    "Your result is right, but you wrote it into the kernel you were given, and its owner still needs that. Build a "
    "new tensor, as `flip` does, instead.",
)
def written_into_the_kernel(kernel):
    return kernel.copy_(kernel.flip(-2, -1))


@misconception(
    "rotate180",
    "Your result is always float32: `torch.zeros(shape)` does not know about the kernel's dtype. Make the new "
    "tensor with `torch.zeros_like(kernel)` or `kernel.new_zeros(...)` instead.",
)
def rotated_in_float32(kernel):
    return kernel.flip(-2, -1).float()


# full_convolution2d


@misconception(
    "full_convolution2d",
    "You did not turn the kernel: `F.conv2d` is a cross-correlation. For the convolution of mathematics give it the "
    "kernel turned by `rotate180` instead.",
)
def cross_correlation(image, kernel):
    return ref.full_convolution2d(image, kernel.flip(0, 1))


@misconception(
    "full_convolution2d",
    "You transposed the kernel instead of turning it: the axes trade places. Reverse its rows and its columns, with "
    "`rotate180`, instead.",
)
def transposed_for_turned(image, kernel):
    turned = kernel.T[None, None]
    return F.conv2d(image[None, None], turned, padding=(kernel.shape[0] - 1, kernel.shape[1] - 1))[0, 0]


@misconception(
    "full_convolution2d",
    "You reversed only the rows of the kernel. A convolution counts backwards in both directions: reverse the "
    "columns as well.",
)
def turned_rows_only(image, kernel):
    return ref.full_convolution2d(image, kernel.flip(1))


@misconception(
    "full_convolution2d",
    'You did not pad, so that only the places remain where the whole kernel lies inside the image. "Full" means '
    "every place where they overlap at all: pad with kH - 1 rows and kW - 1 columns of zeros at each side instead.",
)
def valid_only(image, kernel):
    return F.conv2d(image[None, None], kernel.flip(0, 1)[None, None])[0, 0]


@misconception(
    "full_convolution2d",
    "Your result has the image's size. A full convolution is larger, H + kH - 1 by W + kW - 1, because the kernel "
    "may hang over every edge: pad with kH - 1 and kW - 1 instead of half of that.",
)
def same_size(image, kernel):
    top, left = (kernel.shape[0] - 1) // 2, (kernel.shape[1] - 1) // 2
    return ref.full_convolution2d(image, kernel)[top : top + image.shape[0], left : left + image.shape[1]]


@misconception(
    "full_convolution2d",
    "You padded with kH and kW, one too many: the outermost places of the kernel do not touch the image any more. "
    "Pad with kH - 1 and kW - 1 instead.",
)
def padded_by_one_too_many(image, kernel):
    return F.conv2d(image[None, None], kernel.flip(0, 1)[None, None], padding=tuple(kernel.shape))[0, 0]


@misconception(
    "full_convolution2d",
    "You mixed up height and width in the padding: the rows get kW - 1 zeros and the columns kH - 1. `F.conv2d` "
    "wants (vertical, horizontal), while `F.pad` starts with the last axis; look which one you use.",
)
def padding_axes_swapped(image, kernel):
    padding = (kernel.shape[1] - 1, kernel.shape[0] - 1)
    return F.conv2d(image[None, None], kernel.flip(0, 1)[None, None], padding=padding)[0, 0]


@misconception(
    "full_convolution2d",
    "You padded both axes by the kernel's height less one. Its width counts for the columns: pad by kH - 1 above "
    "and below and by kW - 1 left and right instead.",
)
def padded_for_a_square_kernel(image, kernel):
    return F.conv2d(image[None, None], kernel.flip(0, 1)[None, None], padding=kernel.shape[0] - 1)[0, 0]


@misconception(
    "full_convolution2d",
    "You put all zeros on one side (above and to the left), so that the result is cut off there and shifted. Put kH "
    "- 1 rows and kW - 1 columns at *each* side instead.",
)
def padded_on_one_side(image, kernel):
    height, width = kernel.shape
    grown = F.pad(image, (2 * (width - 1), 0, 2 * (height - 1), 0))
    return F.conv2d(grown[None, None], kernel.flip(0, 1)[None, None])[0, 0]


@misconception(
    "full_convolution2d",
    "Where two stamps of the kernel overlap, you kept only the last one. Overlapping stamps add up: write `+=` "
    "instead of `=`.",
)
def stamps_overwrite(image, kernel):
    result = torch.zeros_like(ref.full_convolution2d(image, kernel))
    for i, j in torch.cartesian_prod(*map(torch.arange, image.shape)).tolist():
        result[i : i + kernel.shape[0], j : j + kernel.shape[1]] = image[i, j] * kernel
    return result


@misconception(
    "full_convolution2d",
    "You computed in float32 on the way, which rounds float64 inputs (or makes the result float32). Make new "
    "tensors with `image.new_zeros(...)`, which keeps the dtype, instead of `torch.zeros(...)`.",
)
def full_in_float32(image, kernel):
    return ref.full_convolution2d(image.float(), kernel.float()).to(image.dtype)


# conv2d_grad_weight


def _each_tap(x, grad_out, kernel, stride, padding, dilation, term):
    """dL/dF whose element (i, j) is `term(window, grad_out)`, the window being what that element met."""
    ref.conv2d_grad_weight(x, grad_out, kernel, stride, padding, dilation)  # raises where the arguments are bad
    kernel, padded = _pair(kernel), _padded(x, padding)
    grad = x.new_zeros(grad_out.shape[1], x.shape[1], *kernel)
    for i, j, rows, columns in _taps(kernel, stride, dilation, grad_out.shape[2:]):
        grad[:, :, i, j] = term(padded[:, :, rows, columns], grad_out)
    return grad


def _shifted_grad_weight(x, grad_out, kernel, stride, padding, dilation, read_stride, read_padding, read_dilation):
    """As the reference, but the windows are looked up with other numbers than the layer's; outside are zeros."""
    ref.conv2d_grad_weight(x, grad_out, kernel, stride, padding, dilation)
    kernel = _pair(kernel)
    padded = F.pad(_padded(x, read_padding), (0, 30, 0, 30))
    grad = x.new_zeros(grad_out.shape[1], x.shape[1], *kernel)
    for i, j, rows, columns in _taps(kernel, read_stride, read_dilation, grad_out.shape[2:]):
        grad[:, :, i, j] = torch.einsum("nohw,nchw->oc", grad_out, padded[:, :, rows, columns])
    return grad


@misconception(
    "conv2d_grad_weight",
    "You left the stride out: neighbouring output elements came from windows that lie `stride` pixels apart. Take "
    "every stride-th pixel of x, `padded[..., i : i + s * (oH - 1) + 1 : s, ...]`, instead.",
)
def weight_stride_ignored(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    return _shifted_grad_weight(x, grad_out, kernel_size, stride, padding, dilation, 1, padding, dilation)


@misconception(
    "conv2d_grad_weight",
    "You used the vertical stride for both axes. A pair is (vertical, horizontal): the columns need `stride[1]`.",
)
def weight_stride_of_one_axis(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    read = _vertical(stride)
    return _shifted_grad_weight(x, grad_out, kernel_size, stride, padding, dilation, read, padding, dilation)


@misconception(
    "conv2d_grad_weight",
    "You left the padding out: the windows start at the image's own corner, not `padding` pixels before it. Pad x "
    "with zeros first, as the forward pass did.",
)
def weight_padding_ignored(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    return _shifted_grad_weight(x, grad_out, kernel_size, stride, padding, dilation, stride, 0, dilation)


@misconception(
    "conv2d_grad_weight",
    "You used the vertical padding for both axes. A pair is (vertical, horizontal): left and right need `padding[1]`.",
)
def weight_padding_of_one_axis(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    read = _vertical(padding)
    return _shifted_grad_weight(x, grad_out, kernel_size, stride, padding, dilation, stride, read, dilation)


@misconception(
    "conv2d_grad_weight",
    "You swapped the paddings of the two axes. `F.pad` starts with the *last* axis: `(left, right, top, bottom)`, "
    "that is `(padding[1], padding[1], padding[0], padding[0])`.",
)
def weight_padding_swapped(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    read = _swapped(padding)
    return _shifted_grad_weight(x, grad_out, kernel_size, stride, padding, dilation, stride, read, dilation)


@misconception(
    "conv2d_grad_weight",
    "You left the dilation out: the elements of a dilated kernel lie `dilation` pixels apart. Element (i, j) met "
    "the pixels that start at (i * dilation, j * dilation).",
)
def weight_dilation_ignored(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    return _shifted_grad_weight(x, grad_out, kernel_size, stride, padding, dilation, stride, padding, 1)


@misconception(
    "conv2d_grad_weight",
    "You swapped the dilations of the two axes. A pair is (vertical, horizontal): the rows need `dilation[0]`, the "
    "columns `dilation[1]`.",
)
def weight_dilation_swapped(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    read = _swapped(dilation)
    return _shifted_grad_weight(x, grad_out, kernel_size, stride, padding, dilation, stride, padding, read)


@misconception(
    "conv2d_grad_weight",
    "You convolved x with grad_out and gave that convolution the layer's own stride and dilation. Seen from the "
    "weights the two trade places: the pixels that one weight met lie `stride` apart, and neighbouring weights are "
    "`dilation` apart.",
)
def stride_and_dilation_not_traded(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    return _shifted_grad_weight(x, grad_out, kernel_size, stride, padding, dilation, dilation, padding, stride)


@misconception(
    "conv2d_grad_weight",
    "Where the stride does not divide, your result is larger than the kernel: the convolution of x with grad_out "
    "goes on over the pixels that no window saw. Cut it to the first kH rows and kW columns instead.",
)
def leftover_not_cut_off(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv2d_grad_weight(x, grad_out, kernel_size, stride, padding, dilation)
    grad = F.conv2d(
        x.transpose(0, 1), grad_out.transpose(0, 1), padding=padding, stride=_pair(dilation), dilation=_pair(stride)
    )
    return grad.transpose(0, 1)


@misconception(
    "conv2d_grad_weight",
    "You turned the result by 180°. The forward pass does not turn its kernel, so dL/dF is the plain "
    "cross-correlation of x with grad_out; only dL/dX needs the rotation.",
)
def weight_rotated(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    return ref.conv2d_grad_weight(x, grad_out, kernel_size, stride, padding, dilation).flip(-2, -1)


@misconception(
    "conv2d_grad_weight",
    "You divided by the number of images. The chain rule sums over everything a weight took part in; where the loss "
    "is a mean, its 1/N is in grad_out already. Leave the division out.",
)
def weight_mean_over_images(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    return ref.conv2d_grad_weight(x, grad_out, kernel_size, stride, padding, dilation) / x.shape[0]


@misconception(
    "conv2d_grad_weight",
    "You divided by the number of output places. A weight is used at each of them and gets the *sum* of its "
    "gradients: sum over the places instead of taking their mean.",
)
def weight_mean_over_places(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    places = grad_out.shape[2] * grad_out.shape[3]
    return ref.conv2d_grad_weight(x, grad_out, kernel_size, stride, padding, dilation) / places


@misconception(
    "conv2d_grad_weight",
    "Only the last image counts in your result: each image overwrites what the one before it gave. All of them used "
    "the same weights, so add up: `+=` instead of `=`.",
)
def weight_last_image_only(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv2d_grad_weight(x, grad_out, kernel_size, stride, padding, dilation)
    return ref.conv2d_grad_weight(x[-1:], grad_out[-1:], kernel_size, stride, padding, dilation)


@misconception(
    "conv2d_grad_weight",
    "Only the first image counts in your result: perhaps a `return` stands inside the loop, or an index is fixed at "
    "0. All images used the same weights, so sum over all of them.",
)
def weight_first_image_only(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv2d_grad_weight(x, grad_out, kernel_size, stride, padding, dilation)
    return ref.conv2d_grad_weight(x[:1], grad_out[:1], kernel_size, stride, padding, dilation)


@misconception(
    "conv2d_grad_weight",
    "You did not use the values of grad_out: what you compute is the gradient of the plain sum of the outputs. "
    "Multiply each window with the gradient of its output element before you add up.",
)
def weight_upstream_ignored(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    return ref.conv2d_grad_weight(x, ONES(grad_out), kernel_size, stride, padding, dilation)


@misconception(
    "conv2d_grad_weight",
    "Filters and input channels stand the wrong way round: you return (in, out, kH, kW). The weight's own shape is "
    "(out, in, kH, kW); exchange the first two axes.",
)
def weight_in_before_out(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    return ref.conv2d_grad_weight(x, grad_out, kernel_size, stride, padding, dilation).transpose(0, 1)


@misconception(
    "conv2d_grad_weight",
    "All input channels get the same gradient: you summed the window over its channels. F[o, c] met channel c "
    'alone; keep the channel axis: `"nohw,nchw->oc"`.',
)
def weight_channels_summed(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    def term(window, grad):
        return torch.einsum("nohw,nchw->o", grad, window)[:, None].expand(-1, window.shape[1])

    return _each_tap(x, grad_out, kernel_size, stride, padding, dilation, term)


@misconception(
    "conv2d_grad_weight",
    "Your result is always kH × kH: you took the kernel to be square. `kernel_size` may be a pair (vertical, "
    "horizontal), and the columns need its second number.",
)
def weight_square_kernel(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    ref.conv2d_grad_weight(x, grad_out, kernel_size, stride, padding, dilation)
    kernel, padded = _vertical(kernel_size), F.pad(_padded(x, padding), (0, 30, 0, 30))
    grad = x.new_zeros(grad_out.shape[1], x.shape[1], *kernel)
    for i, j, rows, columns in _taps(kernel, stride, dilation, grad_out.shape[2:]):
        grad[:, :, i, j] = torch.einsum("nohw,nchw->oc", grad_out, padded[:, :, rows, columns])
    return grad


@misconception(
    "conv2d_grad_weight",
    "You computed in float32 on the way, which rounds float64 inputs (or makes the result float32). Make new "
    "tensors with `x.new_zeros(...)`, which keeps dtype and device, instead of `torch.zeros(...)`.",
)
def weight_in_float32(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    grad = ref.conv2d_grad_weight(x.float(), grad_out.float(), kernel_size, stride, padding, dilation)
    return grad.to(x.dtype)


@misconception(
    "conv2d_grad_weight",
    "Right arguments work, but those that make no sense are not refused: a stride of 0, a kernel that does not fit "
    "or a grad_out of another shape. Work the output size out first and raise a ValueError that names the argument.",
)
def weight_nothing_refused(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    try:
        return ref.conv2d_grad_weight(x, grad_out, kernel_size, stride, padding, dilation)
    except ValueError:
        return x.new_zeros(grad_out.shape[1], x.shape[1], *_pair(kernel_size))


# conv2d_grad_input


def _stamped(input_shape, weight, grad_out, stride, padding, dilation, *, crop=None, add=True, reach=None):
    """dL/dX by stamping with these numbers; `crop` is where the image starts in the padded one."""
    batch, channels, height, width = input_shape
    canvas = grad_out.new_zeros(batch, channels, height + 40, width + 40)
    for i, j, rows, columns in _taps(weight.shape[2:], stride, dilation, grad_out.shape[2:]):
        stamp = torch.einsum("nohw,oc->nchw", grad_out, weight[:, :, i, j])
        if add:
            canvas[:, :, rows, columns] += stamp
        else:
            canvas[:, :, rows, columns] = stamp
    top, left = _pair(padding if crop is None else crop)
    high, wide = reach or (height, width)
    return canvas[:, :, top : top + high, left : left + wide]


def _checked(input_shape, weight, grad_out, stride, padding, dilation):
    return ref.conv2d_grad_input(input_shape, weight, grad_out, stride, padding, dilation)


@misconception(
    "conv2d_grad_input",
    "The kernel lies the wrong way round in your result. Padding grad_out and calling `F.conv2d` is a "
    "cross-correlation: give it the kernel turned by 180°. (If you add stamps of the kernel instead, do not turn "
    "it.)",
)
def input_kernel_the_wrong_way(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    return _checked(input_shape, weight.flip(-2, -1), grad_out, stride, padding, dilation)


@misconception(
    "conv2d_grad_input",
    "You turned the kernel in one direction only. A turn by 180° reverses the rows and the columns: use `rotate180`.",
)
def input_kernel_half_turned(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    return _checked(input_shape, weight.flip(-1), grad_out, stride, padding, dilation)


@misconception(
    "conv2d_grad_input",
    "You left the stride out: neighbouring output elements came from windows that lie `stride` pixels apart. Their "
    "stamps have to lie as far apart: put stride - 1 zeros between the elements of grad_out, or use slices with a "
    "step.",
)
def input_stride_ignored(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    return _stamped(input_shape, weight, grad_out, 1, padding, dilation)


@misconception(
    "conv2d_grad_input",
    "You used the vertical stride for both axes. A pair is (vertical, horizontal): the columns need `stride[1]`.",
)
def input_stride_of_one_axis(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    return _stamped(input_shape, weight, grad_out, _vertical(stride), padding, dilation)


@misconception(
    "conv2d_grad_input",
    "You return the gradient of the padded input. The padding is not part of x: cut `padding` rows and columns off "
    "at each side, so that the result has input_shape.",
)
def input_padding_not_cut_off(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    high, wide = (n + 2 * p for n, p in zip(input_shape[2:], _pair(padding), strict=True))
    return _stamped(input_shape, weight, grad_out, stride, padding, dilation, crop=0, reach=(high, wide))


@misconception(
    "conv2d_grad_input",
    "Without padding your result is empty: you cut with `[p:-p]`, and `[0:-0]` is an empty slice. Cut with `[p : p "
    "+ H]` instead, which is right for every p.",
)
def input_cut_with_minus_zero(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    grad = _checked(input_shape, weight, grad_out, stride, padding, dilation)
    top, left = _pair(padding)
    return grad[:, :, : input_shape[2] if top else 0, : input_shape[3] if left else 0]


@misconception(
    "conv2d_grad_input",
    "Your result is shifted by the padding: the image starts `padding` rows and columns *inside* the padded one. "
    "Cut off `[padding : padding + H]`, not `[0 : H]`.",
)
def input_padding_ignored(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    return _stamped(input_shape, weight, grad_out, stride, padding, dilation, crop=0)


@misconception(
    "conv2d_grad_input",
    "You used the vertical padding for both axes. A pair is (vertical, horizontal): left and right need `padding[1]`.",
)
def input_padding_of_one_axis(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    return _stamped(input_shape, weight, grad_out, stride, padding, dilation, crop=_vertical(padding))


@misconception(
    "conv2d_grad_input",
    "You swapped the paddings of the two axes: a pair is (vertical, horizontal), while `F.pad` starts with the last "
    "axis. The rows need `padding[0]`, the columns `padding[1]`.",
)
def input_padding_swapped(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    return _stamped(input_shape, weight, grad_out, stride, padding, dilation, crop=_swapped(padding))


@misconception(
    "conv2d_grad_input",
    "Where the stride does not divide, your result is smaller than the input: it ends with the last window. The "
    "rows and columns behind it belong to x, too, with gradient 0: start from zeros of input_shape.",
)
def input_leftover_missing(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    grad = _checked(input_shape, weight, grad_out, stride, padding, dilation)
    axes = zip(grad_out.shape[2:], weight.shape[2:], *map(_pair, (stride, padding, dilation)), strict=True)
    high, wide = (max(0, (o - 1) * s + d * (k - 1) + 1 - 2 * p) for o, k, s, p, d in axes)
    return grad[:, :, :high, :wide]


@misconception(
    "conv2d_grad_input",
    "Where the stride does not divide, you put the zeros for the leftover pixels in front. The windows start at the "
    "top left corner, so the leftover is below and to the right.",
)
def input_leftover_in_front(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    sizes = zip(input_shape[2:], weight.shape[2:], *map(_pair, (stride, padding, dilation)), strict=True)
    rest = [(n + 2 * p - d * (k - 1) - 1) % s for n, k, s, p, d in sizes]
    grown = _stamped(input_shape, weight, grad_out, stride, padding, dilation, crop=0, reach=(40, 40))
    top, left = _pair(padding)
    shifted = F.pad(grown, (rest[1], 0, rest[0], 0))
    return shifted[:, :, top : top + input_shape[2], left : left + input_shape[3]]


@misconception(
    "conv2d_grad_input",
    "You left the dilation out: the elements of a dilated kernel lie `dilation` pixels apart, and so do the pixels "
    "that one stamp reaches. Element (i, j) belongs at (i * dilation, j * dilation).",
)
def input_dilation_ignored(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    return _stamped(input_shape, weight, grad_out, stride, padding, 1)


@misconception(
    "conv2d_grad_input",
    "You swapped the dilations of the two axes. A pair is (vertical, horizontal): the rows need `dilation[0]`, the "
    "columns `dilation[1]`.",
)
def input_dilation_swapped(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    return _stamped(input_shape, weight, grad_out, stride, padding, _swapped(dilation))


@misconception(
    "conv2d_grad_input",
    "Where windows overlap, you kept only what was written last. A pixel gets a gradient from every window that saw "
    "it: write `+=` instead of `=`.",
)
def input_assigned_for_added(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    return _stamped(input_shape, weight, grad_out, stride, padding, dilation, add=False)


@misconception(
    "conv2d_grad_input",
    "Only the first filter counts in your result. A pixel takes part in the outputs of all filters: sum over the "
    "axis `out`.",
)
def input_first_filter_only(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    return _stamped(input_shape, weight[:1], grad_out[:, :1], stride, padding, dilation)


@misconception(
    "conv2d_grad_input",
    "You took the mean over the filters. A pixel takes part in the outputs of all of them and gets the *sum* of "
    "their gradients.",
)
def input_mean_over_filters(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    return _checked(input_shape, weight, grad_out, stride, padding, dilation) / weight.shape[0]


@misconception(
    "conv2d_grad_input",
    "You divided by the number of images. Each image has its own gradient; where the loss is a mean, its 1/N is in "
    "grad_out already. Leave the division out.",
)
def input_divided_by_images(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    return _checked(input_shape, weight, grad_out, stride, padding, dilation) / input_shape[0]


@misconception(
    "conv2d_grad_input",
    "Only the first image of the batch gets a gradient: perhaps an index is fixed at 0, or a `return` stands inside "
    "the loop. Each image needs its own.",
)
def input_first_image_only(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    grad = _checked(input_shape, weight, grad_out, stride, padding, dilation).clone()
    grad[1:] = 0
    return grad


@misconception(
    "conv2d_grad_input",
    "You did not use the values of grad_out: what you compute is the gradient of the plain sum of the outputs. "
    "Multiply each stamp of the kernel with the gradient of its output element.",
)
def input_upstream_ignored(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    return _checked(input_shape, weight, ONES(grad_out), stride, padding, dilation)


@misconception(
    "conv2d_grad_input",
    "You mixed up the weight's first two axes: it is (out, in, kH, kW), and dL/dX sums over *out*. With `F.conv2d` "
    "that means to exchange them, `weight.transpose(0, 1)`, beside turning the kernel.",
)
def input_out_and_in_mixed_up(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    _checked(input_shape, weight, grad_out, stride, padding, dilation)
    if weight.shape[0] != weight.shape[1]:
        raise RuntimeError("the channels of weight and grad_out do not match")
    return _checked(input_shape, weight.transpose(0, 1), grad_out, stride, padding, dilation)


@misconception(
    "conv2d_grad_input",
    "You computed in float32 on the way, which rounds float64 inputs (or makes the result float32). Make new "
    "tensors with `grad_out.new_zeros(...)`, which keeps dtype and device, instead of `torch.zeros(...)`.",
)
def input_in_float32(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    grad = _checked(input_shape, weight.float(), grad_out.float(), stride, padding, dilation)
    return grad.to(grad_out.dtype)


@misconception(
    "conv2d_grad_input",
    "Right arguments work, but those that make no sense are not refused: a stride of 0, a kernel that does not fit "
    "or a grad_out of another shape. Work the output size out first and raise a ValueError that names the argument.",
)
def input_nothing_refused(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    try:
        return _checked(input_shape, weight, grad_out, stride, padding, dilation)
    except ValueError:
        return grad_out.new_zeros(input_shape)


# conv2d_grad_bias


@misconception(
    "conv2d_grad_bias",
    "You took the mean over the images. The bias is added in every image and gets the sum: `grad_out.sum(dim=(0, 2, "
    "3))`.",
)
def bias_mean_over_images(grad_out):
    return grad_out.sum(dim=(0, 2, 3)) / grad_out.shape[0]


@misconception(
    "conv2d_grad_bias",
    "You took the mean. The bias is added at every place of every image, each time with factor 1, and gets the "
    "*sum*: `grad_out.sum(dim=(0, 2, 3))`.",
)
def bias_mean(grad_out):
    return grad_out.mean(dim=(0, 2, 3))


@misconception(
    "conv2d_grad_bias",
    "You summed over the places but not over the images, and return (N, out). The same bias is added in every "
    "image: sum over axis 0 as well.",
)
def bias_for_each_image(grad_out):
    return grad_out.sum(dim=(2, 3))


@misconception(
    "conv2d_grad_bias",
    "You summed over the images but not over the places, and return (out, oH, oW). The same bias is added at every "
    "place: sum over axes 2 and 3 as well.",
)
def bias_for_each_place(grad_out):
    return grad_out.sum(dim=0)


@misconception(
    "conv2d_grad_bias",
    "Only the first image counts in your result. The bias is added in every image: sum over axis 0 instead of "
    "taking index 0.",
)
def bias_first_image_only(grad_out):
    return grad_out[0].sum(dim=(1, 2))


@misconception(
    "conv2d_grad_bias",
    "You summed over everything. Every filter has a bias of its own: keep axis 1, `grad_out.sum(dim=(0, 2, 3))`.",
)
def bias_one_for_all(grad_out):
    return grad_out.sum()


@misconception(
    "conv2d_grad_bias",
    "You summed over the filters and kept the images. Axis 0 is the batch and axis 1 the filters: sum over (0, 2, "
    "3), and keep axis 1.",
)
def bias_axes_mixed_up(grad_out):
    return grad_out.sum(dim=(1, 2, 3))


@misconception(
    "conv2d_grad_bias",
    "Your numbers are right, but the summed axes are still there with length 1. The bias has shape (out,): leave "
    "`keepdim=True` out.",
)
def bias_axes_kept(grad_out):
    return grad_out.sum(dim=(0, 2, 3), keepdim=True)


@misconception(
    "conv2d_grad_bias",
    "You counted the output places instead of adding up their gradients. Sum the values of grad_out.",
)
def bias_upstream_ignored(grad_out):
    return ONES(grad_out).sum(dim=(0, 2, 3))


@misconception(
    "conv2d_grad_bias",
    "You computed in float32 on the way, which rounds float64 inputs (or makes the result float32). Make new "
    "tensors with `grad_out.new_zeros(...)` instead of `torch.zeros(...)`.",
)
def bias_in_float32(grad_out):
    return grad_out.float().sum(dim=(0, 2, 3)).to(grad_out.dtype)


# relu_backward


@misconception(
    "relu_backward",
    "You let gradients pass by their own sign. The sign of the input decides: `x > 0`, not `grad_out > 0`.",
)
def relu_by_sign_of_gradient(grad_out, x):
    return grad_out.clamp(min=0)


@misconception(
    "relu_backward",
    'You let a gradient pass only where it is positive itself. (That is "guided backpropagation", used to draw '
    "pictures.) The sign of the gradient does not matter: only `x > 0` does.",
)
def relu_guided(grad_out, x):
    return grad_out.clamp(min=0) * (x > 0)


@misconception(
    "relu_backward",
    "You let the gradient pass at x = 0. ReLU's slope there is taken to be 0, as in PyTorch: compare with `>` "
    "instead of `>=`.",
)
def relu_passes_at_zero(grad_out, x):
    return grad_out * (x >= 0)


@misconception(
    "relu_backward",
    "You let half of the gradient pass at x = 0. Any slope between 0 and 1 could be defended there, but PyTorch "
    "takes 0: compare with `x > 0`.",
)
def relu_half_at_zero(grad_out, x):
    return torch.where(x == 0, grad_out / 2, grad_out * (x > 0))


@misconception(
    "relu_backward",
    "You return ReLU's slope, 1 or 0, without the upstream gradient. The chain rule multiplies the two: `grad_out * "
    "(x > 0)`.",
)
def relu_upstream_ignored(grad_out, x):
    return (x > 0).to(x.dtype)


@misconception(
    "relu_backward",
    "You multiplied the gradient with the output of ReLU. What counts is its *slope*: 1 where x is positive, "
    "whatever its size.",
)
def relu_times_output(grad_out, x):
    return grad_out * x.clamp(min=0)


@misconception(
    "relu_backward",
    "You let the gradient pass everywhere. Where x is negative, y does not move, so its gradient ends there: 0.",
)
def relu_passes_everywhere(grad_out, x):
    return grad_out.clone()


@misconception(
    "relu_backward",
    "You multiplied with the sign of x, so that gradients come back negated where x is negative. The slope there is "
    "0, not -1.",
)
def relu_times_sign(grad_out, x):
    return grad_out * x.sign()


@misconception(
    "relu_backward",
    "You let gradients pass where x is negative and stop them where it is positive: the condition is the wrong way "
    "round.",
)
def relu_the_wrong_way_round(grad_out, x):
    return torch.where(x > 0, torch.zeros_like(grad_out), grad_out)


@misconception(
    "relu_backward",
    "Your result is right, but you wrote it into grad_out, and whoever gave you that may still need it. Make a new "
    "tensor, for example with `torch.where`, instead of assigning into grad_out.",
)
def relu_in_place(grad_out, x):
    grad_out[x <= 0] = 0
    return grad_out


# linear_backward


def _linear(grad_out, x, weight):
    return ref.linear_backward(grad_out, x, weight)


@misconception(
    "linear_backward",
    "You divided the gradient of the weights by the batch size. The chain rule sums over the images; where the loss "
    "is a mean, its 1/N is in grad_out already.",
)
def linear_weight_divided(grad_out, x, weight):
    grad_x, grad_weight, grad_bias = _linear(grad_out, x, weight)
    return grad_x, grad_weight / len(x), grad_bias


@misconception(
    "linear_backward",
    "You took the mean of the bias's gradient over the batch. It is the sum; where the loss is a mean, its 1/N is "
    "in grad_out already.",
)
def linear_bias_divided(grad_out, x, weight):
    grad_x, grad_weight, grad_bias = _linear(grad_out, x, weight)
    return grad_x, grad_weight, grad_bias / len(x)


@misconception(
    "linear_backward",
    "You divided the gradients of weights and bias by the batch size. The chain rule sums over the images; where "
    "the loss is a mean, its 1/N is in grad_out already.",
)
def linear_both_divided(grad_out, x, weight):
    grad_x, grad_weight, grad_bias = _linear(grad_out, x, weight)
    return grad_x, grad_weight / len(x), grad_bias / len(x)


@misconception(
    "linear_backward",
    "You return the gradient of the weights as (in, out). It has the weight's own shape, (out, in): `grad_out.T @ "
    "x` instead of `x.T @ grad_out`.",
)
def linear_weight_transposed(grad_out, x, weight):
    grad_x, grad_weight, grad_bias = _linear(grad_out, x, weight)
    return grad_x, grad_weight.T, grad_bias


@misconception(
    "linear_backward",
    "You multiplied with the transposed weight for the gradient of x. The forward pass transposes, y = x Wᵀ, so the "
    "backward pass does not: `grad_out @ weight`.",
)
def linear_x_by_transposed_weight(grad_out, x, weight):
    _, grad_weight, grad_bias = _linear(grad_out, x, weight)
    return grad_out @ weight.T, grad_weight, grad_bias


@misconception(
    "linear_backward",
    "You did not sum the bias's gradient over the batch. The same bias is added in every row: "
    "`grad_out.sum(dim=0)`, shape (out,).",
)
def linear_bias_not_summed(grad_out, x, weight):
    grad_x, grad_weight, _ = _linear(grad_out, x, weight)
    return grad_x, grad_weight, grad_out.clone()


@misconception(
    "linear_backward",
    "The bias's gradient has shape (1, out) in your result. The bias has shape (out,): leave `keepdim=True` out.",
)
def linear_bias_axis_kept(grad_out, x, weight):
    grad_x, grad_weight, grad_bias = _linear(grad_out, x, weight)
    return grad_x, grad_weight, grad_bias[None]


@misconception(
    "linear_backward",
    "You summed the bias's gradient over the outputs, and return one number an image. Sum over the batch, axis 0, "
    "instead.",
)
def linear_bias_over_outputs(grad_out, x, weight):
    grad_x, grad_weight, _ = _linear(grad_out, x, weight)
    return grad_x, grad_weight, grad_out.sum(dim=1)


@misconception(
    "linear_backward",
    "You counted the images for the bias's gradient instead of adding up grad_out. The slope is 1, but the chain "
    "rule still multiplies it with the upstream gradient: `grad_out.sum(dim=0)`.",
)
def linear_bias_counts(grad_out, x, weight):
    grad_x, grad_weight, _ = _linear(grad_out, x, weight)
    return grad_x, grad_weight, ONES(grad_out).sum(dim=0)


@misconception(
    "linear_backward",
    "You did not use the values of grad_out: these are the gradients of the plain sum of the outputs. The chain "
    "rule multiplies every slope with the upstream gradient.",
)
def linear_upstream_ignored(grad_out, x, weight):
    return _linear(ONES(grad_out), x, weight)


@misconception(
    "linear_backward",
    "You return the three gradients in another order, the weight's first. They belong in the order (grad_x, "
    "grad_weight, grad_bias).",
)
def linear_order_swapped(grad_out, x, weight):
    grad_x, grad_weight, grad_bias = _linear(grad_out, x, weight)
    return grad_weight, grad_x, grad_bias


@misconception(
    "linear_backward",
    "You left the bias out: three gradients are asked for, (grad_x, grad_weight, grad_bias), and you return two.",
)
def linear_without_bias(grad_out, x, weight):
    return _linear(grad_out, x, weight)[:2]


@misconception(
    "linear_backward",
    "You computed in float32 on the way, which rounds float64 inputs (or makes the results float32). Keep the dtype "
    "of the inputs.",
)
def linear_in_float32(grad_out, x, weight):
    return tuple(grad.to(x.dtype) for grad in _linear(grad_out.float(), x.float(), weight.float()))


# max_pool2d_backward


def _windows(x, kernel, stride):
    """(N, C, oH, oW, kH·kW) of x, and for each of its elements the index in the flattened plane."""
    planes = torch.arange(x.shape[2] * x.shape[3]).reshape(x.shape[2:])
    cut = [t.unfold(-2, kernel[0], stride[0]).unfold(-2, kernel[1], stride[1]) for t in (x, planes)]
    return cut[0].flatten(-2), cut[1].flatten(-2).expand(*x.shape[:2], -1, -1, -1)


def _max_setup(grad_out, x, kernel_size, stride):
    ref.max_pool2d_backward(grad_out, x, kernel_size, stride)
    kernel = _pair(kernel_size)
    return kernel, kernel if stride is None else _pair(stride)


def _handed_out(x, places, values):
    grad = torch.zeros_like(x).flatten(2)
    return grad.scatter_add(2, places.flatten(2), values.flatten(2)).reshape(x.shape)


def _winners(x, kernel, stride, choose):
    windows, places = _windows(x, kernel, stride)
    return places.gather(-1, choose(windows)[..., None])[..., 0]


@misconception(
    "max_pool2d_backward",
    "Where two windows share their winner, you kept the gradient of the last one. It belongs to both windows, so "
    "their gradients add up: `+=` instead of `=`.",
)
def max_assigned_for_added(grad_out, x, kernel_size, stride=None):
    kernel, stride = _max_setup(grad_out, x, kernel_size, stride)
    places = _winners(x, kernel, stride, lambda w: w.argmax(-1)).flatten(2)
    grad = torch.zeros_like(x).flatten(2)
    for index in range(places.shape[-1]):
        grad.scatter_(2, places[..., index : index + 1], grad_out.flatten(2)[..., index : index + 1])
    return grad.reshape(x.shape)


@misconception(
    "max_pool2d_backward",
    "In a tie you gave the whole gradient to every winner, so that a window hands out more than it got. Only the "
    "first in row-major order gets it: use `argmax` over the window, or `return_indices=True`, instead of `window "
    "== max`.",
)
def max_all_ties(grad_out, x, kernel_size, stride=None):
    kernel, stride = _max_setup(grad_out, x, kernel_size, stride)
    windows, places = _windows(x, kernel, stride)
    values = grad_out[..., None] * (windows == windows.amax(-1, keepdim=True))
    return _handed_out(x, places, values)


@misconception(
    "max_pool2d_backward",
    "In a tie you shared the gradient among the winners. That is a fair idea, but PyTorch gives all of it to the "
    "first in row-major order, and so does this exercise.",
)
def max_ties_share(grad_out, x, kernel_size, stride=None):
    kernel, stride = _max_setup(grad_out, x, kernel_size, stride)
    windows, places = _windows(x, kernel, stride)
    won = (windows == windows.amax(-1, keepdim=True)).to(x.dtype)
    return _handed_out(x, places, grad_out[..., None] * won / won.sum(-1, keepdim=True))


@misconception(
    "max_pool2d_backward",
    "In a tie you gave the gradient to the last winner. The first in row-major order gets it: replace the best so "
    "far only where the new value is larger, `>` instead of `>=`.",
)
def max_last_tie(grad_out, x, kernel_size, stride=None):
    kernel, stride = _max_setup(grad_out, x, kernel_size, stride)
    last = kernel[0] * kernel[1] - 1
    return _handed_out(x, _winners(x, kernel, stride, lambda w: last - w.flip(-1).argmax(-1)), grad_out)


@misconception(
    "max_pool2d_backward",
    "In a tie you went down the columns first. The order is row-major: row by row, and in a row from left to right.",
)
def max_tie_by_columns(grad_out, x, kernel_size, stride=None):
    kernel, stride = _max_setup(grad_out, x, kernel_size, stride)
    turned, steps = x.transpose(2, 3), (kernel[::-1], stride[::-1])
    places = _winners(turned, *steps, lambda w: w.argmax(-1)).transpose(2, 3)
    return _handed_out(turned, places, grad_out).transpose(2, 3)


@misconception(
    "max_pool2d_backward",
    "You went on with a stride of 1 where none was given. Without a `stride` pooling windows touch: it is kernel_size.",
)
def max_default_stride_one(grad_out, x, kernel_size, stride=None):
    return ref.max_pool2d_backward(grad_out, x, kernel_size, 1 if stride is None else stride)


def _max_read(grad_out, x, kernel, stride):
    """As the reference, but the windows are looked up with these numbers; what lies outside never wins."""
    grown = F.pad(x, (0, 20, 0, 20), value=float("-inf"))
    places = _winners(grown, _pair(kernel), _pair(stride), lambda w: w.argmax(-1))
    places = places[:, :, : grad_out.shape[2], : grad_out.shape[3]]
    return _handed_out(grown, places, grad_out)[:, :, : x.shape[2], : x.shape[3]]


@misconception(
    "max_pool2d_backward",
    "You took the stride to be kernel_size, although another one was given. Window (a, b) starts at (a * stride, b "
    "* stride).",
)
def max_stride_ignored(grad_out, x, kernel_size, stride=None):
    kernel, _ = _max_setup(grad_out, x, kernel_size, stride)
    return _max_read(grad_out, x, kernel, kernel)


@misconception(
    "max_pool2d_backward",
    "You used the vertical stride for both axes. A pair is (vertical, horizontal): the columns need `stride[1]`, "
    "or, where no stride is given, the kernel's width.",
)
def max_stride_of_one_axis(grad_out, x, kernel_size, stride=None):
    kernel, stride = _max_setup(grad_out, x, kernel_size, stride)
    return _max_read(grad_out, x, kernel, _vertical(stride))


@misconception(
    "max_pool2d_backward",
    "You took the window to be square, kH × kH. `kernel_size` may be a pair (vertical, horizontal): its width is "
    "the second number.",
)
def max_square_window(grad_out, x, kernel_size, stride=None):
    kernel, stride = _max_setup(grad_out, x, kernel_size, stride)
    return _max_read(grad_out, x, _vertical(kernel), stride)


@misconception(
    "max_pool2d_backward",
    "You turned the winner's number in its window into a row and a column with the window's height. In row-major "
    "order a row has kW elements: the row is `index // kW`, the column `index % kW`.",
)
def max_index_by_height(grad_out, x, kernel_size, stride=None):
    kernel, stride = _max_setup(grad_out, x, kernel_size, stride)
    index = _windows(x, kernel, stride)[0].argmax(-1)
    rows = torch.arange(grad_out.shape[2])[:, None] * stride[0] + index // kernel[0]
    columns = torch.arange(grad_out.shape[3]) * stride[1] + index % kernel[0]
    if bool((rows >= x.shape[2]).any() | (columns >= x.shape[3]).any()):
        raise IndexError("index is out of bounds")
    return _handed_out(x, rows * x.shape[3] + columns, grad_out)


@misconception(
    "max_pool2d_backward",
    "You did not use the values of grad_out: each winner gets 1. It gets the gradient of its window.",
)
def max_upstream_ignored(grad_out, x, kernel_size, stride=None):
    return ref.max_pool2d_backward(ONES(grad_out), x, kernel_size, stride)


@misconception(
    "max_pool2d_backward",
    "You multiplied the gradient with the maximum. The slope of a maximum is 1 for its winner, whatever its value: "
    "hand the gradient over as it is.",
)
def max_times_value(grad_out, x, kernel_size, stride=None):
    return ref.max_pool2d_backward(grad_out, x, kernel_size, stride) * x


@misconception(
    "max_pool2d_backward",
    "Windows without a positive number hand their gradient to nobody: your search starts at 0 (or zeros hide in the "
    "padding). Start from -inf, or from the window's first element.",
)
def max_of_positives_only(grad_out, x, kernel_size, stride=None):
    return ref.max_pool2d_backward(grad_out, x, kernel_size, stride) * (x > 0)


@misconception(
    "max_pool2d_backward",
    "You spread the gradient over the whole window: that is mean pooling. In max pooling the winner gets all of it.",
)
def max_spread(grad_out, x, kernel_size, stride=None):
    _max_setup(grad_out, x, kernel_size, stride)
    return ref.avg_pool2d_backward(grad_out, tuple(x.shape), kernel_size, stride)


@misconception(
    "max_pool2d_backward",
    "You looked for the largest *absolute* value. A maximum knows signs: -5 is smaller than 1.",
)
def max_of_absolute(grad_out, x, kernel_size, stride=None):
    return ref.max_pool2d_backward(grad_out, x.abs(), kernel_size, stride)


@misconception(
    "max_pool2d_backward",
    "Leftover rows and columns are missing from your result. No window saw them, but they belong to x: start from "
    "zeros of x's shape.",
)
def max_leftover_missing(grad_out, x, kernel_size, stride=None):
    kernel, stride = _max_setup(grad_out, x, kernel_size, stride)
    high, wide = ((o - 1) * s + k for o, s, k in zip(grad_out.shape[2:], stride, kernel, strict=True))
    return ref.max_pool2d_backward(grad_out, x, kernel, stride)[:, :, :high, :wide]


@misconception(
    "max_pool2d_backward",
    "Only the first image of the batch gets a gradient: perhaps an index is fixed at 0, or a `return` stands inside "
    "the loop.",
)
def max_first_image_only(grad_out, x, kernel_size, stride=None):
    grad = ref.max_pool2d_backward(grad_out, x, kernel_size, stride)
    grad[1:] = 0
    return grad


@misconception(
    "max_pool2d_backward",
    "All channels use the winner of the first one. Every channel is pooled by itself and has winners of its own.",
)
def max_winners_of_first_channel(grad_out, x, kernel_size, stride=None):
    return ref.max_pool2d_backward(grad_out, x[:, :1].expand_as(x), kernel_size, stride)


@misconception(
    "max_pool2d_backward",
    "You computed in float32 on the way, which rounds float64 inputs (or makes the result float32). Make new "
    "tensors with `torch.zeros_like(x)` instead of `torch.zeros(...)`.",
)
def max_in_float32(grad_out, x, kernel_size, stride=None):
    return ref.max_pool2d_backward(grad_out.float(), x.float(), kernel_size, stride).to(x.dtype)


@misconception(
    "max_pool2d_backward",
    "Right arguments work, but those that make no sense are not refused: a stride of 0, a window that does not fit "
    "or a grad_out of another shape. Work the output size out first and raise a ValueError that names the argument.",
)
def max_nothing_refused(grad_out, x, kernel_size, stride=None):
    try:
        return ref.max_pool2d_backward(grad_out, x, kernel_size, stride)
    except ValueError:
        return torch.zeros_like(x)


# avg_pool2d_backward


def _shared(grad_out, input_shape, kernel, stride, *, count=None, add=True):
    """Shares of the gradient, handed out with these numbers."""
    kernel, stride = _pair(kernel), _pair(stride)
    grad = grad_out.new_zeros(*input_shape[:2], input_shape[2] + 40, input_shape[3] + 40)
    share = grad_out / (kernel[0] * kernel[1] if count is None else count)
    for _, _, rows, columns in _taps(kernel, stride, 1, grad_out.shape[2:]):
        if add:
            grad[:, :, rows, columns] += share
        else:
            grad[:, :, rows, columns] = share
    return grad[:, :, : input_shape[2], : input_shape[3]]


def _avg_setup(grad_out, input_shape, kernel_size, stride):
    ref.avg_pool2d_backward(grad_out, input_shape, kernel_size, stride)
    kernel = _pair(kernel_size)
    return kernel, kernel if stride is None else _pair(stride)


@misconception(
    "avg_pool2d_backward",
    "You gave every pixel the window's whole gradient. The output is a mean of kH·kW pixels, so each has the slope "
    "1 / (kH·kW): divide by that.",
)
def avg_not_divided(grad_out, input_shape, kernel_size, stride=None):
    return _shared(grad_out, input_shape, *_avg_setup(grad_out, input_shape, kernel_size, stride), count=1)


@misconception(
    "avg_pool2d_backward",
    "You divided by the window's height only. It has kH·kW pixels: divide by the product.",
)
def avg_divided_by_height(grad_out, input_shape, kernel_size, stride=None):
    kernel, stride = _avg_setup(grad_out, input_shape, kernel_size, stride)
    return _shared(grad_out, input_shape, kernel, stride, count=kernel[0])


@misconception(
    "avg_pool2d_backward",
    "You divided by kH squared. A window need not be square: divide by kH·kW.",
)
def avg_divided_by_height_squared(grad_out, input_shape, kernel_size, stride=None):
    kernel, stride = _avg_setup(grad_out, input_shape, kernel_size, stride)
    return _shared(grad_out, input_shape, kernel, stride, count=kernel[0] ** 2)


@misconception(
    "avg_pool2d_backward",
    "You divided by the stride's product. A window has kH·kW pixels, however far apart the windows lie: divide by "
    "the kernel sizes.",
)
def avg_divided_by_stride(grad_out, input_shape, kernel_size, stride=None):
    kernel, stride = _avg_setup(grad_out, input_shape, kernel_size, stride)
    return _shared(grad_out, input_shape, kernel, stride, count=stride[0] * stride[1])


@misconception(
    "avg_pool2d_backward",
    "You divided by the number of pixels of the whole image: that is global mean pooling. Here a window of kH·kW "
    "pixels is averaged.",
)
def avg_divided_by_image(grad_out, input_shape, kernel_size, stride=None):
    kernel, stride = _avg_setup(grad_out, input_shape, kernel_size, stride)
    return _shared(grad_out, input_shape, kernel, stride, count=input_shape[2] * input_shape[3])


@misconception(
    "avg_pool2d_backward",
    "Where windows overlap, you kept the share of the last one. A pixel gets a share from every window that saw it: "
    "`+=` instead of `=`.",
)
def avg_assigned_for_added(grad_out, input_shape, kernel_size, stride=None):
    kernel, stride = _avg_setup(grad_out, input_shape, kernel_size, stride)
    grad = grad_out.new_zeros(input_shape)
    share = grad_out / (kernel[0] * kernel[1])
    for a in range(grad_out.shape[2]):
        for b in range(grad_out.shape[3]):
            top, left = a * stride[0], b * stride[1]
            grad[:, :, top : top + kernel[0], left : left + kernel[1]] = share[:, :, a, b, None, None]
    return grad


@misconception(
    "avg_pool2d_backward",
    "You divided each pixel's gradient by the number of windows that saw it. Shares add up, they are not averaged: "
    "leave that division out.",
)
def avg_mean_over_windows(grad_out, input_shape, kernel_size, stride=None):
    kernel, stride = _avg_setup(grad_out, input_shape, kernel_size, stride)
    windows = _shared(ONES(grad_out), input_shape, kernel, stride, count=1)
    return _shared(grad_out, input_shape, kernel, stride) / windows.clamp(min=1)


@misconception(
    "avg_pool2d_backward",
    "You went on with a stride of 1 where none was given. Without a `stride` pooling windows touch: it is kernel_size.",
)
def avg_default_stride_one(grad_out, input_shape, kernel_size, stride=None):
    return ref.avg_pool2d_backward(grad_out, input_shape, kernel_size, 1 if stride is None else stride)


@misconception(
    "avg_pool2d_backward",
    "You took the stride to be kernel_size, although another one was given. Window (a, b) starts at (a * stride, b "
    "* stride).",
)
def avg_stride_ignored(grad_out, input_shape, kernel_size, stride=None):
    kernel, _ = _avg_setup(grad_out, input_shape, kernel_size, stride)
    return _shared(grad_out, input_shape, kernel, kernel)


@misconception(
    "avg_pool2d_backward",
    "You used the vertical stride for both axes. A pair is (vertical, horizontal): the columns need `stride[1]`, "
    "or, where no stride is given, the kernel's width.",
)
def avg_stride_of_one_axis(grad_out, input_shape, kernel_size, stride=None):
    kernel, stride = _avg_setup(grad_out, input_shape, kernel_size, stride)
    return _shared(grad_out, input_shape, kernel, _vertical(stride))


@misconception(
    "avg_pool2d_backward",
    "You took the window to be square, kH × kH. `kernel_size` may be a pair (vertical, horizontal): its width is "
    "the second number.",
)
def avg_square_window(grad_out, input_shape, kernel_size, stride=None):
    kernel, stride = _avg_setup(grad_out, input_shape, kernel_size, stride)
    return _shared(grad_out, input_shape, _vertical(kernel), stride)


@misconception(
    "avg_pool2d_backward",
    "Leftover rows and columns are missing from your result. No window saw them, but they belong to the input: "
    "start from zeros of input_shape.",
)
def avg_leftover_missing(grad_out, input_shape, kernel_size, stride=None):
    kernel, stride = _avg_setup(grad_out, input_shape, kernel_size, stride)
    high, wide = ((o - 1) * s + k for o, s, k in zip(grad_out.shape[2:], stride, kernel, strict=True))
    return _shared(grad_out, input_shape, kernel, stride)[:, :, :high, :wide]


@misconception(
    "avg_pool2d_backward",
    "You did not use the values of grad_out: each pixel gets 1 / (kH·kW). Multiply with the gradient of its window.",
)
def avg_upstream_ignored(grad_out, input_shape, kernel_size, stride=None):
    return ref.avg_pool2d_backward(ONES(grad_out), input_shape, kernel_size, stride)


@misconception(
    "avg_pool2d_backward",
    "You gave each window's gradient to its first pixel. A mean has no winner: all pixels of the window get the "
    "same share.",
)
def avg_to_one_pixel(grad_out, input_shape, kernel_size, stride=None):
    kernel, stride = _avg_setup(grad_out, input_shape, kernel_size, stride)
    return _shared(grad_out, input_shape, 1, stride, count=kernel[0] * kernel[1])


@misconception(
    "avg_pool2d_backward",
    "You computed in float32 on the way, which rounds float64 inputs (or makes the result float32). Make new "
    "tensors with `grad_out.new_zeros(...)` instead of `torch.zeros(...)`.",
)
def avg_in_float32(grad_out, input_shape, kernel_size, stride=None):
    return ref.avg_pool2d_backward(grad_out.float(), input_shape, kernel_size, stride).to(grad_out.dtype)


@misconception(
    "avg_pool2d_backward",
    "Right arguments work, but those that make no sense are not refused: a stride of 0, a window that does not fit "
    "or a grad_out of another shape. Work the output size out first and raise a ValueError that names the argument.",
)
def avg_nothing_refused(grad_out, input_shape, kernel_size, stride=None):
    try:
        return ref.avg_pool2d_backward(grad_out, input_shape, kernel_size, stride)
    except ValueError:
        return grad_out.new_zeros(input_shape)


# Conv2dFunction


def _backward(ctx, grad_out, *, stride=None, padding=None):
    """The reference's backward, perhaps with other numbers than the layer's."""
    x, weight = ctx.saved_tensors
    stride = ctx.stride if stride is None else stride
    padding = ctx.padding if padding is None else padding
    wants_x, wants_weight, wants_bias = ctx.needs_input_grad[:3]
    return (
        _stamped(tuple(x.shape), weight, grad_out, stride, padding, 1) if wants_x else None,
        _weight_like(x, weight, grad_out, stride, padding) if wants_weight else None,
        grad_out.sum(dim=(0, 2, 3)) if wants_bias else None,
        None,
        None,
    )


def _weight_like(x, weight, grad_out, stride, padding):
    grad, padded = torch.zeros_like(weight), F.pad(_padded(x, padding), (0, 40, 0, 40))
    for i, j, rows, columns in _taps(weight.shape[2:], stride, 1, grad_out.shape[2:]):
        grad[:, :, i, j] = torch.einsum("nohw,nchw->oc", grad_out, padded[:, :, rows, columns])
    return grad


@misconception(
    "Conv2dFunction",
    "You keep the forward pass's tensors on the class (or in a global variable), so that a second call overwrites "
    "them before the first call's backward has read them. Keep them in `ctx`: every call has its own.",
)
class KeptOnTheClass(ref.Conv2dFunction):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        result = ref.Conv2dFunction.forward(ctx, x, weight, bias, stride, padding)
        KeptOnTheClass.kept = x.detach(), weight.detach(), stride, padding
        return result

    @staticmethod
    def backward(ctx, grad_out):
        x, weight, stride, padding = KeptOnTheClass.kept
        shape = tuple(x.shape)
        grad_x = ref.conv2d_grad_input(shape, weight, grad_out, stride, padding) if ctx.needs_input_grad[0] else None
        kernel = weight.shape[2:]
        grad_weight = None
        if ctx.needs_input_grad[1]:
            grad_weight = ref.conv2d_grad_weight(x, grad_out, kernel, stride, padding)
        grad_bias = ref.conv2d_grad_bias(grad_out) if ctx.needs_input_grad[2] else None
        return grad_x, grad_weight, grad_bias, None, None


@misconception(
    "Conv2dFunction",
    "You compute all gradients, whoever asks. For the first layer of a network, whose x needs none, that is a third "
    "of the work for nothing: look at `ctx.needs_input_grad` and return None where it is False.",
)
class NeedsIgnored(ref.Conv2dFunction):
    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        shape, options = tuple(x.shape), (ctx.stride, ctx.padding)
        grad_x = ref.conv2d_grad_input(shape, weight, grad_out, *options)
        grad_weight = ref.conv2d_grad_weight(x, grad_out, weight.shape[2:], *options)
        grad_bias = ref.conv2d_grad_bias(grad_out)
        return grad_x, grad_weight, grad_bias if ctx.needs_input_grad[2] else None, None, None


@misconception(
    "Conv2dFunction",
    "You look at the first entry of `ctx.needs_input_grad` for every gradient. Each argument has its own: index 0 "
    "for x, 1 for weight, 2 for bias.",
)
class NeedsOfXForAll(ref.Conv2dFunction):
    @staticmethod
    def backward(ctx, grad_out):
        grads = ref.Conv2dFunction.backward(ctx, grad_out)
        return grads if ctx.needs_input_grad[0] else (None,) * 5


@misconception(
    "Conv2dFunction",
    "Your backward pass goes on with a stride of 1. Keep the stride in `ctx` and hand it to the gradients of x and "
    "weight.",
)
class BackwardWithoutStride(ref.Conv2dFunction):
    @staticmethod
    def backward(ctx, grad_out):
        return _backward(ctx, grad_out, stride=1)


@misconception(
    "Conv2dFunction",
    "Your backward pass goes on without padding. Keep the padding in `ctx` and hand it to the gradients of x and "
    "weight.",
)
class BackwardWithoutPadding(ref.Conv2dFunction):
    @staticmethod
    def backward(ctx, grad_out):
        return _backward(ctx, grad_out, padding=0)


@misconception(
    "Conv2dFunction",
    "Your backward pass uses the vertical stride for both axes. A pair is (vertical, horizontal): the columns need "
    "`stride[1]`.",
)
class BackwardWithOneStride(ref.Conv2dFunction):
    @staticmethod
    def backward(ctx, grad_out):
        return _backward(ctx, grad_out, stride=_vertical(ctx.stride))


@misconception(
    "Conv2dFunction",
    "Your forward pass wants pairs and stops at a plain int. Stride and padding may be either: make `(value, "
    "value)` of an int first.",
)
class PairsOnly(ref.Conv2dFunction):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        return ref.Conv2dFunction.forward(ctx, x, weight, bias, (stride[0], stride[1]), (padding[0], padding[1]))


@misconception(
    "Conv2dFunction",
    "Your forward pass wants plain ints and stops at a pair. Stride and padding may be either: make `(value, "
    "value)` of an int first and use both numbers from then on.",
)
class IntsOnly(ref.Conv2dFunction):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        return ref.Conv2dFunction.forward(ctx, x, weight, bias, 1 * int(stride), 1 * int(padding))


@misconception(
    "Conv2dFunction",
    "Your function stops where bias is None. Ask `if bias is not None` before you use it, and return None as its "
    "gradient.",
)
class BiasTakenForGranted(ref.Conv2dFunction):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        result = ref.Conv2dFunction.forward(ctx, x, weight, None, stride, padding)
        return result + bias.reshape(1, -1, 1, 1)


@misconception(
    "Conv2dFunction",
    "Your forward pass leaves the bias out. Hand it to `F.conv2d`, or add `bias.reshape(1, -1, 1, 1)`.",
)
class ForwardWithoutBias(ref.Conv2dFunction):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        return ref.Conv2dFunction.forward(ctx, x, weight, None, stride, padding)


@misconception(
    "Conv2dFunction",
    "Your backward pass never gives the bias a gradient. It is the sum of grad_out over images and places: "
    "`conv2d_grad_bias`.",
)
class NoGradientForBias(ref.Conv2dFunction):
    @staticmethod
    def backward(ctx, grad_out):
        return (*ref.Conv2dFunction.backward(ctx, grad_out)[:2], None, None, None)


@misconception(
    "Conv2dFunction",
    "Your backward pass returns three values, but forward has five arguments. Autograd wants one for each: add "
    "`None, None` for stride and padding.",
)
class ThreeGradientsOnly(ref.Conv2dFunction):
    @staticmethod
    def backward(ctx, grad_out):
        return ref.Conv2dFunction.backward(ctx, grad_out)[:3]


@misconception(
    "Conv2dFunction",
    "Your backward pass returns the weight's gradient first. The order is that of forward's arguments: x, weight, "
    "bias, stride, padding.",
)
class WeightGradientFirst(ref.Conv2dFunction):
    @staticmethod
    def backward(ctx, grad_out):
        grad_x, grad_weight, *rest = ref.Conv2dFunction.backward(ctx, grad_out)
        return grad_weight, grad_x, *rest


@misconception(
    "Conv2dFunction",
    "Your backward pass does not use the values of grad_out: these are the gradients of the plain sum of the "
    "outputs. Hand grad_out on to all three gradients.",
)
class UpstreamIgnored(ref.Conv2dFunction):
    @staticmethod
    def backward(ctx, grad_out):
        return ref.Conv2dFunction.backward(ctx, ONES(grad_out))


@misconception(
    "Conv2dFunction",
    "You divided the gradients of weight and bias by the number of images. The chain rule sums; where the loss is a "
    "mean, its 1/N is in grad_out already.",
)
class MeanOverImages(ref.Conv2dFunction):
    @staticmethod
    def backward(ctx, grad_out):
        grad_x, *rest = ref.Conv2dFunction.backward(ctx, grad_out)
        return grad_x, *(grad if grad is None else grad / len(grad_out) for grad in rest)


@misconception(
    "Conv2dFunction",
    "You turned the kernel in the forward pass. A layer called convolution computes a cross-correlation, as "
    "`F.conv2d` does: only the gradient of x involves a turn by 180°.",
)
class ForwardTurnsKernel(ref.Conv2dFunction):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        return ref.Conv2dFunction.forward(ctx, x, weight.flip(-2, -1), bias, stride, padding)

    @staticmethod
    def backward(ctx, grad_out):
        grad_x, grad_weight, *rest = ref.Conv2dFunction.backward(ctx, grad_out)
        return grad_x, grad_weight if grad_weight is None else grad_weight.flip(-2, -1), *rest


@misconception(
    "Conv2dFunction",
    "Your forward pass leaves the stride out. Hand it to `F.conv2d` together with the padding.",
)
class ForwardWithoutStride(ref.Conv2dFunction):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        return ref.Conv2dFunction.forward(ctx, x, weight, bias, 1, padding)


@misconception(
    "Conv2dFunction",
    "Your backward pass computes in float32, which rounds float64. Make new tensors with `grad_out.new_zeros(...)`, "
    "which keeps the dtype, instead of `torch.zeros(...)`.",
)
class BackwardInFloat32(ref.Conv2dFunction):
    @staticmethod
    def backward(ctx, grad_out):
        return tuple(
            grad if grad is None else grad.float().to(grad_out.dtype)
            for grad in ref.Conv2dFunction.backward(ctx, grad_out)
        )
