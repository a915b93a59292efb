"""Convolutions by FFT, dense layers as convolutions of their maps; a generator as context manager, loss by one-hot."""

import contextlib

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv(x: Tensor, layer: nn.Module) -> Tensor:
    """A valid cross-correlation as a product of spectra, in float64."""
    h, w = x.shape[-2:]
    kernel = torch.fft.rfft2(layer.weight.double(), s=(h, w))
    spectrum = torch.einsum("nchw,ochw->nohw", torch.fft.rfft2(x.double()), kernel.conj())
    full = torch.fft.irfft2(spectrum, s=(h, w))
    return (full[..., : h - 4, : w - 4] + layer.bias.double().view(-1, 1, 1)).to(x.dtype)


class Pool(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = torch.maximum(x[..., 0::2, :], x[..., 1::2, :])
        return torch.maximum(x[..., 0::2], x[..., 1::2])


class Net(nn.Module):
    def __init__(self, in_channels: int = 3, num_classes: int = 10) -> None:
        if min(in_channels, num_classes) < 1:
            raise ValueError(f"in_channels ({in_channels}) and num_classes ({num_classes}) must be at least 1")
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(in_channels, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, num_classes)
        self.pool = Pool()

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(conv(x, self.conv1)))
        x = self.pool(F.relu(conv(x, self.conv2)))
        x = F.relu(F.conv2d(x, self.fc1.weight.reshape(120, 16, 5, 5), self.fc1.bias))
        x = F.relu(F.conv2d(x, self.fc2.weight[:, :, None, None], self.fc2.bias))
        return F.conv2d(x, self.fc3.weight[:, :, None, None], self.fc3.bias)[:, :, 0, 0]


def train_one_epoch(model: nn.Module, batches: list, optimizer: torch.optim.Optimizer) -> float:
    sizes = [len(images) for images, _ in batches]
    if sum(sizes) == 0:
        raise ValueError("batches hold no images")
    model.train()
    mean = 0.0
    for size, (images, labels) in zip(sizes, batches):
        scores = model(images)
        truth = torch.zeros_like(scores).scatter_(1, labels[:, None], 1.0)
        loss = F.cross_entropy(scores, truth)
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.detach_().zero_()
        loss.backward()
        mean += loss.item() * (size / sum(sizes))
        optimizer.step()
    return mean


@contextlib.contextmanager
def asleep(model: nn.Module):
    awake = {name for name, module in model.named_modules() if module.training}
    try:
        yield model.eval()
    finally:
        for name, module in model.named_modules():
            module.training = name in awake


def evaluate(model: nn.Module, batches: list) -> float:
    if len(batches) == 0:
        raise ValueError("batches: got an empty list")
    labels = torch.cat([labels for _, labels in batches])
    guesses = torch.cat([predict(model, images) for images, _ in batches])
    return float(guesses.eq(labels).double().mean())


def predict(model: nn.Module, images: Tensor) -> Tensor:
    with asleep(model), torch.no_grad():
        best = torch.sort(model(images), dim=-1, stable=True).indices
    return best.T[-1]


def feature_maps(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    maps: dict[str, Tensor] = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(asleep(model))
        stack.enter_context(torch.no_grad())
        for name, module in model.named_modules():
            if isinstance(module, nn.Conv2d):

                def hook(_module, _inputs, output, name=name):
                    maps[name] = output + 0

                stack.callback(module.register_forward_hook(hook, prepend=True).remove)
        model(images)
    return maps
