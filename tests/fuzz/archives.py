"""Zip archives: any bytes as a .zip.

What holds: a submission of what can be read and notes of what cannot, or a UsageError; within limits that no header
moves.
"""

from __future__ import annotations

import itertools
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from grader.collect import Submission
from grader.collect.archive import ARCHIVE_LIMIT, ENTRIES
from grader.collect.contents import NOTEBOOK_LIMIT, SOURCE_LIMIT

from .handed_in import NAMES, collected, judged
from .mutate import CHANGES, mutated
from .target import Target
from .zips import ARCHIVES, CENTRAL, END, LOCAL, Archive, Entry

TOKENS = (
    b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\b", b"../", b"\\", b"\0", b"\xff\xff\xff\xff",
    b"exercises/", b"ex04_conv.py", b"\1\0\x18\0", b"__MACOSX/",
)  # fmt: skip


def read(data: bytes) -> Submission | str:
    return collected("alice.zip", data)


def judge(data: bytes, came: Any) -> object:
    return judged(came)


def _directory(record: bytes, count: int) -> bytes:
    """A zip that is nothing but a directory: the same record again and again."""
    many = min(count, (ARCHIVE_LIMIT - 100) // len(record))
    return record * many + END.pack(b"PK\5\6", 0, 0, many % 2**16, many % 2**16, len(record) * many, 0, 0)


def _record(name: bytes = b"x", extra: bytes = b"", comment: bytes = b"", sizes: tuple[int, ...] = (0, 0, 0)) -> bytes:
    """What a directory says of an entry that lies at the beginning; `sizes` with its checksum before them."""
    lengths = (len(name), len(extra), len(comment))
    return CENTRAL.pack(b"PK\1\2", 20, 20, 0, 8, 0, 0x21, *sizes, *lengths, 0, 0, 0, 0) + name + extra + comment


def _everywhere(content: bytes, method: int = 8, damaged: bool = False) -> bytes:
    """Every name that a module of these exercises may have, all with the same content."""
    lies = ((6, 1234),) if damaged else ()
    names = itertools.product(["", "exercises/"], NAMES, [".py", ".ipynb"])
    return Archive([Entry("".join(name).encode(), content, method, central=lies) for name in names]).write()


def _overlapping() -> bytes:
    """All entries of the directory are the one that is there."""
    there, _ = Entry(b"ex04_conv.py", b"#" * SOURCE_LIMIT).write(0)
    sizes = struct.unpack_from("<3L", there, 14)
    names = [f"{'' if number % 2 else 'exercises/'}ex0{number % 9} ({number}).py".encode() for number in range(ENTRIES)]
    heads = [
        CENTRAL.pack(b"PK\1\2", 20, 20, 0, 8, 0, 0x21, *sizes, len(name), 0, 0, 0, 0, 0, 0) + name for name in names
    ]
    directory = b"".join(heads)
    return there + directory + END.pack(b"PK\5\6", 0, 0, len(names), len(names), len(directory), len(there), 0)


def _gigabytes(count: int) -> bytes:
    """A module of nothing but blank lines. A flushed piece of a deflate stream can be there again and again."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = deflate.compress(b"\n" * 2**20) + deflate.flush(zlib.Z_FULL_FLUSH)
    lies = ((7, len(piece) * 1024 * count), (8, count * 2**30 - 1))
    return Archive([Entry(b"ex04_conv.py", b"", packed=piece * 1024 * count, central=lies)]).write()


def _noise(size: int) -> bytes:
    return random.Random(0).randbytes(size)


HEAVY: dict[str, Callable[[], bytes]] = {
    "a directory of extra fields": lambda: _directory(_record(extra=b"\x99\x99\0\0" * 16_383), 10**6),
    "a directory of names": lambda: _directory(_record(name=b"a/" * 32_767), 10**6),
    "a directory of comments": lambda: _directory(_record(comment=b"PK\5\6" * 16_383), 10**6),
    "small records": lambda: _directory(_record(), 10**6),
    "as many records as are counted": lambda: _directory(_record(), 10 * ENTRIES),
    "as many entries as may be": lambda: Archive([Entry(b"../%d" % number, b"") for number in range(ENTRIES)]).write(),
    "ends without end": lambda: b"PK\5\6" * (ARCHIVE_LIMIT // 4),
    "local headers": lambda: LOCAL.pack(b"PK\3\4", *[0] * 10) * 10**6,
    "too large": lambda: bytes(ARCHIVE_LIMIT + 1),
    "a gigabyte": lambda: _gigabytes(1),
    "bombs": lambda: _everywhere(bytes(NOTEBOOK_LIMIT + 1)),
    "just no bombs": lambda: _everywhere(_noise(100_000) + b"#" * (NOTEBOOK_LIMIT - 100_000)),
    "damaged at the end": lambda: _everywhere(_noise(6000) + b"#" * (SOURCE_LIMIT - 6000), damaged=True),
    "stored": lambda: _everywhere(b"#" * 4 * SOURCE_LIMIT, method=0),
    "one entry with many names": _overlapping,
}
TARGET = Target(
    cases=st.one_of(
        ARCHIVES.map(Archive.write),
        ARCHIVES.map(Archive.write),
        st.builds(lambda archive, changes: mutated(archive.write(), changes, TOKENS), ARCHIVES, CHANGES),
    ),
    read=read,
    judge=judge,
    rounds=1,
    megabytes=200,
    tokens=TOKENS,
    fixed=HEAVY,
)
