"""Rounds up where a step does not fit, and has same_padding right for odd kernels."""

import math


def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError("size, kernel_size, stride, dilation are at least 1, padding at least 0")
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if room < 0:
        raise ValueError("kernel_size does not fit into size")
    return math.ceil(room / stride) + 1


def same_padding(kernel_size, dilation=1):
    if kernel_size < 1:
        raise ValueError("kernel_size is at least 1")
    if dilation < 1:
        raise ValueError("dilation is at least 1")
    return dilation * (kernel_size - 1) // 2
