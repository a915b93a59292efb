"""ex08 · Depth and residual learning

Lecture: the depth problem · ResNet.

Deeper should be better: whatever 20 layers compute, 56 layers can compute too, if the 36 additional ones hand on their
input. In 2015 it was found that they do not learn to. A plain network with 56 layers has a larger error than one with
20, already on the training images. It does not overfit, it cannot be trained: through a long chain of layers it is
hard to hand anything on, forwards the picture, backwards the gradient.

The answer is to let a block learn only what it *adds*. Around its convolutions F runs a shortcut that hands the input
on for free, and the block gives relu(F(x) + x). To do nothing, F only has to become zero, and the gradient has a way
back on which no weight stands.

    PlainBlock                 BasicBlock                            Bottleneck

        x                          x ────────────┐                       x ────────────┐
        │                          │             │                       │             │
    3×3 conv1, bn1, relu       3×3 conv1, bn1, relu                  1×1 conv1, bn1, relu    (fewer channels)
        │                          │             │                       │             │
    3×3 conv2, bn2             3×3 conv2, bn2    │  shortcut         3×3 conv2, bn2, relu
        │                          │             │                       │             │
        │                          │             │                   1×1 conv3, bn3    │     (4 times as many)
       relu                        + ◀───────────┘                       + ◀───────────┘
        │                          │                                     │
                                  relu                                  relu

The shortcut is x itself wherever that has the shape of F(x). Where the block changes the number of channels, or where
its stride is not 1, x cannot be added; there it goes through `downsample`: a 1×1 convolution with the block's stride,
and a batch normalization.

ResNet puts such blocks together in four layers. At the start of each but the first the picture is halved, and the
channels double:

    stage     what it does                                                           a 224×224 picture becomes
    conv1     7×7 convolution to 64 channels, stride 2, padding 3; bn1, relu         64 × 112 × 112
    maxpool   3×3, stride 2, padding 1                                               64 × 56 × 56
    layer1    blocks of width 64, stride 1                                           64 × 56 × 56
    layer2    blocks of width 128, stride 2 in the first block, 1 in the others      128 × 28 × 28
    layer3    blocks of width 256, likewise                                          256 × 14 × 14
    layer4    blocks of width 512, likewise                                          512 × 7 × 7
    avgpool   mean over height and width, whatever they are                          512 × 1 × 1
    fc        a dense layer to num_classes                                           num_classes

(With bottleneck blocks, layer1 to layer4 give 4 times as many channels.)

A few rules hold for all modules here. Every convolution comes without a bias, for the batch normalization after it
has one. A 3×3 convolution has padding 1. Batch normalization is `nn.BatchNorm2d` with its usual settings, one of its
own behind every convolution. Modules work for any number of images, any height and width, in float32 and float64, in
train and in eval mode; they leave their input as it was. A block's numbers of channels and its stride are at least 1,
else a `ValueError` names the argument. Initial values are free: what PyTorch's layers start with will do. All of torch
may be used.

Names matter: they are the keys of the state_dict, and yours are those of torchvision, so that the weights of a
trained resnet18 or resnet50 load into the network that you build.

Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, figures 2, 3 and 5 and table 1.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


### BEGIN SOLUTION
def _check_at_least_one(**arguments: int) -> None:
    for name, value in arguments.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def _conv(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False)


def _projection(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    """What gives the shortcut the shape of the other path; None where it has that shape already."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(_conv(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels))


