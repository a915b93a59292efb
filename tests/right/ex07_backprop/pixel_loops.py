"""Plain Python loops over nested lists, in double precision; tensors only at the door."""

import itertools

import torch


def both(value):
    if isinstance(value, int):
        return value, value
    first, second = value
    return first, second


def grid(*limits):
    return itertools.product(*(range(limit) for limit in limits))


def zeros(*shape):
    if len(shape) == 1:
        return [0.0] * shape[0]
    return [zeros(*shape[1:]) for _ in range(shape[0])]


def like(values, tensor):
    return torch.tensor(values, dtype=tensor.dtype, device=tensor.device)


def steps(size, window, stride, padding, dilation):
    """How often the window fits along one axis."""
    if stride <= 0:
        raise ValueError("stride has to be positive")
    if padding < 0:
        raise ValueError("padding cannot be negative")
    if window <= 0 or dilation <= 0:
        raise ValueError("kernel_size and dilation have to be positive")
    count = 0
    while count * stride + dilation * (window - 1) < size + 2 * padding:
        count += 1
    if count == 0:
        raise ValueError("kernel_size: the kernel is larger than the padded input")
    return count


def demand(condition):
    if not condition:
        raise ValueError("grad_out does not have the shape of this layer's output")


def rotate180(kernel):
    shape = kernel.shape
    rows = kernel.reshape(-1, shape[-2], shape[-1]).tolist()
    turned = [[row[::-1] for row in plane[::-1]] for plane in rows]
    return like(turned, kernel).reshape(shape)


def full_convolution2d(image, kernel):
    height, width = image.shape
    tall, wide = kernel.shape
    pixels, taps = image.tolist(), kernel.tolist()
    result = zeros(height + tall - 1, width + wide - 1)
    for a, b in grid(height + tall - 1, width + wide - 1):
        for i, j in grid(height, width):
            if 0 <= a - i < tall and 0 <= b - j < wide:
                result[a][b] += pixels[i][j] * taps[a - i][b - j]
    return like(result, image)


def conv2d_grad_weight(x, grad_out, kernel_size, stride=1, padding=0, dilation=1):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = both(kernel_size), both(stride), both(padding), both(dilation)
    batch, channels, height, width = x.shape
    oh, ow = steps(height, kh, sh, ph, dh), steps(width, kw, sw, pw, dw)
    demand((grad_out.shape[0], *grad_out.shape[2:]) == (batch, oh, ow))
    pixels, upstream, filters = x.tolist(), grad_out.tolist(), grad_out.shape[1]
    result = zeros(filters, channels, kh, kw)
    for n, o, a, b in grid(batch, filters, oh, ow):
        for c, i, j in grid(channels, kh, kw):
            row, column = a * sh + i * dh - ph, b * sw + j * dw - pw
            if 0 <= row < height and 0 <= column < width:
                result[o][c][i][j] += pixels[n][c][row][column] * upstream[n][o][a][b]
    return like(result, x)


