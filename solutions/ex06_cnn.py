"""ex06 · A first CNN in PyTorch

Lecture: basic CNN implementation · feature learning and classification.

All the parts are known by now: convolution, ReLU, pooling, flattening, dense layers. Here they become a network that
learns, with what PyTorch has ready in `torch.nn`. This is the lecture's network, LeNet's grandchild, for small colour
pictures (by default 32 × 32 pixels, 3 channels, 10 classes):

     feature learning                                                classification

     image       conv1       pool        conv2        pool       flatten    fc1       fc2      fc3
                 5×5         2×2         5×5          2×2
    ┌───────┐   ┌───────┐   ┌───────┐   ┌────────┐   ┌──────┐   ┌─────┐   ┌─────┐   ┌────┐   ┌────┐
    │3×32×32├──→│6×28×28├──→│6×14×14├──→│16×10×10├──→│16×5×5├──→│ 400 ├──→│ 120 ├──→│ 84 ├──→│ 10 │  a score per class
    └───────┘   └───────┘   └───────┘   └────────┘   └──────┘   └─────┘   └─────┘   └────┘   └────┘
                  ReLU                    ReLU                             ReLU      ReLU

The left half finds features, the right half decides what they mean. The scores at the end are called logits: they may
be negative, and no softmax is applied to them, because the cross entropy does that by itself.

Around the network you build what every project needs: one epoch of training, the accuracy, predictions, and a look
inside at the feature maps.

Three kinds of state are easily forgotten, and these tasks are about them:

- Modes. Dropout and BatchNorm do one thing in train mode and another in eval mode. `model.train()` and `model.eval()`
  set the flag `training` of a module and of everything inside it. A model may be mixed: a frozen BatchNorm stays in
  eval mode while the rest trains. Who switches a model to eval mode gives every submodule its own flag back, also
  where the model raises an error on the way.
- Gradients. `.backward()` adds to the gradients that are there already. And where nobody trains, nothing has to be
  recorded for a backward pass at all.
- Hooks. A forward hook lets you look at a layer while the model runs. Who registers one takes it away again, and
  leaves those of others alone.

In all functions, `batches` is a list of (images, labels): images (N, C, H, W), labels a LongTensor (N,) of class
indices. Batches may differ in size; often the last is shorter. An empty list is a `ValueError` whose message names
`batches`. The functions work for any model with logits (N, classes), on the device it is on, in float32 and float64,
and leave batches and images as they were. All of torch may be used.

Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998 (the network's shape).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn


### BEGIN SOLUTION
def _check_batches(batches: list[tuple[Tensor, Tensor]]) -> None:
    if len(batches) == 0:
        raise ValueError("batches must hold at least one (images, labels), got none")


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode and no gradients inside; afterwards every module has its own mode again, whatever happened."""
    before = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            yield
    finally:
        for module, training in before:
            module.training = training  # not module.train(...), which reaches into its children


### END SOLUTION
class Net(nn.Module):
    """The lecture's network: two convolutions with ReLU and pooling, then three dense layers.

    in_channels: channels of the image; num_classes: scores per image. A negative number of either is a ValueError that
    names the argument.

    Layers, by the names under which they are kept:

        name     layer                                          from → to
        conv1    5×5 convolution, no padding, bias              in_channels → 6
        pool     2×2 max pooling, used twice; any nn.Module without weights
        conv2    5×5 convolution, no padding, bias              6 → 16
        fc1      dense, bias                                    16 · 5 · 5 → 120
        fc2      dense, bias                                    120 → 84
        fc3      dense, bias                                    84 → num_classes

    A ReLU follows conv1, conv2, fc1 and fc2, and none follows fc3. The features are flattened per image, channel by
    channel, each row by row: what a plain flatten gives. The names are the keys of the state_dict, so weights that
    were trained elsewhere load into your network. Initial values are PyTorch's own; any others will do.

    forward: (N, in_channels, 32, 32) → (N, num_classes), the same in train and in eval mode.

    Source: LeCun et al. 1998, figure 2, with ReLU and max pooling.

    >>> net = Net()
    >>> net(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    >>> sum(parameter.numel() for parameter in net.parameters())
    62006
    >>> sorted(name for name in net.state_dict() if name.endswith("weight"))
    ['conv1.weight', 'conv2.weight', 'fc1.weight', 'fc2.weight', 'fc3.weight']
    """

    ### HINT: In `__init__`, after `super().__init__()`, assign layers to attributes: `self.conv1 = nn.Conv2d(...)`. An
    ###   optimizer does not find what is in a plain Python list. Layers without weights may serve more than once.
    ### HINT: In `forward`, follow the picture from left to right: `x = self.pool(F.relu(self.conv1(x)))` is the first
    ###   third. Print `x.shape` after each step and compare it with the picture.
    ### HINT: Flatten all but the batch: `torch.flatten(x, 1)`. fc1 gets 16 · 5 · 5 numbers an image. The last line
    ###   returns what fc3 gives, as it is.

    def __init__(self, in_channels: int = 3, num_classes: int = 10) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        if in_channels < 1:
            raise ValueError(f"in_channels must be at least 1, got {in_channels}")
        if num_classes < 1:
            raise ValueError(f"num_classes must be at least 1, got {num_classes}")
        self.conv1 = nn.Conv2d(in_channels, 6, 5)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)
        ### END SOLUTION


