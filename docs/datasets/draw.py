"""`python docs/datasets/draw.py`: draws the pictures of docs/datasets.md, samples of the shapes and of the digits.

Every pixel of a sample is two by two pixels of the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from grader.datasets.digits import digits
from grader.datasets.shapes import SCENE, SINGLE, Bytes, scenes

HERE = Path(__file__).parent
SEED, ACROSS, GAP = 1, 8, 4
# Of circle, square, triangle (Okabe and Ito 2008: told apart by colour-blind eyes too), and of the ground.
COLOURS = np.array([(0, 0, 0), (86, 180, 233), (230, 159, 0), (0, 158, 115)], np.uint8)
Picture = npt.NDArray[np.uint8]


def single() -> Picture:
    """Three rows of 16: circles, squares, triangles."""
    made = scenes(SINGLE, 300, SEED)
    chosen = [made.images[made.shape == shape][:16] for shape in range(3)]
    return _sheet(np.concatenate(chosen), 16)


def scene() -> Picture:
    """The pictures, and below each its mask."""
    made = scenes(SCENE, 2 * ACROSS, SEED)
    masks = COLOURS[made.masks].transpose(0, 3, 1, 2)
    rows = [half for place in (0, ACROSS) for half in (made.images[place:][:ACROSS], masks[place:][:ACROSS])]
    return _sheet(np.concatenate(rows), ACROSS)


def boxes() -> Picture:
    """The same pictures with the boxes of their objects, in the colours of the masks."""
    made = scenes(SCENE, 2 * ACROSS, SEED)
    large = made.images.repeat(2, 2).repeat(2, 3)
    for picture, shape, box in zip(made.picture, made.shape, 2 * made.boxes, strict=True):
        x1, y1, x2, y2 = box - (0, 0, 1, 1)
        frame = np.zeros(large.shape[2:], bool)
        frame[y1 : y2 + 1, [x1, x2]] = frame[[y1, y2], x1 : x2 + 1] = True
        large[picture][:, frame] = COLOURS[shape + 1][:, None]
    return _sheet(large, ACROSS, 1)


def real_digits() -> Picture:
    images = digits()[0][:48].numpy() * 255
    return _sheet(np.broadcast_to(images.astype(np.uint8), (48, 3, 8, 8)), 24, 4)


def _sheet(images: Bytes, across: int, scale: int = 2) -> Picture:
    """(N, 3, H, W) -> one picture of rows with white between them."""
    large = images.repeat(scale, 2).repeat(scale, 3)
    padded = np.pad(large, ((0, 0), (0, 0), (0, GAP), (0, GAP)), constant_values=255)
    count, _, height, width = padded.shape
    rows = padded.reshape(count // across, across, 3, height, width).transpose(0, 3, 1, 4, 2)
    return rows.reshape(count // across * height, across * width, 3)[:-GAP, :-GAP]


PICTURES: dict[str, Callable[[], Picture]] = {
    "single.png": single,
    "scene.png": scene,
    "boxes.png": boxes,
    "digits.png": real_digits,
}


if __name__ == "__main__":
    for name, draw in PICTURES.items():
        Image.fromarray(draw()).save(HERE / name, optimize=True)
