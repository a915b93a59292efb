"""What learners get wrong in ex10. Each variant is one mistake; elsewhere, and for bad arguments, it does what the
reference does."""

import torch
import torch.nn.functional as F
from torch import nn

from grader.checker.misconceptions import misconception, reference

ref = reference("ex10_fcn")


# convolutionize


@misconception(
    "convolutionize",
    "You read the long axis of weight as (H, W, C). PyTorch flattens a feature map channel by channel: reshape to "
    "(O, C, H, W) directly instead, without a permute afterwards.",
)
def channels_last(weight, bias, input_shape):
    filters, bias = ref.convolutionize(weight, bias, input_shape)
    c, h, w = input_shape
    return weight.reshape(-1, h, w, c).permute(0, 3, 1, 2).reshape(filters.shape), bias


@misconception(
    "convolutionize",
    "You turned the filters by 180°, as the mathematical convolution would want it. What deep learning calls "
    "convolution does not turn its kernels: leave out the flip instead.",
)
def filters_turned(weight, bias, input_shape):
    filters, bias = ref.convolutionize(weight, bias, input_shape)
    return filters.flip(-1, -2), bias


@misconception(
    "convolutionize",
    "You mixed up height and width: your filters are (O, C, W, H), or hold the numbers in that order. The order of "
    "input_shape is (C, H, W), and each row of the map lies together: reshape to (O, C, H, W) instead.",
)
def height_and_width_swapped(weight, bias, input_shape):
    filters, bias = ref.convolutionize(weight, bias, input_shape)
    c, h, w = input_shape
    return filters.reshape(-1, c, w, h), bias


@misconception(
    "convolutionize",
    "You transposed weight before reshaping it, so the numbers of several neurons are mixed. An `nn.Linear` has one "
    "row for each neuron already, (O, C * H * W): reshape it as it is instead.",
)
def weight_transposed(weight, bias, input_shape):
    filters, bias = ref.convolutionize(weight, bias, input_shape)
    return weight.t().reshape(filters.shape), bias


@misconception(
    "convolutionize",
    "You gave the bias more axes. The bias of a convolution is (O,), like that of a dense layer: hand it on as it is "
    "instead.",
)
def bias_with_four_axes(weight, bias, input_shape):
    filters, bias = ref.convolutionize(weight, bias, input_shape)
    return filters, bias.reshape(1, -1, 1, 1)


@misconception(
    "convolutionize",
    "You left out the bias, or set it to zeros, for example by filling a new layer's weight alone. The convolution "
    "computes the same as the dense layer only with its bias: return that as well instead.",
)
def bias_lost(weight, bias, input_shape):
    filters, bias = ref.convolutionize(weight, bias, input_shape)
    return filters, torch.zeros_like(bias)


@misconception(
    "convolutionize",
    "You turned the weights into float32 (for example by filling a new `nn.Conv2d`), also where they are float64. Keep "
    "the dtype instead: a reshape does not need a new tensor at all.",
)
def filters_in_float32(weight, bias, input_shape):
    filters, bias = ref.convolutionize(weight, bias, input_shape)
    return filters.float(), bias.float()


@misconception(
    "convolutionize",
    "You let -1 stand for an axis that you know, so weights that do not belong to input_shape are cut into some other "
    "shape without a word. Compare `weight.shape[1]` with C * H * W first instead, and raise a ValueError.",
)
def any_weight_fits(weight, bias, input_shape):
    c, h, w = input_shape
    if weight.numel() % (c * h * w):
        raise ValueError("weight does not fit input_shape")
    return weight.reshape(-1, c, h, w), bias


# conv_transpose2d


def _valid(x, weight, bias, stride, padding, output_padding):
    """ValueError where the reference finds something to say; its own result elsewhere."""
    return ref.conv_transpose2d(x, weight, bias, stride, padding, output_padding)


