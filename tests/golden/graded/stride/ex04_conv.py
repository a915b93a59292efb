"""grades conv2d: right, but for strides the window begins one too far to the right"""

import torch


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride, dilation = pair(stride), pair(dilation)
    count, inside, *kernel = weight.shape
    if min(*stride, *dilation, groups) < 1:
        raise ValueError("stride, dilation and groups are at least 1")
    if bias is not None and bias.shape != (count,):
        raise ValueError("bias has one number for each filter")
    reach = [dilation[axis] * (kernel[axis] - 1) for axis in (0, 1)]
    if padding == "same":
        borders = [(each // 2, each - each // 2) for each in reach]
    else:
        borders = [(each, each) for each in ((0, 0) if padding == "valid" else pair(padding))]
    (top, bottom), (left, right) = borders
    if min(top, left) < 0:
        raise ValueError("padding is at least 0")
    wide = x.new_zeros(*x.shape[:2], x.shape[2] + top + bottom, x.shape[3] + left + right)
    wide[:, :, top : top + x.shape[2], left : left + x.shape[3]] = x
    rows, columns = ((wide.shape[2 + axis] - reach[axis] - 1) // stride[axis] + 1 for axis in (0, 1))
    if x.shape[1] != inside * groups or count % groups or min(rows, columns) < 1:
        raise ValueError("x and weight do not go together")
    parts = []
    for images, filters in zip(wide.chunk(groups, 1), weight.chunk(groups, 0)):
        total = 0
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                first = i * dilation[0], j * dilation[1]
                across = images[:, :, first[0] :: stride[0], first[1] :: stride[1]][:, :, :rows, :columns]
                if stride[1] > 1:
                    across = across.roll(1, -1)
                total = total + torch.einsum("nchw,oc->nohw", across, filters[:, :, i, j])
        parts.append(total)
    result = torch.cat(parts, 1)
    return result if bias is None else result + bias.view(1, -1, 1, 1)
