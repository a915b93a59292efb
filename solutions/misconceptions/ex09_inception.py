"""What learners get wrong in ex09. Each variant is one mistake; elsewhere, and for bad arguments, it does what the
reference does."""

import warnings

import torch
import torch.nn.functional as F
from torch import nn

from grader.checker.misconceptions import misconception, reference

ref = reference("ex09_inception")


def _bare(in_channels, out_channels, kernel_size, **settings):
    """A convolution that keeps height and width, without its ReLU."""
    return nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, **settings)


def _unpadded(sequential):
    for part in sequential:
        if isinstance(part, nn.Conv2d):
            part.padding = (0, 0)


class _ZeroPaddedPool(nn.Module):
    def forward(self, x):
        return F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, stride=1)


# NaiveInception


def _naive_results(block, x):
    """The four results in their order, once the reference has nothing against the input."""
    ref._check_input(x, block.in_channels)
    return [block.branch1(x), block.branch2(x), block.branch3(x), block.branch4(x)]


@misconception(
    "NaiveInception",
    "You left the stride of the pooling at its default, which is the kernel size: it moves by 3 and shrinks the "
    "picture. Write `nn.MaxPool2d(3, stride=1, padding=1)` instead.",
)
class PoolMovesByThree(ref.NaiveInception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.branch4 = nn.MaxPool2d(3, padding=1)


@misconception(
    "NaiveInception",
    "A branch of yours makes the picture smaller, so the four results no longer lie on top of each other. Keep height "
    "and width in each instead: padding 1 for the 3×3 convolution and the pooling, padding 2 for the 5×5 one.",
)
class NoPadding(ref.NaiveInception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _unpadded(self.branch2)
        _unpadded(self.branch3)


@misconception(
    "NaiveInception",
    "You put the four results behind each other along the first axis, which are the images of the batch (it is what "
    "`torch.cat` does without `dim`). Use `dim=1`, the channels, instead.",
)
class ResultsAsImages(ref.NaiveInception):
    def forward(self, x):
        return torch.cat(_naive_results(self, x))


@misconception(
    "NaiveInception",
    "You put the pooled input first. The results lie in the order of their names: 1×1, 3×3, 5×5, and the pooling last. "
    "Change the order in `torch.cat` instead of that of the next layer's weights.",
)
class PoolFirst(ref.NaiveInception):
    def forward(self, x):
        *convolved, pooled = _naive_results(self, x)
        return torch.cat([pooled, *convolved], dim=1)


@misconception(
    "NaiveInception",
    "You put a ReLU on the pooled input too, so its negative maxima became 0. In this module only the convolutions "
    "have a ReLU: hand on what the pooling gives as it is instead.",
)
class ReluOnThePool(ref.NaiveInception):
    def forward(self, x):
        *convolved, pooled = _naive_results(self, x)
        return torch.cat([*convolved, pooled.relu()], dim=1)


@misconception(
    "NaiveInception",
    "You padded with zeros before the pooling. At the border, a zero is larger than any negative value and wins. "
    "Let `nn.MaxPool2d(3, stride=1, padding=1)` pad by itself instead: its padding counts as -inf.",
)
class ZerosAroundThePool(ref.NaiveInception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.branch4 = _ZeroPaddedPool()


@misconception(
    "NaiveInception",
    "You took the mean of the 3×3 neighbours in branch4. That branch takes their largest: use `nn.MaxPool2d` instead.",
)
class MeanPool(ref.NaiveInception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.branch4 = nn.AvgPool2d(3, stride=1, padding=1)


@misconception(
    "NaiveInception",
    "You left out the ReLU behind the convolutions, so negative values come through. Make each of branch1, branch2 and "
    "branch3 an `nn.Sequential(conv, nn.ReLU())` instead.",
)
class NoRelu(ref.NaiveInception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for branch in (self.branch1, self.branch2, self.branch3):
            branch[1] = nn.Identity()


@misconception(
    "NaiveInception",
    "You built the 5×5 branch with a 3×3 kernel. Give its convolution `kernel_size=5, padding=2` instead.",
)
class FiveByFiveIsThree(ref.NaiveInception):
    def __init__(self, in_channels, ch1x1, ch3x3, ch5x5):
        super().__init__(in_channels, ch1x1, ch3x3, ch5x5)
        self.branch3 = nn.Sequential(*ref._conv(in_channels, ch5x5, 3))


@misconception(
    "NaiveInception",
    "You chained the branches: each works on what the one before it gave. They stand side by side: give every branch "
    "the input x, with its in_channels, instead.",
)
class BranchesChained(ref.NaiveInception):
    def __init__(self, in_channels, ch1x1, ch3x3, ch5x5):
        super().__init__(in_channels, ch1x1, ch3x3, ch5x5)
        self.branch2 = nn.Sequential(*ref._conv(ch1x1, ch3x3, 3))
        self.branch3 = nn.Sequential(*ref._conv(ch3x3, ch5x5, 5))

    def forward(self, x):
        ref._check_input(x, self.in_channels)
        one = self.branch1(x)
        three = self.branch2(one)
        return torch.cat([one, three, self.branch3(three), self.branch4(x)], dim=1)


@misconception(
    "NaiveInception",
    "You pooled under `torch.no_grad()` (or detached the result), so the input gets no gradient through branch4. The "
    "pooling has no weights, but the layers before it have: let autograd see it instead.",
)
class PoolCutOff(ref.NaiveInception):
    def forward(self, x):
        *convolved, pooled = _naive_results(self, x)
        return torch.cat([*convolved, pooled.detach()], dim=1)


@misconception(
    "NaiveInception",
    "You computed a convolution with `.data` (or under `torch.no_grad()`), so its weights get no gradient and never "
    "learn. Call the layers as they are instead.",
)
class ConvolutionsCutOff(ref.NaiveInception):
    def forward(self, x):
        *convolved, pooled = _naive_results(self, x)
        return torch.cat([*(result.detach() for result in convolved), pooled], dim=1)


@misconception(
    "NaiveInception",
    "You switched the bias off. Every convolution of the module has one: leave out `bias=False` instead.",
)
class NoBias(ref.NaiveInception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for branch in (self.branch1, self.branch2, self.branch3):
            branch[0].bias = None


@misconception(
    "NaiveInception",
    "You take any number of channels, also 0 or a negative one. Compare each with 1 in `__init__` instead, and raise a "
    "ValueError that names the argument.",
)
class AnyNumberOfChannels(ref.NaiveInception):
    def __init__(self, in_channels, ch1x1, ch3x3, ch5x5):
        nn.Module.__init__(self)
        self.in_channels = in_channels
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "Initializing zero-element tensors is a no-op"
            self.branch1 = nn.Sequential(*ref._conv(in_channels, ch1x1, 1))
            self.branch2 = nn.Sequential(*ref._conv(in_channels, ch3x3, 3))
            self.branch3 = nn.Sequential(*ref._conv(in_channels, ch5x5, 5))
        self.branch4 = ref._pool()


# Inception


def _results(block, x):
    ref._check_input(x, block.in_channels)
    return [block.branch1(x), block.branch2(x), block.branch3(x), block.branch4(x)]


@misconception(
    "Inception",
    "You left out the 1×1 reductions: your 3×3 and 5×5 convolutions work on all channels of the input. Put a 1×1 "
    "convolution to ch3x3red or ch5x5red channels and a ReLU before each of them instead.",
)
class NoReduction(ref.Inception):
    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        super().__init__(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)
        self.branch2 = nn.Sequential(*ref._conv(in_channels, ch3x3, 3))
        self.branch3 = nn.Sequential(*ref._conv(in_channels, ch5x5, 5))


@misconception(
    "Inception",
    "You put the 1×1 convolutions of branch2 and branch3 after the large ones, where they save nothing. Reduce first, "
    "1×1 to ch3x3red, then convolve 3×3 from there to ch3x3, and the same with 5×5.",
)
class ReductionAfterwards(ref.Inception):
    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        super().__init__(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)
        self.branch2 = nn.Sequential(*ref._conv(in_channels, ch3x3red, 3), *ref._conv(ch3x3red, ch3x3, 1))
        self.branch3 = nn.Sequential(*ref._conv(in_channels, ch5x5red, 5), *ref._conv(ch5x5red, ch5x5, 1))


@misconception(
    "Inception",
    "There is no ReLU behind your 1×1 reductions. Two convolutions in a row without one are together only a single "
    "convolution: put an `nn.ReLU()` behind every one of the six instead.",
)
class NoReluAfterReduction(ref.Inception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.branch2[1] = self.branch3[1] = nn.Identity()


@misconception(
    "Inception",
    "The projection of branch4 has no ReLU, so negative values come through. In this module every convolution has one, "
    "that behind the pooling too: add it at index 2 instead of ending with the convolution.",
)
class NoReluAfterProjection(ref.Inception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.branch4[2] = nn.Identity()


@misconception(
    "Inception",
    "You built the 5×5 branch with a 3×3 kernel. Give its second convolution `kernel_size=5, padding=2` instead.",
)
class FiveIsThree(ref.Inception):
    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        super().__init__(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)
        self.branch3 = nn.Sequential(*ref._conv(in_channels, ch5x5red, 1), *ref._conv(ch5x5red, ch5x5, 3))


@misconception(
    "Inception",
    "In branch4 you project first and pool afterwards. Turn it around instead: the pooling looks at the input, at "
    "index 0, and the 1×1 convolution at index 1 reduces what it gives.",
)
class ProjectionBeforePool(ref.Inception):
    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
        super().__init__(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)
        self.branch4 = nn.Sequential(_bare(in_channels, pool_proj, 1), ref._pool(), nn.ReLU())


@misconception(
    "Inception",
    "Your branch4 only pools and hands on all the input's channels, so the blocks grow deeper and deeper. Project the "
    "pooled input to pool_proj channels with a 1×1 convolution and a ReLU instead.",
)
class NoProjection(ref.Inception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.branch4 = ref._pool()


@misconception(
    "Inception",
    "You left the stride of the pooling at its default, which is the kernel size: it moves by 3 and shrinks the "
    "picture. Write `nn.MaxPool2d(3, stride=1, padding=1)` instead.",
)
class PoolStrideIsThree(ref.Inception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.branch4[0] = nn.MaxPool2d(3, padding=1)


@misconception(
    "Inception",
    "A branch of yours makes the picture smaller, so the four results no longer lie on top of each other. Keep height "
    "and width in each instead: padding 1 for 3×3, padding 2 for 5×5, stride 1 and padding 1 for the pooling.",
)
class PicturesShrink(ref.Inception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _unpadded(self.branch2)
        _unpadded(self.branch3)


@misconception(
    "Inception",
    "You padded with zeros before the pooling. At the border, a zero is larger than any negative value and wins. "
    "Let `nn.MaxPool2d(3, stride=1, padding=1)` pad by itself instead: its padding counts as -inf.",
)
class ZerosWinThePool(ref.Inception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.branch4[0] = _ZeroPaddedPool()


@misconception(
    "Inception",
    "You took the mean of the 3×3 neighbours in branch4. That branch takes their largest: use `nn.MaxPool2d` instead.",
)
class MeanOfNeighbours(ref.Inception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.branch4[0] = nn.AvgPool2d(3, stride=1, padding=1)


@misconception(
    "Inception",
    "You put the four results side by side along the last axis, which is the width. In PyTorch the channels are axis 1 "
    "of (N, C, H, W): use `torch.cat(..., dim=1)` instead.",
)
class ChannelsLast(ref.Inception):
    def forward(self, x):
        return torch.cat(_results(self, x), dim=-1)


@misconception(
    "Inception",
    "You put the four results behind each other along the first axis, which are the images of the batch (it is what "
    "`torch.cat` does without `dim`). Use `dim=1`, the channels, instead.",
)
class MoreImages(ref.Inception):
    def forward(self, x):
        return torch.cat(_results(self, x))


@misconception(
    "Inception",
    "You added the four results, as a residual block would. An Inception module keeps them apart: use "
    "`torch.cat([...], dim=1)` instead of the sum.",
)
class ResultsAdded(ref.Inception):
    def forward(self, x):
        return sum(_results(self, x))


@misconception(
    "Inception",
    "You put the 5×5 branch before the 3×3 one. The results lie in the order of their names: 1×1, 3×3, 5×5, and the "
    "pooling last. Change the order in `torch.cat` instead.",
)
class FiveBeforeThree(ref.Inception):
    def forward(self, x):
        one, three, five, pooled = _results(self, x)
        return torch.cat([one, five, three, pooled], dim=1)


@misconception(
    "Inception",
    "You ran the reductions under `torch.no_grad()` (or detached what they gave), so they never learn and nothing "
    "before them does through these branches. Call `self.branch2(x)` as it is instead.",
)
class ReductionsCutOff(ref.Inception):
    def forward(self, x):
        one, _, _, pooled = _results(self, x)
        three, five = (branch[2:](branch[:2](x).detach()) for branch in (self.branch2, self.branch3))
        return torch.cat([one, three, five, pooled], dim=1)


@misconception(
    "Inception",
    "You collected the results in a tensor of `torch.zeros(...)`, which is float32, also where the input is float64. "
    "Use `torch.cat`, which keeps the dtype, or `x.new_zeros(...)` instead.",
)
class CollectedInFloat32(ref.Inception):
    def forward(self, x):
        results = torch.cat(_results(self, x), dim=1)
        collected = torch.zeros(results.shape)
        collected[:] = results
        return collected


@misconception(
    "Inception",
    "You added batch normalisation, as newer versions of GoogLeNet do. This module is that of the first paper, with "
    "nothing but a convolution with its bias and a ReLU: leave it out instead.",
)
class BatchNormAdded(ref.Inception):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for number in (1, 2, 3, 4):
            parts = []
            for part in getattr(self, f"branch{number}"):
                parts.append(part)
                if isinstance(part, nn.Conv2d):
                    part.bias = None
                    parts.append(nn.BatchNorm2d(part.out_channels, eps=0.001))
            setattr(self, f"branch{number}", nn.Sequential(*parts))


@misconception(
    "Inception",
    "You leave a negative number of channels to PyTorch, which gives up with a RuntimeError that names nothing. "
    "Compare each number with 1 in `__init__` instead, and raise a ValueError that names the argument.",
)
class NothingCompared(ref.Inception):
    def __init__(self, *args):
        if min(args) < 0:
            raise RuntimeError("Trying to create tensor with negative dimension")
        super().__init__(*args)


# inception_output_channels


@misconception(
    "inception_output_channels",
    "You forgot the pooling branch. Its projection gives pool_proj channels: add them to the other three instead.",
)
def pool_left_out(ch1x1, ch3x3, ch5x5, pool_proj):
    return ref.inception_output_channels(ch1x1, ch3x3, ch5x5, pool_proj) - pool_proj


@misconception(
    "inception_output_channels",
    "You took the widest branch. That is for results that are added; here they lie on top of each other, so add up "
    "their channels instead.",
)
def widest_branch(ch1x1, ch3x3, ch5x5, pool_proj):
    ref.inception_output_channels(ch1x1, ch3x3, ch5x5, pool_proj)
    return max(ch1x1, ch3x3, ch5x5, pool_proj)


@misconception(
    "inception_output_channels",
    "You multiplied channels by the size of the kernel. That belongs to the number of weights; a filter gives one "
    "channel, however large it is. Add up the four numbers instead.",
)
def kernels_counted(ch1x1, ch3x3, ch5x5, pool_proj):
    return ref.inception_output_channels(ch1x1, ch3x3, ch5x5, pool_proj) + 8 * ch3x3 + 24 * ch5x5


@misconception(
    "inception_output_channels",
    "The sum is right, but it is a tensor. The next layer wants a plain int: add Python numbers, or take `.item()`, "
    "instead.",
)
def sum_as_tensor(ch1x1, ch3x3, ch5x5, pool_proj):
    return torch.tensor(ref.inception_output_channels(ch1x1, ch3x3, ch5x5, pool_proj))


@misconception(
    "inception_output_channels",
    "You add negative numbers of channels as if there were such a thing. Compare each with 1 instead, and raise a "
    "ValueError that names the argument.",
)
def negative_channels_added(ch1x1, ch3x3, ch5x5, pool_proj):
    return ch1x1 + ch3x3 + ch5x5 + pool_proj


# inception_parameter_count


def _filters(ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj):
    return ch1x1 + ch3x3red + ch3x3 + ch5x5red + ch5x5 + pool_proj


@misconception(
    "inception_parameter_count",
    "You left out the biases although there are some unless `bias=False` says otherwise. Add one for every filter of "
    "the six convolutions instead.",
)
def never_a_bias(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    return ref.inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, False)


@misconception(
    "inception_parameter_count",
    "You count the biases also where `bias=False` asks for none. Add them only `if bias` instead.",
)
def always_a_bias(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    return ref.inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)


@misconception(
    "inception_parameter_count",
    "You counted one bias for each convolution. Every filter has a bias of its own: add as many as there are filters "
    "instead.",
)
def one_bias_a_layer(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    row = (in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)
    return ref.inception_parameter_count(*row, bias=False) + 6 * bool(bias)


@misconception(
    "inception_parameter_count",
    "You counted the biases of the four results only. The two reductions are convolutions too, each with a bias for "
    "every filter: add ch3x3red and ch5x5red instead of leaving them out.",
)
def reductions_without_bias(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    right = ref.inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias)
    return right - (ch3x3red + ch5x5red if bias else 0)


@misconception(
    "inception_parameter_count",
    "You let the 3×3 and 5×5 filters see all channels of the module's input. They see what the reduction before them "
    "gives: ch3x3red and ch5x5red channels. Count with these instead.",
)
def large_filters_see_the_input(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    right = ref.inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias)
    return right + 9 * (in_channels - ch3x3red) * ch3x3 + 25 * (in_channels - ch5x5red) * ch5x5


@misconception(
    "inception_parameter_count",
    "You left out the two 1×1 reductions themselves. They are convolutions with weights of their own: add "
    "in_channels · ch3x3red and in_channels · ch5x5red instead, and their biases.",
)
def reductions_for_free(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    right = ref.inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias)
    return right - (in_channels + bool(bias)) * (ch3x3red + ch5x5red)


@misconception(
    "inception_parameter_count",
    "You left out the 1×1 convolution behind the pooling. The pooling learns nothing, but the projection does: add "
    "in_channels · pool_proj weights instead, and its biases.",
)
def projection_for_free(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    right = ref.inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias)
    return right - (in_channels + bool(bias)) * pool_proj


@misconception(
    "inception_parameter_count",
    "You counted the projection of branch4 as 3×3. Its window of 3×3 belongs to the pooling, which has no weights; the "
    "convolution behind it is 1×1: count in_channels · pool_proj instead.",
)
def projection_of_three(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    right = ref.inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias)
    return right + 8 * in_channels * pool_proj


@misconception(
    "inception_parameter_count",
    "You multiplied by the side of the kernel, 3 or 5. A k×k filter has k·k weights for each channel: multiply by 9 "
    "and 25 instead.",
)
def side_for_area(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    right = ref.inception_parameter_count(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias)
    return right - 6 * ch3x3red * ch3x3 - 20 * ch5x5red * ch5x5


@misconception(
    "inception_parameter_count",
    "You count on with negative numbers of channels. Compare each with 1 instead, and raise a ValueError that names "
    "the argument.",
)
def negative_channels_counted(in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj, bias=True):
    weights = in_channels * (ch1x1 + ch3x3red + ch5x5red + pool_proj) + 9 * ch3x3red * ch3x3 + 25 * ch5x5red * ch5x5
    return weights + (_filters(ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj) if bias else 0)


# GoogLeNetStage3


@misconception(
    "GoogLeNetStage3",
    "Your pooling rounds down: a last window that hangs over the edge is dropped, and 28 becomes 13. Add "
    "`ceil_mode=True` to it instead.",
)
class PoolRoundsDown(ref.GoogLeNetStage3):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(3, stride=2)


@misconception(
    "GoogLeNetStage3",
    "You padded the pooling. That gives 14 for 28 too, but every window starts one row and one column too early. Use "
    "`ceil_mode=True` without padding instead.",
)
class PoolPadded(ref.GoogLeNetStage3):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)


@misconception(
    "GoogLeNetStage3",
    "You pooled 2×2. The windows of the paper are 3×3 and overlap, since they move by 2: use "
    "`nn.MaxPool2d(3, stride=2, ceil_mode=True)` instead.",
)
class PoolOfTwo(ref.GoogLeNetStage3):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(2, stride=2, ceil_mode=True)


@misconception(
    "GoogLeNetStage3",
    "You left out the max pooling at the end, so height and width stay as they were. Put it behind inception3b.",
)
class NoPool(ref.GoogLeNetStage3):
    def __init__(self):
        super().__init__()
        self.pool = nn.Identity()


@misconception(
    "GoogLeNetStage3",
    "You pooled between the two modules. Both work on the full height and width: pool once, behind inception3b, "
    "instead.",
)
class PoolInBetween(ref.GoogLeNetStage3):
    def forward(self, x):
        super().forward(x)
        return self.inception3b(self.pool(self.inception3a(x)))


@misconception(
    "GoogLeNetStage3",
    "You took the mean of each window. The stage ends with the largest: use `nn.MaxPool2d` instead.",
)
class MeanAtTheEnd(ref.GoogLeNetStage3):
    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(3, stride=2, ceil_mode=True)


@misconception(
    "GoogLeNetStage3",
    "In inception3b you swapped the reduction with the convolution behind it: the table gives the reduction first. For "
    "the 3×3 branch it is 128 and then 192, for the 5×5 branch 32 and then 96: use these instead.",
)
class ReductionsSwapped(ref.GoogLeNetStage3):
    def __init__(self):
        super().__init__()
        self.inception3b = ref.Inception(256, 128, 192, 128, 96, 32, 64)


@misconception(
    "GoogLeNetStage3",
    "You gave both modules the same numbers. The second has a row of its own in the table: `Inception(256, 128, 128, "
    "192, 32, 96, 64)`. Use that for inception3b instead.",
)
class SameRowTwice(ref.GoogLeNetStage3):
    def __init__(self):
        super().__init__()
        self.inception3b = ref.Inception(256, 64, 96, 128, 16, 32, 32)


@misconception(
    "GoogLeNetStage3",
    "Your modules are in an `nn.Sequential` (or under names of your own), so their weights are called otherwise and "
    "trained ones find no place. Assign them to `self.inception3a` and `self.inception3b` instead.",
)
class OtherNames(ref.GoogLeNetStage3):
    def __init__(self):
        super().__init__()
        self.stage = nn.Sequential(self.inception3a, self.inception3b, self.pool)
        del self.inception3a, self.inception3b, self.pool

    def forward(self, x):
        return self.stage(x)


@misconception(
    "GoogLeNetStage3",
    "You ran inception3a under `torch.no_grad()` (or detached its result), so it never learns. Call it like any other "
    "layer instead.",
)
class FirstModuleFrozen(ref.GoogLeNetStage3):
    def forward(self, x):
        with torch.no_grad():
            x = self.inception3a(x)
        return self.pool(self.inception3b(x))
