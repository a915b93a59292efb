"""What a source says to a learner, in pieces that a page and a terminal show each in its own way.

Docstrings as blocks, inline marks, signatures. Works on text of our own files alone.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby

INLINE = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<b>\S[^*]*)\*\*|(?<![\w*])\*(?P<em>[^\s*][^*]*?)(?<!\s)\*(?![\w*])")
_ITEM = re.compile(r"(?:-|\d+\.) ")
_ENTRY = re.compile(r"\w+(?:, \w+)*: ")  # "stride: the step …": what an argument means begins a line of its own
_ENDS = (".", "!", "?")


class Kind(Enum):
    TEXT = "p"
    BULLETS = "ul"
    NUMBERS = "ol"
    CODE = "pre"
    PICTURE = "figure"


@dataclass(frozen=True, slots=True)
class Block:
    """`parts` are the lines of a text, the items of a list, or one piece of code or of SVG."""

    kind: Kind
    parts: tuple[str, ...]


def blocks(text: str) -> Iterator[Block]:
    """A docstring in pieces: paragraphs, lists, and what is indented (four blanks or more) or an example as code."""
    for kind, chunks in groupby(re.split(r"\n(?:[ \t]*\n)+", text.strip("\n")), _start):
        if kind:
            shown = "\n\n".join(chunks).replace("<BLANKLINE>", "")
            yield Block(Kind.CODE, (textwrap.dedent(shown),))
        else:
            yield from map(_prose, chunks)


def _start(chunk: str) -> str:
    """What makes it code; chunks that stand below each other are one drawing, or one row of examples."""
    return next((start for start in ("    ", ">>> ") if chunk.startswith(start)), "")


def _prose(chunk: str) -> Block:
    lines = chunk.split("\n")
    if not _ITEM.match(lines[0]):
        return Block(Kind.TEXT, _joined(lines, lambda before, line: before[-1:] in _ENDS and bool(_ENTRY.match(line))))
    kind = Kind.BULLETS if lines[0].startswith("-") else Kind.NUMBERS
    items = _joined(lines, lambda _, line: bool(_ITEM.match(line)))
    return Block(kind, tuple(_ITEM.sub("", item, count=1) for item in items))


def _joined(lines: list[str], begins: Callable[[str, str], bool]) -> tuple[str, ...]:
    """Lines that were broken for width alone put together again."""
    out = [lines[0]]
    for line in lines[1:]:
        if begins(out[-1], line):
            out.append(line)
        else:
            out[-1] += " " + line.strip()
    return tuple(out)


def body(statement: str) -> tuple[Block, ...]:
    """A statement without title and lecture, which are shown above it."""
    _title, *rest = blocks(statement)
    return tuple(block for block in rest if not block.parts[0].startswith("Lecture: "))


def signatures(stub: str) -> dict[str, str]:
    """Task -> its head as it is written; of a class also the heads of its methods."""
    lines = stub.split("\n")
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name: "\n".join(_head(node, lines)) for node in ast.parse(stub).body if isinstance(node, kinds)}


def _head(node: ast.FunctionDef | ast.ClassDef, lines: list[str]) -> Iterator[str]:
    first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
    yield from lines[first - 1 : node.body[0].lineno - 1]
    if isinstance(node, ast.ClassDef):
        for method in node.body:
            if isinstance(method, ast.FunctionDef):
                yield ""
                yield from _head(method, lines)
