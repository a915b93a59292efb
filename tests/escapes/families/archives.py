"""Handing in archives that lead elsewhere, swell, lie, or name one thing twice. Folders that do are in folders.py."""

from __future__ import annotations

import io
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from ..attack import RAISED, TURNED_AWAY, WRONG, Attack
from ..made import CLASSMATE, MODULE, NAME, RIGHT, SECRET, Entry, hand_in, link, notebook, special, zipped

Build = Callable[[Path], Path]


def _plain(names: Iterable[str]) -> list[Entry]:
    return [(name, MODULE) for name in names]


def _zip(*entries: Entry, change: Callable[[bytes], bytes] = bytes, method: int = zipfile.ZIP_DEFLATED) -> Build:
    """Hands in a zip of these entries, `change` made to its bytes."""
    return lambda folder: hand_in(folder, "alice.zip", change(zipped(entries, method=method)))


def _bomb(folder: Path) -> Path:
    return hand_in(folder, "alice.zip", zipped([(NAME, b"\n" * 2**24)]))


def _bomb_of_notebooks(folder: Path) -> Path:
    """Each below the limit of a notebook, and packed no better than text may be."""
    filling = b"".join(os.urandom(64).hex().encode() + b"a" * 12_000 for _ in range(700))
    book = notebook(MODULE, filling="")[:-2] + filling + b'"}'
    names = [f"{place}{name}.ipynb" for place in ("", "exercises/") for name in EXERCISES]
    return hand_in(folder, "alice.zip", zipped([(name, book) for name in names]))


def _tar(folder: Path) -> Path:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        for name, kind, target in (
            (NAME, tarfile.LNKTYPE, str(SECRET)),
            ("exercises", tarfile.SYMTYPE, str(CLASSMATE.parent)),
            ("exercises/ex04_conv.py", tarfile.REGTYPE, ""),
            ("ex05_pool.py", tarfile.CHRTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            made.addfile(member)
    return hand_in(folder, "alice.zip", buffer.getvalue())


def _million(folder: Path) -> Path:
    """A list of a million entries, none of which is there, in less than 50 MB."""
    one = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, 0, *[0] * 4, 0, 0, 0, 1, *[0] * 4, 0, 0) + b"a"
    return hand_in(folder, "alice.zip", one * 10**6 + _end(0xFFFF, len(one) * 10**6, 0))


def _central(data: bytes, field: int, form: str, value: int) -> bytes:
    """The zip with one field of its first central header changed."""
    at = data.index(b"PK\1\2") + field
    return data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form) :]


def _short(folder: Path) -> Path:
    """Says that the module is as long as its beginning, and gives the beginning's checksum; the rest is a bomb."""
    wrong = MODULE.encode()
    data = zipped([(NAME, wrong + b"\n" * 2**24)])
    return hand_in(folder, "alice.zip", _central(_central(data, 24, "<L", len(wrong)), 16, "<L", zlib.crc32(wrong)))


def _zip64(data: bytes) -> bytes:
    """Sizes of many exabytes, in the fields that are wide enough for them."""
    extra = struct.pack("<HHQQ", 1, 16, 2**63, 2**63)
    at = data.index(b"PK\1\2")
    head = bytearray(data[at : at + 46 + len(NAME)])
    head[20:28], head[30:32] = b"\xff" * 8, struct.pack("<H", len(extra))
    end = bytearray(data[data.index(b"PK\5\6") :])
    end[12:16] = struct.pack("<L", len(head) + len(extra))
    return data[:at] + bytes(head) + extra + bytes(end)


