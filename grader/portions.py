"""What a task's answers may depend on, told by the file's text alone: it may well be no Python.

A task's portion is all that it may depend on: its own definition, those it names, those these name, and what stands
outside every definition. What lies outside its portion cannot change its answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_DEFINITION = re.compile(r"(?:async\s+def|def|class)\s+(\w+)")
_GOES_ON = (" ", "\t", ")", "]", "}", "#")  # a line that begins with one of these begins nothing new
_OUTSIDE = ""
_QUOTES = re.compile(r"\"{3}|'{3}")  # what they enclose may stand anywhere on a line


def portions(source: str, tasks: Iterable[str]) -> dict[str, str]:
    """Task -> the text that its answers may depend on: the whole of it for a task whose definition is not found."""
    blocks = _blocks(source)
    names = {name: frozenset(re.findall(r"\w+", text)) & blocks.keys() - {name} for name, text in blocks.items()}
    return {
        task: "\n".join(blocks[name] for name in sorted(_reached(task, names))) if task in blocks else source
        for task in tasks
    }


def touched(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The tasks whose portions differ, in the order of `after`."""
    return [task for task, portion in after.items() if before.get(task) != portion]


def _blocks(source: str) -> dict[str, str]:
    """Top-level definitions by name, and under "" the rest; blank lines and trailing spaces left away."""
    blocks: dict[str, list[str]] = {_OUTSIDE: []}
    name, quote = _OUTSIDE, ""
    for line in source.split("\n"):
        text = line.rstrip()
        if not text:
            continue
        if not quote and not text.startswith(_GOES_ON):
            found = _DEFINITION.match(text)
            name = found[1] if found else _OUTSIDE
        blocks.setdefault(name, []).append(text)
        for mark in _QUOTES.findall(text):
            quote = mark if not quote else "" if mark == quote else quote
    return {name: "\n".join(lines) for name, lines in blocks.items()}


def _reached(task: str, names: Mapping[str, frozenset[str]]) -> set[str]:
    reached, left = {_OUTSIDE}, [task, *names[_OUTSIDE]]
    while left:
        name = left.pop()
        if name in names and name not in reached:
            reached.add(name)
            left += names[name]
    return reached
