"""ex10 · Fully convolutional segmentation

Lecture: FCN · forward/inference, backward/learning.

A classifier says that there is a cat in the picture. Segmentation says which pixels are the cat: a class for every
pixel. A fully convolutional network gets there from a classifier in three steps, and you build them here.

1. A dense layer that looks at a feature map is a convolution whose kernel is as large as the map (`convolutionize`).
   As a convolution it takes pictures of any size, and gives a map of scores instead of one row of them.
2. That map is coarse, 32 times smaller than the picture. A transposed convolution makes it large again
   (`conv_transpose2d`); it starts as plain bilinear interpolation (`bilinear_kernel`) and learns from there.
3. Coarse scores know what there is and not where its border runs, earlier maps of the backbone do. So scores of the
   earlier maps are added on the way up (`FCN8sHead`); without them it is `FCN32sHead`.

    FCN32sHead      pool5 ── score_fr ──────────────────────────────────────────────────────── upscore ×32 ──▶ scores

    FCN8sHead       pool5 ── score_fr ── upscore2 ×2 ──┐
                                                       + ── upscore_pool4 ×2 ──┐
                    pool4 ── score_pool4 ──────────────┘                       + ── upscore8 ×8 ──▶ scores
                    pool3 ── score_pool3 ──────────────────────────────────────┘

Then you train it and measure it. `pixel_cross_entropy` is the loss. Border pixels, which nobody could label, carry the
label 255 (`ignore_index`) and count in nothing. `confusion_matrix` counts which class was taken for which, and
`pixel_accuracy` and `mean_iou` are read off it.

Pictures are N, C, H, W; maps of labels and of predicted classes are N, H, W, of int64. Where an argument may be an int
or a pair, a pair is (vertical, horizontal). The functions leave their arguments as they were, and those that compute
with floats keep dtype and device. Arguments that make no sense (shapes that do not match, a negative size, ...) raise a
`ValueError` whose message names the argument. Your tasks may use one another.

Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation" (CVPR 2015).
"""

import math

import torch
from torch import Tensor, nn


### BEGIN SOLUTION
def _pair(name: str, value: int | tuple[int, int], at_least: int) -> tuple[int, int]:
    vertical, horizontal = (value, value) if isinstance(value, int) else value
    if min(vertical, horizontal) < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value}")
    return vertical, horizontal


def _at_least_one(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}")


