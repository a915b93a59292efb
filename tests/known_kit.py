"""A course of two tasks that double, and modules of learners who do."""

from __future__ import annotations

SOLUTION = """
def twice(x):
    '''Two times x.'''
    return x * 2


class Twice(nn.Module):
    '''A module that doubles.'''
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))
    def forward(self, x):
        return self.scale * x
"""


def module(body="return x * 2", scale="2.0", extra=""):
    text = SOLUTION.replace("return x * 2", body).replace("torch.tensor(2.0)", f"torch.tensor({scale})")
    return f"import torch\nfrom torch import nn\ncalls = []\n{text}\n{extra}"
