"""Own convolution (unfold and einsum) and own batch normalization; results are permuted views; torch.func for gradients."""

import torch
import torch.nn.functional as F
from torch import nn


class Conv(nn.Module):
    def __init__(self, i, o, k, s=1):
        super().__init__()
        for number in (i, o, s):
            if number < 1:
                raise ValueError(f"channels ({i} to {o}) and stride ({s}) have to be positive")
        self.k, self.s = k, s
        self.weight = nn.Parameter(torch.randn(o, i, k, k) * (2 / (i * k * k)) ** 0.5)

    def forward(self, x):
        p = self.k // 2
        windows = F.pad(x, (p, p, p, p)).unfold(2, self.k, self.s).unfold(3, self.k, self.s)
        return torch.einsum("nchwij,ocij->nhwo", windows, self.weight).permute(0, 3, 1, 2)


class Norm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(c)), nn.Parameter(torch.zeros(c))
        self.register_buffer("running_mean", torch.zeros(c))
        self.register_buffer("running_var", torch.ones(c))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            count = x.numel() / x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, 0.1)
                self.running_var.lerp_(var * (count / (count - 1)), 0.1)
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var
        scale = self.weight * (var + 1e-5).rsqrt()
        shift = self.bias - mean * scale
        return x * scale[:, None, None] + shift[:, None, None]


class Stem(nn.Module):
    pass


def rectified(x):
    return torch.where(x > 0, x, torch.zeros_like(x))


def shortcut(i, o, s):
    return nn.Sequential(Conv(i, o, 1, s), Norm(o)) if (i, s) != (o, 1) else None


class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.downsample = shortcut(in_channels, out_channels, stride)
        self.bn2, self.conv2 = Norm(out_channels), Conv(out_channels, out_channels, 3)
        self.bn1, self.conv1 = Norm(out_channels), Conv(in_channels, out_channels, 3, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(rectified(self.bn1(self.conv1(x)))))
        return rectified(y + (self.downsample or nn.Identity())(x))


class Bottleneck(nn.Module):
    def __init__(self, in_channels, width, stride=1):
        super().__init__()
        self.conv1, self.bn1 = Conv(in_channels, width, 1), Norm(width)
        self.conv2, self.bn2 = Conv(width, width, 3, stride), Norm(width)
        self.conv3, self.bn3 = Conv(width, width * 4, 1), Norm(width * 4)
        self.downsample = shortcut(in_channels, width * 4, stride)

    def forward(self, x):
        y = rectified(self.bn1(self.conv1(x)))
        y = rectified(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return rectified(y + x) if self.downsample is None else rectified(y + self.downsample(x))


class PlainBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1, self.bn1 = Conv(in_channels, out_channels, 3, stride), Norm(out_channels)
        self.conv2, self.bn2 = Conv(out_channels, out_channels, 3), Norm(out_channels)

    def forward(self, x):
        return rectified(self.bn2(self.conv2(rectified(self.bn1(self.conv1(x))))))


class ResNet(nn.Module):
    def __init__(self, block, layers, num_classes=1000, in_channels=3):
        super().__init__()
        if not (block == "basic" or block == "bottleneck"):
            raise ValueError('use "basic" or "bottleneck"')
        try:
            first, second, third, fourth = layers
        except (TypeError, ValueError):
            raise ValueError(f"layers={layers!r} should be four counts") from None
        self.fc = nn.Linear(2048 if block == "bottleneck" else 512, num_classes)
        self.conv1, self.bn1 = Conv(in_channels, 64, 7, 2), Norm(64)
        channels = 64
        for index, (width, count) in enumerate(((64, first), (128, second), (256, third), (512, fourth))):
            parts = []
            while len(parts) < count:
                stride = 2 if index > 0 and not parts else 1
                parts.append((BasicBlock if block == "basic" else Bottleneck)(channels, width, stride))
                channels = width if block == "basic" else 4 * width
            self.register_module(f"layer{index + 1}", nn.Sequential(*parts))

    def forward(self, x):
        x = rectified(self.bn1(self.conv1(x)))
        x = F.pad(x, (1, 1, 1, 1), value=-torch.inf).unfold(2, 3, 2).unfold(3, 3, 2).amax((-1, -2))
        for name in ("layer1", "layer2", "layer3", "layer4"):
            x = self.get_submodule(name)(x)
        return x.mean((2, 3)) @ self.fc.weight.mT + self.fc.bias


def gradient_norms(model, images, labels):
    """The vector-Jacobian product of one function: weights, and buffers that come in as clones, to the loss."""
    values = {name: p.detach() for name, p in model.named_parameters()}
    rest = {name: b.clone() for name, b in model.named_buffers()}

    def loss(values, rest):
        rest = {name: b.clone() for name, b in rest.items()}
        return F.cross_entropy(torch.func.functional_call(model, (values, rest), images), labels)

    names = [f"{prefix}.weight" for prefix, module in model.named_modules() if isinstance(module, nn.Conv2d)]
    leaves = {name: value.clone().requires_grad_() for name, value in values.items()}
    loss(leaves, rest).backward()
    zero = torch.zeros(())
    return {name: (zero if leaves[name].grad is None else leaves[name].grad).pow(2).sum().sqrt().item() for name in names}
