"""As somebody may write it who has the slides open: offsets of the kernel, layers, masks. Few checks, but enough."""

import torch
import torch.nn as nn
import torch.nn.functional as F


def convolutionize(weight, bias, input_shape):
    (C, H, W) = input_shape
    if weight.shape[1] != C * H * W:
        raise ValueError("weight doesn't match input_shape")
    conv = nn.Conv2d(C, weight.shape[0], (H, W), device=weight.device, dtype=weight.dtype)
    with torch.no_grad():
        conv.weight.copy_(weight.view(weight.shape[0], C, H, W))
        conv.bias.copy_(bias)
    return conv.weight, conv.bias


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    if isinstance(stride, int):
        stride = (stride, stride)
    if isinstance(padding, int):
        padding = (padding, padding)
    if isinstance(output_padding, int):
        output_padding = (output_padding, output_padding)
    if stride[0] < 1 or stride[1] < 1:
        raise ValueError("bad stride")
    if padding[0] < 0 or padding[1] < 0:
        raise ValueError("bad padding")
    for axis in range(2):
        if not 0 <= output_padding[axis] < stride[axis]:
            raise ValueError("bad output_padding")
    N, C, H, W = x.shape
    Cin, Cout, kH, kW = weight.shape
    if C != Cin:
        raise ValueError("x has %d channels, weight wants %d" % (C, Cin))
    oH = (H - 1) * stride[0] - 2 * padding[0] + kH + output_padding[0]
    oW = (W - 1) * stride[1] - 2 * padding[1] + kW + output_padding[1]
    if oH <= 0 or oW <= 0:
        raise ValueError("output size would be %d x %d" % (oH, oW))
    big = torch.zeros(N, Cout, oH + 2 * padding[0], oW + 2 * padding[1], dtype=x.dtype, device=x.device)
    if bias is not None:
        big = big + bias[None, :, None, None]
    for h in range(H):
        for w in range(W):
            stamp = torch.tensordot(x[:, :, h, w], weight, dims=1)
            big[:, :, h * stride[0] : h * stride[0] + kH, w * stride[1] : w * stride[1] + kW] += stamp
    return big[:, :, padding[0] : padding[0] + oH, padding[1] : padding[1] + oW]


def bilinear_kernel(channels, kernel_size):
    assert isinstance(kernel_size, int)
    if channels < 1:
        raise ValueError("channels must be >= 1")
    if kernel_size < 1:
        raise ValueError("kernel_size must be >= 1")
    f = (kernel_size + 1) // 2
    c = (kernel_size - 1) / 2
    i = torch.arange(kernel_size)
    t = 1 - abs(i - c) / f
    k = t.unsqueeze(1) @ t.unsqueeze(0)
    return k * torch.eye(channels).view(channels, channels, 1, 1)


class FCN32sHead(nn.Module):
    def __init__(self, in_channels, num_classes):
        super(FCN32sHead, self).__init__()
        if in_channels < 1 or num_classes < 1:
            raise ValueError("in_channels and num_classes must be >= 1")
        self.score_fr = nn.Conv2d(in_channels, num_classes, 1)
        self.upscore = nn.ConvTranspose2d(num_classes, num_classes, 64, stride=32, padding=16, bias=False)
        self.upscore.weight = nn.Parameter(bilinear_kernel(num_classes, 64))

    def forward(self, pool5):
        return self.upscore(self.score_fr(pool5))


class FCN8sHead(nn.Module):
    def __init__(self, pool3_channels, pool4_channels, pool5_channels, num_classes):
        super(FCN8sHead, self).__init__()
        for c in (pool3_channels, pool4_channels, pool5_channels, num_classes):
            if c < 1:
                raise ValueError("channels must be >= 1")
        self.score_fr = nn.Conv2d(pool5_channels, num_classes, 1)
        self.score_pool4 = nn.Conv2d(pool4_channels, num_classes, 1)
        self.score_pool3 = nn.Conv2d(pool3_channels, num_classes, 1)
        self.upscore2 = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, padding=1, bias=False)
        self.upscore_pool4 = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, padding=1, bias=False)
        self.upscore8 = nn.ConvTranspose2d(num_classes, num_classes, 16, stride=8, padding=4, bias=False)
        for m in [self.upscore2, self.upscore_pool4, self.upscore8]:
            nn.init.zeros_(m.weight)
            m.weight.data += bilinear_kernel(num_classes, m.kernel_size[0])

    def forward(self, pool3, pool4, pool5):
        H, W = pool3.shape[-2], pool3.shape[-1]
        if 2 * pool4.shape[-2] != H or 2 * pool4.shape[-1] != W:
            raise ValueError("pool4 has the wrong size")
        if 4 * pool5.shape[-2] != H or 4 * pool5.shape[-1] != W:
            raise ValueError("pool5 has the wrong size")
        x = self.upscore2(self.score_fr(pool5))
        x = x + self.score_pool4(pool4)
        x = self.upscore_pool4(x)
        x = x + self.score_pool3(pool3)
        return self.upscore8(x)


def pixel_cross_entropy(logits, target, ignore_index=255):
    N, C, H, W = logits.shape
    if target.shape != (N, H, W):
        raise ValueError("target must have shape (N, H, W) like the logits")
    mask = target != ignore_index
    logits = logits.permute(0, 2, 3, 1)[mask]
    labels = target[mask]
    if len(labels) == 0:
        return logits.sum()
    logits = logits - logits.max(dim=1, keepdim=True).values
    log_prob = logits - torch.log(torch.exp(logits).sum(dim=1, keepdim=True))
    return -log_prob[range(len(labels)), labels].mean()


def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    if prediction.shape != target.shape:
        raise ValueError("prediction and target must have the same shape")
    mask = target != ignore_index
    p, t = prediction[mask], target[mask]
    cm = torch.zeros((num_classes, num_classes), dtype=torch.long)
    for i in range(num_classes):
        for j in range(num_classes):
            cm[i, j] = ((t == i) & (p == j)).sum()
    if cm.sum() != len(t):
        raise ValueError("there are labels outside of 0..num_classes-1")
    return cm


def pixel_accuracy(confusion):
    if confusion.sum() == 0:
        return float("nan")
    return (torch.diag(confusion).sum() / confusion.sum()).item()


def mean_iou(confusion):
    ious = []
    for c in range(confusion.shape[0]):
        inter = confusion[c, c].item()
        union = confusion[c].sum().item() + confusion[:, c].sum().item() - inter
        if union > 0:
            ious.append(inter / union)
    if ious == []:
        return float("nan")
    return sum(ious) / len(ious)
