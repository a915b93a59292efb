"""What learners get wrong in ex08. Each variant is one mistake; elsewhere, and for bad arguments, it does what the
reference does."""

import warnings

import torch
import torch.nn.functional as F
from torch import nn

from grader.checker.misconceptions import misconception, reference

ref = reference("ex08_resnet")


def _shortcut(block, x):
    return x if block.downsample is None else block.downsample(x)


def _straight(block, x):
    """The path with the convolutions, up to the addition."""
    out = block.relu(block.bn1(block.conv1(x)))
    if not hasattr(block, "conv3"):
        return block.bn2(block.conv2(out))
    return block.bn3(block.conv3(block.relu(block.bn2(block.conv2(out)))))


def _with_bias(block):
    """Every convolution of the straight path again, with a bias."""
    for name, conv in list(block.named_children()):
        if isinstance(conv, nn.Conv2d):
            again = nn.Conv2d(
                conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, bias=True
            )
            setattr(block, name, again)


def _momentum(block, value):
    for part in block.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = value


def _unprojected(ins, outs, stride):
    """A shortcut that was not thought of: x is added as it is, where that is possible at all."""
    return None


class _AlwaysBatch(nn.BatchNorm2d):
    """Has running statistics, and never uses them."""

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, True, self.momentum)


# BasicBlock


@misconception(
    "BasicBlock",
    "You apply the last ReLU before the shortcut is added, and none after it. Then the block can only ever add, and "
    "what it gives may be negative. Add the shortcut to bn2's result first, and apply ReLU to the sum instead.",
)
class ReluBeforeTheSum(ref.BasicBlock):
    def forward(self, x):
        return self.relu(_straight(self, x)) + _shortcut(self, x)


@misconception(
    "BasicBlock",
    "You apply ReLU both before and after the shortcut is added. After bn2 comes the addition, so that the block can "
    "take something away from its input: leave out the ReLU before the sum instead.",
)
class ReluBeforeAndAfterTheSum(ref.BasicBlock):
    def forward(self, x):
        return self.relu(self.relu(_straight(self, x)) + _shortcut(self, x))


@misconception(
    "BasicBlock",
    "There is no ReLU after your addition, so negative values leave the block. Apply ReLU to the sum instead of "
    "returning it as it is.",
)
class NoReluAfterTheSum(ref.BasicBlock):
    def forward(self, x):
        return _straight(self, x) + _shortcut(self, x)


@misconception(
    "BasicBlock",
    "There is no ReLU between your two convolutions. Without one, both together do no more than a single convolution "
    "could: put `self.relu` between bn1 and conv2 instead.",
)
class NoReluBetween(ref.BasicBlock):
    def forward(self, x):
        out = self.bn2(self.conv2(self.bn1(self.conv1(x))))
        return self.relu(out + _shortcut(self, x))


@misconception(
    "BasicBlock",
    "You forgot to add the shortcut: your block is the plain one. Keep x (or what downsample makes of it) and add it "
    "to bn2's result before the last ReLU instead.",
)
class NothingAdded(ref.BasicBlock):
    def forward(self, x):
        return self.relu(_straight(self, x))


@misconception(
    "BasicBlock",
    "You add the shortcut twice. It belongs into the sum once: `out + shortcut`, and no `+=` before or after it.",
)
class AddedTwice(ref.BasicBlock):
    def forward(self, x):
        return self.relu(_straight(self, x) + 2 * _shortcut(self, x))


@misconception(
    "BasicBlock",
    "Your shortcut starts behind conv1 and jumps over conv2 alone: you kept `out` and not x. Take x itself, as it came "
    "into the block, instead.",
)
class ShortcutStartsTooLate(ref.BasicBlock):
    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        shortcut = out if self.downsample is None else self.downsample(x)
        return self.relu(self.bn2(self.conv2(out)) + shortcut)


@misconception(
    "BasicBlock",
    "An in-place ReLU (or clamp) on x spoiled the shortcut: what you add later has lost its negative values, and so "
    "has the caller's tensor. Leave x alone and let the shortcut be x itself instead.",
)
class ShortcutSpoiled(ref.BasicBlock):
    def forward(self, x):
        x = x.relu_() if not x.requires_grad else x.relu()
        return self.relu(_straight(self, x) + _shortcut(self, x))


@misconception(
    "BasicBlock",
    "You wrote `x += out`, which changes the tensor of whoever called the block. Write `out = out + x` instead, or "
    "`out += x`: out is your own.",
)
class InputOverwritten(ref.BasicBlock):
    def forward(self, x):
        out, shortcut = _straight(self, x), _shortcut(self, x)
        shortcut += out
        return self.relu(shortcut)


@misconception(
    "BasicBlock",
    "You detached the shortcut (or ran it under `torch.no_grad()`), so no gradient takes the way back that the block "
    "is there for. Add x as it is instead.",
)
class ShortcutCutOff(ref.BasicBlock):
    def forward(self, x):
        return self.relu(_straight(self, x) + _shortcut(self, x).detach())


@misconception(
    "BasicBlock",
    "You laid the shortcut beside the result with `torch.cat`, as an Inception module would. A residual block adds "
    "instead: `out + shortcut`.",
)
class Concatenated(ref.BasicBlock):
    def forward(self, x):
        return self.relu(torch.cat([_straight(self, x), _shortcut(self, x)], dim=1))