def _two(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def _with_bias(out, bias):
    return out if bias is None else out + bias[:, None, None]


@misconception(
    "conv_transpose2d",
    "You turned the kernel by 180° before stamping it (the flip belongs to the other way of computing this, as a "
    "convolution of the stretched input). A stamp is the kernel as it is: leave out the flip instead.",
)
def kernel_turned(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    return ref.conv_transpose2d(x, weight.flip(-1, -2), bias, stride, padding, output_padding)


@misconception(
    "conv_transpose2d",
    "You computed an ordinary convolution, which makes the picture smaller. The transposed one makes it larger: let "
    "every pixel add the whole kernel, multiplied by the pixel, to the result instead.",
)
def ordinary_convolution(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    return F.conv2d(x, weight.transpose(0, 1), bias, stride, padding)


@misconception(
    "conv_transpose2d",
    "You read weight as (out, in, kH, kW), as an ordinary convolution has it. In a transposed convolution the input "
    "channels come first: take `weight[i, o]` for input channel i and output channel o instead.",
)
def weight_out_first(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    return ref.conv_transpose2d(x, weight.transpose(0, 1), bias, stride, padding, output_padding)


@misconception(
    "conv_transpose2d",
    "You did not add up the input channels: each works on the output channel of the same number alone. Sum over all "
    "input channels for every output channel instead.",
)
def channels_apart(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    ins, outs = weight.shape[:2]
    keep = torch.eye(max(ins, outs), dtype=weight.dtype, device=weight.device)[:ins, :outs]
    return ref.conv_transpose2d(x, weight * keep[:, :, None, None], bias, stride, padding, output_padding)


def _stamps(x, weight, stride, output_padding, write):
    """The sheet before any padding is cut off, `write(part, stamp)` for each pixel in row-major order."""
    (sh, sw), (oh, ow) = _two(stride), _two(output_padding)
    n, _, h, w = x.shape
    _, outs, kh, kw = weight.shape
    sheet = x.new_zeros(n, outs, (h - 1) * sh + kh + oh, (w - 1) * sw + kw + ow)
    for i in range(h):
        for j in range(w):
            stamp = torch.einsum("ni,iokl->nokl", x[:, :, i, j], weight)
            write(sheet[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw], stamp)
    return sheet


def _cropped(sheet, padding):
    ph, pw = _two(padding)
    return sheet[..., ph : sheet.shape[-2] - ph, pw : sheet.shape[-1] - pw]


@misconception(
    "conv_transpose2d",
    "Where stamps overlap, the last one replaces what was there (`=`). They add up: write `+=` instead.",
)
def last_stamp_wins(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    sheet = _stamps(x, weight, stride, output_padding, lambda part, stamp: part.copy_(stamp))
    return _with_bias(_cropped(sheet, padding), bias)


@misconception(
    "conv_transpose2d",
    "You averaged where stamps overlap. A transposed convolution adds them up, however many there are: leave out the "
    "division instead.",
)
def overlaps_averaged(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    out = ref.conv_transpose2d(x, weight, None, stride, padding, output_padding)
    ones = torch.ones_like(x[:1, :1]), torch.ones_like(weight[:1, :1])
    return _with_bias(out / ref.conv_transpose2d(*ones, None, stride, padding, output_padding).clamp(min=1), bias)


@misconception(
    "conv_transpose2d",
    "You ignored stride: your stamps lie one row and one column apart, whatever it is. Move them by `i * stride` and "
    "`j * stride` instead.",
)
def stride_ignored(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    return ref.conv_transpose2d(x, weight, bias, 1, padding)


@misconception(
    "conv_transpose2d",
    "You moved the stamps by the vertical stride on both axes. A pair is (vertical, horizontal): use stride[0] for the "
    "rows and stride[1] for the columns instead.",
)
def vertical_stride_for_both(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    return F.conv_transpose2d(x, weight, bias, _two(stride)[0], padding, output_padding)


@misconception(
    "conv_transpose2d",
    "You took padding for zeros around the input, as an ordinary convolution has it, so your result grows with it. "
    "Here it works the other way round: cut so many rows and columns off the result instead.",
)
def padding_around_the_input(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    ph, pw = _two(padding)
    return ref.conv_transpose2d(F.pad(x, (pw, pw, ph, ph)), weight, bias, stride, 0, output_padding)


@misconception(
    "conv_transpose2d",
    "You ignored padding: your result is that of padding 0. Cut `padding` rows off at the top and the bottom, and as "
    "many columns left and right, instead.",
)
def padding_ignored(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    return ref.conv_transpose2d(x, weight, bias, stride, 0, output_padding)


@misconception(
    "conv_transpose2d",
    "You cut padding off at the top and at the left only. It counts for all four sides: cut the same number off at the "
    "bottom and at the right instead, so that the result is 2 * padding smaller.",
)
def padding_at_one_end(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    ph, pw = _two(padding)
    return ref.conv_transpose2d(x, weight, bias, stride, 0, output_padding)[:, :, ph:, pw:]


@misconception(
    "conv_transpose2d",
    "You swapped the two paddings: a pair is (vertical, horizontal). Cut padding[0] off the rows and padding[1] off "
    "the columns instead.",
)
def paddings_swapped(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    ph, pw = _two(padding)
    sheet = ref.conv_transpose2d(x, weight, bias, stride, 0, output_padding)
    return sheet[:, :, pw : sheet.shape[2] - pw, ph : sheet.shape[3] - ph]


@misconception(
    "conv_transpose2d",
    "You cut with `sheet[:, :, p:-p, p:-p]`, which is empty for p = 0. Write `p : rows - p` instead.",
)
def nothing_left_without_padding(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    ph, pw = _two(padding)
    return ref.conv_transpose2d(x, weight, bias, stride, 0, output_padding)[:, :, ph:-ph, pw:-pw]


@misconception(
    "conv_transpose2d",
    "You took output_padding for zeros that are put at the end of the result. They are rows and columns of the sheet "
    "that are not cut off, and stamps may reach there: make the sheet larger before you cut instead.",
)
def output_padding_as_zeros(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    bottom, right = _two(output_padding)
    (ph, pw), sheet = _two(padding), ref.conv_transpose2d(x, weight, None, stride)
    # what is left without the extra rows may be less than nothing
    kept = sheet[:, :, ph : max(ph, sheet.shape[2] - ph), pw : max(pw, sheet.shape[3] - pw)]
    return _with_bias(F.pad(kept, (0, right, 0, bottom)), bias)


@misconception(
    "conv_transpose2d",
    "You put the rows and columns of output_padding at the top and at the left. They belong to the other end: cut less "
    "off at the bottom and at the right instead.",
)
def output_padding_at_the_top(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    (ph, pw), (oh, ow) = _two(padding), _two(output_padding)
    sheet = F.pad(ref.conv_transpose2d(x, weight, None, stride), (ow, 0, oh, 0))
    return _with_bias(_cropped(sheet, (ph, pw)), bias)


@misconception(
    "conv_transpose2d",
    "You added output_padding on both sides. It makes the result larger by so many rows and columns, once, at the "
    "bottom and at the right: cut less off there alone instead.",
)
def output_padding_on_both_sides(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    oh, ow = _two(output_padding)
    sheet = F.pad(ref.conv_transpose2d(x, weight, None, stride), (ow, ow, oh, oh))
    return _with_bias(_cropped(sheet, padding), bias)


@misconception(
    "conv_transpose2d",
    "You ignored output_padding. Make the sheet that the stamps go to so many rows higher and columns wider instead.",
)
def output_padding_ignored(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    (ph, pw), sheet = _two(padding), ref.conv_transpose2d(x, weight, None, stride)
    kept = sheet[:, :, ph : max(ph, sheet.shape[2] - ph), pw : max(pw, sheet.shape[3] - pw)]
    return _with_bias(kept, bias)


@misconception(
    "conv_transpose2d",
    "You added the bias with every stamp, so it counts several times where stamps overlap, and not at all between "
    "them. Add it to the finished result, once to each element, instead.",
)
def bias_with_every_stamp(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    out = ref.conv_transpose2d(x, weight, bias, stride, padding, output_padding)
    if bias is None:
        return out
    ones = torch.ones_like(x[:, :1]), torch.ones_like(weight[:1, :1])
    stamps = ref.conv_transpose2d(*ones, None, stride, padding, output_padding)
    return out + bias[:, None, None] * (stamps - 1)


@misconception(
    "conv_transpose2d",
    "You left out the bias where no stamp reaches. It belongs to every element of the result: add it at the end, to "
    "the whole, instead.",
)
def bias_under_stamps_only(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    out = ref.conv_transpose2d(x, weight, None, stride, padding, output_padding)
    if bias is None:
        return _valid(x, weight, bias, stride, padding, output_padding)
    ones = torch.ones_like(x[:, :1]), torch.ones_like(weight[:1, :1])
    stamps = ref.conv_transpose2d(*ones, None, stride, padding, output_padding)
    return out + bias[:, None, None] * stamps.clamp(max=1)


@misconception(
    "conv_transpose2d",
    "You left out the bias. Where it is given, add `bias[:, None, None]` to the result instead.",
)
def bias_ignored(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    _valid(x, weight, bias, stride, padding, output_padding)
    return ref.conv_transpose2d(x, weight, None, stride, padding, output_padding)


@misconception(
    "conv_transpose2d",
    "You collected the stamps in a `torch.zeros(...)`, which is float32 on the CPU, whatever x is. Write "
    "`x.new_zeros(...)` instead: it has the dtype and the device of x.",
)
def sheet_of_float32(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    out = ref.conv_transpose2d(x, weight, bias, stride, padding, output_padding)
    sheet = torch.zeros(out.shape)
    sheet += out
    return sheet


@misconception(
    "conv_transpose2d",
    "You cut the result off from autograd (`.data`, `.detach()`, `torch.no_grad()`, or numpy), so nothing before it "
    "can learn. Compute with the tensors as they are instead; adding into slices of a sheet is fine for autograd.",
)
def cut_off(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    return ref.conv_transpose2d(x, weight, bias, stride, padding, output_padding).detach()


@misconception(
    "conv_transpose2d",
    "You take any output_padding. One that is as large as stride would add rows that no stride can tell from a larger "
    "input: compare the two on each axis instead, and raise a ValueError that names output_padding.",
)
def any_output_padding(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    out = _two(output_padding)
    if max(out) < min(_two(stride)) or min(out) < 0:
        return ref.conv_transpose2d(x, weight, bias, stride, padding, output_padding)
    sheet = F.pad(ref.conv_transpose2d(x, weight, None, stride), (0, out[1], 0, out[0]))
    return _with_bias(_cropped(sheet, padding), bias)


@misconception(
    "conv_transpose2d",
    "You compare output_padding with the larger of the two strides, or with one of them. Each axis has its own: "
    "compare output_padding[0] with stride[0] and output_padding[1] with stride[1] instead.",
)
def one_stride_for_both(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    if max(_two(output_padding)) >= max(_two(stride)):
        raise ValueError("output_padding must be smaller than stride")
    return any_output_padding(x, weight, bias, stride, padding, output_padding)


@misconception(
    "conv_transpose2d",
    "You leave it to torch to stop where arguments do not go together; that gives a RuntimeError deep inside, which "
    "does not name them. Compare shapes and sizes at the start instead, and raise a ValueError that names the "
    "argument.",
)
def nothing_checked(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    try:
        return ref.conv_transpose2d(x, weight, bias, stride, padding, output_padding)
    except ValueError as error:
        raise RuntimeError("the size of tensor a must match the size of tensor b") from error


# bilinear_kernel


def _tents(channels, tent):
    eye = torch.eye(channels)[:, :, None, None]
    return eye * torch.outer(tent, tent)


def _checked(channels, kernel_size):
    ref._at_least_one(channels=channels, kernel_size=kernel_size)
    return torch.arange(kernel_size, dtype=torch.float32)


@misconception(
    "bilinear_kernel",
    "You wrote the tent for all pairs of channels, so that every output is the sum of all inputs. Each channel makes "
    "itself larger: write it where both channels are the same, `weight[c, c]`, and leave zeros elsewhere instead.",
)
def tent_for_all_pairs(channels, kernel_size):
    weight = ref.bilinear_kernel(channels, kernel_size)
    return weight[:1, :1].repeat(channels, channels, 1, 1)


@misconception(
    "bilinear_kernel",
    "You filled the first channel alone; all others stay zero for ever. Write the tent at `weight[c, c]` for every "
    "channel c instead.",
)
def first_channel_alone(channels, kernel_size):
    weight = ref.bilinear_kernel(channels, kernel_size)
    weight[1:] = 0
    return weight


@misconception(
    "bilinear_kernel",
    "You made one kernel a channel, (channels, 1, k, k), as a grouped convolution has it. This layer mixes channels: "
    "make it (channels, channels, k, k) instead, with zeros off the diagonal.",
)
def one_kernel_a_channel(channels, kernel_size):
    _checked(channels, kernel_size)
    return ref.bilinear_kernel(1, kernel_size).repeat(channels, 1, 1, 1)


@misconception(
    "bilinear_kernel",
    "You scaled the kernel so that its elements sum to 1. The stamps of several pixels overlap and add up: leave the "
    "tent's top as high as the formula says instead, or the picture gets darker.",
)
def sums_to_one(channels, kernel_size):
    weight = ref.bilinear_kernel(channels, kernel_size)
    return weight / weight[0, 0].sum()


@misconception(
    "bilinear_kernel",
    "You divided by kernel_size / 2, which is not whole for odd sizes. The formula wants f = (kernel_size + 1) // 2 "
    "instead: 2 for size 3, as for size 4.",
)
def half_of_the_size(channels, kernel_size):
    i = _checked(channels, kernel_size)
    return _tents(channels, 1 - (i - (kernel_size - 1) / 2).abs() / (kernel_size / 2))


@misconception(
    "bilinear_kernel",
    "Your divisor is kernel_size // 2, one too small for odd sizes. It is f = (kernel_size + 1) // 2 instead.",
)
def rounded_down(channels, kernel_size):
    i = _checked(channels, kernel_size)
    return _tents(channels, 1 - (i - (kernel_size - 1) / 2).abs() / max(1, kernel_size // 2))


@misconception(
    "bilinear_kernel",
    "You put the top of the tent on an element, also where the size is even. It is at (kernel_size - 1) / 2 instead, "
    "between the two middle elements of an even size, so that the picture is not shifted.",
)
def top_on_an_element(channels, kernel_size):
    i = _checked(channels, kernel_size)
    return _tents(channels, 1 - (i - (kernel_size - 1) // 2).abs() / ((kernel_size + 1) // 2))


@misconception(
    "bilinear_kernel",
    "You let the tent fall to 0 at the first and the last element (`linspace` from 0 to 1 and back). The formula does "
    "not reach 0 inside of the kernel: use 1 - abs(i - c) / f instead.",
)
def zero_at_the_ends(channels, kernel_size):
    i = _checked(channels, kernel_size)
    c = (kernel_size - 1) / 2
    return _tents(channels, 1 - (i - c).abs() / max(1.0, c))


@misconception(
    "bilinear_kernel",
    "You put the two tents together by their smaller value (or by their sum), which gives a pyramid. Bilinear means "
    "the product: one tent down times one tent across instead, `torch.outer(t, t)`.",
)
def pyramid(channels, kernel_size):
    tent = ref.bilinear_kernel(1, kernel_size)[0, 0]
    tent = tent[:, kernel_size // 2] / tent[kernel_size // 2, kernel_size // 2].sqrt()
    weight = ref.bilinear_kernel(channels, kernel_size)
    return (weight != 0) * torch.minimum(tent[:, None], tent[None])


@misconception(
    "bilinear_kernel",
    "You fill each kernel with ones, which repeats every pixel (nearest neighbour). Bilinear interpolation needs the "
    "tent instead: 1 at its top, and falling to all sides.",
)
def nearest_neighbour(channels, kernel_size):
    return _tents(channels, torch.ones_like(_checked(channels, kernel_size)))


@misconception(
    "bilinear_kernel",
    "Your kernel is float64 (what numpy computes in). Layers are float32 by default: convert with `.float()`, or use "
    "torch from the start, instead.",
)
def kernel_of_float64(channels, kernel_size):
    return ref.bilinear_kernel(channels, kernel_size).double()


@misconception(
    "bilinear_kernel",
    "You take any size, also a negative one. Compare channels and kernel_size with 1 first instead, and raise a "
    "ValueError that names the argument.",
)
def any_size(channels, kernel_size):
    if min(channels, kernel_size) < 0:
        return torch.zeros(max(0, channels), max(0, channels), max(0, kernel_size), max(0, kernel_size))
    return ref.bilinear_kernel(channels, kernel_size)


# FCN32sHead


@misconception(
    "FCN32sHead",
    "You left upscore with the random values that PyTorch gives it, so the scores start as noise. Copy bilinear_kernel "
    "into its weight in `__init__` instead.",
)
class UpscoreAtRandom(ref.FCN32sHead):
    def __init__(self, *args):
        super().__init__(*args)
        self.upscore.reset_parameters()


@misconception(
    "FCN32sHead",
    "You filled all pairs of channels of upscore with the tent, so every class gets the sum of all classes' scores. "
    "Fill those where both channels are the same, and leave zeros elsewhere, instead.",
)
class UpscoreMixesClasses(ref.FCN32sHead):
    def __init__(self, *args):
        super().__init__(*args)
        with torch.no_grad():
            self.upscore.weight.copy_(self.upscore.weight[:1, :1].clone().expand_as(self.upscore.weight))


@misconception(
    "FCN32sHead",
    "You gave upscore a bias. The scores have one already, in score_fr: make upscore with `bias=False` instead.",
)
class UpscoreWithBias(ref.FCN32sHead):
    def __init__(self, *args):
        super().__init__(*args)
        self.upscore.bias = nn.Parameter(torch.zeros(self.upscore.out_channels))


@misconception(
    "FCN32sHead",
    "You switched off the bias of score_fr. That layer has one: leave out `bias=False` there instead.",
)
class ScoreWithoutBias(ref.FCN32sHead):
    def __init__(self, *args):
        super().__init__(*args)
        self.score_fr.bias = None


class _CropsAtTheCorner(nn.ConvTranspose2d):
    def forward(self, x):
        out = F.conv_transpose2d(x, self.weight, None, self.stride)
        return out[:, :, : x.shape[2] * self.stride[0], : x.shape[3] * self.stride[1]]


def _cropping(layer):
    """The same layer without padding, cut to size from its upper left corner."""
    layer.__class__ = _CropsAtTheCorner


@misconception(
    "FCN32sHead",
    "You upsample without padding and cut the result to size from its upper left corner, which shifts the scores by 16 "
    "pixels. Cut the same off all sides instead: that is `padding=16`.",
)
class CutAtTheCorner(ref.FCN32sHead):
    def __init__(self, *args):
        super().__init__(*args)
        _cropping(self.upscore)


@misconception(
    "FCN32sHead",
    "You made kernel, stride or padding of upscore such that the result is not 32 times as large: without padding it "
    "is 32 * h + 32. Use kernel 64, stride 32 and padding 16 instead.",
)
class NotCut(ref.FCN32sHead):
    def __init__(self, *args):
        super().__init__(*args)
        self.upscore.padding = (0, 0)


@misconception(
    "FCN32sHead",
    "You put a ReLU behind score_fr. Scores may well be negative, that is how a class is ruled out: hand them on to "
    "upscore as they are instead.",
)
class ReluOnScores(ref.FCN32sHead):
    def forward(self, pool5):
        return self.upscore(self.score_fr(pool5).relu())


@misconception(
    "FCN32sHead",
    "You end with a softmax. The head gives scores, and the loss makes probabilities of them: return what upscore "
    "gives instead.",
)
class SoftmaxAtTheEnd(ref.FCN32sHead):
    def forward(self, pool5):
        return super().forward(pool5).softmax(dim=1)


@misconception(
    "FCN32sHead",
    "You add the scores to a tensor that torch.zeros makes, and that lies on the CPU wherever the head is. Return what "
    "upscore gives, or give `device=pool5.device`, instead.",
)
class ZerosOnTheCpu(ref.FCN32sHead):
    def forward(self, pool5):
        return _on_the_cpu(super().forward(pool5))


def _on_the_cpu(scores):
    return torch.zeros(scores.shape, dtype=scores.dtype).add(scores)


@misconception(
    "FCN32sHead",
    "You upsample with `F.interpolate`, which nothing can train, and have no layer called upscore. Make an "
    "`nn.ConvTranspose2d` that starts as bilinear interpolation and is free to learn better instead.",
)
class Interpolates(ref.FCN32sHead):
    def __init__(self, *args):
        super().__init__(*args)
        del self.upscore

    def forward(self, pool5):
        return F.interpolate(self.score_fr(pool5), scale_factor=32, mode="bilinear")


@misconception(
    "FCN32sHead",
    "You detach the scores (or compute them under `torch.no_grad()`), so score_fr and the backbone before it never "
    "learn. Hand them on to upscore as they are instead.",
)
class ScoresCutOff(ref.FCN32sHead):
    def forward(self, pool5):
        return self.upscore(self.score_fr(pool5).detach())


@misconception(
    "FCN32sHead",
    "You convert pool5 (or the result) to float32. A head in float64 works in float64: hand on what you get instead.",
)
class AlwaysFloat32(ref.FCN32sHead):
    def forward(self, pool5):
        return super().forward(pool5).float()


@misconception(
    "FCN32sHead",
    "You take any number of channels, also a negative one. Compare each with 1 in `__init__` instead, and raise a "
    "ValueError that names the argument.",
)
class AnyChannels(ref.FCN32sHead):
    def __init__(self, in_channels, num_classes):
        if min(in_channels, num_classes) < 0:
            raise RuntimeError("Trying to create tensor with negative dimension")
        super().__init__(in_channels, num_classes)


# FCN8sHead


def _steps(head, pool3, pool4, pool5):
    """The three maps of scores, once the reference has nothing against the sizes."""
    ref.FCN8sHead.forward(head, pool3, pool4, pool5)
    return head.score_pool3(pool3), head.score_pool4(pool4), head.score_fr(pool5)


@misconception(
    "FCN8sHead",
    "You left out pool3: nothing of it is in the result. Add score_pool3(pool3) before upscore8 instead.",
)
class NoPool3(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        _, four, five = _steps(self, pool3, pool4, pool5)
        return self.upscore8(self.upscore_pool4(self.upscore2(five) + four))


@misconception(
    "FCN8sHead",
    "You left out pool4: nothing of it is in the result. Add score_pool4(pool4) to what upscore2 gives instead.",
)
class NoPool4(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        three, _, five = _steps(self, pool3, pool4, pool5)
        return self.upscore8(self.upscore_pool4(self.upscore2(five)) + three)


@misconception(
    "FCN8sHead",
    "You use upscore2 in both steps (or upscore_pool4 in neither). At the start the two are equal, but each learns "
    "weights of its own: use upscore_pool4 for the sum with pool4's scores instead.",
)
class Upscore2Twice(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        three, four, five = _steps(self, pool3, pool4, pool5)
        return self.upscore8(self.upscore2(self.upscore2(five) + four) + three)


@misconception(
    "FCN8sHead",
    "You swapped upscore2 and upscore_pool4. At the start they are equal, but each learns weights of its own: upscore2 "
    "comes right behind score_fr, upscore_pool4 behind the sum with pool4's scores instead.",
)
class UpscoresSwapped(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        three, four, five = _steps(self, pool3, pool4, pool5)
        return self.upscore8(self.upscore2(self.upscore_pool4(five) + four) + three)


@misconception(
    "FCN8sHead",
    "You fuse before upsampling: the finer map is made small, added, and the sum made large again, which loses the "
    "very detail it was taken for. Make the coarser map larger first and add then instead.",
)
class FusedBeforeUpsampling(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        three, four, five = _steps(self, pool3, pool4, pool5)
        fused = self.upscore2(five + F.avg_pool2d(four, 2))
        return self.upscore8(self.upscore_pool4(fused + F.avg_pool2d(three, 2)))


@misconception(
    "FCN8sHead",
    "You put a ReLU behind the sums. These are scores, and negative ones rule a class out: hand the sums on as they "
    "are instead.",
)
class ReluOnSums(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        three, four, five = _steps(self, pool3, pool4, pool5)
        return self.upscore8((self.upscore_pool4((self.upscore2(five) + four).relu()) + three).relu())


@misconception(
    "FCN8sHead",
    "You end with a softmax. The head gives scores, and the loss makes probabilities of them: return what upscore8 "
    "gives instead.",
)
class ProbabilitiesAtTheEnd(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        return super().forward(pool3, pool4, pool5).softmax(dim=1)


@misconception(
    "FCN8sHead",
    "You multiply the maps with 0.01 and 0.0001 before scoring them, as the authors' version for training all at once "
    "does. The head here takes them as they are: leave out the factors instead.",
)
class SkipsScaledDown(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        return super().forward(pool3 * 0.0001, pool4 * 0.01, pool5)


@misconception(
    "FCN8sHead",
    "You upsample without padding and cut the results to size from the upper left corner, which shifts the coarse "
    "scores against the fine ones. Cut the same off all sides instead: padding 1, 1 and 4.",
)
class CutsAtTheCorner(ref.FCN8sHead):
    def __init__(self, *args):
        super().__init__(*args)
        for layer in (self.upscore2, self.upscore_pool4, self.upscore8):
            _cropping(layer)


@misconception(
    "FCN8sHead",
    "You left the upscore layers with the random values that PyTorch gives them, so the scores start as noise. Copy "
    "bilinear_kernel into each weight in `__init__` instead.",
)
class UpscoresAtRandom(ref.FCN8sHead):
    def __init__(self, *args):
        super().__init__(*args)
        for layer in (self.upscore2, self.upscore_pool4, self.upscore8):
            layer.reset_parameters()


@misconception(
    "FCN8sHead",
    "You initialised one of the three upscore layers and left the others as random as PyTorch makes them. All three "
    "start as bilinear_kernel instead, each with its own size.",
)
class OnlyTheLastBilinear(ref.FCN8sHead):
    def __init__(self, *args):
        super().__init__(*args)
        for layer in (self.upscore2, self.upscore_pool4):
            layer.reset_parameters()


@misconception(
    "FCN8sHead",
    "You gave the upscore layers a bias. The scores have theirs already: make them with `bias=False` instead.",
)
class UpscoresWithBias(ref.FCN8sHead):
    def __init__(self, *args):
        super().__init__(*args)
        for layer in (self.upscore2, self.upscore_pool4, self.upscore8):
            layer.bias = nn.Parameter(torch.zeros(layer.out_channels))


@misconception(
    "FCN8sHead",
    "You switched off the bias of the score layers. All three have one: leave out `bias=False` there instead.",
)
class ScoresWithoutBias(ref.FCN8sHead):
    def __init__(self, *args):
        super().__init__(*args)
        self.score_fr.bias = self.score_pool4.bias = self.score_pool3.bias = None


@misconception(
    "FCN8sHead",
    "You made pool5's scores 4 times as large in one go and added all three maps at once, with one layer too few. Go "
    "up in two steps instead: upscore2, plus pool4's scores, then upscore_pool4, plus pool3's.",
)
class OneStepLess(ref.FCN8sHead):
    def __init__(self, *args):
        super().__init__(*args)
        self.upscore_pool4 = None

    def forward(self, pool3, pool4, pool5):
        size = pool3.shape[2:]
        both = self.upscore2(self.score_fr(pool5)) + self.score_pool4(pool4)
        return self.upscore8(F.interpolate(both, size, mode="bilinear") + self.score_pool3(pool3))


@misconception(
    "FCN8sHead",
    "You detach the finer maps (or take them under `torch.no_grad()`), so their scores never learn and the backbone "
    "hears nothing through them. Hand them on as they are instead.",
)
class SkipsCutOff(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        three, four, five = _steps(self, pool3, pool4, pool5)
        return self.upscore8(self.upscore_pool4(self.upscore2(five) + four.detach()) + three.detach())


@misconception(
    "FCN8sHead",
    "You convert the maps (or the result) to float32. A head in float64 works in float64: hand on what you get "
    "instead.",
)
class ResultInFloat32(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        return super().forward(pool3, pool4, pool5).float()


@misconception(
    "FCN8sHead",
    "You add maps of any size, and where one of them is 1×1 it is stretched to the other's size without a word. "
    "Compare the sizes at the start of forward instead, and raise a ValueError that names the map.",
)
class SizesUnchecked(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        fused = self.upscore2(self.score_fr(pool5)) + self.score_pool4(pool4)
        return self.upscore8(self.upscore_pool4(fused) + self.score_pool3(pool3))


@misconception(
    "FCN8sHead",
    "You resize whatever does not fit, so that wrong maps are added without a word. Compare the sizes instead, and "
    "raise a ValueError that names the map.",
)
class SizesMadeToFit(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        five, four = self.score_fr(pool5), self.score_pool4(pool4)
        three = self.score_pool3(pool3)
        fused = self.upscore2(five)
        fused = (fused if fused.shape == four.shape else F.interpolate(fused, four.shape[2:])) + four
        fused = self.upscore_pool4(fused)
        return self.upscore8((fused if fused.shape == three.shape else F.interpolate(fused, three.shape[2:])) + three)


@misconception(
    "FCN8sHead",
    "You take any number of channels, also a negative one. Compare each with 1 in `__init__` instead, and raise a "
    "ValueError that names the argument.",
)
class AnyNumbersOfChannels(ref.FCN8sHead):
    def __init__(self, *channels):
        if min(channels) < 0:
            raise RuntimeError("Trying to create tensor with negative dimension")
        super().__init__(*channels)


# pixel_cross_entropy


def _losses(logits, target, ignore_index):
    """The losses (0 at ignored pixels) and which pixels count, once the reference has nothing against the shapes."""
    ref.pixel_cross_entropy(logits, target, ignore_index)
    counted = target != ignore_index
    scores = torch.where(counted.unsqueeze(1), logits, 0.0).log_softmax(dim=1)
    losses = -scores.gather(1, torch.where(counted, target, 0).unsqueeze(1)).squeeze(1)
    return torch.where(counted, losses, 0.0), counted


def _raw(logits, target, ignore_index):
    """As `_losses`, but from the logits as they are, with junk at ignored pixels."""
    ref.pixel_cross_entropy(logits, target, ignore_index)
    counted = target != ignore_index
    losses = -logits.log_softmax(dim=1).gather(1, torch.where(counted, target, 0).unsqueeze(1)).squeeze(1)
    return losses, counted


@misconception(
    "FCN8sHead",
    "You add the scores to a tensor that torch.zeros makes, and that lies on the CPU wherever the head is. Return what "
    "upscore8 gives, or give `device=pool3.device`, instead.",
)
class ScoresOnTheCpu(ref.FCN8sHead):
    def forward(self, pool3, pool4, pool5):
        return _on_the_cpu(super().forward(pool3, pool4, pool5))


@misconception(
    "pixel_cross_entropy",
    "You divide by the number of all pixels, the ignored ones too, so the loss gets smaller the more of them there "
    "are. Divide by the number of those that count instead.",
)
def mean_over_all(logits, target, ignore_index=255):
    losses, _ = _losses(logits, target, ignore_index)
    return losses.mean()


@misconception(
    "pixel_cross_entropy",
    "You replaced the label of ignored pixels with a class and then let them count. Take them out of the sum and of "
    "the number you divide by instead.",
)
def ignored_as_class_0(logits, target, ignore_index=255):
    losses, _ = _raw(logits, target, ignore_index)
    return losses.mean()


@misconception(
    "pixel_cross_entropy",
    "You apply a softmax to the logits before the cross entropy, which does it once more. Take the logits as they are "
    "instead: `log_softmax` is all of it.",
)
def softmax_twice(logits, target, ignore_index=255):
    return ref.pixel_cross_entropy(logits.softmax(dim=1), target, ignore_index)


@misconception(
    "pixel_cross_entropy",
    "You return the sum over the pixels. The loss is their mean: divide by the number of pixels that count instead.",
)
def sum_over_pixels(logits, target, ignore_index=255):
    losses, _ = _losses(logits, target, ignore_index)
    return losses.sum()


@misconception(
    "pixel_cross_entropy",
    "You took the mean for each picture first and then the mean of these, so a pixel counts more where many others are "
    "ignored. Take one mean over all pixels of the batch that count instead.",
)
def mean_of_pictures(logits, target, ignore_index=255):
    losses, counted = _losses(logits, target, ignore_index)
    return (losses.sum(dim=(1, 2)) / counted.sum(dim=(1, 2)).clamp(min=1)).mean()


@misconception(
    "pixel_cross_entropy",
    "You return the mean of log softmax, which is negative: minimising it makes the right classes less likely. Change "
    "the sign instead.",
)
def sign_missing(logits, target, ignore_index=255):
    return -ref.pixel_cross_entropy(logits, target, ignore_index)


@misconception(
    "pixel_cross_entropy",
    "You normalise over another axis than that of the classes. In (N, C, H, W) the classes are axis 1: use "
    "`log_softmax(dim=1)` instead.",
)
def softmax_over_width(logits, target, ignore_index=255):
    ref.pixel_cross_entropy(logits, target, ignore_index)
    counted = target != ignore_index
    scores = torch.where(counted.unsqueeze(1), logits, 0.0).log_softmax(dim=-1)
    losses = -scores.gather(1, torch.where(counted, target, 0).unsqueeze(1)).squeeze(1)
    return torch.where(counted, losses, 0.0).sum() / counted.sum().clamp(min=1)


@misconception(
    "pixel_cross_entropy",
    "You flattened the scores with `view(-1, C)` or `reshape(-1, C)`, which tears the classes of a pixel apart. Move "
    "their axis to the end first, `logits.permute(0, 2, 3, 1).reshape(-1, C)`, instead.",
)
def reshaped_without_permute(logits, target, ignore_index=255):
    ref.pixel_cross_entropy(logits, target, ignore_index)
    n, c, h, w = logits.shape
    return ref.pixel_cross_entropy(logits.reshape(n, h, w, c).permute(0, 3, 1, 2), target, ignore_index)


@misconception(
    "pixel_cross_entropy",
    "You compare with 255 instead of ignore_index. Another number may stand for border pixels, also a negative one: "
    "use the argument instead.",
)
def always_255(logits, target, ignore_index=255):
    ref.pixel_cross_entropy(logits, target, ignore_index)
    return ref.pixel_cross_entropy(logits, target, 255)  # stops where the label is no class


@misconception(
    "pixel_cross_entropy",
    "You ignore what is not a class (negative, or C and above) instead of what ignore_index says. It may be the number "
    "of a class too, for instance to leave out the background: compare with ignore_index instead.",
)
def ignores_what_is_no_class(logits, target, ignore_index=255):
    ref.pixel_cross_entropy(logits, target, ignore_index)
    shown = target.masked_fill((target < 0) | (target >= logits.shape[1]), -7)
    return ref.pixel_cross_entropy(logits, shown, -7)


@misconception(
    "pixel_cross_entropy",
    "You compute softmax with `exp` of the plain scores, which is infinite from about 90 on in float32, and inf / inf"
    " is NaN. Subtract the largest score first, or use `log_softmax`, instead.",
)
def plain_exponentials(logits, target, ignore_index=255):
    ref.pixel_cross_entropy(logits, target, ignore_index)
    counted = target != ignore_index
    powers = torch.where(counted.unsqueeze(1), logits, 0.0).exp()
    scores = (powers / powers.sum(dim=1, keepdim=True)).log()
    losses = -scores.gather(1, torch.where(counted, target, 0).unsqueeze(1)).squeeze(1)
    return torch.where(counted, losses, 0.0).sum() / counted.sum().clamp(min=1)


def _from_probabilities(logits, target, ignore_index, log):
    ref.pixel_cross_entropy(logits, target, ignore_index)
    counted = target != ignore_index
    scores = log(torch.where(counted.unsqueeze(1), logits, 0.0).softmax(dim=1))
    losses = -scores.gather(1, torch.where(counted, target, 0).unsqueeze(1)).squeeze(1)
    return torch.where(counted, losses, 0.0).sum() / counted.sum().clamp(min=1)


@misconception(
    "pixel_cross_entropy",
    "You take the log of a finished softmax. A small probability is rounded to 0 there, and the loss is infinite. Use "
    "`log_softmax`, or `logsumexp` and a difference, instead: they never leave the logarithm.",
)
def log_of_softmax(logits, target, ignore_index=255):
    return _from_probabilities(logits, target, ignore_index, torch.log)


@misconception(
    "pixel_cross_entropy",
    "You add a small number to the probabilities so that the log stays finite, which makes the loss of every pixel a "
    "little wrong, and that of hopeless ones very wrong. Use `log_softmax` instead, which needs no such help.",
)
def epsilon_in_the_log(logits, target, ignore_index=255):
    return _from_probabilities(logits, target, ignore_index, lambda p: (p + 1e-8).log())


@misconception(
    "pixel_cross_entropy",
    "You multiply the losses with a mask of 0 and 1. Where NaN or an infinity stands, 0 times it is NaN, and so is the "
    "whole loss. Choose with `torch.where` or by indexing instead.",
)
def multiplied_with_a_mask(logits, target, ignore_index=255):
    losses, counted = _raw(logits, target, ignore_index)
    return (losses * counted).sum() / counted.sum().clamp(min=1)


@misconception(
    "pixel_cross_entropy",
    "You take ignored pixels out only after log_softmax has seen them. The value is right, but backwards the gradient"
    " 0 goes through log_softmax at NaN, and 0 * NaN is NaN. Replace the logits of ignored pixels before it instead.",
)
def chosen_too_late(logits, target, ignore_index=255):
    losses, counted = _raw(logits, target, ignore_index)
    return torch.where(counted, losses, 0.0).sum() / counted.sum().clamp(min=1)


@misconception(
    "pixel_cross_entropy",
    "You divide by the number of pixels that count also where it is 0, and 0 / 0 is NaN, for ever in your weights. "
    "Divide by at least 1, `clamp(min=1)`, instead.",
)
def nan_where_none_counts(logits, target, ignore_index=255):
    losses, counted = _losses(logits, target, ignore_index)
    return losses.sum() / counted.sum()


@misconception(
    "pixel_cross_entropy",
    "Where no pixel counts you return a new 0 that has nothing to do with logits, so that `.backward()` stops with an "
    "error. Return a 0 that hangs on them instead: the sum of no losses is one.",
)
def new_zero_where_none_counts(logits, target, ignore_index=255):
    loss = ref.pixel_cross_entropy(logits, target, ignore_index)
    return loss if bool((target != ignore_index).any()) else torch.zeros((), dtype=loss.dtype)


@misconception(
    "pixel_cross_entropy",
    "Where no pixel counts you return `0 * logits.sum()` (or the like). That is NaN where NaN stands in the logits, "
    "and what stands at ignored pixels must have no effect: sum the losses of the pixels that count instead, of none.",
)
def zero_times_the_logits(logits, target, ignore_index=255):
    loss = ref.pixel_cross_entropy(logits, target, ignore_index)
    return loss if bool((target != ignore_index).any()) else 0 * logits.sum()


@misconception(
    "pixel_cross_entropy",
    "You return a number that is cut off from autograd (`.item()`, `.detach()`, `torch.tensor(...)`), so nothing can "
    "learn from it. Return the tensor as it was computed instead.",
)
def loss_cut_off(logits, target, ignore_index=255):
    return ref.pixel_cross_entropy(logits, target, ignore_index).detach()


@misconception(
    "pixel_cross_entropy",
    "You compute in float32, also where the logits are float64. Keep their dtype instead.",
)
def loss_in_float32(logits, target, ignore_index=255):
    return ref.pixel_cross_entropy(logits.float(), target, ignore_index)


@misconception(
    "pixel_cross_entropy",
    "You write another label over the ignored pixels of target itself (`target[mask] = 0`), which the caller still "
    "needs: the next time, they count. Work on a copy, for instance from `torch.where`, instead.",
)
def target_overwritten(logits, target, ignore_index=255):
    loss = ref.pixel_cross_entropy(logits, target, ignore_index)
    target[target == ignore_index] = 0
    return loss


@misconception(
    "pixel_cross_entropy",
    "You do not compare the shapes of logits and target, so a target of another size is read at the wrong places, or "
    "torch stops deep inside. Compare them at the start instead, and raise a ValueError that names target.",
)
def shapes_unchecked(logits, target, ignore_index=255):
    if target.shape == (logits.shape[0], *logits.shape[2:]):
        return ref.pixel_cross_entropy(logits, target, ignore_index)
    return -logits.log_softmax(dim=1).gather(1, target.unsqueeze(1)).mean()


# confusion_matrix


def _labels(prediction, target, num_classes, ignore_index):
    """prediction and target of the pixels that count, once the reference has nothing against them."""
    ref.confusion_matrix(prediction, target, num_classes, ignore_index)
    counted = target != ignore_index
    return prediction[counted], target[counted]


def _counted(predicted, true, classes):
    return torch.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


@misconception(
    "confusion_matrix",
    "You swapped the axes: your rows are predicted classes. Rows are true classes here and columns predicted ones: "
    "count at `true * C + predicted` instead.",
)
def transposed(prediction, target, num_classes, ignore_index=255):
    return ref.confusion_matrix(prediction, target, num_classes, ignore_index).t()


@misconception(
    "confusion_matrix",
    "You write `matrix[true, predicted] += 1` with lists of labels. A pair that occurs several times is added only "
    "once that way: use `torch.bincount`, or `index_put_` with `accumulate=True`, instead.",
)
def every_pair_once(prediction, target, num_classes, ignore_index=255):
    return ref.confusion_matrix(prediction, target, num_classes, ignore_index).clamp(max=1)


@misconception(
    "confusion_matrix",
    "You made the matrix as large as the labels that you found. It is num_classes × num_classes, also where the last "
    "classes do not occur: give `bincount` a `minlength` of num_classes ** 2 instead.",
)
def as_large_as_the_labels(prediction, target, num_classes, ignore_index=255):
    predicted, true = _labels(prediction, target, num_classes, ignore_index)
    classes = 1 + max([*predicted.tolist(), *true.tolist()], default=0)
    return _counted(predicted, true, classes)


@misconception(
    "confusion_matrix",
    "You turned the counts into parts of 1 (or into floats). The matrix has numbers of pixels, int64: leave out the "
    "division instead, so that the matrices of several batches can be added.",
)
def parts_of_one(prediction, target, num_classes, ignore_index=255):
    counts = ref.confusion_matrix(prediction, target, num_classes, ignore_index)
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1)


@misconception(
    "confusion_matrix",
    "You count in floats. Numbers of pixels are whole, and float32 cannot count beyond 16,777,216: make the matrix "
    "int64 instead.",
)
def counted_in_floats(prediction, target, num_classes, ignore_index=255):
    return ref.confusion_matrix(prediction, target, num_classes, ignore_index).float()


@misconception(
    "confusion_matrix",
    "You check the labels before ignored pixels are taken out, so ignore_index itself is refused. Take them out of "
    "both maps first and look at the rest instead.",
)
def ignored_pixels_refused(prediction, target, num_classes, ignore_index=255):
    ref.confusion_matrix(prediction, target, num_classes, ignore_index)
    return ref.confusion_matrix(prediction, target, num_classes, num_classes + 300)


@misconception(
    "confusion_matrix",
    "You check all of prediction, also where target is ignored. Any number may stand there: take the ignored pixels "
    "out of prediction as well before you look at its range instead.",
)
def predictions_refused_everywhere(prediction, target, num_classes, ignore_index=255):
    ref.confusion_matrix(prediction, target, num_classes, ignore_index)
    if prediction.numel() and not (0 <= int(prediction.min()) <= int(prediction.max()) < num_classes):
        raise ValueError("prediction out of range")
    return ref.confusion_matrix(prediction, target, num_classes, ignore_index)


@misconception(
    "confusion_matrix",
    "You compare with 255 instead of ignore_index. Another number may stand for border pixels, also a negative one: "
    "use the argument instead.",
)
def ignores_255(prediction, target, num_classes, ignore_index=255):
    ref.confusion_matrix(prediction, target, num_classes, ignore_index)
    return ref.confusion_matrix(prediction, target, num_classes, 255)


@misconception(
    "confusion_matrix",
    "You also leave out the pixels whose prediction is ignore_index. What does not count is said by target alone: "
    "where it is a class, a prediction of ignore_index is a prediction like any other, or a wrong one, instead.",
)
def predictions_ignored_too(prediction, target, num_classes, ignore_index=255):
    if prediction.shape == target.shape:
        out = prediction == ignore_index
        prediction, target = prediction.masked_fill(out, 0), target.masked_fill(out, ignore_index)
    return ref.confusion_matrix(prediction, target, num_classes, ignore_index)


def _forgiving(prediction, target, num_classes, ignore_index, is_wrong):
    """Leaves out the pixels with a label that `is_wrong`, instead of refusing them."""
    if prediction.shape != target.shape:
        return ref.confusion_matrix(prediction, target, num_classes, ignore_index)
    index = num_classes + 300
    out = (target == ignore_index) | is_wrong(target) | is_wrong(prediction)
    return ref.confusion_matrix(prediction, target.masked_fill(out, index), num_classes, index)


@misconception(
    "confusion_matrix",
    "You leave out what is not in 0 … C-1, whatever it is. A label that is neither a class nor ignore_index is a "
    "mistake in the data, and it would go unnoticed: raise a ValueError instead.",
)
def left_out_silently(prediction, target, num_classes, ignore_index=255):
    def is_wrong(labels):
        return (labels < 0) | (labels >= num_classes)

    return _forgiving(prediction, target, num_classes, ignore_index, is_wrong)


@misconception(
    "confusion_matrix",
    "You check the true classes only. A prediction outside 0 … C-1 ends up in another row of the matrix: check "
    "prediction at the pixels that count as well instead.",
)
def prediction_unchecked(prediction, target, num_classes, ignore_index=255):
    return ref.confusion_matrix(prediction % num_classes, target, num_classes, ignore_index)


@misconception(
    "confusion_matrix",
    "You look for labels of num_classes and above only. A negative one counts from the end, or in the row before: "
    "check `< 0` as well instead.",
)
def negative_labels_pass(prediction, target, num_classes, ignore_index=255):
    low = (target < 0) & (target != ignore_index)
    return ref.confusion_matrix(
        prediction.where(prediction >= 0, prediction % num_classes),
        target.where(~low, target % num_classes),
        num_classes,
        ignore_index,
    )


@misconception(
    "confusion_matrix",
    "You allow labels up to num_classes itself. Classes are counted from 0, so the last one is num_classes - 1: "
    "compare with `>= num_classes` instead of `>`.",
)
def one_class_too_many(prediction, target, num_classes, ignore_index=255):
    return _forgiving(prediction, target, num_classes, ignore_index, lambda labels: labels == num_classes)


@misconception(
    "confusion_matrix",
    "You flatten both maps without comparing their shapes, so pixels of different places are counted as pairs. Compare "
    "the shapes first instead, and raise a ValueError.",
)
def flattened_unseen(prediction, target, num_classes, ignore_index=255):
    if prediction.numel() == target.numel():
        prediction = prediction.reshape(target.shape)
    return ref.confusion_matrix(prediction, target, num_classes, ignore_index)


@misconception(
    "confusion_matrix",
    "You count the first picture of the batch alone. Count the pixels of all pictures together instead.",
)
def first_picture_alone(prediction, target, num_classes, ignore_index=255):
    _labels(prediction, target, num_classes, ignore_index)
    return ref.confusion_matrix(prediction[:1], target[:1], num_classes, ignore_index)


@misconception(
    "confusion_matrix",
    "You write another label over the ignored pixels of target itself, which the caller still needs. Work with "
    "`target[mask]`, which is a copy, instead.",
)
def labels_overwritten(prediction, target, num_classes, ignore_index=255):
    counts = ref.confusion_matrix(prediction, target, num_classes, ignore_index)
    target[target == ignore_index] = 0
    return counts


# pixel_accuracy


def _rows(confusion):
    return confusion.diagonal().double(), confusion.sum(dim=1)


@misconception(
    "pixel_accuracy",
    "You took the mean of the classes' accuracies, where a rare class weighs as much as a common one. Divide all right "
    "pixels by all pixels instead.",
)
def mean_of_class_accuracies(confusion):
    right, all_of = _rows(confusion)
    return (right[all_of > 0] / all_of[all_of > 0]).mean().item()


@misconception(
    "pixel_accuracy",
    "You return 0 where nothing was counted. That would say that all was wrong: return NaN, `float('nan')`, instead.",
)
def zero_for_nothing(confusion):
    return ref.pixel_accuracy(confusion) if confusion.sum() else 0.0


@misconception(
    "pixel_accuracy",
    "You divide by 0 where nothing was counted, and Python raises ZeroDivisionError. Return NaN, `float('nan')`, there "
    "instead.",
)
def stops_at_nothing(confusion):
    return int(confusion.diagonal().sum()) / int(confusion.sum())


@misconception(
    "pixel_accuracy",
    "You return per cent. Accuracy is a part of 1 here: leave out the factor 100 instead.",
)
def per_cent(confusion):
    return 100 * ref.pixel_accuracy(confusion)


@misconception(
    "pixel_accuracy",
    "You return a tensor. The result is a plain number: end with `.item()` instead.",
)
def accuracy_as_a_tensor(confusion):
    return confusion.diagonal().sum() / confusion.sum()


@misconception(
    "pixel_accuracy",
    "You divide with `//`, which rounds down to a whole number, 0 almost always. Use `/` instead.",
)
def rounded_to_whole(confusion):
    value = ref.pixel_accuracy(confusion)
    return value if value != value else float(int(value))


@misconception(
    "pixel_accuracy",
    "You left the first class out, as if it were a background that does not count. What does not count was taken out "
    "by ignore_index: use the whole matrix instead.",
)
def without_the_first_class(confusion):
    return ref.pixel_accuracy(confusion[1:, 1:])


@misconception(
    "pixel_accuracy",
    "You convert the counts to 32-bit integers, which go no further than 2,147,483,647; more pixels than that turn "
    "negative. Leave them int64, or use float64, instead.",
)
def counts_in_32_bits(confusion):
    counts = confusion.int()
    return (counts.diagonal().sum(dtype=torch.int32).double() / counts.sum(dtype=torch.int32)).item()


# mean_iou


def _iou(confusion, union):
    hits = confusion.diagonal().double()
    occurs = (confusion.sum(dim=0) + confusion.sum(dim=1)) > 0
    return hits[occurs] / union[occurs]


def _union(confusion):
    return (confusion.sum(dim=0) + confusion.sum(dim=1) - confusion.diagonal()).double()


@misconception(
    "mean_iou",
    "You count classes that occur nowhere as 0 in the mean, so a picture without a horse costs you points for horses. "
    "Take the mean over the classes whose union is not empty instead.",
)
def absent_as_zero(confusion):
    value = ref.mean_iou(confusion)
    return value if value != value else (confusion.diagonal() / _union(confusion).clamp(min=1)).mean().item()


@misconception(
    "mean_iou",
    "You count classes that occur nowhere as 1 in the mean, which flatters the result. Take the mean over the classes "
    "whose union is not empty instead.",
)
def absent_as_one(confusion):
    value, union = ref.mean_iou(confusion), _union(confusion)
    iou = torch.where(union > 0, confusion.diagonal() / union.clamp(min=1), 1.0)
    return value if value != value else iou.mean().item()


@misconception(
    "mean_iou",
    "You divide 0 by 0 for classes that occur nowhere, and the NaN spoils the mean. Take the mean over the classes "
    "whose union is not empty instead (`nanmean` does it too).",
)
def absent_as_nan(confusion):
    return (confusion.diagonal() / _union(confusion)).mean().item()


@misconception(
    "mean_iou",
    "You add row and column and forget that the diagonal element is in both. The union counts it once: subtract it "
    "instead.",
)
def diagonal_counted_twice(confusion):
    ref._check_square(confusion)
    return _iou(confusion, (confusion.sum(dim=0) + confusion.sum(dim=1)).double()).mean().item()


@misconception(
    "mean_iou",
    "You divide twice the intersection by row plus column: that is the Dice score, or F1. IoU is the intersection over "
    "row plus column minus intersection instead.",
)
def dice_score(confusion):
    return 2 * diagonal_counted_twice(confusion)


@misconception(
    "mean_iou",
    "You divide by the pixels that truly are of the class alone (that is recall). The union has those too that were "
    "wrongly said to be: row plus column minus the diagonal element instead.",
)
def recall(confusion):
    rows = confusion.sum(dim=1).double()
    return _iou(confusion, torch.where(_union(confusion) > 0, rows.clamp(min=1), 0.0)).mean().item()


@misconception(
    "mean_iou",
    "You divide by the pixels that were predicted as the class alone (that is precision). The union has those too that "
    "were missed: row plus column minus the diagonal element instead.",
)
def precision(confusion):
    columns = confusion.sum(dim=0).double()
    return _iou(confusion, torch.where(_union(confusion) > 0, columns.clamp(min=1), 0.0)).mean().item()


@misconception(
    "mean_iou",
    "You take the mean over the classes that occur in truth. A class that was only predicted, and always wrongly, "
    "counts too, with 0: look at row and column, that is at the union, instead.",
)
def only_classes_of_the_truth(confusion):
    occurs = confusion.sum(dim=1) > 0
    return (confusion.diagonal()[occurs] / _union(confusion)[occurs]).mean().item()


@misconception(
    "mean_iou",
    "You take the mean over the classes that were predicted. A class that was never found counts too, with 0: look at "
    "row and column, that is at the union, instead.",
)
def only_classes_of_the_prediction(confusion):
    occurs = confusion.sum(dim=0) > 0
    return (confusion.diagonal()[occurs] / _union(confusion)[occurs]).mean().item()


@misconception(
    "mean_iou",
    "You divided the sum of all intersections by the sum of all unions. The mean IoU is the mean of the classes' own "
    "quotients instead, so that a small class weighs as much as a large one.",
)
def sums_divided(confusion):
    return (confusion.diagonal().sum() / _union(confusion).sum()).item()


@misconception(
    "mean_iou",
    "You weighted the classes by how often they occur. In the mean IoU every class that occurs weighs the same: use "
    "the plain mean instead.",
)
def weighted_by_frequency(confusion):
    rows = confusion.sum(dim=1).double()
    union = _union(confusion)
    return ((confusion.diagonal() / union.clamp(min=1) * rows).sum() / rows.sum()).item()


@misconception(
    "mean_iou",
    "You left the first class out, as if it were a background that does not count. What does not count was taken out "
    "by ignore_index: use all classes instead.",
)
def first_class_left_out(confusion):
    value = _iou(confusion, _union(confusion))
    occurs = _union(confusion) > 0
    return value[1 if bool(occurs[0]) else 0 :].mean().item()


@misconception(
    "mean_iou",
    "You return 0 where nothing was counted. That would say that all was wrong: return NaN, `float('nan')`, instead.",
)
def nothing_is_zero(confusion):
    return ref.mean_iou(confusion) if confusion.sum() else 0.0


@misconception(
    "mean_iou",
    "You return a tensor. The result is a plain number: end with `.item()` instead.",
)
def iou_as_a_tensor(confusion):
    return torch.tensor(ref.mean_iou(confusion))


@misconception(
    "mean_iou",
    "You work in the matrix that you were given (`confusion /= ...`, `fill_diagonal_`), and the caller's counts are "
    "gone. Make new tensors instead.",
)
def counts_spoiled(confusion):
    value = ref.mean_iou(confusion)
    confusion.fill_diagonal_(0)
    return value
