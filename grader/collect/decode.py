"""Bytes -> Python text, as Python's own reader makes it, for UTF-8 and the few encodings a coding line may ask for."""

from __future__ import annotations

import re

from .candidates import Unreadable

# PEP 263; only these: a codec's name must not be a door to others.
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)")
_BLANK = re.compile(rb"^[ \t\f]*(?:#|\r?$)")
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "ascii": "ascii",
    "us-ascii": "ascii",
    "latin-1": "latin-1",
    "latin1": "latin-1",
    "iso-8859-1": "latin-1",
    "iso8859-1": "latin-1",
    "iso-8859-15": "iso-8859-15",
    "cp1252": "cp1252",
    "windows-1252": "cp1252",
}


def decode(data: bytes) -> str:
    """Python text with `\\n` between its lines, as Python's own reader makes it. Raises Unreadable."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("the file is saved as UTF-16; save it as UTF-8.")
    if b"\0" in data:
        raise Unreadable("the file holds NUL bytes: this is no Python text; save it as UTF-8 text.")
    codec = "utf-8" if data.startswith(b"\xef\xbb\xbf") else _codec(data)
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode(codec)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"line {line} is not {codec.upper()} text; save the file as UTF-8.") from error
    return unix_lines(text)


def _codec(data: bytes) -> str:
    for line in data.split(b"\n", 2)[:2]:
        if cookie := _COOKIE.match(line):
            name = cookie[1].decode("ascii").lower().replace("_", "-")
            if name not in _CODECS:
                raise Unreadable(
                    f"its coding line asks for {name[:40]!r}; save the file as UTF-8 and remove that line."
                )
            return _CODECS[name]
        if not _BLANK.match(line):
            break  # PEP 263: a coding line after code is a comment
    return "utf-8"


def unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
