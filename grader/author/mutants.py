"""Mechanical mutants of a reference: each is the source with one small change that a check ought to notice.

Neither mutmut nor cosmic-ray fits: both start a test process a mutant and know one verdict for all of it, while ours
are loaded into a warm process and judged by the checks of the task that was changed, about a hundred a second.

Not changed: docstrings, hints, annotations, what a `raise` says, and `strict=` of zip, a belt that no input reaches.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from .mutators import Site, changes, is_number

TELLING = 16  # characters: what is shorter is shown with what stands around it
LONG, AROUND = 80, 30  # what is longer is shown where it differs, with so much before and behind

_SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "bases", "type_comment", "ctx"}
_SKIPPED_NODES = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom)
_SIMPLE = (ast.expr, ast.keyword, ast.comprehension, ast.Return, ast.Assign, ast.AugAssign, ast.Expr)


@dataclass(frozen=True, slots=True)
class Mutant:
    """`place` is the top-level name that was changed, `tasks` those whose checks have to notice, `source` the module.

    `id` is made of place, kind of change and source before and after: it survives edits elsewhere in the file.
    """

    id: str
    place: str
    tasks: tuple[str, ...]
    source: str


def mutants_of(text: str, tasks: Collection[str]) -> tuple[Mutant, ...]:
    """All mutants of a source with these tasks, in the order of its lines. Two with the same source are one."""
    tree = ast.parse(text)
    modules = _modules(tree)
    parts = [ast.unparse(node) for node in tree.body]
    seen, counts = {"\n".join(parts)}, Counter[str]()
    found: list[Mutant] = []
    for number, node in enumerate(tree.body):
        judges = _judges(tree, node, tasks)
        for site in _sites(node, (tree,)) if judges else ():
            for kind, instead in changes(site, modules):
                told = _told(site, instead)
                site.put(instead)
                source = "\n".join([*parts[:number], ast.unparse(node), *parts[number + 1 :]])
                site.put(site.node)
                if source in seen:
                    continue
                seen.add(source)
                key = f"{_place(site)}: {kind}: {told}"
                counts[key] += 1
                again = f" ({counts[key]})" if counts[key] > 1 else ""
                found.append(Mutant(key + again, _name(node), judges, source))
    return tuple(found)


def _modules(tree: ast.Module) -> frozenset[str]:
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return frozenset(alias.asname or alias.name.split(".")[0] for node in imports for alias in node.names)


def _name(node: ast.AST) -> str:
    """What a top-level statement defines, "" for one that defines nothing."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return node.target.id if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else ""


def _judges(tree: ast.Module, node: ast.stmt, tasks: Collection[str]) -> tuple[str, ...]:
    """A task answers for itself; a private helper and a table answer to every task that uses them, in any depth."""
    name = _name(node)
    if not name or name in tasks:
        return (name,) if name else ()
    uses = {_name(other): _read(other) for other in tree.body}
    users, new = {name}, {name}
    while new:
        new = {user for user, read in uses.items() if read & new and user not in users}
        users |= new
        new -= set(tasks)  # a task that uses it is a judge; one that only uses such a task is none
    return tuple(task for task in tasks if task in users)


def _read(node: ast.AST) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)}


def _sites(node: ast.AST, above: tuple[ast.AST, ...]) -> Iterator[Site]:
    """Every place below `node` where something may be changed, in the order of the lines."""
    for field, value in ast.iter_fields(node):
        if field in _SKIPPED_FIELDS:
            continue
        many = value if isinstance(value, list) else [value]
        for index, child in enumerate(many):
            if not isinstance(child, ast.AST) or isinstance(child, _SKIPPED_NODES) or _is_text(child):
                continue
            yield Site(child, (*above, node), field, index if isinstance(value, list) else None)
            if not _whole(child):
                yield from _sites(child, (*above, node))


def _is_text(node: ast.AST) -> bool:
    """A docstring, or the `strict=` of a zip."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text or (isinstance(node, ast.keyword) and node.arg == "strict")


def _whole(node: ast.AST) -> bool:
    """A negative number is changed as one thing."""
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and is_number(node.operand)


def _place(site: Site) -> str:
    """The definitions around a change, as `Conv2d.forward`."""
    names = [node.name for node in site.above if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return ".".join(names) or _name(site.above[1])


def _told(site: Site, instead: ast.AST) -> str:
    """`before -> after`, with as much around the change as it takes to recognise it."""
    shown, chain = site.node, list(site.above)
    while len(_text(shown)) < TELLING and isinstance(chain[-1], _SIMPLE):
        shown = chain.pop()
    if isinstance(site.parent, ast.arguments):
        return f"{_parameter(site)}={_text(site.node)} -> {_text(instead)}"
    before, after = _text(shown), _text(instead)
    if shown is not site.node:
        site.put(instead)
        after = _text(shown)
        site.put(site.node)
    return " -> ".join(_cut(before, after))


def _cut(before: str, after: str) -> tuple[str, str]:
    """Of what is long, the part that differs and a little around it."""
    if len(before) <= LONG:
        return before, after
    same = _alike(before, after)
    end = _alike(before[same:][::-1], after[same:][::-1])
    head, tail = max(0, same - AROUND), max(0, end - AROUND)
    return _middle(before, head, tail), _middle(after, head, tail)


def _alike(one: str, other: str) -> int:
    """How many characters they begin with that are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


def _middle(text: str, head: int, tail: int) -> str:
    return ("…" if head else "") + text[head : len(text) - tail] + ("…" if tail else "")


def _parameter(site: Site) -> str:
    arguments = site.parent
    assert isinstance(arguments, ast.arguments)
    assert site.index is not None
    if site.field == "kw_defaults":
        return arguments.kwonlyargs[site.index].arg
    positional = [*arguments.posonlyargs, *arguments.args]
    return positional[len(positional) - len(arguments.defaults) + site.index].arg


def _text(node: ast.AST) -> str:
    """In one line; of a block its first."""
    first = ast.unparse(ast.fix_missing_locations(node)).strip()
    return " ".join(first.split("\n")[0].split())
