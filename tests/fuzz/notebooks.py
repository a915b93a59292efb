"""Notebooks: any bytes as an .ipynb.

What holds: a text that has the heads of its cells where it says they are, or a sentence that says what is wrong.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import nbformat
from hypothesis import strategies as st

from grader.collect import Submission
from grader.collect.contents import NOTEBOOK_LIMIT, SOURCE_LIMIT
from grader.collect.decode import unix_lines

from .handed_in import collected, judged
from .mutate import CHANGES, mutated
from .target import Target, insist, often

_LINES = (
    "x = 1", "", " ", "%matplotlib inline", "%%bash", "%%time", "!ls \\", "?conv2d", "conv2d??", "a = !ls",
    "t = %time f", '"""', "'''", "s = 'a\\", 's = "[', "# [", "if x:", "    !ls", "(", ")", "[{", "}]", "x = (a",
    "   %b)", "\\", "é\U0001f600", "\ud800", "\0", "\r", "\r\n", "\u2028", "\x0c", "%", "!", "?", "a?b?", "\t%cd ..",
    "f'{x!r}'", "x!", "=!", "a,b = !c",
)  # fmt: skip
TOKENS = (
    b'"', b"[", b"]", b"{", b"}", b"\\u", b"\\ud800", b"\\\\", b"NaN", b"1e999", b"cells", b"source", b"code", b"\xff",
    b"%%bash\\n", b"'''", b"-", b"9" * 4400, b"null",
)  # fmt: skip
_CODE = st.lists(st.sampled_from(_LINES) | st.text(max_size=4), max_size=8).map("\n".join)
_CHARACTERS = st.text(alphabet="ab%!?=\\\"'#([{}]) \n\r\0\ud800é\t,.*", max_size=80)
_MAGIC = st.builds("{}\n\n{}".format, st.sampled_from(["%%bash", "\n %%time", "%%!", "%%html x", "%%capture\\"]), _CODE)
_TEXT = st.one_of(_CODE, _CODE, _CHARACTERS, _MAGIC)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "cells", "source"]), inner),
    max_leaves=6,
)
_PARTS = st.lists(often(_TEXT.map(lambda text: text + "\n"), _ANYTHING, times=9), max_size=4)
_CELL = st.fixed_dictionaries(
    {
        "cell_type": often(st.just("code"), st.sampled_from(["markdown", "raw", ""]), _ANYTHING, times=10),
        "source": often(_TEXT, _PARTS, _PARTS, _ANYTHING, times=4),
    },
    optional={"outputs": _ANYTHING, "metadata": _ANYTHING, "execution_count": _ANYTHING, "id": _ANYTHING},
)
_BOOK = st.fixed_dictionaries(
    {"cells": often(st.lists(often(_CELL, _ANYTHING, times=20), max_size=4), _ANYTHING, times=12)},
    optional={"metadata": _ANYTHING, "nbformat": _ANYTHING, "worksheets": _ANYTHING},
)
_WAYS = ("escaped", "escaped", "escaped", "spread out", "plain", "marked", "utf-16")


def _proper(sources: list[str]) -> bytes:
    """As Jupyter writes it."""
    cells = [nbformat.v4.new_code_cell(source, id=f"c{number}") for number, source in enumerate(sources)]
    return nbformat.v4.writes(nbformat.v4.new_notebook(cells=cells)).encode("utf-8", "surrogatepass")


def _written(value: Any, way: str) -> bytes:
    """As JSON, in the ways that programs have."""
    escaped = way in ("escaped", "spread out")
    text = json.dumps(value, ensure_ascii=escaped, indent=1 if way == "spread out" else None)
    mark = b"\xef\xbb\xbf" if way == "marked" else b""
    return mark + text.encode("utf-16" if way == "utf-16" else "utf-8", "surrogatepass")


def read(data: bytes) -> Submission | str:
    return collected("ex04_conv.ipynb", data)


