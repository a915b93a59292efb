"""What a teacher hands in or a store holds: any bytes as roster, as times, as policy, as stored result, as a source.

What holds: values or an error that says what is wrong, on lines that can be printed; no cell of an export that is a
formula, and no submission counted twice.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from grader.classview import Summary, render
from grader.classview.alike import WORDS, fingerprint
from grader.errors import UsageError
from grader.marks import Edit, Edits, Mark, export, late, mark, roster
from grader.store import Row
from grader.text import clean

from .mutate import CHANGES, mutated
from .target import Target, allowed, insist, often

_DUE = datetime(2026, 11, 20, tzinfo=UTC)
_CELLS = often(
    st.sampled_from(["ada", "1815", "17", "2026-11-20 23:59", "0001-01-01T00:00+23:59", "Participant 7"]),
    st.sampled_from(["=1+1", '"', "\x1b[31m", "\u202e", "a;=b", "\x00", "9999-12-31T23:59-23:59", "10%/day"]),
    st.text(max_size=20),
)
_HEADS = st.sampled_from(
    ["id,name,lms_id", "id;name;email", "submission\ttime", "id,time,name", "name,id,login,section"]
)


def _sheet(head: str, rows: list[list[str]]) -> bytes:
    sign = next(sign for sign in ",;\t" if sign in head)
    return "\n".join([head, *(sign.join(row) for row in rows)]).encode("utf-8", "surrogatepass")


_SHEETS = st.builds(_sheet, _HEADS, st.lists(st.lists(_CELLS, min_size=1, max_size=4), max_size=5))
_RECORD = json.dumps(
    {"exercises": [{"name": "ex04_conv", "score": 3.0, "max_score": 5.0, "tasks": [{
        "name": "conv2d", "status": "failed", "score": 3.0, "max_score": 5.0, "diagnosis": "You flipped it.",
        "checks": [{"name": "plain", "title": "Plain", "verdict": "passed", "score": 3.0, "max_score": 3.0},
                   {"name": "stride", "title": "Stride", "verdict": "wrong", "score": 0.0, "max_score": 2.0}]}]}]}
)  # fmt: skip
_RECORDS = st.just(_RECORD.encode())
_EDITS = Edits({"ex04_conv::conv2d::stride": Edit(2.0, None)})
TOKENS = (
    b",", b";", b"\t", b"\n", b'"', b"\xef\xbb\xbf", b"\x00", b"=", b"id", b"null", b"1e999", b"NaN", b'"passed"',
    b'"fault"', b"-1", b"[", b"{}", b"%/day", b"at most", b"2026-11-20", b"+23:59", b"\xed\xa0\x80",
)  # fmt: skip


def _tried(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except UsageError as error:
        return allowed(error)


def read(data: bytes) -> dict[str, Any]:
    text = data.decode("utf-8", "replace")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sheet.csv"
        file.write_bytes(data)
        found = {
            "roster": _tried(lambda: roster.roster(file)),
            "times": _tried(lambda: late.times(file, _DUE)),
        }
    found["policy"] = _tried(lambda: late.policy(text))
    found["due"] = _tried(lambda: late.due(text))
    found["mark"] = _tried(lambda: mark(Row("ada", "ada", "", "", "graded", 3.0, 5.0, text, "", 1.0, _DUE), _EDITS))
    found["print"] = fingerprint(text, frozenset())
    return found


def judge(data: bytes, came: dict[str, Any]) -> object:
    for told in came.values():
        if isinstance(told, str) and told is not came["print"]:
            insist(clean(told, 10**6, keep_newlines=False) == told, "an error that cannot be printed")
    insist(len(came["print"]) <= WORDS, "too long a fingerprint")
    if isinstance(came["policy"], late.Policy):
        insist(0 <= came["policy"].penalty(30 * late.UNITS["day"]) <= 1, "a penalty that is no share")
    students = came["roster"] if isinstance(came["roster"], list) else []
    marks = [came["mark"]] if isinstance(came["mark"], Mark) else []
    if marks:
        render(Summary.of(marks), "", {})
    matched = _tried(lambda: roster.match(students, marks))
    if isinstance(matched, str):
        return matched
    times = came["times"] if isinstance(came["times"], dict) else {}
    lines, _ = export.entries(matched, export.Lateness(late.policy("10%/day"), _DUE, times))
    sheets = [_tried(lambda: export.as_canvas(lines, "x", 1.0)), export.as_moodle(lines, "x"), export.as_csv(lines, [])]
    for sheet in sheets:
        for row in csv.reader(io.StringIO(sheet)):
            for cell in row:
                insist(not cell.lstrip().startswith(("=", "@", "+")), "a formula")
    return sheets


HEAVY: dict[str, Callable[[], bytes]] = {
    "many lines": lambda: b"id,name\n" + b"".join(b"%d,x\n" % n for n in range(50_000)),
    "many columns": lambda: b"id,name" + b",a" * 100_000 + b"\n1,2",
    "a long cell": lambda: b"id,name\n1," + b"x" * 100_000,
    "one quote": lambda: b'id,name\n"' + b"x\n" * 50_000,
    "deep": lambda: b'{"exercises":' + b"[" * 100_000,
    "strings that do not end": lambda: b"'\\" * 50_000,
}
TARGET = Target(
    cases=st.one_of(
        _SHEETS,
        _SHEETS.flatmap(lambda data: st.builds(mutated, st.just(data), CHANGES, st.just(TOKENS))),
        st.builds(mutated, _RECORDS, CHANGES, st.just(TOKENS)),
        st.binary(max_size=40),
    ),
    read=read,
    judge=judge,
    rounds=1,
    megabytes=100,
    tokens=TOKENS,
    fixed=HEAVY,
)
