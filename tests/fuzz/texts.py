"""Python files: any bytes as a .py.

What holds: the text that Python's own reader would make of them, or a sentence that says what is wrong.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from grader.collect import Submission
from grader.collect.contents import SOURCE_LIMIT

from .handed_in import collected, judged
from .mutate import CHANGES, mutated
from .target import Target, insist

_NAMES = (
    "utf-8",
    "UTF_8",
    "utf8",
    "latin-1",
    "iso-8859-15",
    "cp1252",
    "ascii",
    "rot13",
    "utf-16",
    "utf-7",
    "idna",
    "x" * 300,
)
_CODECS = ("utf-8", "latin-1", "cp1252", "utf-16", "utf-8-sig", "utf-16-le", "utf-32")
_COOKIE = st.builds(
    "{}# {}coding{} {}{}\n".format,
    st.sampled_from(["", " ", "\t", "\x0c", "#!/usr/bin/python\n", "\r\n", "\n\n", "x = 1\n", '"""\n', "\ufeff"]),
    st.sampled_from(["", "-*- ", "en", "vim: file"]),
    st.sampled_from([":", "=", " :", ""]),
    st.sampled_from(_NAMES),
    st.sampled_from(["", " -*-", "\0", "é"]),
)  # fmt: skip
_LINE = st.sampled_from(
    ["x = 1\n", "y = 'é'\r\n", "z = '\U0001f600'\n", "\r", "\x0c\n", "# \u2028\n", "\x1a", "\t", "'''\n"]
)
_TEXT = st.lists(_COOKIE | _LINE | st.text(max_size=6), max_size=6).map("".join)
_WRITTEN = st.builds(lambda text, codec: text.encode(codec, "replace"), _TEXT, st.sampled_from(_CODECS))
TOKENS = (
    b"\xef\xbb\xbf",
    b"# coding: latin-1\n",
    b"\xff\xfe",
    b"\0",
    b"\r",
    b"\n",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
)


def read(data: bytes) -> Submission | str:
    return collected("ex04_conv.py", data)


def judge(data: bytes, came: Any) -> object:
    insist(not isinstance(came, str), "a readable file that is no submission")
    module = came.modules["ex04_conv"]
    if module.problem is None:
        insist(_as_python(data) in (module.source, None), "a text that is not the one Python reads")
    return judged(came)


def _as_python(data: bytes) -> str | None:
    """None where Python is stricter: a mark of UTF-8 and a coding line that says something else, or says "utf8"."""
    try:
        codec, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        return None
    return io.TextIOWrapper(io.BytesIO(data), codec, newline=None).read()


HEAVY: dict[str, Callable[[], bytes]] = {
    "as long as may be": lambda: b"#" * SOURCE_LIMIT,
    "longer": lambda: b"#" * (SOURCE_LIMIT + 1),
    "far longer": lambda: b"x = 1\n" * 10_000_000,
    "line ends": lambda: b"\r" * SOURCE_LIMIT,
    "spaces before a cookie": lambda: b" " * (SOURCE_LIMIT - 20) + b"# coding: utf-8",
    "cookies in a line": lambda: b"#" + b"coding:" * (SOURCE_LIMIT // 8),
    "a coding without end": lambda: b"# coding: " + b"a" * (SOURCE_LIMIT - 20),
    "latin text that doubles": lambda: b"# coding: latin-1\n" + b"\xe9" * (SOURCE_LIMIT - 20),
}
TARGET = Target(
    cases=st.one_of(_WRITTEN, st.builds(mutated, _WRITTEN, CHANGES, st.just(TOKENS)), st.binary(max_size=40)),
    read=read,
    judge=judge,
    rounds=1,
    megabytes=100,
    tokens=TOKENS,
    fixed=HEAVY,
)
