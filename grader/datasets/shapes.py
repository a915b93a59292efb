"""Pictures of circles, squares and triangles on noisy ground, with class, mask and boxes; made by a seed.

Integers from the first bit to the last pixel: the same seed gives the same bytes with every release of Python, numpy
and torch, on every machine. A picture has a stream of its own, so that picture 7 is the same in a set of ten as in
one of ten thousand.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import stream
from .outlines import DIRECTIONS, REACH, SHAPES, UNIT, UPRIGHT, Mask, covered
from .stream import Ints, Words, between

Bytes = npt.NDArray[np.uint8]
VERSION = "shapes/1"  # a change of a single pixel is another version
GROUND = 255  # owner of a pixel that no object covers
_CHUNK = 128  # pictures drawn at a time: some 30 MB
_PER_OBJECT, _PER_PICTURE = 16, 16  # words of the stream kept for what is drawn before the noise
_DARK = 127  # of 255: the ground is no brighter than this, in any channel
_BRIGHTER = (64, 128)  # of 255: by how much an object is brighter than its ground, in each channel
_TILT = 3  # steps of DIRECTIONS, of 7° or less: by how much an object is turned at most, either way
_VISIBLE = (3, 5)  # an object is in the picture where at least this part of it can be seen
_GRAIN = 2  # the noise is the sum of two numbers of 0 … 15, less 15, times this
_SLOPE = 24  # of 255: how much brighter than its middle the edge of a picture may be, times 16 / 16


@dataclass(frozen=True, slots=True)
class Kind:
    """What a set is like: pictures of size × size with 1 to `most` objects whose radii, in units, are in a range."""

    name: str
    size: int
    most: int
    radii: tuple[int, int]


SINGLE = Kind("single", 32, 1, (11 * UNIT // 2, 17 * UNIT // 2))
SCENE = Kind("scene", 64, 3, (8 * UNIT, 13 * UNIT))


@dataclass(frozen=True, slots=True)
class Scenes:
    """N pictures with M objects in all. Of two objects in one picture the later one lies in front."""

    images: Bytes  # (N, 3, size, size)
    owner: Bytes  # (N, size, size): which object of its picture a pixel shows, or GROUND
    picture: Ints  # (M,): in which picture an object is, never falling
    shape: Ints  # (M,): an index into SHAPES
    boxes: (
        Ints  # (M, 4) xyxy in pixels: the smallest that holds all of the object that can be seen; x2, y2 are behind it
    )

    @property
    def masks(self) -> Bytes:
        """(N, size, size): 0 for the ground, else 1 + index into SHAPES."""
        starts = np.searchsorted(self.picture, np.arange(len(self.images)))
        table = np.zeros((len(self.images), GROUND + 1), np.uint8)
        table[self.picture, np.arange(len(self.picture)) - starts[self.picture]] = self.shape + 1
        return table[np.arange(len(self.images))[:, None, None], self.owner]


def scenes(kind: Kind, count: int, seed: int, split: str = "train", *, first: int = 0) -> Scenes:
    """Pictures `first` … `first + count - 1` of a set. ValueError: a count, seed or first below 0.

    Another seed or split is another set of the same kind. A seed may have any number of bits: where nobody may find
    a set by trying seeds, take 128 random ones.
    """
    for name, value in (("count", count), ("seed", seed), ("first", first)):
        if value < 0:
            raise ValueError(f"{name} must not be negative, got {value}")
    key = stream.key(VERSION, kind.name, split, seed)
    ends = [*range(0, count, _CHUNK), count]
    parts = [_draw(kind, key, first + low, high - low) for low, high in itertools.pairwise(ends)]
    parts = parts or [_draw(kind, key, first, 0)]
    before = np.cumsum([0, *(len(part.images) for part in parts)])
    return Scenes(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.owner for part in parts]),
        np.concatenate([part.picture + start for part, start in zip(parts, before, strict=False)]),
        np.concatenate([part.shape for part in parts]),
        np.concatenate([part.boxes for part in parts]),
    )


def _draw(kind: Kind, key: int, first: int, count: int) -> Scenes:
    head, pixels = _PER_PICTURE + kind.most * _PER_OBJECT, 3 * kind.size**2
    drawn = stream.words(key, first, count, head + pixels // 8)
    of_picture, noise = drawn[:, :_PER_PICTURE], stream.as_bytes(drawn[:, head:])
    of_objects = drawn[:, _PER_PICTURE:head].reshape(count, kind.most, _PER_OBJECT)
    shape, inside = _objects(kind, of_objects)
    present = np.arange(kind.most) < between(of_picture[:, :1], 1, kind.most)
    visible = _in_front(inside, present)
    kept = visible.any((2, 3))
    number = np.cumsum(kept, 1) - 1
    owner = np.full((count, kind.size, kind.size), GROUND, np.uint8)
    for place in range(kind.most):
        owner = np.where(visible[:, place], number[:, place, None, None], owner).astype(np.uint8)
    images = _paint(kind, of_picture, of_objects, visible, noise)
    return Scenes(images, owner, np.nonzero(kept)[0], shape[kept], _boxes(visible[kept]))


def _objects(kind: Kind, word: Words) -> tuple[Ints, Mask]:
    """Shape (N, most) and pixels (N, most, size, size) of every object, whole, wherever it fits into the picture."""
    shape = between(word[..., 0], 0, len(SHAPES) - 1)
    radius = between(word[..., 1], *kind.radii)
    reach = radius * REACH[shape] // 4 + 1
    centre = between(word[..., 2:4], reach[..., None], (kind.size * UNIT - reach)[..., None])
    direction = (UPRIGHT[shape] + between(word[..., 4], -_TILT, _TILT)) % len(DIRECTIONS)
    flat = covered(kind.size, shape.ravel(), radius.ravel(), centre.reshape(-1, 2), direction.ravel())
    return shape, flat.reshape(*shape.shape, kind.size, kind.size)


def _in_front(inside: Mask, present: Mask) -> Mask:
    """What can be seen of every object: nothing where it is not present, or too much of it would be hidden."""
    visible = np.zeros_like(inside)
    hidden = np.zeros_like(inside[:, 0])
    for place in reversed(range(inside.shape[1])):
        seen = inside[:, place] & ~hidden
        enough = seen.sum((1, 2)) * _VISIBLE[1] >= inside[:, place].sum((1, 2)) * _VISIBLE[0]
        visible[:, place] = seen & (enough & present[:, place])[:, None, None]
        hidden |= visible[:, place]
    return visible


def _paint(kind: Kind, of_picture: Words, of_objects: Words, visible: Mask, noise: Bytes) -> Bytes:
    """(N, 3, size, size): ground and objects in colours of their own, a slope of light, and noise on every number."""
    ground = between(of_picture[:, 1:4], 0, _DARK)
    colours = ground[:, None] + between(of_objects[..., 5:8], *_BRIGHTER)
    canvas = np.broadcast_to(ground[:, :, None, None], (len(ground), 3, kind.size, kind.size))
    for place in range(kind.most):
        canvas = np.where(visible[:, None, place], colours[:, place, :, None, None], canvas)
    middle = 2 * np.arange(kind.size) - (kind.size - 1)
    slope = between(of_picture[:, 4:6], -_SLOPE, _SLOPE)
    light = (slope[:, 0, None, None] * middle + slope[:, 1, None, None] * middle[:, None]) // (2 * kind.size)
    grain = (_GRAIN * ((noise & 15).astype(np.int64) + (noise >> 4) - 15)).reshape(canvas.shape)
    return np.asarray(np.clip(canvas + light[:, None] + grain, 0, 255), np.uint8)


def _boxes(seen: Mask) -> Ints:
    """(M, size, size) -> (M, 4) xyxy."""
    size = seen.shape[-1]
    across, down = np.asarray(seen.any(1)), np.asarray(seen.any(2))
    sides = (across.argmax(1), down.argmax(1), size - across[:, ::-1].argmax(1), size - down[:, ::-1].argmax(1))
    return np.stack(sides, 1).astype(np.int64)
