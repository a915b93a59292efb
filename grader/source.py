"""The single source of an exercise, read: its tasks, their kinds, examples and hints, and the stub made from it.

Works on text and syntax trees of our own files alone; a submission is never parsed here.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import GraderFault

BEGIN, END, HINT = "### BEGIN SOLUTION", "### END SOLUTION", "### HINT:"


@dataclass(frozen=True, slots=True)
class SourceTask:
    """A public function or class of a source. `kind` is "function", "module" (nn.Module) or "autograd"."""

    name: str
    kind: str
    docstring: str
    hints: tuple[str, ...]
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    statement: str
    tasks: tuple[SourceTask, ...]


def read(text: str, filename: str) -> Source:
    """Raises GraderFault where the file is not what CONTRIBUTING.md asks for."""
    tree = _parsed(text, filename)
    lines = text.split("\n")  # as Python counts them; splitlines() also splits at a form feed
    nodes = _tasks(tree)
    statement = ast.get_docstring(tree)
    if not statement:
        raise GraderFault(f"{filename}: the statement (module docstring) is missing")
    for name, count in Counter(node.name for node in nodes).items():
        if count > 1:
            raise GraderFault(f"{filename}: {name} is defined {count} times")
    _regions(lines, filename)
    return Source(statement, tuple(_task(node, lines) for node in nodes))


def _parsed(text: str, filename: str) -> ast.Module:
    try:
        return ast.parse(text, filename)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise GraderFault(f"{filename}{line}: {getattr(error, 'msg', error)}") from error


def _tasks(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]


def _regions(lines: list[str], filename: str) -> list[tuple[int, int]]:
    """(first, last) line of every solution region, both markers included."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for number, line in enumerate(lines, 1):
        word = line.strip()
        if word == BEGIN and start is not None:
            raise GraderFault(
                f"{filename}, line {number}: a second '{BEGIN}', and that of line {start} has no '{END}' yet"
            )
        if word == END and start is None:
            raise GraderFault(f"{filename}, line {number}: an '{END}' without its '{BEGIN}'")
        if word == BEGIN:
            start = number
        elif word == END and start is not None:
            found.append((start, number))
            start = None
        elif word.startswith((BEGIN, END)):
            raise GraderFault(f"{filename}, line {number}: '{word}' has to stand alone on its line")
    if start is not None:
        raise GraderFault(f"{filename}, line {start}: the '{BEGIN}' needs its '{END}'")
    return found


def _task(node: ast.FunctionDef | ast.ClassDef, lines: list[str]) -> SourceTask:
    kind, entry = "function", node
    if isinstance(node, ast.ClassDef):
        bases = {ast.unparse(base).split(".")[-1] for base in node.bases}
        kind = "autograd" if "Function" in bases else "module"
        wanted = "forward" if kind == "autograd" else "__init__"
        methods = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == wanted]
        entry = methods[0] if methods else node
    names: tuple[str, ...] = ()
    if isinstance(entry, ast.FunctionDef):
        names = tuple(arg.arg for arg in [*entry.args.posonlyargs, *entry.args.args, *entry.args.kwonlyargs])
    hints = tuple(_hints(lines[node.lineno - 1 : node.end_lineno]))
    return SourceTask(node.name, kind, ast.get_docstring(node) or "", hints, names)


def _hints(lines: list[str]) -> Iterator[str]:
    hint: str | None = None
    for line in (raw.strip() for raw in lines):
        if line.startswith(HINT):
            if hint is not None:
                yield hint
            hint = line.removeprefix(HINT).strip()
        elif hint is not None and line.startswith("###  "):
            hint += " " + line.removeprefix("###").strip()
        elif hint is not None:
            yield hint
            hint = None
    if hint is not None:
        yield hint


def stub(text: str, filename: str = "the source") -> str:
    """The file a learner is given: no solution, no hint, one `raise NotImplementedError` a region in a function.

    A region outside every function (private helpers, helper methods of a class) disappears. Raises GraderFault where a
    task has no region, which would hand out its solution, and where what is left is no Python.
    """
    lines = text.split("\n")
    raised, hidden = _solutions(text, filename)
    hidden |= _hint_lines(lines)
    out: list[str] = []
    for number, line in enumerate(lines, 1):
        if number in raised:
            out.append(_todo(line))
        elif number not in hidden:
            out.append(line)
    made = without_gaps(out)
    return _spaced(made, _parsed(made, f"the stub of {filename}"))


def without_solutions(text: str, filename: str = "the source") -> str:
    """The source as a learner's kit has it: statement, hints and markers stay, and the stub made of it is the same.

    In a solution region there is what the stub has. Raises GraderFault as `stub` does.
    """
    raised, hidden = _solutions(text, filename)
    out: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if number in raised:
            out += [line, _todo(line), line.replace(BEGIN, END)]
        elif number not in hidden:
            out.append(line)
    return "\n".join(out)


def _todo(line: str) -> str:
    return f"{line[: len(line) - len(line.lstrip())]}raise NotImplementedError"


def _solutions(text: str, filename: str) -> tuple[set[int], set[int]]:
    """The first line of every region inside a function, and all lines of all regions."""
    tree = _parsed(text, filename)
    regions = _regions(text.split("\n"), filename)
    bodies = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    raised = {first for first, _ in regions if any(_holds(node, first) for node in bodies)}
    for task in _tasks(tree):
        if not any(_holds(task, first) for first in raised):
            said = (
                f"{task.name} has no '{BEGIN}' … '{END}' inside a function: signature and docstring stay, and its stub"
            )
            raise GraderFault(f"{filename}: {said} has to raise NotImplementedError")
    return raised, {number for first, last in regions for number in range(first, last + 1)}


def _holds(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, line: int) -> bool:
    return node.lineno < line <= (node.end_lineno or 0)


def marked(lines: list[str]) -> set[int]:
    """The lines that are for us alone: hints, and where solutions begin and end."""
    return _hint_lines(lines) | {number for number, line in enumerate(lines, 1) if line.strip() in (BEGIN, END)}


def _hint_lines(lines: list[str]) -> set[int]:
    """Hints and what continues them; a heading in a statement begins with ### as well and stays."""
    found: set[int] = set()
    for number, line in enumerate(lines, 1):
        word = line.strip()
        if word.startswith(HINT) or (word.startswith("###  ") and number - 1 in found):
            found.add(number)
    return found


def _spaced(text: str, tree: ast.Module) -> str:
    """Two blank lines before a definition, one before a method, as everybody's formatter has it."""
    inner = [(node.body, 1) for node in tree.body if isinstance(node, ast.ClassDef)]
    gaps: dict[int, int] = {}
    for body, blank in [(tree.body, 2), *inner]:
        for node in body[1:]:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                gaps[min([node.lineno, *(mark.lineno for mark in node.decorator_list)])] = blank
    out: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if number in gaps and not (out and out[-1].lstrip().startswith("#")):
            while out and not out[-1]:
                out.pop()
            out += [""] * gaps[number]
        out.append(line)
    return "\n".join(out)


def without_gaps(lines: list[str]) -> str:
    """At most two blank lines in a row, none at either end: a removed helper leaves a hole."""
    kept: list[str] = []
    for line in lines:
        if line.strip() or kept[-2:] != ["", ""]:
            kept.append(line if line.strip() else "")
    return "\n".join(kept).strip("\n") + "\n"
