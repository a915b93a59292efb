"""Real pictures without a network: scikit-learn carries 1,797 handwritten digits of 8 × 8 pixels.

Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998).
"""

from __future__ import annotations

import torch
from torch import Tensor

from grader.errors import UsageError


def digits() -> tuple[Tensor, Tensor]:
    """images (1797, 1, 8, 8) of float32 from 0 to 1, labels (1797,) of int64. UsageError: scikit-learn is missing."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UsageError(
            "the digits come with scikit-learn, which is not installed: pip install 'cnn-grader[datasets]'"
        ) from error
    pixels, labels = load_digits(return_X_y=True)
    return torch.from_numpy(pixels).reshape(-1, 1, 8, 8).float() / 16, torch.from_numpy(labels).long()