def _overlapping(folder: Path) -> Path:
    """One stream of megabytes, and in front of it entry upon entry whose content is all that follows it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data, size = packer.compress(b"\n" * 2**22) + packer.flush(), 2**22
    heads: list[tuple[bytes, int]] = []
    for name in (f"{place}{name}.py".encode() for place in ("", "exercises/") for name in EXERCISES):
        said = struct.pack("<5H3L2H", 20, 0, 8, 0, 0x21, 0, len(data), size, len(name), 0)
        local = b"PK\3\4" + said + name
        heads.append((b"PK\1\2\x14\0" + said + bytes(10), len(data) + len(local)))
        # For the entry before it, this one's head is a block of the stream that is stored as it is.
        data, size = b"\0" + struct.pack("<HH", len(local), len(local) ^ 0xFFFF) + local + data, size + len(local)
    data = data[5:]
    names = [f"{place}{name}.py".encode() for place in ("", "exercises/") for name in EXERCISES]
    listed = b"".join(
        head + struct.pack("<L", len(data) - back) + name for (head, back), name in zip(heads, names, strict=True)
    )
    return hand_in(folder, "alice.zip", data + listed + _end(len(names), len(listed), len(data)))


def _end(count: int, size: int, start: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, start, 0)


def _two_lists(folder: Path) -> Path:
    """Read from its beginning it holds a right module, read from its end a wrong one."""
    return hand_in(folder, "alice.zip", zipped([(NAME, RIGHT)]) + zipped([(NAME, MODULE)]))


def _nested(folder: Path) -> Path:
    inner = zipped([("ex03_output_size.py", b"\n" * 2**24)])
    for _ in range(5):
        inner = zipped([(f"ex03_output_size_{number}.zip", inner) for number in range(10)])
    return hand_in(folder, "alice.zip", zipped([("ex03_output_size.zip", inner), (NAME, MODULE)]))


EXERCISES = ("ex01_motivation", "ex02_filters", "ex03_output_size")
_UP = "../../../../../../../../tmp/class/other/" + NAME
_SHARE = f"\\\\host\\share\\{NAME}"
_ODD_NAMES = (
    f"new\nline/{NAME}", f"{NAME}\0.txt", f"\u202eyp.\u202c{NAME}", "-rf ex03.py", f"\x1b[2J\x1b]0;owned\x07{NAME}",
    f"{'a' * 4000}/{NAME}", "\u0435\u044503_output_size.py", f"{NAME}\u200b", f"::error::{NAME}", f"##[error]{NAME}",
    f"CON/{NAME}", "NUL.py", f"{NAME}:stream", f"{NAME} ", f"{NAME}.", f"{NAME}/x.py", f"<img src=x>/{NAME}",
    ".", "/", f"$(touch /tmp/owned)/{NAME}", f"`id`;{NAME}", "ex03_output_size.py\\..\\..\\x.py",
    f"exercises/exercises/{NAME}",
)  # fmt: skip

ATTACKS = [
    Attack(
        "zip_slip",
        "holds files whose names climb out of the archive, at their beginning, in their middle and with backslashes",
        build=_zip(*_plain([NAME, _UP, f"exercises/{_UP}", f"a/../../{NAME}", _UP.replace("/", "\\"), f"..\\{NAME}"])),
        says="its name leads out of the zip",
    ),
    Attack(
        "zip_absolute",
        "holds files with absolute names: of this system, with drive letters, of a share",
        build=_zip(*_plain([NAME, f"{CLASSMATE}", f"{SECRET}", f"//{CLASSMATE}", f"C:\\{NAME}", f"C:{NAME}", _SHARE])),
        says="its name leads out of the zip",
    ),
    Attack(
        "zip_link_to_secret",
        "holds its module as a symbolic link to a file of ours",
        build=_zip((link(NAME), str(SECRET)), (link("exercises/ex04_conv.py"), "../../../tmp/secret/token")),
        says="it is a symbolic link",
    ),
    Attack(
        "zip_links_in_a_chain",
        "holds a folder that is a link to a link to a classmate's, and then a file in it",
        build=_zip((link("a"), "/tmp/class"), (link("exercises"), "a/other"), (f"exercises/{NAME}", MODULE)),
    ),
    Attack(
        "zip_devices",
        "holds its module as a pipe, as devices, as a socket and as a folder that has content",
        build=_zip(
            (special(NAME, stat.S_IFIFO), MODULE),
            (special("ex03_output_size (1).py", stat.S_IFCHR), MODULE),
            (special(f"exercises/{NAME}", stat.S_IFBLK), MODULE),
            (special("ex03.py", stat.S_IFSOCK), MODULE),
            (special("my_ex03.py", stat.S_IFDIR), MODULE),
        ),
        says="it is no plain file",
    ),
    Attack("tar_named_zip", "is a tar of hard links, devices and links, named .zip", build=_tar, verdicts=TURNED_AWAY),
    Attack("zip_bomb", "unpacks to a thousand times its size", build=_bomb, says="times its size"),
    Attack(
        "zip_bomb_of_notebooks",
        "is a bomb of notebooks, each below every limit of one file",
        build=_bomb_of_notebooks,
        says="the zip unpacks to more than 20 MB",
    ),
    Attack("zip_of_zips", "is a million gigabytes, folded six times", build=_nested, says="a zip inside a zip"),
    Attack("zip_overlapping", "lists the same megabytes under many names", build=_overlapping, says="times its size"),
    Attack(
        "zip_million", "lists a million entries", build=_million, verdicts=TURNED_AWAY, says="more than 2000 entries"
    ),
    Attack(
        "zip_says_it_is_short",
        "says that it is short and goes on for many megabytes",
        build=_short,
    ),
    Attack(
        "zip_says_it_is_endless",
        "says in its wide fields that it holds exabytes",
        build=_zip((NAME, MODULE), change=_zip64),
    ),
    Attack(
        "zip_encrypted",
        "asks for a password",
        build=_zip((NAME, MODULE), change=lambda data: _central(data, 8, "<H", 1)),
        verdicts=TURNED_AWAY,
    ),
    Attack(
        "zip_lzma",
        "is packed so that unpacking begins with gigabytes of memory",
        build=_zip((NAME, MODULE), method=zipfile.ZIP_LZMA),
        says="packed in an unusual way",
    ),
    Attack(
        "zip_method_unknown",
        "is packed in a way that nobody knows",
        build=_zip((NAME, MODULE), change=lambda data: _central(data, 10, "<H", 99)),
        says="packed in an unusual way",
    ),
    Attack(
        "zip_two_of_one_name",
        "holds a right module for whoever reads the first of one name, and a wrong one as the last",
        build=_zip((NAME, RIGHT), (f"./{NAME}", RIGHT), (f".//{NAME}", MODULE)),
        says="more than once: only the last one counts",
    ),
    Attack("zip_two_lists", "is two zips behind each other, a right and a wrong one", build=_two_lists),
    Attack(
        "zip_right_one_below",
        "holds a wrong module at its top and a right one in each other place where somebody may look",
        build=_zip((f"exercises/{NAME}", RIGHT), (NAME, MODULE), ("ex03.py", RIGHT), ("EX03_OUTPUT_SIZE.PY", RIGHT)),
        says=f"{NAME} is graded for ex03_output_size",
    ),
    Attack(
        "zip_odd_names",
        "has names with line ends, NUL, escapes, directions, blanks, commands and reserved words in them",
        build=_zip((NAME, MODULE), *_plain(_ODD_NAMES)),
        says="its name holds characters that cannot be seen",
    ),
    Attack(
        "zip_behind_a_script",
        "is a zip between a shell script and a page",
        build=_zip((NAME, MODULE), change=lambda data: b"#!/bin/sh\ntouch /tmp/owned\nexit\n" + data + b"<script>"),
        verdicts=WRONG | TURNED_AWAY,
    ),
    Attack(
        "module_that_is_a_zip",
        "hands in a module that Python would run as the archive it is too",
        build=lambda folder: hand_in(folder, NAME, RIGHT.encode() + zipped([("__main__.py", RIGHT)])),
        verdicts=RAISED,
        says="NUL bytes",
    ),
    Attack(
        "notebook_that_is_a_zip",
        "hands in a zip that is named like a notebook",
        build=lambda folder: hand_in(folder, "ex03_output_size.ipynb", notebook(RIGHT)[:-1] + zipped([(NAME, RIGHT)])),
        verdicts=RAISED,
    ),
]
