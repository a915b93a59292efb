"""Submissions that are right on the CPU and mix devices on a GPU: what is wrong with each, and what has to be said."""

from __future__ import annotations

from dataclasses import dataclass

from grader.checker import places

# Checks of these tasks that find the mistake on the CPU too, by the meta device.
BY_META = {"relu_kept", "global_avg_pool2d_kept", "plain_device"}


@dataclass(frozen=True)
class Mistake:
    """A module with one task. `says`: the diagnosis on a GPU."""

    what: str
    exercise: str
    task: str
    says: str
    source: str


_CORRELATE = """
import torch

def cross_correlate2d(image, kernel):
    height, width = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    if height < 1 or width < 1:
        raise ValueError("the kernel is larger than the image")
    result = torch.zeros(height, width, dtype=image.dtype)
{loop}
    return result
"""

MISTAKES = (
    Mistake(
        "a result made on the CPU and filled element by element",
        "ex02_filters", "cross_correlate2d", places.STRAYED,
        _CORRELATE.format(loop="""\
    for i in range(height):
        for j in range(width):
            result[i, j] = (image[i:i + kernel.shape[0], j:j + kernel.shape[1]] * kernel).sum()"""),
    ),
    Mistake(
        "a sum gathered on the CPU",
        "ex02_filters", "cross_correlate2d", places.MIXED,
        _CORRELATE.format(loop="""\
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            result += kernel[i, j] * image[i:i + height, j:j + width]"""),
    ),
    Mistake(
        ".numpy() in the middle",
        "ex02_filters", "cross_correlate2d", places.NUMPY,
        _CORRELATE.format(loop="""\
    pixels, weights = image.numpy(), kernel.numpy()
    for i in range(height):
        for j in range(width):
            part = pixels[i:i + kernel.shape[0], j:j + kernel.shape[1]]
            result[i, j] = float((part * weights).sum())"""),
    ),
    Mistake(
        "a hard-coded .cpu()",
        "ex05_pool", "global_avg_pool2d", places.STRAYED,
        """
def global_avg_pool2d(x):
    return x.cpu().mean(dim=(2, 3))
""",
    ),
    Mistake(
        "a mask made on the CPU",
        "ex05_pool", "relu", places.MIXED,
        """
import torch

def relu(x):
    negative = torch.tensor((x < 0).reshape(-1).tolist(), dtype=torch.bool).reshape(x.shape)
    return torch.where(negative, torch.zeros_like(x), x)
""",
    ),
    Mistake(
        "torch.arange without a device",
        "ex11_yolo", "average_precision", places.MIXED,
        """
import torch

def average_precision(scores, matched, num_ground_truth):
    if matched.shape != scores.shape:
        raise ValueError("scores and matched differ in shape")
    if num_ground_truth < 0 or matched.sum() > num_ground_truth:
        raise ValueError("num_ground_truth is negative, or there are more matches than that")
    if num_ground_truth == 0 or not matched.any():
        return 0.0
    hits = matched[scores.argsort(descending=True, stable=True)].double()
    precision = hits.cumsum(0) / torch.arange(1, len(hits) + 1)
    best = precision.flip(0).cummax(0).values.flip(0)
    return float((best * hits).sum() / num_ground_truth)
""",
    ),
    Mistake(
        "counts on the CPU, indices on the GPU",
        "ex10_fcn", "confusion_matrix", places.MIXED,
        """
import torch

def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    if prediction.shape != target.shape:
        raise ValueError("prediction and target differ in shape")
    counted = target != ignore_index
    true, said = target[counted], prediction[counted]
    for name, labels in (("target", true), ("prediction", said)):
        if ((labels < 0) | (labels >= num_classes)).any():
            raise ValueError(f"{name} has labels that are no class")
    counts = torch.zeros(num_classes, num_classes, dtype=torch.long)
    counts.index_put_((true, said), torch.ones(len(true), dtype=torch.long), accumulate=True)
    return counts
""",
    ),
    Mistake(
        "a tensor attribute where a buffer belongs",
        "ex08_resnet", "PlainBlock", places.MIXED,
        """
import torch
from torch import nn

class PlainBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        if min(in_channels, out_channels, stride) < 1:
            raise ValueError("in_channels, out_channels and stride have to be 1 or more")
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.floor = torch.zeros(1, out_channels, 1, 1)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        return torch.maximum(self.bn2(self.conv2(x)), self.floor.to(x.dtype))
""",
    ),
    Mistake(
        "a gradient made on the CPU",
        "ex07_backprop", "conv2d_grad_bias", places.STRAYED,
        """
import torch

def conv2d_grad_bias(grad_out):
    return torch.tensor(grad_out.sum(dim=(0, 2, 3)).tolist(), dtype=grad_out.dtype)
""",
    ),
)  # fmt: skip

# Right solutions of tests/right that are right on the CPU alone: found on paper, where each of them mixes devices.
# Tried so were those of ex02, ex07, ex10 and ex11 and most of ex04 and ex05; of the others a GPU has to tell.
CPU_ALONE = frozenset({
    "ex10_fcn/folded", "ex10_fcn/loops", "ex10_fcn/one_einsum",
    "ex11_yolo/double_inside", "ex11_yolo/loops", "ex11_yolo/masks", "ex11_yolo/student", "ex11_yolo/with_numpy",
})  # fmt: skip
