"""grades relu: zeros that are made on the CPU, wherever the input is"""

import torch


def relu(x):
    return torch.maximum(x, torch.zeros(x.shape, dtype=x.dtype))
