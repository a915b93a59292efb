"""Unfolded convolutions in float64, softmax by hand, gradients from autograd.grad, one image at a time in evaluation."""

from contextlib import AbstractContextManager

import torch
import torch.nn as nn


class Weights(nn.Module):
    """A weight and a bias, and nothing that knows what they are for."""

    def __init__(self, *shape):
        super().__init__()
        fan_in = torch.Size(shape[1:]).numel()
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        self.weight = nn.Parameter(torch.randn(shape) / fan_in**0.5)


class TwoByTwo(nn.Module):
    def forward(self, x):
        return x.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2))


class Net(nn.Module):
    def __init__(self, in_channels=3, num_classes=10):
        super().__init__()
        self.wanted = in_channels, num_classes
        self.conv1 = Weights(6, max(in_channels, 0), 5, 5)
        self.conv2 = Weights(16, 6, 5, 5)
        self.fc1 = Weights(120, 400)
        self.fc2 = Weights(84, 120)
        self.fc3 = Weights(max(num_classes, 0), 84)
        self.pool = TwoByTwo()

    @staticmethod
    def conv(layer, x):
        windows = x.unfold(2, 5, 1).unfold(3, 5, 1)
        out = torch.einsum("nchwij,ocij->nhwo", windows, layer.weight.double()) + layer.bias.double()
        return torch.where(out > 0, out, 0).permute(0, 3, 1, 2)

    @staticmethod
    def dense(layer, x):
        return torch.addmm(layer.bias.double(), x, layer.weight.double().T)

    def forward(self, x):
        if self.wanted[0] < 1:
            raise ValueError("in_channels is no number of channels")
        if self.wanted[1] < 1:
            raise ValueError("num_classes is no number of classes")
        dtype, x = x.dtype, x.double()
        x = self.pool(self.conv(self.conv1, x))
        x = self.pool(self.conv(self.conv2, x))
        x = x.contiguous().view(x.shape[0], -1)
        x = self.dense(self.fc1, x).relu()
        x = self.dense(self.fc2, x).relu()
        return self.dense(self.fc3, x).to(dtype)


def train_one_epoch(model, batches, optimizer):
    if len(batches) == 0:
        raise ValueError("`batches`: nothing to learn from")
    for module in model.modules():
        module.training = True
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    total = torch.zeros((), dtype=torch.float64)
    for images, labels in batches:
        logits = model(images)
        own = logits.gather(1, labels[:, None])[:, 0]
        losses = logits.logsumexp(dim=1) - own
        for parameter in model.parameters():
            parameter.grad = None
        grads = torch.autograd.grad(losses.sum() / len(losses), learned, allow_unused=True)
        for parameter, grad in zip(learned, grads):
            parameter.grad = grad
        optimizer.step()
        total = total + losses.detach().double().sum()
    return (total / sum(labels.numel() for _, labels in batches)).item()


class Quiet(AbstractContextManager):
    """Eval mode and no gradients; on leaving, in whatever way, everything is as it was."""

    def __init__(self, model):
        self.model = model

    def __enter__(self):
        self.recording = torch.is_grad_enabled()
        self.modes = [module.training for module in self.model.modules()]
        torch.set_grad_enabled(False)
        for module in self.model.modules():
            module.training = False
        return self.model

    def __exit__(self, *error):
        torch.set_grad_enabled(self.recording)
        for module, mode in zip(self.model.modules(), self.modes):
            module.training = mode
        return False


def evaluate(model, batches):
    if len(batches) == 0:
        raise ValueError("`batches`: nothing to evaluate")
    hits = []
    with Quiet(model):
        for images, labels in batches:
            for image, label in zip(images, labels):
                scores = model(image[None])[0].tolist()
                hits.append(scores.index(max(scores)) == int(label))
    return sum(hits) / len(hits)


def predict(model, images):
    with Quiet(model):
        return torch.stack([model(image.unsqueeze(0)).squeeze(0).argmax() for image in images])


def feature_maps(model, images):
    """Each layer's forward is stood in for, and the stand-ins are taken away again: no hook at all."""
    found = {}
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d)}

    def stand_in(name, layer):
        plain = layer.forward

        def forward(x):
            out = plain(x)
            found[name] = out.clone(memory_format=torch.channels_last)
            return out

        return forward

    try:
        for name, layer in layers.items():
            layer.forward = stand_in(name, layer)
        with Quiet(model):
            model(images)
    finally:
        for layer in layers.values():
            layer.__dict__.pop("forward", None)
    return found