def train_one_epoch(model: nn.Module, batches: list[tuple[Tensor, Tensor]], optimizer: torch.optim.Optimizer) -> float:
    """Show the model every batch once, in order, with one step of the optimizer for each; return the mean loss.

    The loss is the cross entropy between the model's logits and the labels, its mean over the batch. Every step uses
    the gradient of its own batch alone: gradients that were there before have no part in it.

    The model is put into train mode, with everything in it, and stays there. Parameters that are frozen
    (`requires_grad=False`) stay as they are.

    Returns a Python float: the mean loss over all samples, each batch's loss measured before its step. A sample counts
    the same in whichever batch it is, also where the last batch is shorter.

    No batches: ValueError.

    A training of five epochs is then:

        net = Net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
        for epoch in range(5):
            print(epoch, train_one_epoch(net, batches, optimizer))

    and a small one to try by hand, where the model knows nothing yet:

        model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        for parameter in model.parameters():
            nn.init.zeros_(parameter)
        batches = [(torch.ones(3, 1, 2, 2), torch.tensor([0, 1, 1])), (torch.zeros(1, 1, 2, 2), torch.tensor([0]))]
        train_one_epoch(model, batches, torch.optim.SGD(model.parameters(), lr=0.0))  # 0.6931, which is -log(1/2)

    >>> train_one_epoch(Net(), [], None)
    Traceback (most recent call last):
        ...
    ValueError: batches must hold at least one (images, labels), got none
    """
    ### HINT: `model.train()` first. Then for every batch: logits, loss, gradients, step. Which two calls on `optimizer`
    ###   belong around `loss.backward()`, and what happens to the gradients of the batch before?
    ### HINT: `F.cross_entropy(model(images), labels)` takes logits. It gives the mean over the batch: a batch of 3 and
    ###   one of 1 must not weigh the same, so multiply it by the number of its images and count the images.
    ### HINT: The loss is a tensor with a history. `loss.item()` is a plain float; add those up, and divide by the
    ###   number of all images at the end.
    ### BEGIN SOLUTION
    _check_batches(batches)
    model.train()
    total, samples = 0.0, 0
    for images, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        samples += len(labels)
    return total / samples
    ### END SOLUTION


