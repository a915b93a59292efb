"""What a folder remembers: any bytes as its state.json.

What holds: a state, however little of it, that is written and read again as the same, and a map that shows nothing of
it but numbers, moments and names of the course.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from rich.console import Console

from grader import course
from grader.state import READ, State, fingerprint, parse, written
from grader.status import render
from grader.workspace import SIZE

from .mutate import CHANGES, mutated
from .target import Target, insist, often

_NAME, _TASK = "ex03_output_size", "ex03_output_size::same_padding"
_SOURCE = "mine"
_NAMES = often(st.sampled_from([_NAME, _TASK, "same_padding"]), st.sampled_from(["\x1b[31m", "\ud800", ""]), st.text())
_MOMENTS = often(
    st.sampled_from(["2026-11-29T12:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:60-23:59"]),
    st.sampled_from(["", "now", "2026-11-29", 0, None, 1e300]),
    st.text(max_size=30),
)
_NUMBERS = often(st.integers(0, 5), st.sampled_from([-1, 1e300, 10**400, True, "1", None]), st.floats())
_EARNED = st.fixed_dictionaries({"status": _NAMES | st.just("passed"), "score": _NUMBERS})
_GRADED = st.fixed_dictionaries(
    {"source": _NAMES | st.just(fingerprint(_SOURCE)), "tasks": st.dictionaries(_NAMES, _EARNED, max_size=3)}
)
_STATES = st.fixed_dictionaries(
    {"schema": often(st.sampled_from(READ), st.text(max_size=5))},
    optional={
        "exercises": st.dictionaries(_NAMES, _GRADED, max_size=3),
        "hints": st.dictionaries(_NAMES, _NUMBERS, max_size=3),
        "spoiled": st.dictionaries(_NAMES, _MOMENTS, max_size=3),
        "last": st.fixed_dictionaries({"what": st.lists(_NAMES, max_size=3), "at": _MOMENTS}),
    },
)
_WRITTEN = _STATES.map(lambda state: json.dumps(state).encode())
TOKENS = (
    b'"',
    b"{",
    b"[",
    b"NaN",
    b"Infinity",
    b"1e999",
    b"\\ud800",
    b"\\u001b",
    b"null",
    b"\xed\xa0\x80",
    b"9" * 5000,
)


@functools.cache
def _course() -> course.Course:
    known = course.load()
    return dataclasses.replace(known, exercises=(known.exercise(_NAME),))


def read(data: bytes) -> tuple[State, str]:
    state, out = parse(data), io.StringIO()
    render(_course(), {_NAME: _SOURCE}, state, Console(file=out, width=80))
    return state, out.getvalue()


def judge(data: bytes, came: Any) -> object:
    state, shown = came
    insist(parse(written(state).encode()) == state, "a state that is not read as it was written")
    insist(shown.replace("\n", "").isprintable(), "something of a stranger's on the map")
    insist(max(map(len, shown.split("\n"))) <= 80, "a line that is too long")
    return written(state), shown


HEAVY: dict[str, Callable[[], bytes]] = {
    "deep": lambda: b"[" * SIZE,
    "deep in an entry": lambda: b'{"schema":"grade-state/2","exercises":' + b'{"a":' * 900 + b"1" + b"}" * 901,
    "many": lambda: json.dumps({"schema": READ[0], "hints": {str(n): 1 for n in range(60_000)}}).encode(),
    "a long number": lambda: b'{"schema":"grade-state/2","hints":{"a":' + b"9" * (SIZE - 100) + b"}}",
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
