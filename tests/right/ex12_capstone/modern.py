"""Other ways: a small ResNet with momentum and mirrored copies, dilated convolutions, centres as peaks of a heat map."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Shortcut(nn.Module):
    def __init__(self, channels_in, channels_out, stride=1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        same = stride == 1 and channels_in == channels_out
        self.skip = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1, stride)

    def forward(self, x):
        return torch.relu(self.body(x) + self.skip(x))


class Normalised(nn.Module):
    """The statistics of the training set travel with the network."""

    def __init__(self, images, body):
        super().__init__()
        self.register_buffer("mean", images.mean((0, 2, 3), keepdim=True))
        self.register_buffer("std", images.std((0, 2, 3), keepdim=True))
        self.body = body

    def forward(self, x):
        return self.body((x - self.mean) / self.std)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def cosine(optimizer, base, step, total):
    for group in optimizer.param_groups:
        group["lr"] = base * min(1.0, (step + 1) / (0.1 * total)) * 0.5 * (1 + math.cos(math.pi * step / total))


def train_classifier(images, labels, num_classes, seed):
    torch.manual_seed(seed)
    net = Normalised(
        images,
        nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1),
            nn.ReLU(),
            Shortcut(16, 16),
            Shortcut(16, 32, 2),
            Shortcut(32, 64, 2),
            Mean(),
            nn.Linear(64, num_classes),
        ),
    ).to(images.device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(images, labels), batch_size=64, shuffle=True, drop_last=True
    )
    total, step = 8 * len(loader), 0
    net.train()
    for _ in range(8):
        for x, y in loader:
            if torch.rand(()) < 0.5:
                x = x.flip(-1)
            cosine(optimizer, 0.1, step, total)
            loss = F.cross_entropy(net(x), y, label_smoothing=0.05)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1
    return net.eval()


def unit(channels_in, channels_out, stride=1, dilation=1):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, dilation, dilation, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.LeakyReLU(0.1),
    )


def train_segmenter(images, masks, num_classes, seed):
    torch.manual_seed(seed)
    net = Normalised(
        images,
        nn.Sequential(
            unit(3, 16, 2),
            unit(16, 32, 2),
            unit(32, 32),
            unit(32, 32, 1, 2),
            unit(32, 32, 1, 4),
            unit(32, 32, 1, 2),
            unit(32, 32),
            nn.ConvTranspose2d(32, 16, 4, 2, 1),
            nn.LeakyReLU(0.1),
            nn.ConvTranspose2d(16, num_classes, 4, 2, 1),
        ),
    ).to(images.device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=6e-3, weight_decay=1e-3)
    batch, epochs = 16, 9
    total, step = epochs * math.ceil(len(images) / batch), 0
    net.train()
    for _ in range(epochs):
        for idx in torch.randperm(len(images)).split(batch):
            x, y = images[idx], masks[idx]
            if torch.rand(()) < 0.5:
                x, y = x.flip(-1), y.flip(-1)
            cosine(optimizer, 6e-3, step, total)
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
            step += 1
    return net.eval()


class Heat(nn.Module):
    """A map of a quarter of the size: is here the centre of a class; how wide and high, where in this place."""

    def __init__(self, num_classes):
        super().__init__()
        self.num_classes = num_classes
        self.net = nn.Sequential(unit(3, 16, 2), unit(16, 32, 2), unit(32, 48), unit(48, 48, 1, 2), unit(48, 48, 1, 3))
        self.out = nn.Conv2d(48, num_classes + 4, 1)
        with torch.no_grad():
            self.out.bias[:num_classes] = -3.0

    def maps(self, x):
        y = self.out(self.net(x))
        return y[:, : self.num_classes], y[:, self.num_classes :]

    def forward(self, x):
        with torch.no_grad():
            heat, shape = self.maps(x)
            heat = heat.sigmoid()
            peak = (F.max_pool2d(heat, 3, 1, 1) == heat) & (heat > 0.05)
            answer = []
            for h, s, p in zip(heat, shape, peak):
                label, row, col = p.nonzero().unbind(1)
                dx, dy, w, hh = s[:, row, col]
                cx, cy, w, hh = 4 * (col + dx), 4 * (row + dy), 16 * w.exp(), 16 * hh.exp()
                box = torch.stack([cx - w / 2, cy - hh / 2, cx + w / 2, cy + hh / 2], 1)
                answer.append((box, h[label, row, col], label))
            return answer


def train_detector(images, boxes, labels, num_classes, seed):
    torch.manual_seed(seed)
    net = Heat(num_classes).to(images.device)
    n, side = len(images), images.shape[-1] // 4
    heat, shape, mark = torch.zeros(n, num_classes, side, side), torch.zeros(n, 4, side, side), torch.zeros(n, side, side)
    grid = torch.arange(side).float()
    for i, (box, label) in enumerate(zip(boxes, labels)):
        for (x1, y1, x2, y2), c in zip(box.tolist(), label.tolist()):
            cx, cy = (x1 + x2) / 8, (y1 + y2) / 8
            col, row = int(cx), int(cy)
            bump = torch.exp(-((grid[:, None] - row) ** 2 + (grid[None] - col) ** 2) / 2)
            heat[i, c] = torch.maximum(heat[i, c], bump)
            shape[i, :, row, col] = torch.tensor([cx - col, cy - row, math.log((x2 - x1) / 16), math.log((y2 - y1) / 16)])
            mark[i, row, col] = 1
    heat, shape, mark = (part.to(images.device) for part in (heat, shape, mark))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    batch, epochs = 16, 8
    total, step = epochs * math.ceil(n / batch), 0
    net.train()
    for _ in range(epochs):
        for idx in torch.randperm(n).split(batch):
            cosine(optimizer, 5e-3, step, total)
            optimizer.zero_grad()
            h, s = net.maps(images[idx])
            p, t = h.sigmoid().clamp(1e-4, 1 - 1e-4), heat[idx]
            focal = torch.where(t == 1, (1 - p) ** 2 * p.log(), (1 - t) ** 4 * p**2 * (1 - p).log())
            objects = mark[idx].sum()
            loss = -focal.sum() / objects + ((s - shape[idx]).abs() * mark[idx][:, None]).sum() / objects
            loss.backward()
            optimizer.step()
            step += 1
    return net.eval()