def evaluate(model: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> float:
    """The accuracy: which part of all samples gets its highest score for the right class. From 0 to 1, a Python float.

    The model runs in eval mode and without recording gradients. Afterwards every submodule has the mode it had before,
    each its own, also where the model raises an error; the error itself goes on to the caller. Weights, and whether
    they are trainable, stay as they are.

    Every sample counts the same in whichever batch it is. No batches: ValueError.

    To try by hand, with a model whose scores are its pixels:

        model = nn.Sequential(nn.Flatten())
        images = torch.tensor([[[[0.0, 1.0]]], [[[2.0, 1.0]]], [[[3.0, 4.0]]]])
        evaluate(model, [(images[:2], torch.tensor([1, 0])), (images[2:], torch.tensor([0]))])  # 0.6667: 2 of 3

    And with the network: ten copies of one picture all get the same class, and one of the ten labels is that class.

    >>> images, labels = torch.zeros(10, 3, 32, 32), torch.arange(10)
    >>> round(evaluate(Net(), [(images[:8], labels[:8]), (images[8:], labels[8:])]), 4)
    0.1
    """
    ### HINT: In (N, classes), which axis do you search for the highest score? `argmax` wants it as `dim`. Count the
    ###   right ones and the images over all batches, and divide once at the end.
    ### HINT: `with torch.no_grad():` around the loop, `model.eval()` before it. What was the mode before? A single flag
    ###   is not enough: `model.modules()` goes through all modules, and each has its own `training`.
    ### HINT: `try: ... finally: ...` runs its last part also where the model raises. There, set `module.training` for
    ###   each module of your list; `module.train(...)` would reach into its children. predict and feature_maps need the
    ###   same, so a context manager of your own pays.
    ### BEGIN SOLUTION
    _check_batches(batches)
    correct, samples = 0, 0
    with _evaluating(model):
        for images, labels in batches:
            correct += int((model(images).argmax(dim=1) == labels).sum())
            samples += len(labels)
    return correct / samples
    ### END SOLUTION


def predict(model: nn.Module, images: Tensor) -> Tensor:
    """The class that the model gives its highest score, for every image.

    images: (N, C, H, W), N at least 1. Returns a LongTensor (N,), also for a single image. Where two scores are the
    highest, either class will do.

    The model runs in eval mode and without recording gradients; modes come back as in `evaluate`, also where it raises.

    To try by hand, with a model whose scores are its pixels:

        model = nn.Sequential(nn.Flatten())
        predict(model, torch.tensor([[[[0.0, 1.0, -5.0]]], [[[2.0, 1.0, 3.0]]]]))  # tensor([1, 2])

    >>> classes = predict(Net(num_classes=4), torch.zeros(3, 3, 32, 32))
    >>> classes.shape, classes.dtype
    (torch.Size([3]), torch.int64)
    """
    ### HINT: `model(images)` gives (N, classes). The index of the highest score in each row is the class; a softmax
    ###   before would not change which one that is.
    ### HINT: `argmax(dim=1)` keeps the batch: one image gives a tensor of one index. For modes and gradients, do what
    ###   you do in evaluate.
    ### BEGIN SOLUTION
    with _evaluating(model):
        return model(images).argmax(dim=1)
    ### END SOLUTION


def feature_maps(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """What every convolution in the model makes of the images: the pictures that a network sees inside.

    Returns a dict: the name of the layer as in `model.named_modules()` ("conv1", "features.0") → its output (N, O, H,
    W), for every `nn.Conv2d`, however deep it lies and subclasses of it too. Other layers are not in it, and a model
    without a convolution gives {}. The values are those that left the layer, also where the next layer overwrites them
    in place (`nn.ReLU(inplace=True)`). Results have no gradient history.

    Hooks of your own are gone afterwards, those of others stay. The model runs in eval mode and without recording
    gradients; modes come back as in `evaluate`. All of this holds also where the model raises an error, which goes on
    to the caller.

    To try by hand:

        model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Sequential(nn.Conv2d(2, 4, 2)), nn.Flatten())
        maps = feature_maps(model, torch.zeros(1, 1, 5, 5))
        {name: tuple(output.shape) for name, output in maps.items()}  # {'0': (1, 2, 3, 3), '2.0': (1, 4, 2, 2)}

    >>> maps = feature_maps(Net(), torch.zeros(2, 3, 32, 32))
    >>> isinstance(maps, dict) and all(len(output) == 2 for output in maps.values())
    True
    """
    ### HINT: `module.register_forward_hook(function)` has `function(module, inputs, output)` called whenever the layer
    ###   has run, and gives a handle: `handle.remove()` takes this hook away and no other.
    ### HINT: Go through `model.named_modules()` and register a hook where `isinstance(module, nn.Conv2d)`. Each hook
    ###   has to know its own name: make it in a small function that takes the name, since a lambda written in the loop
    ###   sees the last one.
    ### HINT: The hook gets the very tensor that an in-place ReLU will overwrite: keep `output.detach().clone()`. Remove
    ###   the handles in a `finally`.
    ### BEGIN SOLUTION
    found: dict[str, Tensor] = {}

    def keep_as(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            found[name] = output.detach().clone()  # an in-place ReLU may overwrite it next

        return hook

    handles = [
        module.register_forward_hook(keep_as(name))
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    try:
        with _evaluating(model):
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return found
    ### END SOLUTION