@misconception(
    "BasicBlock",
    "The stride is in your second convolution. It belongs into conv1, so that the rest of the block already works on "
    "the smaller picture: give it to conv1 instead.",
)
class StrideInTheSecond(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride


@misconception(
    "BasicBlock",
    "You gave the stride to both 3×3 convolutions, so the picture shrinks twice and no longer fits the shortcut. Only "
    "conv1 has the stride: leave conv2 at 1 instead.",
)
class StrideInBoth(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.conv2.stride = self.conv1.stride


@misconception(
    "BasicBlock",
    "Your 3×3 convolutions have no padding, so each takes two rows and columns away and the shortcut no longer fits. "
    "Use `padding=1` instead.",
)
class NoPadding(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.conv1.padding = self.conv2.padding = (0, 0)


@misconception(
    "BasicBlock",
    "You have no projection in the shortcut: where channels or size change, x cannot be added. Set `self.downsample` "
    "to a 1×1 convolution with the stride and a batch normalization there instead of None.",
)
class NeverProjected(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.downsample = None


@misconception(
    "BasicBlock",
    "You project the shortcut only where the number of channels changes. With a stride and as many channels as before, "
    "x is too large to be added: ask for `stride != 1 or in_channels != out_channels` instead.",
)
class ProjectedForChannelsOnly(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        if in_channels == out_channels:
            self.downsample = None


@misconception(
    "BasicBlock",
    "You project the shortcut only where there is a stride. Where the number of channels changes, x cannot be added "
    "either: ask for `stride != 1 or in_channels != out_channels` instead.",
)
class ProjectedForStrideOnly(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        if stride == 1:
            self.downsample = None


@misconception(
    "BasicBlock",
    "You project the shortcut always, also where x already has the right shape. Its weights stand in the way then, and "
    "trained ones have no place for them: let downsample be None there instead.",
)
class AlwaysProjected(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        conv = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
        self.downsample = nn.Sequential(conv, nn.BatchNorm2d(out_channels))


@misconception(
    "BasicBlock",
    "The projection of your shortcut has no stride, so it stays larger than what it is added to. Give its 1×1 "
    "convolution the stride of the block instead.",
)
class ProjectedWithoutStride(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        if self.downsample is not None:
            self.downsample[0].stride = (1, 1)


@misconception(
    "BasicBlock",
    "The projection of your shortcut is a convolution alone. A batch normalization belongs behind it: make downsample "
    "an `nn.Sequential(conv, nn.BatchNorm2d(out_channels))` instead.",
)
class ProjectedWithoutNorm(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        if self.downsample is not None:
            self.downsample = self.downsample[:1]


@misconception(
    "BasicBlock",
    "You put a ReLU into the shortcut's projection. What is added may be negative: downsample is a convolution and a "
    "batch normalization and nothing else; leave the ReLU to the sum instead.",
)
class ReluInTheProjection(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        if self.downsample is not None:
            self.downsample.append(nn.ReLU())


@misconception(
    "BasicBlock",
    "You use one batch normalization behind both convolutions. Each sees other values and needs its own scale, offset "
    "and statistics: make a bn1 and a bn2 instead.",
)
class OneNormForBoth(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.bn2 = self.bn1


@misconception(
    "BasicBlock",
    "Your convolutions have a bias. The batch normalization behind takes it away again with the mean and has an offset "
    "of its own: use `bias=False` instead.",
)
class WithBias(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        _with_bias(self)


@misconception(
    "BasicBlock",
    "Your batch normalization moves its running statistics too fast. PyTorch's momentum is the share of the new batch, "
    "0.1 by default (others call 0.9 what is left of the old): leave it at its default instead.",
)
class MomentumTurnedRound(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        _momentum(self, 0.9)


@misconception(
    "BasicBlock",
    "Your batch normalization uses the statistics of the batch in eval mode too, so what an image gives depends on the "
    "images beside it. Use `nn.BatchNorm2d`, which knows the mode, instead.",
)
class AlwaysTheBatch(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.bn1, self.bn2 = _AlwaysBatch(out_channels), _AlwaysBatch(out_channels)


@misconception(
    "BasicBlock",
    "You take any numbers of channels and any stride, also negative ones. Compare each with 1 in `__init__` instead, "
    "and raise a ValueError that names the argument.",
)
class AnyArguments(ref.BasicBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        if min(in_channels, out_channels, stride) < 1:
            _torch_says(in_channels, out_channels, stride)
        super().__init__(in_channels, out_channels, stride)


def _torch_says(in_channels, out_channels, stride):
    """What PyTorch itself makes of such arguments: a RuntimeError, sooner or later."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nn.Conv2d(abs(in_channels), abs(out_channels), 3, stride)(torch.ones(1, abs(in_channels), 4, 4))
        raise RuntimeError("Trying to create tensor with negative dimension")


@misconception(
    "BasicBlock",
    "You make a tensor on the CPU in forward, as `torch.zeros(...)` does without a device; the module fails on a GPU. "
    "Make it where x is, with `torch.zeros_like(x)` or `device=x.device`, instead.",
)
class ZerosOnTheCpu(ref.BasicBlock):
    def forward(self, x):
        out = _straight(self, x) + _shortcut(self, x)
        return torch.maximum(out, torch.zeros(out.shape, dtype=out.dtype))


# Bottleneck


@misconception(
    "Bottleneck",
    "The stride is in your first 1×1 convolution, as in the paper. There it throws pixels away that nothing has looked "
    "at; torchvision and we have it in the 3×3 convolution: give it to conv2 instead.",
)
class StrideInTheFirst(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride


@misconception(
    "Bottleneck",
    "The stride is in your last 1×1 convolution. It belongs into the 3×3 convolution, conv2: give it the stride "
    "instead.",
)
class StrideInTheLast(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        self.conv3.stride, self.conv2.stride = self.conv2.stride, self.conv3.stride


@misconception(
    "Bottleneck",
    "You forgot the expansion: conv3 gives `width` channels. A bottleneck gets wide again, to `4 * width` channels; "
    "so conv3, bn3 and the projection have to have as many instead.",
)
class NoExpansion(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        self.conv3, self.bn3 = nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width)
        self.downsample = ref._projection(in_channels, width, stride)


@misconception(
    "Bottleneck",
    "Your 3×3 convolution works on 4 · width channels. The block is called a bottleneck because it is thin where it is "
    "expensive: conv1 reduces to width, conv2 stays there, and only conv3 widens.",
)
class WideInTheMiddle(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        wide = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(in_channels, wide, 1, bias=False), nn.BatchNorm2d(wide)
        self.conv2, self.bn2 = nn.Conv2d(wide, wide, 3, stride, padding=1, bias=False), nn.BatchNorm2d(wide)
        self.conv3 = nn.Conv2d(wide, wide, 1, bias=False)


@misconception(
    "Bottleneck",
    "You compare in_channels with width to see whether the shortcut needs a projection. The block gives 4 · width "
    "channels: compare in_channels with that instead.",
)
class ComparedWithWidth(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        needed = stride != 1 or in_channels != width
        conv = nn.Conv2d(in_channels, 4 * width, 1, stride, bias=False)
        self.downsample = nn.Sequential(conv, nn.BatchNorm2d(4 * width)) if needed else None


@misconception(
    "Bottleneck",
    "You project the shortcut only where there is a stride. The first bottleneck of layer1 has stride 1 and still gets "
    "64 channels and gives 256: ask for `stride != 1 or in_channels != 4 * width` instead.",
)
class WidenedWithoutProjection(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        if stride == 1:
            self.downsample = None


@misconception(
    "Bottleneck",
    "You project the shortcut only where the number of channels changes. With a stride and as many channels as before, "
    "x is too large to be added: ask for `stride != 1 or in_channels != 4 * width` instead.",
)
class ShrunkWithoutProjection(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        if in_channels == 4 * width:
            self.downsample = None


@misconception(
    "Bottleneck",
    "The projection of your shortcut has no stride, so it stays larger than what it is added to. Give its 1×1 "
    "convolution the stride of the block instead.",
)
class ProjectionKeepsTheSize(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        if self.downsample is not None:
            self.downsample[0].stride = (1, 1)


@misconception(
    "Bottleneck",
    "The projection of your shortcut is a convolution alone. A batch normalization belongs behind it: make downsample "
    "an `nn.Sequential(conv, nn.BatchNorm2d(4 * width))` instead.",
)
class ProjectionWithoutNorm(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        if self.downsample is not None:
            self.downsample = self.downsample[:1]


@misconception(
    "Bottleneck",
    "You apply ReLU to bn3's result before the shortcut is added, and none after it. Add first, and apply ReLU to the "
    "sum instead.",
)
class ReluBeforeAdding(ref.Bottleneck):
    def forward(self, x):
        return self.relu(_straight(self, x)) + _shortcut(self, x)


@misconception(
    "Bottleneck",
    "You apply ReLU after each of the three convolutions and after the addition. The third comes without one, so that "
    "the block can take something away from its input: leave it out before the sum instead.",
)
class ReluAfterAllThree(ref.Bottleneck):
    def forward(self, x):
        return self.relu(self.relu(_straight(self, x)) + _shortcut(self, x))


@misconception(
    "Bottleneck",
    "There is no ReLU after your addition, so negative values leave the block. Apply ReLU to the sum instead of "
    "returning it as it is.",
)
class SumWithoutRelu(ref.Bottleneck):
    def forward(self, x):
        return _straight(self, x) + _shortcut(self, x)


@misconception(
    "Bottleneck",
    "There is no ReLU between your 3×3 convolution and the last 1×1 one. Put `self.relu` behind bn2, as behind bn1, "
    "instead of going on with conv3 at once.",
)
class NoReluAfterTheSecond(ref.Bottleneck):
    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(self.bn3(self.conv3(out)) + _shortcut(self, x))


@misconception(
    "Bottleneck",
    "There is no ReLU between your first 1×1 convolution and the 3×3 one. Put `self.relu` behind bn1, as behind bn2, "
    "instead of going on with conv2 at once.",
)
class NoReluAfterTheFirst(ref.Bottleneck):
    def forward(self, x):
        out = self.relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))))
        return self.relu(self.bn3(self.conv3(out)) + _shortcut(self, x))


@misconception(
    "Bottleneck",
    "You forgot to add the shortcut. Keep x (or what downsample makes of it) and add it to bn3's result before the "
    "last ReLU instead.",
)
class NoShortcut(ref.Bottleneck):
    def forward(self, x):
        return self.relu(_straight(self, x))


@misconception(
    "Bottleneck",
    "You wrote `x += out`, which changes the tensor of whoever called the block. Write `out = out + x` instead, or "
    "`out += x`: out is your own.",
)
class CallersTensorChanged(ref.Bottleneck):
    def forward(self, x):
        out, shortcut = _straight(self, x), _shortcut(self, x)
        shortcut += out
        return self.relu(shortcut)


@misconception(
    "Bottleneck",
    "You detached the shortcut (or ran it under `torch.no_grad()`), so no gradient takes the way back that the block "
    "is there for. Add x as it is instead.",
)
class NoGradientThroughShortcut(ref.Bottleneck):
    def forward(self, x):
        return self.relu(_straight(self, x) + _shortcut(self, x).detach())


@misconception(
    "Bottleneck",
    "You use bn1 behind the first two convolutions. Each sees other values and needs its own scale, offset and "
    "statistics: make a bn1 and a bn2 instead.",
)
class NormUsedTwice(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        self.bn2 = self.bn1


@misconception(
    "Bottleneck",
    "Your convolutions have a bias. The batch normalization behind takes it away again with the mean and has an offset "
    "of its own: use `bias=False` instead.",
)
class BiasBeforeNorm(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        _with_bias(self)


@misconception(
    "Bottleneck",
    "Your 3×3 convolution has no padding, so the picture shrinks and the shortcut no longer fits. Use `padding=1` in "
    "conv2 instead; the 1×1 convolutions need none.",
)
class ThreeByThreeUnpadded(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        self.conv2.padding = (0, 0)


@misconception(
    "Bottleneck",
    "You gave `padding=1` to the 1×1 convolutions too, so each adds a border. Only the 3×3 one needs it: leave the "
    "others at 0 instead.",
)
class EverythingPadded(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        super().__init__(in_channels, width, stride)
        self.conv1.padding = self.conv3.padding = (1, 1)


@misconception(
    "Bottleneck",
    "You take any numbers of channels and any stride, also negative ones. Compare each with 1 in `__init__` instead, "
    "and raise a ValueError that names the argument.",
)
class NothingRefused(ref.Bottleneck):
    def __init__(self, in_channels, width, stride=1):
        if min(in_channels, width, stride) < 1:
            _torch_says(in_channels, width, stride)
        super().__init__(in_channels, width, stride)


@misconception(
    "Bottleneck",
    "You make a tensor on the CPU in forward, as `torch.zeros(...)` does without a device; the module fails on a GPU. "
    "Make it where x is, with `torch.zeros_like(x)` or `device=x.device`, instead.",
)
class ReluAgainstTheCpu(ref.Bottleneck):
    def forward(self, x):
        out = _straight(self, x) + _shortcut(self, x)
        return torch.maximum(out, torch.zeros(out.shape, dtype=out.dtype))


# ResNet


def _blocks(net):
    """Every block with the number of its layer (1 to 4) and its place in it."""
    for number in range(1, 5):
        for place, block in enumerate(getattr(net, f"layer{number}")):
            yield number, place, block


def _restride(block, stride):
    """A block made again with another stride, projection included."""
    ins = block.conv1.in_channels
    if isinstance(block, ref.Bottleneck):
        return ref.Bottleneck(ins, block.conv1.out_channels, stride)
    return ref.BasicBlock(ins, block.conv1.out_channels, stride)


def _stem(net, x):
    return net.maxpool(net.relu(net.bn1(net.conv1(x))))


def _body(net, x):
    return net.layer4(net.layer3(net.layer2(net.layer1(x))))


@misconception(
    "ResNet",
    "Your network has no max pooling between the stem and layer1, so everything behind it works on pictures four times "
    "as large. Put `nn.MaxPool2d(3, stride=2, padding=1)` after the first ReLU instead.",
)
class NoMaxPool(ref.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.maxpool = nn.Identity()


@misconception(
    "ResNet",
    "Your max pooling has no padding, so the windows lie one pixel too far in. Use "
    "`nn.MaxPool2d(3, stride=2, padding=1)` instead.",
)
class UnpaddedPool(ref.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.maxpool = nn.MaxPool2d(3, stride=2)


@misconception(
    "ResNet",
    "Your max pooling looks at 2×2 pixels. In ResNet its windows are 3×3 and overlap: use "
    "`nn.MaxPool2d(3, stride=2, padding=1)` instead.",
)
class TwoByTwoPool(ref.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.maxpool = nn.MaxPool2d(2, stride=2)


@misconception(
    "ResNet",
    "There is no ReLU in your stem. It goes conv1, bn1, ReLU, maxpool: put one between bn1 and the pooling instead.",
)
class StemWithoutRelu(ref.ResNet):
    def forward(self, x):
        x = _body(self, self.maxpool(self.bn1(self.conv1(x))))
        return self.fc(self.avgpool(x).flatten(1))


@misconception(
    "ResNet",
    "You made bn1 and never used it in forward. The stem goes conv1, bn1, ReLU, maxpool: call it behind conv1 instead.",
)
class StemWithoutNorm(ref.ResNet):
    def forward(self, x):
        x = _body(self, self.maxpool(self.relu(self.conv1(x))))
        return self.fc(self.avgpool(x).flatten(1))


@misconception(
    "ResNet",
    "Your stem has the small 3×3 convolution with stride 1 that many use for the 32×32 pictures of CIFAR. This one is "
    "for large pictures: 7×7, stride 2, padding 3 instead.",
)
class SmallStem(ref.ResNet):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        super().__init__(block, layers, num_classes, in_channels)
        self.conv1 = nn.Conv2d(in_channels, 64, 3, 1, padding=1, bias=False)


@misconception(
    "ResNet",
    "The 7×7 convolution of your stem has no padding (or one that is too small). Use `padding=3`, so that every pixel "
    "of the border can be in the middle of a window, instead.",
)
class UnpaddedStem(ref.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1.padding = (0, 0)


@misconception(
    "ResNet",
    "The convolution of your stem has a bias. Behind it comes a batch normalization, as everywhere here: use "
    "`bias=False` instead.",
)
class StemWithBias(ref.ResNet):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        super().__init__(block, layers, num_classes, in_channels)
        self.conv1 = nn.Conv2d(in_channels, 64, 7, 2, padding=3)


@misconception(
    "ResNet",
    "Your layers are one block too deep: you make the first block and then as many more as `layers` says. The first "
    "one counts: add `count - 1` more instead.",
)
class OneBlockTooMany(ref.ResNet):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        layers = [count + 1 for count in layers] if len(layers) == 4 else layers
        super().__init__(block, layers, num_classes, in_channels)


@misconception(
    "ResNet",
    "layer1 starts with stride 2 in your network. The max pooling has halved the picture already: the first block of "
    "layer1 has stride 1, and only layer2, layer3 and layer4 start with 2.",
)
class FirstLayerHalves(ref.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.layer1[0] = _restride(self.layer1[0], 2)


@misconception(
    "ResNet",
    "Every block of a layer has stride 2 in your network. Only the first of layer2, layer3 and layer4 halves the "
    "picture: give the others stride 1 instead.",
)
class EveryBlockHalves(ref.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for number, place, block in list(_blocks(self)):
            if number > 1 and place > 0:
                getattr(self, f"layer{number}")[place] = _restride(block, 2)


@misconception(
    "ResNet",
    "Your layers do not make the picture smaller: all blocks have stride 1. Give the first block of layer2, layer3 and "
    "layer4 stride 2 instead.",
)
class NoLayerHalves(ref.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for number, place, block in list(_blocks(self)):
            if number > 1 and place == 0:
                getattr(self, f"layer{number}")[0] = _restride(block, 1)


@misconception(
    "ResNet",
    "All further blocks of a layer are one and the same module (`[block] * n` repeats the object), so they share their "
    "weights. Make a new one in every turn of a loop instead.",
)
class BlocksShared(ref.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for number in range(1, 5):
            layer = getattr(self, f"layer{number}")
            for place in range(2, len(layer)):
                layer[place] = layer[1]


@misconception(
    "ResNet",
    "You keep the layers in a Python list, where `nn.Module` does not find their weights: an optimizer, a state_dict "
    "and `.double()` miss them. Put the blocks into an `nn.Sequential` instead.",
)
class LayersInAList(ref.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.hidden = [list(getattr(self, f"layer{number}")) for number in range(1, 5)]
        for number in range(1, 5):
            delattr(self, f"layer{number}")

    def forward(self, x):
        x = _stem(self, x)
        for layer in self.hidden:
            for block in layer:
                x = block(x)
        return self.fc(self.avgpool(x).flatten(1))


@misconception(
    "ResNet",
    "You used the block counts in reverse: layer1 has as many blocks as the last number in `layers` says. Take them in "
    "the order they are given instead, layer1 first.",
)
class CountsReversed(ref.ResNet):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        super().__init__(block, list(layers)[::-1], num_classes, in_channels)


@misconception(
    "ResNet",
    "You left layer4 out of forward and sent what layer3 gives on to the end. Call all four layers, one after the "
    "other, instead.",
)
class LastLayerLeftOut(ref.ResNet):
    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(_stem(self, x))))
        return self.fc(self.avgpool(x).flatten(1))


@misconception(
    "ResNet",
    "Your network expects pictures of 224×224: behind layer4 you pool 7×7. Take the mean over whatever height and "
    "width there are, with `nn.AdaptiveAvgPool2d(1)`, instead.",
)
class SevenBySevenPool(ref.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.avgpool = nn.AvgPool2d(7)


@misconception(
    "ResNet",
    "You took the largest value of every channel at the end. It is the mean over height and width: use "
    "`nn.AdaptiveAvgPool2d(1)` instead.",
)
class LargestInsteadOfMean(ref.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.avgpool = nn.AdaptiveMaxPool2d(1)


@misconception(
    "ResNet",
    "You applied a softmax to the result. The network gives raw scores, the loss (`F.cross_entropy`) takes the softmax "
    "itself: return what fc gives instead.",
)
class SoftmaxAtTheEnd(ref.ResNet):
    def forward(self, x):
        return super().forward(x).softmax(dim=1)


@misconception(
    "ResNet",
    "You ran the part before fc under `torch.no_grad()` (or detached it), as for a frozen network. Here all of it is "
    "to learn: call the layers as they are instead.",
)
class OnlyTheHeadLearns(ref.ResNet):
    def forward(self, x):
        x = _body(self, _stem(self, x)).detach()
        return self.fc(self.avgpool(x).flatten(1))


@misconception(
    "ResNet",
    "Your network always has 1000 classes. fc has `num_classes` outputs: use the argument instead.",
)
class AlwaysThousandClasses(ref.ResNet):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        super().__init__(block, layers, 1000, in_channels)


@misconception(
    "ResNet",
    "Your stem always expects 3 channels. Grey pictures have one, others more: give conv1 `in_channels` instead.",
)
class AlwaysThreeChannels(ref.ResNet):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        super().__init__(block, layers, num_classes, 3)


@misconception(
    "ResNet",
    "You forgot that a bottleneck gives 4 · width channels, so the next block (or fc) expects too few. Carry the "
    "number of channels along: `4 * width` behind a bottleneck, instead of width.",
)
class WidthForChannels(ref.ResNet):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        super().__init__(block, layers, num_classes, in_channels)
        if block == "bottleneck":
            self.fc = nn.Linear(512, num_classes)


@misconception(
    "ResNet",
    "You take any number of block counts and use the first four or fewer. A network with another number of layers is "
    'none of these: compare `len(layers)` with 4 instead, and raise a ValueError that names "layers".',
)
class AnyNumberOfLayers(ref.ResNet):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        four = (list(layers) + [1] * 4)[:4]
        super().__init__(block, four, num_classes, in_channels)


@misconception(
    "ResNet",
    'You take every block that is not "basic" for a bottleneck (or the other way round), so a misspelt name goes '
    "unnoticed. Compare with both names instead, and raise a ValueError for any other.",
)
class AnyBlock(ref.ResNet):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        super().__init__("basic" if block == "basic" else "bottleneck", layers, num_classes, in_channels)


@misconception(
    "ResNet",
    "You make a tensor on the CPU in forward, as `torch.zeros(...)` does without a device; the module fails on a GPU. "
    "Make it where x is, with `torch.zeros_like(x)` or `device=x.device`, instead.",
)
class SumOnTheCpu(ref.ResNet):
    def forward(self, x):
        x = self.avgpool(_body(self, _stem(self, x))).flatten(1)
        return self.fc(x + torch.zeros(x.shape, dtype=x.dtype))


# PlainBlock


def _plain(block, x):
    """Up to the last ReLU."""
    return block.bn2(block.conv2(block.relu(block.bn1(block.conv1(x)))))


@misconception(
    "PlainBlock",
    "You still add the input where its shape fits. That is the residual block; the plain one has no shortcut at all: "
    "return the ReLU of bn2's result instead.",
)
class ShortcutWhereItFits(ref.PlainBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.fits = stride == 1 and in_channels == out_channels

    def forward(self, x):
        return self.relu(_plain(self, x) + (x if self.fits else 0))


@misconception(
    "PlainBlock",
    "You kept `downsample`, so the plain block has weights that nothing uses. Leave it out together with the shortcut "
    "instead.",
)
class ProjectionKept(ref.PlainBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.downsample = ref._projection(in_channels, out_channels, stride)


@misconception(
    "PlainBlock",
    "There is no ReLU at the end of your block. Without the addition the ReLU stays: return `relu(bn2(conv2(...)))` "
    "instead.",
)
class NoReluAtTheEnd(ref.PlainBlock):
    def forward(self, x):
        return _plain(self, x)


@misconception(
    "PlainBlock",
    "There is no ReLU between your two convolutions. Without one, both together do no more than a single convolution "
    "could: put it between bn1 and conv2 instead.",
)
class NoReluInTheMiddle(ref.PlainBlock):
    def forward(self, x):
        return self.relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))))


@misconception(
    "PlainBlock",
    "You apply ReLU before the batch normalization. The order is convolution, batch normalization, ReLU: exchange the "
    "two instead.",
)
class ReluBeforeNorm(ref.PlainBlock):
    def forward(self, x):
        out = self.bn1(self.relu(self.conv1(x)))
        return self.bn2(self.relu(self.conv2(out)))


@misconception(
    "PlainBlock",
    "The stride is in your second convolution. It belongs into conv1, as in the BasicBlock: give it to conv1 instead.",
)
class SecondHasTheStride(ref.PlainBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride


@misconception(
    "PlainBlock",
    "You gave the stride to both convolutions, so the picture shrinks twice. Only conv1 has it: leave conv2 at 1 "
    "instead. (Here no shortcut complains.)",
)
class BothHaveTheStride(ref.PlainBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.conv2.stride = self.conv1.stride


@misconception(
    "PlainBlock",
    "You ignored the stride. Give it to conv1 instead of leaving both convolutions at 1.",
)
class StrideIgnored(ref.PlainBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.conv1.stride = (1, 1)


@misconception(
    "PlainBlock",
    "Your 3×3 convolutions have no padding, so each takes two rows and columns away. Use `padding=1` instead.",
)
class BorderLost(ref.PlainBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.conv1.padding = self.conv2.padding = (0, 0)


@misconception(
    "PlainBlock",
    "You use one batch normalization behind both convolutions. Each sees other values and needs its own scale, offset "
    "and statistics: make a bn1 and a bn2 instead.",
)
class SameNormTwice(ref.PlainBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        self.bn2 = self.bn1


@misconception(
    "PlainBlock",
    "Your convolutions have a bias. The batch normalization behind takes it away again with the mean and has an offset "
    "of its own: use `bias=False` instead.",
)
class NeedlessBias(ref.PlainBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        _with_bias(self)


@misconception(
    "PlainBlock",
    "Your batch normalization moves its running statistics too fast. PyTorch's momentum is the share of the new batch, "
    "0.1 by default (others call 0.9 what is left of the old): leave it at its default instead.",
)
class FastStatistics(ref.PlainBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        _momentum(self, 0.9)


@misconception(
    "PlainBlock",
    "You take any numbers of channels and any stride, also negative ones. Compare each with 1 in `__init__` instead, "
    "and raise a ValueError that names the argument.",
)
class EverythingGoes(ref.PlainBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        if min(in_channels, out_channels, stride) < 1:
            _torch_says(in_channels, out_channels, stride)
        super().__init__(in_channels, out_channels, stride)


@misconception(
    "PlainBlock",
    "You make a tensor on the CPU in forward, as `torch.zeros(...)` does without a device; the module fails on a GPU. "
    "Make it where x is, with `torch.zeros_like(x)` or `device=x.device`, instead.",
)
class MaximumWithTheCpu(ref.PlainBlock):
    def forward(self, x):
        out = _plain(self, x)
        return torch.maximum(out, torch.zeros(out.shape, dtype=out.dtype))


# gradient_norms


def _convolutions(model):
    """The weights by name, as the reference finds them."""
    found = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Conv2d)]
    return {f"{name}.weight".removeprefix("."): module.weight for name, module in found}


def _gradients(model, images, labels, weights, loss=F.cross_entropy, buffers=True):
    """The loss's gradients for these parameters by name, taken on clones as in the reference."""
    clones = {name: value.detach().clone().requires_grad_() for name, value in weights.items()}
    copied = {name: value.clone() for name, value in model.named_buffers()} if buffers else {}
    logits = torch.func.functional_call(model, clones | copied, (images,))
    found = torch.autograd.grad(loss(logits, labels), list(clones.values()), allow_unused=True)
    return dict(zip(clones, found, strict=True))


def _norms(gradients):
    return {name: 0.0 if grad is None else grad.norm().item() for name, grad in gradients.items()}


def _of(model, images, labels, **settings):
    """Gradients for the weights of all convolutions."""
    return _gradients(model, images, labels, _convolutions(model), **settings)


@misconception(
    "gradient_norms",
    "Your loss is the sum over the images, so the norms grow with the batch. Use the mean, which `F.cross_entropy` "
    "takes by itself, instead.",
)
def summed_over_images(model, images, labels):
    def summed(logits, labels):
        return F.cross_entropy(logits, labels, reduction="sum")

    return _norms(_of(model, images, labels, loss=summed))


@misconception(
    "gradient_norms",
    "You applied a softmax before the cross entropy, which takes one itself. Give `F.cross_entropy` what the model "
    "returns, as it is, instead.",
)
def softmax_before_the_loss(model, images, labels):
    def twice(logits, labels):
        return F.cross_entropy(logits.softmax(dim=1), labels)

    return _norms(_of(model, images, labels, loss=twice))


@misconception(
    "gradient_norms",
    "You took the gradient of the sum of all outputs. Compute the cross entropy of the outputs and the labels, and "
    "take its gradient instead.",
)
def outputs_summed(model, images, labels):
    return _norms(_of(model, images, labels, loss=lambda logits, labels: logits.sum()))


@misconception(
    "gradient_norms",
    "Your norms are squared: the root is missing. The L2 norm is the root of the sum of squares, `gradient.norm()`: "
    "use it instead.",
)
def squared_norms(model, images, labels):
    found = _of(model, images, labels)
    return {name: 0.0 if grad is None else grad.square().sum().item() for name, grad in found.items()}


@misconception(
    "gradient_norms",
    "You summed the absolute values, which is the L1 norm. The L2 norm is the root of the sum of squares: use "
    "`gradient.norm()` instead.",
)
def absolute_norms(model, images, labels):
    found = _of(model, images, labels)
    return {name: 0.0 if grad is None else grad.abs().sum().item() for name, grad in found.items()}


@misconception(
    "gradient_norms",
    "You took the largest entry of every gradient. The L2 norm counts all of them: use `gradient.norm()` instead.",
)
def largest_entries(model, images, labels):
    found = _of(model, images, labels)
    return {name: 0.0 if grad is None else grad.abs().max().item() for name, grad in found.items()}


@misconception(
    "gradient_norms",
    "You took the root of the mean of squares, which is the norm divided by the root of the number of weights. Use "
    "`gradient.norm()` instead.",
)
def root_mean_square(model, images, labels):
    found = _of(model, images, labels)
    return {name: 0.0 if grad is None else grad.square().mean().sqrt().item() for name, grad in found.items()}


@misconception(
    "gradient_norms",
    "You took the norms of the weights themselves. What is asked for is how large their gradients are: use those "
    "instead.",
)
def norms_of_weights(model, images, labels):
    return {name: weight.norm().item() for name, weight in _convolutions(model).items()}


@misconception(
    "gradient_norms",
    "Your values are tensors. Make Python floats of them with `.item()` instead.",
)
def tensors_for_floats(model, images, labels):
    found = _of(model, images, labels)
    return {name: images.new_zeros(()) if grad is None else grad.norm() for name, grad in found.items()}


@misconception(
    "gradient_norms",
    "You take every parameter of the model. Only the weights of convolutions are asked for, no biases, no batch "
    "normalization and no dense layer: look for modules that are an `nn.Conv2d` instead.",
)
def every_parameter(model, images, labels):
    return _norms(_gradients(model, images, labels, dict(model.named_parameters())))


@misconception(
    "gradient_norms",
    "You count the biases of the convolutions too. Only their weights are asked for: leave out what is called "
    '"bias" instead.',
)
def biases_as_well(model, images, labels):
    biases = {
        f"{name}.bias": module.bias
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d) and module.bias is not None
    }
    return _norms(_gradients(model, images, labels, _convolutions(model) | biases))


@misconception(
    "gradient_norms",
    "You look for parameters with four dimensions. A transposed convolution has such weights, too, and is no "
    "`nn.Conv2d`: go through the modules and ask `isinstance(module, nn.Conv2d)` instead.",
)
def four_dimensions(model, images, labels):
    deep = {name: value for name, value in model.named_parameters() if value.dim() == 4}
    return _norms(_gradients(model, images, labels, deep))


@misconception(
    "gradient_norms",
    "You compare types with `type(module) == nn.Conv2d`, which misses its subclasses. Ask "
    "`isinstance(module, nn.Conv2d)` instead.",
)
def subclasses_missed(model, images, labels):
    exact = {name for name, module in model.named_modules() if type(module) is nn.Conv2d}
    found = _norms(_of(model, images, labels))
    return {name: norm for name, norm in found.items() if name.removesuffix(".weight") in exact}


@misconception(
    "gradient_norms",
    "You look at the model's direct children only and miss convolutions inside of blocks. `model.named_modules()` goes "
    "through all of them, at any depth: use it instead of `named_children()`.",
)
def direct_children_only(model, images, labels):
    found = _norms(_of(model, images, labels))
    return {name: norm for name, norm in found.items() if name.count(".") == 1}


@misconception(
    "gradient_norms",
    'You name the modules and not their weights. The keys are those of `named_parameters()`: "conv1.weight" instead of '
    '"conv1".',
)
def names_of_modules(model, images, labels):
    found = _norms(_of(model, images, labels))
    return {name.removesuffix(".weight"): norm for name, norm in found.items()}


@misconception(
    "gradient_norms",
    "You leave frozen weights out of the result. They get the norm that they would have if they were not frozen: let "
    "all weights (or clones of them) require a gradient for the time of the call instead.",
)
def frozen_left_out(model, images, labels):
    found = _norms(_of(model, images, labels))
    return {name: norm for name, norm in found.items() if model.get_parameter(name).requires_grad}


@misconception(
    "gradient_norms",
    "You give frozen weights 0.0. They get the norm that they would have if they were not frozen: let all weights (or "
    "clones of them) require a gradient for the time of the call instead.",
)
def frozen_are_zero(model, images, labels):
    found = _norms(_of(model, images, labels))
    return {name: norm if model.get_parameter(name).requires_grad else 0.0 for name, norm in found.items()}


@misconception(
    "gradient_norms",
    "Your function fails where a weight is frozen: autograd refuses gradients for what does not require one. Let all "
    "weights (or clones of them) require a gradient for the time of the call instead, and put that back afterwards.",
)
def frozen_weights_fail(model, images, labels):
    for name, weight in _convolutions(model).items():
        if not weight.requires_grad:
            raise RuntimeError(f"One of the differentiated Tensors does not require grad: {name}")
    return _norms(_of(model, images, labels))


@misconception(
    "gradient_norms",
    "You made frozen weights require a gradient and left them so: the next training step would change them. Note "
    "requires_grad of every parameter before, and put it back afterwards, instead.",
)
def frozen_weights_thawed(model, images, labels):
    for parameter in model.parameters():
        parameter.requires_grad_()
    return _norms(_of(model, images, labels))


@misconception(
    "gradient_norms",
    "Weights that have no part in the output are missing from your result. Their gradient is None, and their norm 0.0: "
    "put that into the result instead.",
)
def unused_left_out(model, images, labels):
    found = _of(model, images, labels)
    return {name: grad.norm().item() for name, grad in found.items() if grad is not None}


@misconception(
    "gradient_norms",
    "Your function fails where a weight has no part in the output: there is no gradient then. Say `allow_unused=True` "
    "(or ask whether .grad is None), and let the norm be 0.0 instead.",
)
def unused_weights_fail(model, images, labels):
    found = _of(model, images, labels)
    if any(grad is None for grad in found.values()):
        raise RuntimeError("One of the differentiated Tensors appears to not have been used in the graph")
    return _norms(found)


def _through_grad(model, images, labels):
    """As `.backward()` does it: adds to every .grad, and gives the norms of what is there then."""
    found = _gradients(model, images, labels, dict(model.named_parameters()))
    norms = {}
    for name, parameter in model.named_parameters():
        if found[name] is not None:
            parameter.grad = found[name] if parameter.grad is None else parameter.grad + found[name]
        if name in _convolutions(model):
            norms[name] = 0.0 if parameter.grad is None else parameter.grad.norm().item()
    return norms


@misconception(
    "gradient_norms",
    "You called `.backward()` and left the gradients behind, on top of those that were there before. Take them with "
    "`torch.autograd.grad`, which leaves .grad alone, instead.",
)
def gradients_left_behind(model, images, labels):
    return _through_grad(model, images, labels)


@misconception(
    "gradient_norms",
    "You called `model.zero_grad()`, and gradients that the caller had collected are lost. Take yours with "
    "`torch.autograd.grad`, which leaves .grad alone, instead.",
)
def gradients_thrown_away(model, images, labels):
    model.zero_grad()
    norms = _through_grad(model, images, labels)
    model.zero_grad()
    return norms


@misconception(
    "gradient_norms",
    "You put .grad back, but measured it while the earlier gradients were still in it: `.backward()` adds. Set .grad "
    "to None before, or use `torch.autograd.grad` instead.",
)
def earlier_gradients_counted(model, images, labels):
    before = {name: parameter.grad for name, parameter in model.named_parameters()}
    norms = _through_grad(model, images, labels)
    for name, parameter in model.named_parameters():
        parameter.grad = before[name]
    return norms


@misconception(
    "gradient_norms",
    "Your forward in train mode moved the running statistics of the batch normalization. Keep a clone of every buffer "
    "and put it back afterwards, or run the model on clones with `torch.func.functional_call` instead.",
)
def statistics_moved(model, images, labels):
    return _norms(_of(model, images, labels, buffers=False))


@misconception(
    "gradient_norms",
    "You put the running means and variances back, but not `num_batches_tracked`, which counts the batches. It is a "
    "buffer like the others: go through `model.named_buffers()` instead.",
)
def counter_moved(model, images, labels):
    norms = _norms(_of(model, images, labels))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.training:
            module.num_batches_tracked.add_(1)
    return norms


def _in_mode(model, images, labels, training, put_back):
    """The norms with every part of the model in train or in eval mode."""
    before = [(module, module.training) for module in model.modules()]
    model.train(training)
    norms = _norms(_of(model, images, labels))
    if put_back:
        for module, mode in before:
            module.training = mode
    return norms


@misconception(
    "gradient_norms",
    "You switched the model to train mode for the call. The norms are those in the mode that every part of the model "
    "is in: leave it as it is instead.",
)
def always_train_mode(model, images, labels):
    return _in_mode(model, images, labels, training=True, put_back=True)


@misconception(
    "gradient_norms",
    "You switched the model to eval mode for the call. The norms are those in the mode that every part of the model "
    "is in: leave it as it is instead.",
)
def always_eval_mode(model, images, labels):
    return _in_mode(model, images, labels, training=False, put_back=True)


@misconception(
    "gradient_norms",
    "You switched the model to train mode and left it there. The norms are those in the mode that every part of the "
    "model is in: do not call `model.train()` instead.",
)
def left_in_train_mode(model, images, labels):
    return _in_mode(model, images, labels, training=True, put_back=False)


@misconception(
    "gradient_norms",
    "You switched the model to eval mode and left it there. The norms are those in the mode that every part of the "
    "model is in: do not call `model.eval()` instead.",
)
def left_in_eval_mode(model, images, labels):
    return _in_mode(model, images, labels, training=False, put_back=False)


@misconception(
    "gradient_norms",
    "You put the mode back with `model.train(was_training)`, which gives all parts the mode of the whole: a frozen "
    "batch normalization is in train mode now. Note `module.training` of every module instead, or leave modes alone.",
)
def one_mode_for_all_parts(model, images, labels):
    norms = _norms(_of(model, images, labels))
    model.train(model.training)
    return norms
