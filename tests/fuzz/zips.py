"""Zip archives written by hand, part by part, so that every part can lie about every other.

What is drawn is a plan: entries with what their two headers say of them. Left as it is, a plan gives a zip that any
program reads; `zipfile` itself would refuse to write most of what a hostile one holds.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from .mutate import CHANGES, Change, mutated
from .target import often

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR = struct.Struct("<4sLQL")
LIES = st.sampled_from([0, 1, 2, 8, 0x14, 0x2D, 0x40, 0xFF, 0x800, 0x7FFF, 0xFFFF, 2**20, 2**31, 2**32 - 2, 2**32 - 1])
_CODE = "def conv2d(x, weight):\n    return x\n"


@dataclass(frozen=True)
class Entry:
    """`local` and `central`: fields, by their place in the header, that say something else."""

    name: bytes
    content: bytes
    method: int = 8
    flags: int = 0
    mode: int = 0o100644
    extra: bytes = b""
    comment: bytes = b""
    descriptor: bool = False
    local: tuple[tuple[int, int], ...] = ()
    central: tuple[tuple[int, int], ...] = ()
    again: bool = False  # the directory names it twice
    damage: tuple[Change, ...] = ()
    packed: bytes | None = None  # instead of the content

    def write(self, offset: int) -> tuple[bytes, bytes]:
        """(what lies in the file, what the directory says of it)."""
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = self.content if self.method != 8 else deflate.compress(self.content) + deflate.flush()
        packed = mutated(self.packed or packed, self.damage)
        crc, sizes = zlib.crc32(self.content), (len(packed), len(self.content))
        flags = self.flags | 8 * self.descriptor
        shown = (0, 0, 0) if self.descriptor else (crc, *sizes)
        lengths = (len(self.name), len(self.extra))
        local = _pack(LOCAL, self.local, b"PK\3\4", 20, flags, self.method, 0, 0x21, *shown, *lengths)
        tail = struct.pack("<4s3L", b"PK\7\b", crc, *sizes) if self.descriptor else b""
        central = _pack(
            CENTRAL, self.central, b"PK\1\2", 20 | 3 << 8, 20, flags, self.method, 0, 0x21, crc, *sizes,
            *lengths, len(self.comment), 0, 0, self.mode << 16, offset,
        )  # fmt: skip
        central += self.name + self.extra + self.comment
        return local + self.name + self.extra + packed + tail, central * (1 + self.again)


@dataclass(frozen=True)
class Archive:
    entries: list[Entry]
    comment: bytes = b""
    before: bytes = b""
    wide: bool = False  # with the records of a zip64
    end: tuple[tuple[int, int], ...] = ()
    end64: tuple[tuple[int, int], ...] = field(default=())

    def write(self) -> bytes:
        data, directory, count = self.before, b"", 0
        for entry in self.entries:
            there, said = entry.write(len(data))
            data, directory, count = data + there, directory + said, count + 1 + entry.again
        start = len(data)
        data += directory
        if self.wide:
            where = len(data)
            data += _pack(END64, self.end64, b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), start)
            data += LOCATOR.pack(b"PK\6\7", 0, where, 1)
            ends = (0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1)
        else:
            ends = (count % 2**16, count % 2**16, len(directory), start)
        return data + _pack(END, self.end, b"PK\5\6", 0, 0, *ends, len(self.comment) % 2**16) + self.comment


def _pack(form: struct.Struct, lies: tuple[tuple[int, int], ...], *fields: bytes | int) -> bytes:
    """The header with its lies, each cut to the width of its field."""
    said = list(fields)
    codes = [code for count, code in _codes(form) for _ in range(count)]
    for place, lie in lies:
        at = 1 + place % (len(said) - 1)
        said[at] = lie % 256 ** struct.calcsize(f"<{codes[at]}")
    return form.pack(*said)


def _codes(form: struct.Struct) -> list[tuple[int, str]]:
    """ "<4s5H" -> [(1, "4s"), (5, "H")]"""
    found: list[tuple[int, str]] = []
    digits = ""
    for char in form.format.removeprefix("<"):
        if char.isdigit():
            digits += char
            continue
        found.append((1, f"{digits}s") if char == "s" else (int(digits or 1), char))
        digits = ""
    return found


_PLACES = ("", "", "a/", "exercises/", "a/exercises/", "a/b/", "./", "../", "/", "C:\\", "a\\", "\\\\x\\", "__MACOSX/")
_STEMS = ("ex04_conv", "ex04_conv", "ex07", "ex03_output_size (1)", "EX04_Conv", "._ex04_conv", "")
_ENDS = (".py", ".py", ".ipynb", ".PY", ".zip", "", "/", ".py\0.txt", ".py/x", "\n.py", "\u202e.py", "." * 300)
_ODD_NAMES = (b"exercises", b".", b"..", b"\xff\xfe.py", b"ex04_conv.py\xf0", b"a" * 5000)
_CONTENTS = (
    _CODE.encode(), b"", b"\0", b"\xff", b'{"cells": [{"cell_type": "code", "source": "x = 1"}]}', b"\n" * 200_000,
    b"PK\5\6" + bytes(18), b"PK\1\2" * 20, b"# coding: rot13\n", b"[" * 5000,
)  # fmt: skip
_EXTRAS = (
    b"", b"\1\0\x08\0" + bytes(8), b"\1\0\x18\0" + b"\xff" * 24, b"\1\0\0\0", b"\x75\x70\0\0", b"\x75\x70\5\0\1abcd",
    b"\x99\x99\0\0" * 500, b"\x99\x99\xff\xff", b"ab", b"UT\5\0\1abcd",
)  # fmt: skip
_COMMENTS = (b"PK\5\6", b"x" * 70_000, b"PK\6\7" + bytes(16), b"y")


def _one_of(parts: Sequence[Any]) -> st.SearchStrategy[Any]:
    """As sampled_from, which would write long parts down again and again."""
    return st.integers(0, len(parts) - 1).map(parts.__getitem__)


_PATHS = st.builds(lambda *parts: "".join(parts).encode(), _one_of(_PLACES), _one_of(_STEMS), _one_of(_ENDS))
_NAMES = often(_PATHS, st.binary(max_size=12), _one_of(_ODD_NAMES))
_LIE = often(st.just(()), st.lists(st.tuples(st.integers(0, 20), LIES), min_size=1, max_size=3).map(tuple), times=3)
_MODES = st.sampled_from([0, 0o100644, 0o120777, 0o040755, 0o010644, 0o020644, 0o140644, 0xFFFF])
ENTRIES = st.builds(
    Entry,
    name=_NAMES,
    content=_one_of(_CONTENTS),
    method=often(st.sampled_from([0, 8]), st.sampled_from([1, 9, 12, 14, 93, 95, 99, 0xFFFF]), times=9),
    flags=often(st.sampled_from([0, 0x800]), st.sampled_from([1, 0x20, 0x40, 0x2000, 0xFFFF]), times=9),
    mode=often(st.just(0o100644), _MODES),
    extra=often(st.just(b""), _one_of(_EXTRAS), times=3),
    comment=often(st.just(b""), st.binary(max_size=9)),
    descriptor=st.booleans(),
    local=_LIE,
    central=_LIE,
    again=often(st.just(False), st.just(True)),
    damage=often(st.just(()), CHANGES.map(tuple)),
)
ARCHIVES = st.builds(
    Archive,
    st.lists(ENTRIES, max_size=5),
    comment=often(st.just(b""), _one_of(_COMMENTS)),
    before=often(st.just(b""), st.binary(max_size=40)),
    wide=often(st.just(False), st.just(True), times=3),
    end=_LIE,
    end64=_LIE,
)
