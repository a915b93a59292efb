"""What families of hand-made submissions are made of: modules, zips, notebooks, and the places they aim at."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path

from .attack import PRELUDE

SECRET = Path("/tmp/secret/token")
CLASSMATE = Path("/tmp/class/other/ex03_output_size.py")
NAME = "ex03_output_size.py"
WRONG_ANSWER = "\ndef conv_output_size(*args, **kwargs):\n    return -1\n"
MODULE = PRELUDE + WRONG_ANSWER
# Every point of conv_output_size, for the question which of two modules is graded.
RIGHT = """
def conv_output_size(size, kernel_size, stride=1, padding=0, dilation=1):
    for name, value, low in (("size", size, 1), ("kernel_size", kernel_size, 1), ("stride", stride, 1),
                             ("padding", padding, 0), ("dilation", dilation, 1)):
        if value < low:
            raise ValueError(f"{name} must be at least {low}")
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if room < 0:
        raise ValueError("size and padding leave no room for kernel_size")
    return room // stride + 1
"""
ALL_POINTS = 4.0

Entry = tuple[str | zipfile.ZipInfo, str | bytes]


def hand_in(folder: Path, name: str, content: str | bytes = MODULE) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


def zipped(entries: Iterable[Entry], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, content in entries:
            made.writestr(name, content)
    return buffer.getvalue()


def special(name: str, kind: int, *, permissions: int = 0o644) -> zipfile.ZipInfo:
    """An entry that says it is a link, a pipe or a device: what lies in it is where a link leads to."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3  # Unix
    info.external_attr = (kind | permissions) << 16
    return info


def link(name: str) -> zipfile.ZipInfo:
    return special(name, stat.S_IFLNK, permissions=0o777)


def notebook(*cells: object, **more: object) -> bytes:
    """A notebook of code cells, or of whole cells where a dict is given; `more` lies beside the cells."""
    made = [cell if isinstance(cell, dict) else code(cell) for cell in cells]
    book = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more
    return json.dumps(book).encode()


def code(source: object, **more: object) -> dict[str, object]:
    return {"cell_type": "code", "source": source, "outputs": [], "metadata": {}, "execution_count": None} | more