def conv2d_grad_input(input_shape, weight, grad_out, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = both(stride), both(padding), both(dilation)
    batch, channels, height, width = input_shape
    filters, inner, kh, kw = weight.shape
    oh, ow = steps(height, kh, sh, ph, dh), steps(width, kw, sw, pw, dw)
    demand(grad_out.shape == (batch, filters, oh, ow) and inner == channels)
    taps, upstream = weight.tolist(), grad_out.tolist()
    result = zeros(batch, channels, height, width)
    for n, o, a, b in grid(batch, filters, oh, ow):
        for c, i, j in grid(channels, kh, kw):
            row, column = a * sh + i * dh - ph, b * sw + j * dw - pw
            if 0 <= row < height and 0 <= column < width:
                result[n][c][row][column] += taps[o][c][i][j] * upstream[n][o][a][b]
    return like(result, grad_out)


def conv2d_grad_bias(grad_out):
    result = zeros(grad_out.shape[1])
    for image in grad_out.tolist():
        for o, plane in enumerate(image):
            for row in plane:
                for value in row:
                    result[o] += value
    return like(result, grad_out)


def relu_backward(grad_out, x):
    passed = [g if v > 0 else 0.0 for g, v in zip(grad_out.flatten().tolist(), x.flatten().tolist())]
    return like(passed, grad_out).view(x.shape)


def linear_backward(grad_out, x, weight):
    upstream, inputs, weights = grad_out.tolist(), x.tolist(), weight.tolist()
    grad_x, grad_weight = zeros(*x.shape), zeros(*weight.shape)
    grad_bias = zeros(weight.shape[0])
    for n, o in grid(*grad_out.shape):
        grad_bias[o] += upstream[n][o]
        for i in range(x.shape[1]):
            grad_x[n][i] += upstream[n][o] * weights[o][i]
            grad_weight[o][i] += upstream[n][o] * inputs[n][i]
    return like(grad_x, x), like(grad_weight, weight), like(grad_bias, grad_out)


def max_pool2d_backward(grad_out, x, kernel_size, stride=None):
    kh, kw = both(kernel_size)
    sh, sw = both(kernel_size if stride is None else stride)
    oh, ow = steps(x.shape[2], kh, sh, 0, 1), steps(x.shape[3], kw, sw, 0, 1)
    demand(grad_out.shape == (*x.shape[:2], oh, ow))
    pixels, upstream, result = x.tolist(), grad_out.tolist(), zeros(*x.shape)
    for n, c, a, b in grid(*grad_out.shape):
        best = None
        for i, j in grid(kh, kw):
            here = a * sh + i, b * sw + j
            if best is None or pixels[n][c][here[0]][here[1]] > pixels[n][c][best[0]][best[1]]:
                best = here
        result[n][c][best[0]][best[1]] += upstream[n][c][a][b]
    return like(result, x)


def avg_pool2d_backward(grad_out, input_shape, kernel_size, stride=None):
    kh, kw = both(kernel_size)
    sh, sw = both(kernel_size if stride is None else stride)
    oh, ow = steps(input_shape[2], kh, sh, 0, 1), steps(input_shape[3], kw, sw, 0, 1)
    demand(grad_out.shape == (input_shape[0], input_shape[1], oh, ow))
    upstream, result = grad_out.tolist(), zeros(*input_shape)
    for n, c, a, b in grid(*grad_out.shape):
        for i, j in grid(kh, kw):
            result[n][c][a * sh + i][b * sw + j] += upstream[n][c][a][b] / kh / kw
    return like(result, grad_out)


class Conv2dFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, stride, padding):
        (sh, sw), (ph, pw) = both(stride), both(padding)
        batch, channels, height, width = x.shape
        filters, _, kh, kw = weight.shape
        oh, ow = steps(height, kh, sh, ph, 1), steps(width, kw, sw, pw, 1)
        pixels, taps = x.tolist(), weight.tolist()
        start = [0.0] * filters if bias is None else bias.tolist()
        result = zeros(batch, filters, oh, ow)
        for n, o, a, b in grid(batch, filters, oh, ow):
            total = start[o]
            for c, i, j in grid(channels, kh, kw):
                row, column = a * sh + i - ph, b * sw + j - pw
                if 0 <= row < height and 0 <= column < width:
                    total += pixels[n][c][row][column] * taps[o][c][i][j]
            result[n][o][a][b] = total
        ctx.everything = x, weight, stride, padding
        return like(result, x)

    @staticmethod
    def backward(ctx, grad_out):
        x, weight, stride, padding = ctx.everything
        answer = [None] * 5
        if ctx.needs_input_grad[0]:
            answer[0] = conv2d_grad_input(tuple(x.shape), weight, grad_out, stride, padding)
        if ctx.needs_input_grad[1]:
            answer[1] = conv2d_grad_weight(x, grad_out, tuple(weight.shape[2:]), stride, padding)
        if ctx.needs_input_grad[2]:
            answer[2] = conv2d_grad_bias(grad_out)
        return tuple(answer)
