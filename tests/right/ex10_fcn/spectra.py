"""FFT for the stamps, a loss with a backward of its own, kernels by interpolation, histograms for counts."""

import torch
import torch.nn.functional as F
from torch import nn


def convolutionize(weight, bias, input_shape):
    try:
        return weight.contiguous().view(weight.shape[0], *input_shape), bias.view_as(bias)
    except RuntimeError as error:
        raise ValueError("input_shape does not fit to weight") from error


def _pair(v):
    a, b = (v, v) if not hasattr(v, "__len__") else v
    return int(a), int(b)


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0):
    (sh, sw), (ph, pw), (eh, ew) = _pair(stride), _pair(padding), _pair(output_padding)
    if not (sh > 0 and sw > 0):
        raise ValueError("stride > 0")
    if not (ph >= 0 and pw >= 0):
        raise ValueError("padding >= 0")
    if not (0 <= eh < sh and 0 <= ew < sw):
        raise ValueError("0 <= output_padding < stride")
    n, ins, h, w = x.shape
    if weight.dim() != 4 or len(weight) != ins:
        raise ValueError("weight should be (in, out, kH, kW)")
    outs, kh, kw = weight.shape[1:]
    rows, columns = (h - 1) * sh + kh + eh, (w - 1) * sw + kw + ew
    if rows - 2 * ph < 1 or columns - 2 * pw < 1:
        raise ValueError("nothing left: the padding is too large for this image")
    apart = x.new_zeros(n, ins, rows, columns, dtype=torch.float64)
    apart[:, :, : (h - 1) * sh + 1 : sh, : (w - 1) * sw + 1 : sw] = x.double()
    if n == 0:
        full = apart.new_zeros(0, outs, rows, columns)
    else:
        a = torch.fft.rfft2(apart)
        b = torch.fft.rfft2(weight.double(), s=(rows, columns))
        full = torch.fft.irfft2(torch.einsum("niab,ioab->noab", a, b), s=(rows, columns))
    if bias is not None:
        full = full + bias.double()[None, :, None, None]
    return full.narrow(2, ph, rows - 2 * ph).narrow(3, pw, columns - 2 * pw).to(x.dtype)


def bilinear_kernel(channels, kernel_size):
    if channels < 1 or kernel_size < 1:
        raise ValueError(f"bilinear_kernel({channels=}, {kernel_size=})")
    f = (kernel_size + 1) // 2
    # twice as fine, every tent is a row of whole numbers
    fine = torch.cat([torch.arange(1, 2 * f + 1), torch.arange(2 * f - 1, 0, -1)])  # 1 ... 2f ... 1
    tent = fine[2 * f - 1 - (kernel_size - 1) : 2 * f + kernel_size - 1 : 2].float() / (2 * f)
    kernel = torch.ger(tent, tent)
    return torch.diag_embed(kernel.expand(channels, -1, -1).permute(1, 2, 0)).permute(2, 3, 0, 1)


def _layer(n, k):
    layer = nn.ConvTranspose2d(n, n, (k, k), (k // 2, k // 2), (k // 4, k // 4), bias=False)
    layer.load_state_dict({"weight": bilinear_kernel(n, k)})
    return layer


class FCN32sHead(nn.ModuleDict):
    def __init__(self, in_channels, num_classes):
        if in_channels < 1 or num_classes < 1:
            raise ValueError("number of channels")
        super().__init__({"upscore": _layer(num_classes, 64), "score_fr": nn.Conv2d(in_channels, num_classes, (1, 1))})

    def forward(self, pool5):
        return self["upscore"](self["score_fr"](pool5))


class FCN8sHead(nn.Module):
    def __init__(self, pool3_channels, pool4_channels, pool5_channels, num_classes):
        super().__init__()
        sizes = dict(score_pool3=pool3_channels, score_pool4=pool4_channels, score_fr=pool5_channels)
        for name, channels in sizes.items():
            if channels < 1 or num_classes < 1:
                raise ValueError(f"{name} from {channels} channels to {num_classes} classes")
            setattr(self, name, nn.Conv2d(channels, num_classes, 1))
        for name, k in dict(upscore2=4, upscore_pool4=4, upscore8=16).items():
            setattr(self, name, _layer(num_classes, k))

    def forward(self, pool3, pool4, pool5):
        steps = [(pool4, self.score_pool4, self.upscore2), (pool3, self.score_pool3, self.upscore_pool4)]
        x = self.score_fr(pool5)
        for pool, score, up in steps:
            x, y = up(x), score(pool)
            if x.shape != y.shape:
                raise ValueError("a map is not twice as large as the next: " + str((x.shape, y.shape)))
            x.add_(y)
        return self.upscore8(x)


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target, ignore_index):
        counted = (target != ignore_index)[:, None]
        clean = torch.where(counted, logits, torch.zeros_like(logits)).double()
        probabilities = clean.softmax(1)
        wanted = torch.zeros_like(clean).scatter_(1, torch.where(counted[:, 0], target, 0)[:, None], 1.0)
        number = counted.sum().clamp(min=1)
        ctx.save_for_backward(torch.where(counted, probabilities - wanted, 0.0) / number)
        ctx.dtype = logits.dtype
        losses = clean.logsumexp(1) - (clean * wanted).sum(1)
        return (torch.where(counted[:, 0], losses, 0.0).sum() / number).to(logits.dtype)

    @staticmethod
    def backward(ctx, grad):
        (slope,) = ctx.saved_tensors
        return (grad.double() * slope).to(ctx.dtype), None, None


def pixel_cross_entropy(logits, target, ignore_index=255):
    n, _, h, w = logits.shape
    if target.shape != (n, h, w):
        raise ValueError("size of target: %s, size of logits: %s" % (tuple(target.shape), tuple(logits.shape)))
    return _Loss.apply(logits, target, ignore_index)


def confusion_matrix(prediction, target, num_classes, ignore_index=255):
    if prediction.shape != target.shape:
        raise ValueError("different shapes")
    keep = target.ne(ignore_index)
    t, p = target.masked_select(keep), prediction.masked_select(keep)
    for labels in (t, p):
        if labels.numel() and not bool((labels.clamp(0, num_classes - 1) == labels).all()):
            raise ValueError("label outside of the classes")
    out = torch.zeros(num_classes, num_classes, dtype=torch.int64, device=t.device)
    kinds, counts = torch.unique(num_classes * t + p, return_counts=True)
    return out.flatten().scatter_(0, kinds, counts).unflatten(0, (num_classes, num_classes))


def pixel_accuracy(confusion):
    right = int(confusion.diagonal().sum())
    every = int(confusion.sum())
    return right / every if every > 0 else float("nan")


def mean_iou(confusion):
    union = confusion.sum(0).add(confusion.sum(1)).sub(confusion.diagonal())
    present = union.nonzero().flatten()
    if len(present) == 0:
        return float("nan")
    return float(torch.tensor([confusion[i, i].item() / union[i].item() for i in present], dtype=torch.float64).mean())
