"""As most would write it: layers of torch, in-place ReLUs, train(mode) from the outside in, one loop each."""

import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, in_channels=3, num_classes=10):
        super(Net, self).__init__()
        if in_channels <= 0 or num_classes <= 0:
            raise ValueError("channels and classes have to be positive")
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x):
        x = self.relu(self.pool(self.conv1(x)))  # the largest of what the ReLU leaves is the ReLU of the largest
        x = self.relu(self.pool(self.conv2(x)))
        x = x.view(-1, 16 * 5 * 5)
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        return self.fc3(x)


def train_one_epoch(model, batches, optimizer):
    if not batches:
        raise ValueError("batches is empty")
    criterion = nn.CrossEntropyLoss()
    model.train()
    running_loss = 0.0
    n = 0
    for x, y in batches:
        optimizer.zero_grad(set_to_none=False)
        outputs = model(x)
        loss = criterion(outputs, y)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * x.size(0)
        n += x.size(0)
    return running_loss / n


@torch.no_grad()
def evaluate(model, batches):
    if not batches:
        raise ValueError("batches is empty")
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        correct = total = 0
        for x, y in batches:
            _, predicted = torch.max(model(x).data, 1)
            total += y.size(0)
            correct += (predicted == y).sum().item()
    finally:
        for module, mode in modes.items():
            module.train(mode)  # parents come first, so every child has the last word about itself
    return correct / total


@torch.no_grad()
def predict(model, images):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        return torch.max(model(images), 1)[1]
    finally:
        for module, mode in modes.items():
            module.train(mode)


@torch.no_grad()
def feature_maps(model, images):
    maps = {}
    handles = []
    modes = {module: module.training for module in model.modules()}
    try:
        for name, module in model.named_modules():
            if isinstance(module, nn.Conv2d):
                hook = lambda module, inputs, output, name=name: maps.update({name: output.clone()})  # noqa: E731
                handles.append(module.register_forward_hook(hook))
        model.eval()
        model(images)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.train(mode)
    return maps
