"""grades max_pool2d: the mean of each window in place of its maximum"""


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    kernel = pair(kernel_size)
    step = kernel if stride is None else pair(stride)
    if min(*kernel, *step) < 1 or kernel[0] > x.shape[2] or kernel[1] > x.shape[3]:
        raise ValueError("kernel_size and stride are at least 1, and a window fits into x")
    windows = x.unfold(2, kernel[0], step[0]).unfold(3, kernel[1], step[1])
    return windows.mean((-1, -2))
