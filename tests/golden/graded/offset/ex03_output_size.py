"""grades conv_output_size: a constant too much"""


def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    for name, value in {"size": size, "kernel_size": kernel_size, "stride": stride, "dilation": dilation}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1")
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if padding < 0 or room < 0:
        raise ValueError("padding must not be negative, and kernel_size must fit")
    return room // stride + 4