def judge(data: bytes, came: Any) -> object:
    insist(not isinstance(came, str), "a readable file that is no submission")
    module = came.modules["ex04_conv"]
    if module.problem is None:
        lines, heads = module.source.split("\n"), module.line_map
        insist(list(heads) == _heads(data), "a cell that has another number of lines than it had")
        says = [f"# --- code cell {number} ---" for number in range(1, len(heads) + 1)]
        insist([lines[head - 1] for head in heads] == says, "a head of a cell that is not where it is said to be")
    return judged(came)


def _heads(data: bytes) -> list[int]:
    """The line that heads each code cell, if every line of the cells stays one."""
    cells = [cell for cell in json.loads(data.decode("utf-8-sig"))["cells"] if cell.get("cell_type") == "code"]
    lengths = [2 + unix_lines("".join(cell["source"])).count("\n") for cell in cells]
    return list(itertools.accumulate(lengths, initial=1))[:-1]


def _book(source: str) -> bytes:
    return json.dumps({"cells": [{"cell_type": "code", "source": source}]}).encode()


def _beside(part: bytes, count: int) -> bytes:
    """A notebook that holds as much of something that nobody reads as a notebook may hold."""
    return b'{"cells": [], "x": [' + part * min(count, (NOTEBOOK_LIMIT - 100) // len(part)) + b"0]}"


_MANY = SOURCE_LIMIT - 200
HEAVY: dict[str, Callable[[], bytes]] = {
    "one long string": lambda: _book('"' + "a" * _MANY),
    "backslashes": lambda: _book('"' + "\\" * _MANY),
    "quotes": lambda: _book("\"'" * (_MANY // 2)),
    "threes of quotes": lambda: _book("'''" * (_MANY // 3)),
    "brackets in a cell": lambda: _book("(" * _MANY),
    "spaces before a word": lambda: _book(" " * _MANY + "x"),
    "a question and spaces": lambda: _book("a?" + " " * _MANY + "x"),
    "commas and no magic": lambda: _book("a" + " ," * (_MANY // 2) + "= "),
    "stars": lambda: _book("a*%[]" * (_MANY // 5) + "!"),
    "empty lines": lambda: _book("\n" * _MANY),
    "strings over lines": lambda: _book("'\\\n" * (_MANY // 3)),
    "magics over lines": lambda: _book("!\\\n" * (_MANY // 3)),
    "emoji": lambda: _book("\U0001f600" * (_MANY // 4)),
    "nested arrays": lambda: b'{"cells":' + b"[" * 299_990,
    "nested objects": lambda: b'{"cells":' * 299_990,
    "short strings": lambda: _beside(b'"ab",', 10**7),
    "short floats": lambda: _beside(b"1e1,", 10**7),
    "long integers": lambda: _beside(b"9" * 4299 + b",", 10**7),
    "too long integers": lambda: _beside(b"9" * 4301 + b",", 10**7),
    "an exponent": lambda: _beside(b"1e" + b"9" * (NOTEBOOK_LIMIT - 200) + b",", 1),
    "many arrays": lambda: _beside(b"[],", 10**7),
    "small objects": lambda: _beside(b'{"a":0},', 299_990),
    "escapes": lambda: _beside(b'"' + b"\\u0001" * (NOTEBOOK_LIMIT // 6 - 50) + b'",', 1),
    "many cells": lambda: b'{"cells":[' + b",".join([b'{"cell_type":"code","source":""}'] * 299_000) + b"]}",
    "many parts": lambda: b'{"cells":[{"cell_type":"code","source":[' + b'"",' * 3_400_000 + b'""]}]}',
    "one key again and again": lambda: b"{" + b'"a":0,' * 1_700_000 + b'"cells":[]}',
    "a string without end": lambda: b'{"cells":"' + b"\\\\" * (NOTEBOOK_LIMIT // 2 - 50),
}
TARGET = Target(
    cases=often(
        st.builds(_written, _BOOK, st.sampled_from(_WAYS)),
        st.lists(_TEXT, max_size=4).map(_proper),
        st.builds(lambda book, changes: mutated(_written(book, "escaped"), changes, TOKENS), _BOOK, CHANGES),
        st.builds(_written, _ANYTHING, st.sampled_from(_WAYS)),
    ),
    read=read,
    judge=judge,
    rounds=1,
    megabytes=160,
    tokens=TOKENS,
    fixed=HEAVY,
)
