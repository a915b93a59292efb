"""Which submissions look like one another: a hint for a human, never a verdict.

Sources are text here, cut into words by a pattern: nothing is parsed, run or believed, and nothing that a learner wrote
can make it fail (Python's own tokenizer stops at the first mistake, and much of what is handed in has one). Comments,
docstrings, blanks and the names of variables do not count, nor does any line of the stub that everybody was given.
"""

from __future__ import annotations

import keyword
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rapidfuzz import fuzz, process

# Of 100. Independent right solutions of our exercises are 45 to 65 alike, copies under other names 95 to 100; what is
# conspicuous is at least ALIKE, and MORE above what is usual in the class.
ALIKE, MORE = 80, 3
TEXT, LINE, WORDS = 200_000, 400, 4000  # characters of a source and of a line, words of a source that are looked at
FEW_WORDS = 60  # below it there is too little of one's own to say anything
MOST = 2000  # submissions of one exercise that are compared with one another
SAMPLE, FEW = 60, 5  # submissions from which the usual likeness is taken, at most and at least

_DOCSTRING = re.compile(r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'')
_WORD = re.compile(
    r"""(?P<comment>\#.*)
    |(?P<text>'(?:[^'\\]|\\.)*+'?|"(?:[^"\\]|\\.)*+"?)  # one that does not end goes on to the end of its line
    |(?P<number>\d[\w.]*)
    |(?P<name>(?P<dot>\.\s*)?[^\W\d]\w*)(?P<call>\s*\()?
    |(?P<sign>\S)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two submissions, by name, whose `exercise` is alike by `percent`; `usual` is the median of two of the class."""

    one: str
    other: str
    exercise: str
    percent: int
    usual: int


@dataclass(frozen=True, slots=True)
class Likeness:
    """`left_out`: exercises of which not all submissions were compared; `uniform`: where nearly all are alike.

    `old`: something was graded since.
    """

    pairs: tuple[Pair, ...] = ()
    left_out: tuple[str, ...] = ()
    uniform: tuple[str, ...] = ()
    old: bool = False


def compare(sources: Iterable[tuple[str, Mapping[str, str]]], stubs: Mapping[str, str]) -> Likeness:
    """`sources`: name of a submission, exercise -> its text. The most conspicuous pairs first."""
    lines = {exercise: _lines(stub) for exercise, stub in stubs.items()}
    prints: dict[str, list[tuple[str, str]]] = {}
    for name, texts in sources:
        for exercise, text in texts.items():
            made = fingerprint(text, lines.get(exercise, frozenset()))
            if len(made) >= FEW_WORDS:
                prints.setdefault(exercise, []).append((name, made))
    pairs: list[Pair] = []
    uniform: list[str] = []
    for exercise, found in sorted(prints.items()):
        usual = _usual([made for _, made in found])
        if usual + MORE > 100:
            uniform.append(exercise)
        else:
            pairs += _pairs(exercise, found[:MOST], usual)
    pairs.sort(key=lambda pair: (pair.usual - pair.percent, -pair.percent, pair.exercise, pair.one, pair.other))
    left_out = (exercise for exercise, found in sorted(prints.items()) if len(found) > MOST)
    return Likeness(tuple(pairs), tuple(left_out), tuple(uniform))


def fingerprint(text: str, given: frozenset[str]) -> str:
    """A character a word, of what is not `given` (see _lines)."""
    plain = _DOCSTRING.sub("", text[:TEXT])
    own = (line for raw in plain.splitlines() if (line := raw.strip()[:LINE]) and line not in given)
    made = "".join(_letters(line) for line in own)
    return made[:WORDS]


def _lines(stub: str) -> frozenset[str]:
    return frozenset(line.strip()[:LINE] for line in stub.splitlines())


@lru_cache(maxsize=20_000)
def _letters(line: str) -> str:
    return "".join(chr(0x20 + zlib.crc32(word.encode("utf-8", "replace")) % 0xD000) for word in _words(line))


def _words(line: str) -> Iterator[str]:
    for found in _WORD.finditer(line):
        kind = found.lastgroup
        if kind == "comment":
            continue
        if kind == "text":
            yield "text"
        elif found["name"]:
            # What is called or looked up says what was done; what a variable is called says nothing.
            telling = found["dot"] or found["call"] or keyword.iskeyword(found["name"])
            yield found["name"] if telling else "name"
            if found["call"]:
                yield "("
        else:
            yield found[0]


def _usual(prints: Sequence[str]) -> int:
    """The median likeness of two, from some of them; 0 where there are too few to call anything usual."""
    some = prints[:: max(1, len(prints) // SAMPLE)][:SAMPLE]
    if len(some) < FEW:
        return 0
    likeness = process.cdist(some, some, scorer=fuzz.ratio, dtype=np.uint8)
    return int(np.median(likeness[np.triu_indices(len(some), 1)]))


def _pairs(exercise: str, prints: Sequence[tuple[str, str]], usual: int) -> Iterator[Pair]:
    texts, bound = [made for _, made in prints], max(ALIKE, usual + MORE)
    likeness = process.cdist(texts, texts, scorer=fuzz.ratio, score_cutoff=bound, dtype=np.uint8, workers=-1)
    for row, column in np.argwhere(np.triu(likeness, 1) >= bound).tolist():
        yield Pair(prints[row][0], prints[column][0], exercise, int(likeness[row, column]), usual)
