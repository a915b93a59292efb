"""The single source of an exercise, read: its tasks, their kinds, examples and hints, and the stub made from it.

Works on text and syntax trees of our own files alone; a submission is never parsed here.
"""

from __future__ import annotations

import ast
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
    tree = ast.parse(text, filename)
    lines = text.splitlines()
    tasks = [
        _task(node, lines)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    statement = ast.get_docstring(tree)
    if not statement:
        raise GraderFault(f"{filename}: the statement (module docstring) is missing")
    if text.count(BEGIN) != text.count(END):
        raise GraderFault(f"{filename}: every '{BEGIN}' needs its '{END}'")
    return Source(statement, tuple(tasks))


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


def stub(text: str) -> str:
    """The file a learner is given: no solution, no hint, one `raise NotImplementedError` a region in a function."""
    out: list[str] = []
    inside = False
    for line in text.splitlines():
        word, indent = line.strip(), line[: len(line) - len(line.lstrip())]
        if word == BEGIN:
            inside = True
            if indent:
                out.append(f"{indent}raise NotImplementedError")
        elif word == END:
            inside = False
        elif not inside and not word.startswith("###"):
            out.append(line)
    return _without_gaps(out)


def _without_gaps(lines: list[str]) -> str:
    """At most two blank lines in a row: a removed helper leaves a hole."""
    kept: list[str] = []
    for line in lines:
        if line or kept[-2:] != ["", ""]:
            kept.append(line)
    return "\n".join(kept).rstrip("\n") + "\n"
