"""The shapes as PyTorch's functions want them: pictures of float32 from 0 to 1, classes of int64, boxes in pixels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .shapes import SCENE, SINGLE, Bytes, scenes

NUM_SHAPES = 3  # circle, square, triangle: the classes of classification and detection
NUM_MASK_CLASSES = 4  # ground, circle, square, triangle


def classification(count: int, seed: int, split: str = "train") -> tuple[Tensor, Tensor]:
    """images (N, 3, 32, 32) with one shape each, labels (N,): 0 circle, 1 square, 2 triangle."""
    made = scenes(SINGLE, count, seed, split)
    return _images(made.images), torch.from_numpy(made.shape)


def segmentation(count: int, seed: int, split: str = "train") -> tuple[Tensor, Tensor]:
    """images (N, 3, 64, 64), masks (N, 64, 64): the class of every pixel, 0 ground, 1 circle, 2 square, 3 triangle."""
    made = scenes(SCENE, count, seed, split)
    return _images(made.images), torch.from_numpy(made.masks.astype(np.int64))


def detection(count: int, seed: int, split: str = "train") -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """images (N, 3, 64, 64), boxes and labels of every picture: (K, 4) xyxy in pixels of float32, and (K,) of int64.

    A picture has 1 to 3 objects. A box holds what can be seen of its object: x1 ≤ x < x2 and y1 ≤ y < y2.
    """
    made = scenes(SCENE, count, seed, split)
    per_picture = np.bincount(made.picture, minlength=count).tolist()
    boxes, labels = torch.from_numpy(made.boxes.astype(np.float32)), torch.from_numpy(made.shape)
    return _images(made.images), list(torch.split(boxes, per_picture)), list(torch.split(labels, per_picture))


def _images(pixels: Bytes) -> Tensor:
    return torch.from_numpy(pixels.astype(np.float32) / np.float32(255))
