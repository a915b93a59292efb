"""Everything in a file that somebody could read: what is packed, encoded or escaped in it too."""

from __future__ import annotations

import base64
import binascii
import bz2
import contextlib
import gzip
import html
import io
import json
import lzma
import re
import tarfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable, Iterator

DEPTH = 5  # a wheel in a tar in base64 in a notebook in a zip
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){24,}")
_ESCAPE = re.compile(r"\\(?:([nrt\"'/\\])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))")
_ESCAPED = {"n": "\n", "r": "\n", "t": "\t"}
_PACKED: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ", lzma.decompress),
    (b"x\x01", zlib.decompress),
    (b"x\x9c", zlib.decompress),
    (b"x\xda", zlib.decompress),
)


def texts(name: str, content: bytes, depth: int = DEPTH) -> Iterator[tuple[str, str]]:
    """(where it is, text), of the file and of all that is in it."""
    inner = list(_members(content))
    for below, data in inner:
        yield from texts(f"{name}/{below}", data, depth)
    if inner:
        return
    text = _decoded(content)
    yield name, text
    for view in _views(name, text):
        yield f"{name}, unescaped", view
    if depth:
        for data in _encoded(text):
            if _is_worth_it(data):
                yield from texts(f"{name}, encoded", data, depth - 1)


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from ((member, archive.read(member)) for member in archive.namelist())
        return
    for magic, unpacked in _PACKED:
        if content.startswith(magic):
            with contextlib.suppress(OSError, EOFError, zlib.error, lzma.LZMAError):  # a text may begin so
                yield "unpacked", unpacked(content)
            return
    if content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            files = ((member.name, archive.extractfile(member)) for member in archive if member.isfile())
            yield from ((member, file.read()) for member, file in files if file is not None)


def _decoded(content: bytes) -> str:
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff")) or content[:200].count(0) > 40
    return content.decode("utf-16" if wide else "utf-8", "replace")


def _views(name: str, text: str) -> Iterator[str]:
    """As a reader of JSON, of a page or of an address has it."""
    if name.endswith(".ipynb"):
        yield "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    ways: tuple[Callable[[str], str], ...] = (_unescaped, html.unescape, urllib.parse.unquote)
    yield from (view for way in ways if (view := way(text)) != text)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda hit: _ESCAPED.get(hit[1], hit[1]) if hit[1] else chr(int(hit[2] or hit[3], 16)), text)


def _encoded(text: str) -> Iterator[bytes]:
    joined = text.replace("\n", "")
    for run in _BASE64.findall(joined):
        for start in range(4):  # what stands before it may look like base64 too
            part = run[start : len(run) - ((len(run) - start) % 4 == 1)]
            yield base64.b64decode(part.translate(str.maketrans("-_", "+/")) + "=" * (-len(part) % 4))
    for run in _HEX.findall(joined):
        yield binascii.unhexlify(run)


def _is_worth_it(data: bytes) -> bool:
    """Most of what looks encoded is a name or a checksum; read as bytes these are noise."""
    printable = sum(32 <= byte < 127 or byte in b"\n\t" for byte in data)
    return printable > 0.9 * len(data) or data.startswith((b"PK\x03\x04", *(magic for magic, _ in _PACKED)))
