"""What no learner may find in anything that is released, and a search that sees it in whatever form it lies there.

Four nets: a line; a run of words, across lines and whatever stands between them; a statement whose variables have other
names; a name or a long number. Each takes only what says enough to be nobody else's, so that no list of idioms is
needed: what is too common in one net is caught by another, since nobody leaks a single line that everybody writes.
"""

from __future__ import annotations

import ast
import builtins
import functools
import keyword
import re
import sys
from collections.abc import Iterable, Iterator, Mapping

from kit import ROOT
from unpack_kit import texts

from grader import course, source

LINE = 3  # words of its own that a line needs to say something
RUN, APART = 8, 6  # words of a run, and how many of its own
SHAPE = 6  # what is left of a statement without the names of its variables
LONG = 10**6  # a number that nobody writes by chance
# What is in everybody's Python, and says nothing of what is solved with it.
_EVERYBODYS = {
    *keyword.kwlist, *dir(builtins), *sys.stdlib_module_names, "self", "cls", "args", "kwargs", "torch", "nn", "F",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d]\w*|\d+(?:\.\d+)?")
_IMPORT = re.compile(r"(from [\w.]+ )?import .*")
_NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+){2,}", re.IGNORECASE)
_MARK = re.compile(r"^(?:(?:#|>>>|\.\.\.|>|-|\|) )+")
_NUMBER = re.compile(r"(?<![\w.])(?:0x[0-9a-f_]+|[0-9][0-9_]*)(?!\w)", re.IGNORECASE)
_SIMPLE = (ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Assert, ast.Raise)
_SAYS = (
    ast.Attribute, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Subscript, ast.UnaryOp, ast.comprehension,
    ast.keyword,
)  # fmt: skip


@functools.cache
def secrets(*, hints: bool = True) -> Mapping[str, str]:
    """All that gives something away in references, checks and what they say, misconceptions and right answers -> where.

    What stubs have is no secret. `hints`: these are secret too. A learner's kit has them, to be told one by one.
    """
    given = _given(hints)
    return {each: file for each, file in _everything().items() if each not in given}


@functools.cache
def _everything() -> Mapping[str, str]:
    known = course.load()
    files = [*(known.root / "solutions").rglob("*.py"), *(ROOT / "grader" / "checks").glob("test_*.py")]
    files += [*(ROOT / "tests" / "right").rglob("*.py"), *(ROOT / "grader" / "measure").glob("*.py")]
    found: dict[str, str] = {}
    for file in files:
        text = file.read_text("utf-8")
        found |= dict.fromkeys(_forms(text) | _numbers(text), file.name)
        if file.parent.name in ("checks", "misconceptions"):
            found |= dict.fromkeys(filter(_NAME.fullmatch, _defined(text)), file.name)
    return found


@functools.cache
def _given(hints: bool) -> set[str]:
    known, found = course.load(), set[str]()
    for name in known.names:
        whole = known.source_file(name).read_text("utf-8")
        text = source.stub(whole) if hints else source.without_solutions(whole)
        prose = "\n".join(f"# {line}" for line in text.split("\n"))  # a formula in a statement
        found |= _forms(text) | _forms(prose) | _words(text) | _numbers(text)
    return found


def leaks(files: Mapping[str, bytes], hidden: Mapping[str, str]) -> dict[str, str]:
    """Secret -> the file, or what is packed in it, that has it."""
    return {
        each: place
        for name, content in files.items()
        for place, text in texts(name, content)
        for each in (_forms(text) | _words(text) | _numbers(text)) & hidden.keys()
    }


def _forms(text: str) -> set[str]:
    """Lines, runs of words and shapes of statements that say enough to be told from everybody else's."""
    lines = [plain(line) for line in text.split("\n")]
    lines = [line for line in lines if not _IMPORT.fullmatch(line) and line not in (source.BEGIN, source.END)]
    words = _WORD.findall("\n".join(lines))
    runs = (words[place : place + RUN] for place in range(len(words) - RUN + 1))
    found = {line for line in lines if not line.startswith("@") and len(own(_WORD.findall(line))) >= LINE}
    found |= {" ".join(run) for run in runs if len(own(run)) >= APART}
    return found | set(_shapes(text))


def plain(line: str) -> str:
    """Without what a comment, a quotation or another indentation changes."""
    return _MARK.sub("", " ".join(line.split()))


def own(words: Iterable[str]) -> set[str]:
    """Those that are not in everybody's Python. A long number is nobody else's."""
    return {word for word in words if word not in _EVERYBODYS and not word.startswith("__")}


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def _numbers(text: str) -> set[str]:
    """Long ones, however they are written."""
    values = (int(word.replace("_", ""), 16 if word[:2].lower() == "0x" else 10) for word in _NUMBER.findall(text))
    return {f"number {value}" for value in values if value >= LONG}


def _defined(text: str) -> Iterator[str]:
    """As results name them: a check without its test_."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name.removeprefix("test_")


def _shapes(text: str) -> Iterator[str]:
    """Statements as they are with variables numbered in place of their names; in what is no Python, those of a line."""
    whole = _parsed(text)
    lines = {plain(line) for line in text.split("\n") if whole is None or _MARK.match(line.lstrip())}
    for tree in filter(None, (whole, *map(_parsed, lines))):
        for node in ast.walk(tree):
            part = _said(node)
            if part is not None and _weight(part) >= SHAPE:
                yield _renamed(part)


def _said(node: ast.AST) -> ast.AST | None:
    """Of a statement what it works out: a return is an assignment to somebody who wrote it down first."""
    if isinstance(node, ast.If | ast.While):
        return node.test
    if isinstance(node, ast.Return | ast.Assign):
        return node.value
    return node if isinstance(node, _SIMPLE) else None


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _weight(node: ast.AST) -> int:
    """How much is left of it without the names of variables."""
    return sum(
        isinstance(part, _SAYS) or (isinstance(part, ast.Constant) and part.value is not None)
        for part in ast.walk(node)
    )


def _renamed(node: ast.AST) -> str:
    tree = ast.parse(ast.unparse(node))
    names: dict[str, str] = {}
    for part in ast.walk(tree):
        if isinstance(part, ast.Name):
            part.id = names.setdefault(part.id, f"v{len(names)}")
        elif isinstance(part, ast.arg):
            part.arg = names.setdefault(part.arg, f"v{len(names)}")
    return f"shape {ast.unparse(tree)}"