### END SOLUTION
def convolutionize(weight: Tensor, bias: Tensor, input_shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Turn a dense layer into a convolution that computes the same.

    weight: (O, C * H * W) and bias: (O,), those of an `nn.Linear` that gets a feature map (C, H, W), flattened as
    `torch.flatten` does it. input_shape: (C, H, W).

    Returns the filters (O, C, H, W) and the bias (O,): a convolution with them gives a map of 1×1 where the dense layer
    gave one row of numbers, and a larger map on a larger picture. ValueError where weight does not fit input_shape.

    Source: Long et al. 2015, section 3.1, figure 2.

    >>> filters, bias = convolutionize(torch.arange(1., 9.).reshape(1, 8), torch.tensor([5.]), (2, 1, 4))
    >>> filters
    tensor([[[[1., 2., 3., 4.]],
    <BLANKLINE>
             [[5., 6., 7., 8.]]]])
    >>> bias
    tensor([5.])
    """
    ### HINT: One row of weight has a number for every element of the feature map. How many filters is that, how deep
    ###   and how large?
    ### HINT: Flattening goes through the channels first, then through the rows, then along each row. Putting the
    ###   numbers back in the same order is a `reshape`, with no transposing and no flipping: what deep learning calls
    ###   convolution does not turn its kernels.
    ### BEGIN SOLUTION
    if min(input_shape) < 1:
        raise ValueError(f"input_shape must be at least 1 on every axis, got {tuple(input_shape)}")
    if weight.dim() != 2 or weight.shape[1] != math.prod(input_shape):
        raise ValueError(
            f"weight must be (O, {math.prod(input_shape)}) for input_shape {tuple(input_shape)}, "
            f"got {tuple(weight.shape)}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias must be ({weight.shape[0]},), one for each row of weight, got {tuple(bias.shape)}")
    return weight.reshape(-1, *input_shape), bias
    ### END SOLUTION


def conv_transpose2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    output_padding: int | tuple[int, int] = 0,
) -> Tensor:
    """The transposed convolution: every pixel stamps the kernel onto the result, and stamps that overlap add up.

    x: (N, in, H, W), also with N = 0. weight: (in, out, kH, kW): note that `in` comes first. bias: (out,) or None.

        stride           from one pixel to the next, the stamp moves by so many rows (columns) of the result
        padding          so many rows (columns) are cut off *the result*, on all four sides
        output_padding   so many rows at the bottom (columns at the right) are cut off less: they are a part of the
                         result like any other. Must be smaller than stride

    Returns (N, out, oH, oW) with oH = (H - 1) * stride - 2 * padding + kH + output_padding, and oW likewise. The bias
    is added everywhere. Autograd can differentiate it.

    ValueError: a channel does not match, an argument is out of range, or nothing is left of the result.

    Transposed convolutions of torch and the backward operations of its convolutions are forbidden, and so is autograd
    inside of the function.

    Source: Long et al. 2015, section 3.3; torch.nn.ConvTranspose2d.

    >>> x = torch.tensor([[[[1., 2.]]]])
    >>> kernel = torch.tensor([[[[1., 10., 100.]]]])
    >>> conv_transpose2d(x, kernel).round()
    tensor([[[[  1.,  12., 120., 200.]]]])
    >>> conv_transpose2d(x, kernel, stride=2).round()
    tensor([[[[  1.,  10., 102.,  20., 200.]]]])
    >>> conv_transpose2d(x, kernel, stride=(1, 2), padding=(0, 1)).round()
    tensor([[[[ 10., 102.,  20.]]]])
    """
    ### HINT: Forget the name. Take a sheet of zeros, large enough for all stamps. Pixel (i, j) adds `x[i, j] * kernel`
    ###   to the rows from i * stride on and the columns from j * stride on. With padding 0, that is all of it.
    ### HINT: Two loops over the *kernel* are enough: kernel element (a, b) of all stamps together lands at the rows a,
    ###   a + stride, a + 2 * stride, ... of the sheet, one for each row of x. `sheet[:, :, a : a + s * (H - 1) + 1 : s,
    ###   ...] += ...` writes them all, and the channels are mixed by `torch.einsum("nihw,io->nohw", x, weight[..., a,
    ###   b])`.
    ### HINT: A sheet of (H - 1) * stride + kH + output_padding rows has room for everything. The result is the sheet
    ###   without `padding` rows at either end: what output_padding adds may then well have values in it.
    ### HINT: `sheet[p:-p]` is empty for p = 0; `sheet[p : rows - p]` is right for every p. The bias comes last: one for
    ###   each output channel, `bias[:, None, None]`.
    ### BEGIN SOLUTION
    stride = _pair("stride", stride, 1)
    padding = _pair("padding", padding, 0)
    output_padding = _pair("output_padding", output_padding, 0)
    if any(extra >= step for extra, step in zip(output_padding, stride, strict=True)):
        raise ValueError(f"output_padding {output_padding} must be smaller than stride {stride}")
    if x.dim() != 4 or weight.dim() != 4 or x.shape[1] != weight.shape[0]:
        raise ValueError(
            f"x (N, in, H, W) and weight (in, out, kH, kW) must have as many input channels, "
            f"got shapes {tuple(x.shape)} and {tuple(weight.shape)}"
        )
    if bias is not None and bias.shape != weight.shape[1:2]:
        raise ValueError(f"bias must be ({weight.shape[1]},), one for each output channel, got {tuple(bias.shape)}")
    size, kernel_size = x.shape[2:], weight.shape[2:]
    rows, columns = (
        (n - 1) * s + k + extra for n, s, k, extra in zip(size, stride, kernel_size, output_padding, strict=True)
    )
    if rows <= 2 * padding[0] or columns <= 2 * padding[1]:
        raise ValueError(f"padding {padding} leaves nothing of a result of {rows} rows and {columns} columns")
    sheet = x.new_zeros(x.shape[0], weight.shape[1], rows, columns)
    for a in range(kernel_size[0]):
        for b in range(kernel_size[1]):
            down = slice(a, a + stride[0] * (size[0] - 1) + 1, stride[0])
            right = slice(b, b + stride[1] * (size[1] - 1) + 1, stride[1])
            sheet[:, :, down, right] += torch.einsum("nihw,io->nohw", x, weight[:, :, a, b])
    result = sheet[:, :, padding[0] : rows - padding[0], padding[1] : columns - padding[1]]
    return result if bias is None else result + bias[:, None, None]
    ### END SOLUTION


def bilinear_kernel(channels: int, kernel_size: int) -> Tensor:
    """The weight with which a transposed convolution is a bilinear interpolation.

    Returns (channels, channels, kernel_size, kernel_size) of float32. Every channel makes itself larger and has no
    part in the others: where the first two indices are the same stands the tent, everywhere else are zeros. Along one
    axis the tent is `1 - abs(i - c) / f` for i = 0, 1, ..., with f = (kernel_size + 1) // 2 and its top at
    c = (kernel_size - 1) / 2; the kernel is the product of one tent down and one across.

    channels and kernel_size are at least 1, else ValueError.

    Source: Long et al. 2015, section 3.3, and the authors' `upsample_filt`.

    >>> (bilinear_kernel(1, 4)[0, 0] * 16).round()
    tensor([[1., 3., 3., 1.],
            [3., 9., 9., 3.],
            [3., 9., 9., 3.],
            [1., 3., 3., 1.]])
    >>> bilinear_kernel(2, 3)[:, :, 1, 1]
    tensor([[1., 0.],
            [0., 1.]])
    """
    ### HINT: Write down the tent for kernel_size 3 and for kernel_size 4, on paper. Where is its top? An even size has
    ###   none of its elements there.
    ### HINT: `torch.arange(kernel_size)` gives all i at once. The outer product of a row t with itself is
    ###   `t[:, None] * t[None, :]`, or `torch.outer(t, t)`.
    ### HINT: Start from `torch.zeros(channels, channels, kernel_size, kernel_size)` and write the kernel where both
    ###   channels are the same: with `c = torch.arange(channels)`, that is `weight[c, c] = kernel`. `weight[:, :] =
    ###   kernel` would add up all channels in every output.
    ### BEGIN SOLUTION
    _at_least_one(channels=channels, kernel_size=kernel_size)
    factor, top = (kernel_size + 1) // 2, (kernel_size - 1) / 2
    tent = 1 - (torch.arange(kernel_size, dtype=torch.float32) - top).abs() / factor
    return torch.eye(channels, dtype=torch.float32)[:, :, None, None] * torch.outer(tent, tent)
    ### END SOLUTION


### BEGIN SOLUTION
def _upscore(classes: int, factor: int) -> nn.ConvTranspose2d:
    """Makes maps of scores `factor` (even) times as large: bilinear at first, then whatever is learned."""
    layer = nn.ConvTranspose2d(classes, classes, 2 * factor, stride=factor, padding=factor // 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(bilinear_kernel(classes, 2 * factor))
    return layer


### END SOLUTION
class FCN32sHead(nn.Module):
    """The coarsest way back to the size of the picture: scores of pool5, made 32 times as large in one step.

    in_channels: those of pool5; num_classes: channels of the result. Both at least 1, else ValueError.

        name        layer                                                           initial values
        score_fr    1×1 convolution, in_channels → num_classes, with bias           yours to choose
        upscore     transposed convolution, num_classes → num_classes,              bilinear_kernel
                    kernel 64, stride 32, padding 16, no bias

    forward: pool5 (N, in_channels, h, w) → (N, num_classes, 32 * h, 32 * w). These are scores: no ReLU, no softmax.

    `nn.ConvTranspose2d` and all the rest of torch may be used here, and in FCN8sHead too.

    Source: Long et al. 2015, section 4.2; the layers are called as in the authors' models.

    >>> head = FCN32sHead(6, 3)
    >>> head(torch.zeros(1, 6, 2, 1)).shape
    torch.Size([1, 3, 64, 32])
    >>> sorted(head.state_dict())
    ['score_fr.bias', 'score_fr.weight', 'upscore.weight']
    >>> head.state_dict()["upscore.weight"].shape
    torch.Size([3, 3, 64, 64])
    """

    ### HINT: Two layers, one after the other: `nn.Conv2d` and `nn.ConvTranspose2d`. The attribute's name is the name in
    ###   the state_dict. Only one of the two has a bias.
    ### HINT: A layer's weight is set with `layer.weight.copy_(...)` inside `with torch.no_grad():`, which leaves it a
    ###   parameter that learns. It has the shape that your bilinear_kernel gives.

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        _at_least_one(in_channels=in_channels, num_classes=num_classes)
        self.score_fr = nn.Conv2d(in_channels, num_classes, 1)
        self.upscore = _upscore(num_classes, 32)
        ### END SOLUTION

    def forward(self, pool5: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return self.upscore(self.score_fr(pool5))
        ### END SOLUTION


class FCN8sHead(nn.Module):
    """The way back in three steps, with the finer maps of pool4 and pool3 taken in on the way.

    The first three arguments are the channels of the three maps, num_classes those of the result. All at least 1, else
    ValueError.

        name             layer                                       input
        score_fr         1×1 convolution, with bias                  pool5
        upscore2         transposed, kernel 4, stride 2, padding 1   the result of score_fr
        score_pool4      1×1 convolution, with bias                  pool4
        upscore_pool4    transposed, kernel 4, stride 2, padding 1   the results of upscore2 and score_pool4, added
        score_pool3      1×1 convolution, with bias                  pool3
        upscore8         transposed, kernel 16, stride 8, padding 4  the results of upscore_pool4 and score_pool3, added

    Every 1×1 convolution gives num_classes channels; every transposed one takes and gives as many, has no bias
    and starts as bilinear_kernel. Initial values of the 1×1 convolutions are yours to choose.

    forward: pool3 (N, pool3_channels, 4h, 4w), pool4 (N, pool4_channels, 2h, 2w), pool5 (N, pool5_channels, h, w)
    → (N, num_classes, 32h, 32w), 8 times as large as pool3. Where pool4 is not half or pool5 not a quarter of pool3's
    height and width, ValueError. These are scores: no ReLU, no softmax.

    Source: Long et al. 2015, section 4.2, figure 3.

    >>> head = FCN8sHead(2, 3, 4, 5)
    >>> head(torch.zeros(1, 2, 4, 8), torch.zeros(1, 3, 2, 4), torch.zeros(1, 4, 1, 2)).shape
    torch.Size([1, 5, 32, 64])
    >>> sorted(name for name in head.state_dict() if name.startswith("up"))
    ['upscore2.weight', 'upscore8.weight', 'upscore_pool4.weight']
    """

    ### HINT: Follow the picture at the top of the file from left to right: six layers and two sums. How large is the
    ###   map at each of them, if pool5 is 1×2?
    ### HINT: upscore2 and upscore_pool4 have the same shape and start with the same values, but they are two layers:
    ###   each learns weights of its own.
    ### HINT: Two maps are added after the coarser one was made larger, never before: then both have the same size.
    ###   Adding maps of unequal sizes need not fail: 1×1 is stretched to anything without a word. So compare the sizes
    ###   first.

    def __init__(self, pool3_channels: int, pool4_channels: int, pool5_channels: int, num_classes: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        _at_least_one(pool3_channels=pool3_channels, pool4_channels=pool4_channels, pool5_channels=pool5_channels)
        _at_least_one(num_classes=num_classes)
        self.score_fr = nn.Conv2d(pool5_channels, num_classes, 1)
        self.score_pool4 = nn.Conv2d(pool4_channels, num_classes, 1)
        self.score_pool3 = nn.Conv2d(pool3_channels, num_classes, 1)
        self.upscore2 = _upscore(num_classes, 2)
        self.upscore_pool4 = _upscore(num_classes, 2)
        self.upscore8 = _upscore(num_classes, 8)
        ### END SOLUTION

    def forward(self, pool3: Tensor, pool4: Tensor, pool5: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        size = tuple(pool3.shape[2:])
        for name, pool, factor in (("pool4", pool4, 2), ("pool5", pool5, 4)):
            if tuple(factor * n for n in pool.shape[2:]) != size:
                raise ValueError(f"{name} must be pool3's size {size} divided by {factor}, got {tuple(pool.shape[2:])}")
        fused4 = self.upscore2(self.score_fr(pool5)) + self.score_pool4(pool4)
        fused3 = self.upscore_pool4(fused4) + self.score_pool3(pool3)
        return self.upscore8(fused3)
        ### END SOLUTION


def pixel_cross_entropy(logits: Tensor, target: Tensor, ignore_index: int = 255) -> Tensor:
    """The mean cross entropy over all pixels that count.

    logits: (N, C, H, W), a score for each class, before any softmax. target: (N, H, W), the true class of every pixel,
    int64; pixels whose target is ignore_index do not count. ignore_index may be any int, also a negative one or that of
    a class. The classes of the others are 0 ... C - 1.

    The loss of one pixel is -log(softmax(logits)[true class]); logits of 1000 or -1000 are no reason for an infinite or
    NaN result. Returns a tensor without axes, shape (). Whatever stands in the logits at ignored pixels, even NaN,
    changes neither the result nor the gradient, which is 0 there. Where no pixel counts, the result is 0, and its
    gradient is 0 for all of logits.

    The shapes of logits and target must match, else ValueError. torch's negative log-likelihood and cross entropy are
    forbidden.

    >>> logits = torch.tensor([[[[0., 9.]], [[0., 9.]]]])
    >>> (pixel_cross_entropy(logits, torch.tensor([[[1, 255]]])) * 1000).round()
    tensor(693.)
    >>> pixel_cross_entropy(logits, torch.tensor([[[255, 255]]])) == 0
    tensor(True)
    """
    ### HINT: One pixel first: -log softmax is `logsumexp of all scores - score of the true class`.
    ###   `log_softmax(dim=...)` gives it for all classes and pixels; which axis holds the classes?
    ### HINT: `gather` picks the true class of every pixel: `scores.gather(1, target.unsqueeze(1))`. 255 is no class, so
    ###   put a valid one, for instance 0, at the ignored pixels first. Leave target itself as it is.
    ### HINT: 0 * NaN is NaN, so multiplying with a mask does not help against NaN. `torch.where(counted, value, 0)`
    ###   does, and in the gradient too if you apply it to the logits, before anything is computed.
    ### HINT: Divide the sum by the number of pixels that count, and by at least 1 (`clamp(min=1)`): then nothing is
    ###   divided by 0, and the result still hangs on logits, so that `.backward()` works.
    ### BEGIN SOLUTION
    if logits.dim() != 4 or target.shape != (logits.shape[0], *logits.shape[2:]):
        raise ValueError(
            f"logits (N, C, H, W) and target (N, H, W) must match, "
            f"got shapes {tuple(logits.shape)} and {tuple(target.shape)}"
        )
    counted = target != ignore_index
    scores = torch.where(counted.unsqueeze(1), logits, 0.0).log_softmax(dim=1)
    classes = torch.where(counted, target, 0)
    losses = -scores.gather(1, classes.unsqueeze(1)).squeeze(1)
    return torch.where(counted, losses, 0.0).sum() / counted.sum().clamp(min=1)
    ### END SOLUTION


def confusion_matrix(prediction: Tensor, target: Tensor, num_classes: int, ignore_index: int = 255) -> Tensor:
    """Count which class was taken for which.

    prediction, target: (N, H, W) of int64, the predicted and the true class of every pixel. Pixels whose target is
    ignore_index do not count, and any number may stand there in prediction. ignore_index may be any int, also a
    negative one or that of a class.

    Returns (num_classes, num_classes) of int64: row t, column p has the number of pixels of the true class t that were
    predicted as p. ValueError: the shapes do not match, or at a pixel that counts one of the two is not in
    0 ... num_classes - 1.

    >>> target = torch.tensor([[[0, 0, 0], [1, 1, 255]]])
    >>> prediction = torch.tensor([[[0, 1, 1], [1, 2, 7]]])
    >>> confusion_matrix(prediction, target, 3)
    tensor([[1, 2, 0],
            [0, 1, 1],
            [0, 0, 0]])
    """
    ### HINT: First keep the pixels that count: `mask = target != ignore_index`, then `prediction[mask]` and
    ###   `target[mask]`. Look at the range of the labels only after that.
    ### HINT: There are C * C kinds of pixels, one for each pair. `true * C + predicted` numbers them through: what does
    ###   that say of row and column?
    ### HINT: `torch.bincount(numbers, minlength=C * C)` counts them, `reshape(C, C)` makes a matrix of it. It refuses
    ###   negative numbers, but a label of -1 or C can end up in the wrong row without being noticed.
    ### BEGIN SOLUTION
    _at_least_one(num_classes=num_classes)
    if prediction.shape != target.shape:
        raise ValueError(
            f"prediction and target must have the same shape, got {tuple(prediction.shape)} and {tuple(target.shape)}"
        )
    counted = target != ignore_index
    predicted, true = prediction[counted].long(), target[counted].long()
    for name, labels in (("prediction", predicted), ("target", true)):
        if bool(((labels < 0) | (labels >= num_classes)).any()):
            raise ValueError(f"{name} must be in 0 ... {num_classes - 1} wherever target is not {ignore_index}")
    return torch.bincount(true * num_classes + predicted, minlength=num_classes**2).reshape(num_classes, num_classes)
    ### END SOLUTION


### BEGIN SOLUTION
def _check_square(confusion: Tensor) -> None:
    if confusion.dim() != 2 or confusion.shape[0] != confusion.shape[1]:
        raise ValueError(f"confusion must be a square matrix, got shape {tuple(confusion.shape)}")


### END SOLUTION
def pixel_accuracy(confusion: Tensor) -> float:
    """The part of all counted pixels that were predicted right.

    confusion: (C, C) as from confusion_matrix, counts of int64. Returns a float from 0 to 1, or NaN where nothing was
    counted.

    >>> pixel_accuracy(torch.tensor([[1, 2, 0], [0, 4, 1], [0, 0, 0]]))
    0.625
    """
    ### HINT: Where in the matrix are the pixels whose predicted class is the true one?
    ### HINT: `confusion.diagonal().sum()` over `confusion.sum()`. Python refuses to divide by 0, tensors of floats give
    ###   NaN for 0 / 0; `.item()` makes a float of a tensor.
    ### BEGIN SOLUTION
    _check_square(confusion)
    return (confusion.diagonal().sum().double() / confusion.sum()).item()
    ### END SOLUTION


def mean_iou(confusion: Tensor) -> float:
    """The mean, over the classes, of intersection over union.

    confusion: (C, C) as from confusion_matrix, counts of int64. The IoU of a class is the number of pixels that are
    both truly and by prediction of this class, over the number of those that are one or the other or both. The mean
    goes over the classes that occur, in truth or in prediction or both. Returns a float from 0 to 1, or NaN where
    nothing was counted.

    Source: Long et al. 2015, section 5; Everingham et al., the PASCAL VOC challenge.

    >>> mean_iou(torch.tensor([[1, 1, 0], [0, 3, 0], [0, 0, 0]]))
    0.625
    """
    ### HINT: For one class: its row has all pixels that truly are of it, its column all that were said to be. In which
    ###   element do both meet, and how often is it counted if you add row and column?
    ### HINT: `union = confusion.sum(dim=0) + confusion.sum(dim=1) - confusion.diagonal()`. What is it for a class that
    ###   occurs nowhere? Leave those out of the mean; do not count them as 0.
    ### BEGIN SOLUTION
    _check_square(confusion)
    hits = confusion.diagonal().double()
    union = confusion.sum(dim=0) + confusion.sum(dim=1) - hits
    occurs = union > 0
    return (hits[occurs] / union[occurs]).mean().item()
    ### END SOLUTION
