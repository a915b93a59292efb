"""Plain mutation of bytes: what a bad disk, a cut line or a patient hand does to something that was valid."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import strategies as st

_KINDS = 9
_WIDTHS = (1, 2, 4, 8)
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1)
_ANY = st.integers(0, 2**16 - 1)

Change = tuple[int, int, int, int]  # what to do, where (a share of the length), and two numbers more
CHANGES: st.SearchStrategy[list[Change]] = st.lists(st.tuples(st.integers(0, _KINDS - 1), _ANY, _ANY, _ANY), max_size=5)


def mutated(data: bytes, changes: Sequence[Change], tokens: Sequence[bytes] = ()) -> bytes:
    """`data` with all changes made, one after the other."""
    for kind, where, one, two in changes:
        at = where * (len(data) + 1) >> 16
        data = _changed(data, kind, at, one, two, tokens)
    return data


def changes_from(source: random.Random) -> list[Change]:
    """The same, for a loop that has no need to shrink."""
    some = range(1 + min(source.randrange(8), source.randrange(8)))
    return [(source.randrange(_KINDS), *(source.randrange(2**16) for _ in range(3))) for _ in some]


def _changed(data: bytes, kind: int, at: int, one: int, two: int, tokens: Sequence[bytes]) -> bytes:
    before, after = data[:at], data[at:]
    match kind:
        case 0:  # a bit
            return before + bytes(byte ^ (1 << one % 8) for byte in after[:1]) + after[1:]
        case 1:  # a byte
            return before + bytes([one % 256]) + after[1:]
        case 2:  # a number at the edge of its type
            width = _WIDTHS[two % len(_WIDTHS)]
            number = _NUMBERS[one % len(_NUMBERS)] % 256**width
            return before + number.to_bytes(width, "big" if two & 4 else "little") + after[width:]
        case 3:  # some bytes less
            return before + after[1 + one % 64 :]
        case 4:  # the same once more
            return before + after[: 1 + one % 64] * (1 + two % 4) + after
        case 5:  # a piece from elsewhere
            start = one * (len(data) + 1) >> 16
            return before + data[start : start + 1 + two % 64] + after
        case 6:  # the end is missing
            return data[: len(data) - one % 64] if two % 4 else before
        case 7 if tokens:  # something that has a meaning
            return before + tokens[one % len(tokens)] + after[two % 3 :]
        case _:  # a little more or less
            return before + bytes((byte + one % 5 - 2) % 256 for byte in after[:1]) + after[1:]
