"""Random integers that are the same on every machine: a key of SHA-256, a stream of Philox.

numpy promises that what a bit generator gives (`random_raw`) stays as it is; what its methods make of it (`integers`,
`normal`) may change from release to release, so none of them is used. SHA-256 keeps the sets of one seed apart: who
could work the key of one set out of its pictures would know nothing about another.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]


def key(*parts: str | int) -> int:
    """128 bits for whatever is named by these parts."""
    text = "\0".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def words(key: int, first: int, count: int, length: int) -> Words:
    """(count, length) numbers of 64 bits: row i is the stream number `first + i` of this key."""
    out = np.empty((count, length), np.uint64)
    for row in range(count):
        # 2^64 blocks lie between the beginnings of two streams: none reaches into the next
        out[row] = np.random.Philox(key=key, counter=(first + row) << 64).random_raw(length)
    return out


def between(word: Words, low: Ints | int, high: Ints | int) -> Ints:
    """Integers from low to high, both included, of the upper 32 bits of each word. The range is below 2^31."""
    span = np.asarray(high - low + 1, np.uint64)
    return (((word >> np.uint64(32)) * span) >> np.uint64(32)).astype(np.int64) + low


def as_bytes(word: Words) -> npt.NDArray[np.uint8]:
    """(…, length) words -> (…, 8 · length) bytes, the lowest first, whatever the machine's own order is."""
    return word.astype("<u8").view(np.uint8)