### END SOLUTION
class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut around them: the block of ResNet-18 and ResNet-34.

    in_channels, out_channels: channels of input and output; stride: that of the first convolution. All at least 1,
    else ValueError.

    conv1 (3×3, with the stride), bn1, relu, conv2 (3×3), bn2, then the shortcut is added, then relu once more.
    downsample: an `nn.Sequential` of a 1×1 convolution with the stride (index 0) and a batch normalization (index 1)
    where stride is not 1 or in_channels is not out_channels; None otherwise.

    forward: (N, in_channels, H, W) → (N, out_channels, ceil(H / stride), ceil(W / stride)).

    Source: He et al. 2016, figure 5 left, shortcuts of option B.

    >>> block = BasicBlock(2, 4, stride=2)
    >>> block(torch.ones(1, 2, 5, 8)).shape
    torch.Size([1, 4, 3, 4])
    >>> [name for name in sorted(block.state_dict()) if name.endswith("weight")]
    ['bn1.weight', 'bn2.weight', 'conv1.weight', 'conv2.weight', 'downsample.0.weight', 'downsample.1.weight']
    >>> sorted(BasicBlock(3, 3).state_dict())[-2:]
    ['conv1.weight', 'conv2.weight']
    """

    ### HINT: First the straight path: `nn.Conv2d(..., kernel_size=3, stride=stride, padding=1, bias=False)`, then
    ###   `nn.BatchNorm2d`, `nn.ReLU`, and the second convolution with its own normalization. How many channels does
    ###   each of them see?
    ### HINT: The shortcut starts at x, before conv1. When has the straight path's result another shape than x? There
    ###   `self.downsample` is a Sequential of a 1×1 convolution and a batch normalization, elsewhere None.
    ### HINT: In forward: `out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))`, then
    ###   `out + (x if self.downsample is None else self.downsample(x))`, and only then the last ReLU.

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        _check_at_least_one(in_channels=in_channels, out_channels=out_channels, stride=stride)
        self.conv1 = _conv(in_channels, out_channels, 3, stride)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.conv2 = _conv(out_channels, out_channels, 3)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = _projection(in_channels, out_channels, stride)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + shortcut)
        ### END SOLUTION


class Bottleneck(nn.Module):
    """A 3×3 convolution between two 1×1 ones, and a shortcut: the block of ResNet-50 and the deeper ones.

    The first 1×1 convolution makes the stack of channels thin, so that the 3×3 one is cheap; the last one makes it 4
    times as deep again.

    in_channels: channels of the input; width: channels of the thin part, the output has 4·width; stride: that of the
    3×3 convolution. All at least 1, else ValueError.

    conv1 (1×1), bn1, relu, conv2 (3×3, with the stride), bn2, relu, conv3 (1×1), bn3, then the shortcut is added, then
    relu once more. downsample: as in `BasicBlock`, where stride is not 1 or in_channels is not 4·width; None otherwise.

    forward: (N, in_channels, H, W) → (N, 4·width, ceil(H / stride), ceil(W / stride)).

    Source: He et al. 2016, figure 5 right. The paper has the stride in the first 1×1 convolution, which throws three
    of four pixels away unseen; torchvision moved it to the 3×3 one, and so do we.

    >>> block = Bottleneck(8, 2)
    >>> block(torch.ones(1, 8, 3, 5)).shape
    torch.Size([1, 8, 3, 5])
    >>> [tuple(block.state_dict()[name].shape) for name in ("conv1.weight", "conv2.weight", "conv3.weight")]
    [(2, 8, 1, 1), (2, 2, 3, 3), (8, 2, 1, 1)]
    >>> Bottleneck(8, 4, stride=2)(torch.ones(1, 8, 3, 5)).shape
    torch.Size([1, 16, 2, 3])
    """

    ### HINT: Three convolutions, from in_channels to width, from width to width, from width to 4·width. Which of them
    ###   needs a padding, and which has the stride? Each has a batch normalization for as many channels as it gives.
    ### HINT: ReLU after the first two. After the third comes the addition first: otherwise the block could never take
    ###   anything away from its input.
    ### HINT: The shortcut has to have 4·width channels. With `Bottleneck(64, 64)` it needs a projection although the
    ###   stride is 1; with `Bottleneck(256, 64)` it does not.

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        _check_at_least_one(in_channels=in_channels, width=width, stride=stride)
        self.conv1 = _conv(in_channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv(width, width, 3, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = _conv(width, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU()
        self.downsample = _projection(in_channels, 4 * width, stride)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + shortcut)
        ### END SOLUTION


class ResNet(nn.Module):
    """A residual network as in the table of the statement, with the names of torchvision.

    block: "basic" or "bottleneck", which says what layer1 to layer4 are made of; anything else: ValueError.
    layers: how many blocks layer1, layer2, layer3 and layer4 have, a list or a tuple of four numbers; more or fewer:
    ValueError. num_classes: outputs of fc. in_channels: channels of the picture.

        ResNet-18   "basic", [2, 2, 2, 2]            ResNet-34   "basic", [3, 4, 6, 3]
        ResNet-50   "bottleneck", [3, 4, 6, 3]       ResNet-101  "bottleneck", [3, 4, 23, 3]

    With 1000 classes ResNet-18 has 11,689,512 parameters, and ResNet-50, much deeper, 25,557,032.

    Names: conv1, bn1, relu, maxpool, layer1, layer2, layer3, layer4 (each an `nn.Sequential` of blocks), avgpool, fc.

    forward: (N, in_channels, H, W) → (N, num_classes), without a softmax.

    Source: He et al. 2016, table 1.

    >>> net = ResNet("basic", [1, 1, 1, 1], num_classes=10)
    >>> sum(parameter.numel() for parameter in net.parameters())
    4910922
    >>> net(torch.rand(2, 3, 33, 40)).shape
    torch.Size([2, 10])
    >>> [name for name in net.state_dict() if name.startswith("layer2.0.downsample") and name.endswith("weight")]
    ['layer2.0.downsample.0.weight', 'layer2.0.downsample.1.weight']
    """

    ### HINT: Write a method that makes one layer: it gets the width, the number of blocks and the stride, and gives an
    ###   `nn.Sequential`. Only the first of its blocks has the stride, and only the first sees another number of
    ###   channels than it gives. With `nn.Sequential(*blocks)` the blocks are named "layer1.0", "layer1.1", …
    ### HINT: Carry along how many channels there are at the moment: 64 after the stem; after a layer the width, or 4
    ###   times the width for bottlenecks. fc has to know the number after layer4.
    ### HINT: `nn.AdaptiveAvgPool2d(1)` makes (N, C, 1, 1) of any height and width; `flatten(1)` gives (N, C) to fc. A
    ###   7×7 pooling would fit pictures of 224×224 only. And the stem has a ReLU between bn1 and maxpool.

    def __init__(self, block: str, layers: list[int], num_classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        if block not in ("basic", "bottleneck"):
            raise ValueError(f'block must be "basic" or "bottleneck", got {block!r}')
        if len(layers) != 4:
            raise ValueError(f"layers must be four numbers of blocks, got {layers}")
        make, expansion = (BasicBlock, 1) if block == "basic" else (Bottleneck, 4)
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = 64
        for number, count in enumerate(layers, start=1):
            width = 32 * 2**number
            blocks = [make(channels, width, 1 if number == 1 else 2)]
            channels = expansion * width
            blocks += [make(channels, width) for _ in range(1, count)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))
        ### END SOLUTION


class PlainBlock(nn.Module):
    """A `BasicBlock` without the shortcut: what the networks were made of that could not be trained deeper.

    in_channels, out_channels, stride: as in `BasicBlock`. conv1 (3×3, with the stride), bn1, relu, conv2 (3×3), bn2,
    relu. There is nothing to add, so there is no downsample.

    forward: (N, in_channels, H, W) → (N, out_channels, ceil(H / stride), ceil(W / stride)).

    Source: He et al. 2016, figure 3 middle.

    >>> block = PlainBlock(2, 4, stride=2)
    >>> block(torch.ones(1, 2, 5, 8)).shape
    torch.Size([1, 4, 3, 4])
    >>> [name for name in sorted(block.state_dict()) if name.endswith("weight")]
    ['bn1.weight', 'bn2.weight', 'conv1.weight', 'conv2.weight']
    """

    ### HINT: Take your `BasicBlock` and leave out what belongs to the shortcut. Which lines are left in forward?
    ### HINT: The last ReLU stays: between two convolutions there is always something that is not linear. Two blocks in
    ###   a row would otherwise meet as conv2, bn2, conv1, which one convolution could do as well.

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        _check_at_least_one(in_channels=in_channels, out_channels=out_channels, stride=stride)
        self.conv1 = _conv(in_channels, out_channels, 3, stride)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.conv2 = _conv(out_channels, out_channels, 3)
        self.bn2 = nn.BatchNorm2d(out_channels)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)))
        ### END SOLUTION


def gradient_norms(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """How large the gradient is that arrives at every convolution: what one looks at to see a depth problem.

    The loss is the cross entropy of model(images) and labels, its mean over the images. For the weight of every
    `nn.Conv2d` in the model (also of subclasses, at any depth in it) the result holds the L2 norm of the loss's
    gradient as a Python float, under the name that `named_parameters` gives the weight. Nothing else is in the
    result: no biases, no other layers.

    images: whatever the model takes, N of them first; labels: (N,) class indices.

    The model stays in the mode it is in: in train mode batch normalization uses the statistics of this batch. A frozen
    weight (one that does not require a gradient) gets the norm that it would have if it did, and a weight that has no
    part in the output gets 0.0.

    It is a look and no step of a training. Afterwards everything is as it was found: the .grad and requires_grad of
    every parameter, all buffers (with them the running statistics of batch normalization), and the mode of every
    submodule.

    For instance

        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3), nn.Flatten(), nn.Linear(8, 10))
        norms = gradient_norms(model, torch.rand(2, 3, 6, 6), torch.tensor([3, 7]))

    gives norms with the keys "0.weight" and "2.weight" and a positive float for each. A model without convolutions
    gives an empty dict. And with your own network:

    >>> model = ResNet("basic", [1, 1, 1, 1], num_classes=10)
    >>> norms = gradient_norms(model, torch.rand(2, 3, 32, 32), torch.tensor([3, 7]))
    >>> isinstance(norms, dict) and all(isinstance(norm, float) for norm in norms.values())
    True
    """
    ### HINT: `model.named_modules()` gives every submodule with its name, at any depth; `isinstance(..., nn.Conv2d)`
    ###   finds the convolutions. The parameter's name is the module's name and ".weight".
    ### HINT: `.backward()` adds to the .grad of all parameters. `torch.autograd.grad(loss, weights, allow_unused=True)`
    ###   hands you the gradients instead and leaves .grad alone; None stands for a weight that has no part in the loss.
    ### HINT: A frozen weight has no gradient unless something is done first, and a forward in train mode moves the
    ###   running statistics. Either change and put back (requires_grad, a clone of every buffer), or leave the model
    ###   alone: `torch.func.functional_call(model, values, (images,))` runs it with other tensors, say clones that
    ###   require grad.
    ### BEGIN SOLUTION
    convolutions = {id(module.weight) for module in model.modules() if isinstance(module, nn.Conv2d)}
    wanted = [name for name, parameter in model.named_parameters() if id(parameter) in convolutions]
    parameters = {name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()}
    # The model runs on clones: autograd and batch normalization write into those, and nothing has to be put back.
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    logits = torch.func.functional_call(model, parameters | buffers, (images,))
    loss = F.cross_entropy(logits, labels)
    found = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    gradients = dict(zip(parameters, found, strict=True))
    return {name: 0.0 if gradients[name] is None else gradients[name].norm().item() for name in wanted}
    ### END SOLUTION
