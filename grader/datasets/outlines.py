"""Which pixels a circle, a square or a triangle covers, in integers: the same on every machine.

Lengths are in sixteenths of a pixel (UNIT). A pixel belongs to a shape where its centre does, the outline included.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .stream import Ints

UNIT = 16
SHAPES = ("circle", "square", "triangle")
CIRCLE, SQUARE, TRIANGLE = range(3)
# How far a shape reaches from its centre, in quarters of its radius: a circle, a square (half its diagonal) and a
# triangle (to a corner) of the same radius have the same area within 8 percent, so that area tells no class.
REACH = np.array([4, 5, 6])
# The quarter circle through rational points: ((1 - t²) / (1 + t²), 2t / (1 + t²)) for t = k / 16, times 1024.
_QUARTER = np.array([(1024 * (256 - k * k), 1024 * 32 * k) for k in range(16)]) // (256 + np.arange(16)[:, None] ** 2)
_TURN = np.array([[0, 1], [-1, 0]])  # (x, y) @ _TURN = (-y, x)
DIRECTIONS = np.concatenate([_QUARTER, _QUARTER @ _TURN, -_QUARTER, -_QUARTER @ _TURN])  # (64, 2)
UPRIGHT = np.array([48, 48 + 7, 48])  # where the first corner points: a square stands on a side, a triangle points up
_HALF_SQRT3 = 887  # of 1024

Mask = npt.NDArray[np.bool_]


def covered(size: int, shape: Ints, radius: Ints, centre: Ints, direction: Ints) -> Mask:
    """(M, size, size): what each of M shapes covers.

    shape (M,) is an index into SHAPES, radius (M,) and centre (M, 2), x and y, count in units, direction (M,) is an
    index into DIRECTIONS: where the first corner points.
    """
    pixels = np.arange(size) * UNIT + UNIT // 2
    x = pixels[None, None, :] - centre[:, 0, None, None]
    y = pixels[None, :, None] - centre[:, 1, None, None]
    out = x * x + y * y <= (radius * radius)[:, None, None]
    for kind in (SQUARE, TRIANGLE):
        chosen = shape == kind
        out[chosen] = _inside(x[chosen], y[chosen], _corners(kind, radius[chosen], direction[chosen]))
    return np.asarray(out)


def _corners(kind: int, radius: Ints, direction: Ints) -> Ints:
    """(M, corners, 2) relative to the centre, one after the other around it."""
    dx, dy = (DIRECTIONS[direction] * (radius * REACH[kind])[:, None]).T // (4 * 1024)
    if kind == SQUARE:
        return np.stack([np.stack(corner, -1) for corner in ((dx, dy), (-dy, dx), (-dx, -dy), (dy, -dx))], 1)
    left = (-dx // 2 - _HALF_SQRT3 * dy // 1024, _HALF_SQRT3 * dx // 1024 - dy // 2)  # turned by 120°
    right = (-dx // 2 + _HALF_SQRT3 * dy // 1024, -_HALF_SQRT3 * dx // 1024 - dy // 2)
    return np.stack([np.stack(corner, -1) for corner in ((dx, dy), left, right)], 1)


def _inside(x: Ints, y: Ints, corners: Ints) -> Mask:
    """Which points lie on the inner side of every edge of a convex polygon."""
    out = np.ones(np.broadcast_shapes(x.shape, y.shape), np.bool_)
    for here, there in zip(range(corners.shape[1]), [*range(1, corners.shape[1]), 0], strict=True):
        (ax, ay), (bx, by) = (corners[:, corner].T[..., None, None] for corner in (here, there))
        out &= (bx - ax) * (y - ay) >= (by - ay) * (x - ax)
    return out
