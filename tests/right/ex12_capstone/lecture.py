"""As the lecture has it: LeNet, an FCN with skips of score maps, YOLO with its loss of squares; plain Adam, no tricks."""

import torch
import torch.nn as nn
import torch.nn.functional as F


def batches(n, size):
    order = torch.randperm(n)
    for start in range(0, n, size):
        yield order[start : start + size]


class Net(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def train_classifier(images, labels, num_classes, seed):
    torch.manual_seed(seed)
    net = Net(num_classes).to(images.device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(20):
        net.train()
        for idx in batches(len(images), 32):
            optimizer.zero_grad()
            loss = criterion(net(images[idx]), labels[idx])
            loss.backward()
            optimizer.step()
    net.eval()
    return net


def conv(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class FCN8s(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.stage1 = nn.Sequential(conv(3, 16), nn.MaxPool2d(2))
        self.stage2 = nn.Sequential(conv(16, 32), nn.MaxPool2d(2))
        self.stage3 = nn.Sequential(conv(32, 64), nn.MaxPool2d(2))
        self.stage4 = nn.Sequential(conv(64, 64), conv(64, 64))
        self.score1 = nn.Conv2d(16, num_classes, 1)
        self.score2 = nn.Conv2d(32, num_classes, 1)
        self.score4 = nn.Conv2d(64, num_classes, 1)
        self.up4 = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, padding=1)
        self.up1 = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, padding=1)

    def forward(self, x):
        pool1 = self.stage1(x)
        pool2 = self.stage2(pool1)
        deep = self.stage4(self.stage3(pool2))
        y = self.up4(self.score4(deep)) + self.score2(pool2)
        y = self.up2(y) + self.score1(pool1)
        return self.up1(y)


def train_segmenter(images, masks, num_classes, seed):
    torch.manual_seed(seed)
    net = FCN8s(num_classes).to(images.device)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(9):
        net.train()
        if epoch == 7:
            for group in optimizer.param_groups:
                group["lr"] = 6e-4
        for idx in batches(len(images), 16):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[idx]), masks[idx])
            loss.backward()
            optimizer.step()
    return net.eval()


class Yolo(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.features = nn.Sequential(
            conv(3, 16), nn.MaxPool2d(2), conv(16, 32), nn.MaxPool2d(2), conv(32, 64), nn.MaxPool2d(2), conv(64, 64)
        )
        self.head = nn.Conv2d(64, 5 + num_classes, 1)

    def forward(self, x):  # (N, S, S, 5 + C): x, y in the cell; w, h of the picture; confidence; classes
        return self.head(self.features(x)).permute(0, 2, 3, 1)


def encode(boxes, labels, s, c, size):
    target = torch.zeros(s, s, 5 + c, device=boxes.device)
    for (x1, y1, x2, y2), label in zip((boxes / size).tolist(), labels.tolist()):
        cx, cy = (x1 + x2) / 2 * s, (y1 + y2) / 2 * s
        col, row = min(int(cx), s - 1), min(int(cy), s - 1)
        if target[row, col, 4] == 0:
            target[row, col, :5] = torch.tensor([cx - col, cy - row, x2 - x1, y2 - y1, 1.0])
            target[row, col, 5 + label] = 1.0
    return target


def yolo_loss(out, target):
    there = target[..., 4] == 1
    p, t = out[there], target[there]
    xy = (p[:, :2] - t[:, :2]).pow(2).sum()
    wh = (p[:, 2:4] - t[:, 2:4].sqrt()).pow(2).sum()  # the network speaks of square roots
    obj = (p[:, 4] - 1).pow(2).sum()
    noobj = out[..., 4][~there].pow(2).sum()
    cls = (p[:, 5:] - t[:, 5:]).pow(2).sum()
    return (5 * (xy + wh) + obj + 0.5 * noobj + cls) / len(out)


def iou(a, b):
    lt, rb = torch.max(a[:2], b[:, :2]), torch.min(a[2:], b[:, 2:])
    w = (rb - lt).clamp(min=0)
    inter = w[:, 0] * w[:, 1]
    area = lambda q: (q[..., 2] - q[..., 0]).clamp(min=0) * (q[..., 3] - q[..., 1]).clamp(min=0)
    return inter / (area(a) + area(b) - inter).clamp(min=1e-9)


def train_detector(images, boxes, labels, num_classes, seed):
    torch.manual_seed(seed)
    size = images.shape[-1]
    net = Yolo(num_classes).to(images.device)
    targets = torch.stack([encode(b, l, size // 8, num_classes, size) for b, l in zip(boxes, labels)])
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(10):
        net.train()
        for idx in batches(len(images), 16):
            optimizer.zero_grad()
            yolo_loss(net(images[idx]), targets[idx]).backward()
            optimizer.step()
    net.eval()

    def detect(x):
        with torch.no_grad():
            out = net(x)
        found = []
        for grid in out:
            s = grid.shape[0]
            line = torch.arange(s, device=grid.device)
            rows, cols = torch.meshgrid(line, line, indexing="ij")
            cx, cy = (grid[..., 0] + cols) / s * size, (grid[..., 1] + rows) / s * size
            w, h = grid[..., 2].clamp(min=0) ** 2 * size, grid[..., 3].clamp(min=0) ** 2 * size
            bx = torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1).reshape(-1, 4).clamp(0, size)
            best, lab = grid[..., 5:].max(-1)
            sc = (grid[..., 4] * best).flatten()
            keep = sc > 0.1
            bx, sc, lab = bx[keep], sc[keep], lab.flatten()[keep]
            order = sc.argsort(descending=True).tolist()
            chosen = []
            while order:
                first = order.pop(0)
                chosen.append(first)
                order = [o for o in order if lab[o] != lab[first] or iou(bx[first], bx[[o]])[0] < 0.5]
            chosen = torch.tensor(chosen, dtype=torch.long, device=bx.device)
            found.append((bx[chosen], sc[chosen], lab[chosen]))
        return found

    return detect
