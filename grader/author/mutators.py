"""What is changed in a reference to see whether a check notices: one small rule for each kind of syntax.

A rule looks at a node and gives (kind, what stands there instead); it knows nothing of files, ids or checks.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Change = tuple[str, ast.AST]

_OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.Div),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult, ast.Div),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_TWINS = [
    ("min", "max"), ("amin", "amax"), ("argmin", "argmax"), ("cummin", "cummax"), ("minimum", "maximum"),
    ("zeros", "ones"), ("zeros_like", "ones_like"), ("new_zeros", "new_ones"), ("sum", "mean"), ("any", "all"),
    ("floor", "ceil"), ("train", "eval"), ("cumsum", "cumprod"),
]  # fmt: skip
_OTHER = dict(_TWINS) | {second: first for first, second in _TWINS}


@dataclass(frozen=True, slots=True)
class Site:
    """A place in a tree: `node` stands in `field` of the last of `above`, at `index` where that is a list."""

    node: ast.AST
    above: tuple[ast.AST, ...]
    field: str
    index: int | None = None

    @property
    def parent(self) -> ast.AST:
        return self.above[-1]

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def changes(site: Site, modules: frozenset[str]) -> Iterator[Change]:
    """Everything that may stand at this place instead. `modules`: names of imported modules, whose calls stay calls."""
    for kind, rule in _RULES.items():
        if isinstance(site.node, kind):
            yield from rule(site)
    if isinstance(site.node, ast.Call):
        yield from _bare(site.node, modules)
    if site.field in ("test", "ifs"):
        yield from _condition(site)


def is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _constant(site: Site) -> Iterator[Change]:
    node: Any = site.node
    match node.value:
        case bool(value):
            yield "constant", ast.Constant(not value)
        case int(value) | float(value):
            yield "constant", _number(value + 1)
            yield "constant", _number(value - 1)
        case str():
            yield "string", ast.Constant("?")
        case None if not isinstance(site.parent, ast.Compare):
            yield "constant", ast.Constant(1)


def _number(value: float) -> ast.expr:
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def _unary(site: Site) -> Iterator[Change]:
    node: Any = site.node
    yield ("not" if isinstance(node.op, ast.Not) else "sign"), node.operand
    if isinstance(node.op, ast.USub) and is_number(node.operand):
        yield "constant", _number(1 - node.operand.value)
        yield "constant", _number(-1 - node.operand.value)


def _binary(site: Site) -> Iterator[Change]:
    node: Any = site.node
    for other in _OPERATORS.get(type(node.op), ()):
        yield "operator", ast.BinOp(node.left, other(), node.right)


def _augmented(site: Site) -> Iterator[Change]:
    node: Any = site.node
    for other in _OPERATORS.get(type(node.op), ()):
        yield "operator", ast.AugAssign(node.target, other(), node.value)
    yield "operator", ast.Assign([node.target], node.value, lineno=node.lineno)
    yield "statement", ast.Pass()


def _compare(site: Site) -> Iterator[Change]:
    node: Any = site.node
    for number, op in enumerate(node.ops):
        for other in _COMPARISONS[type(op)]:
            yield "comparison", ast.Compare(node.left, _with(node.ops, number, other()), node.comparators)


def _boolean(site: Site) -> Iterator[Change]:
    node: Any = site.node
    yield "and/or", ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
    for number in range(len(node.values)):
        rest = _without(node.values, number)
        yield "and/or", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _condition(site: Site) -> Iterator[Change]:
    """Negated, and each of the two ways alone. A comparison is negated by its operator already."""
    node: Any = site.node
    plain = isinstance(node, ast.Compare) and len(node.ops) == 1
    if not plain and not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        yield "condition", ast.UnaryOp(ast.Not(), node)
    if not isinstance(site.parent, ast.comprehension):
        yield "condition", ast.Constant(False)
    if not isinstance(site.parent, ast.While):
        yield "condition", ast.Constant(True)


def _call(site: Site) -> Iterator[Change]:
    node: Any = site.node
    for number, argument in enumerate(node.args):
        yield "argument", ast.Call(node.func, _without(node.args, number), node.keywords)
        pair = node.args[number : number + 2]
        if len(pair) == 2 and _ordered(node, pair):
            swapped = [*node.args[:number], pair[1], argument, *node.args[number + 2 :]]
            yield "argument", ast.Call(node.func, swapped, node.keywords)
    for number, keyword in enumerate(node.keywords):
        if keyword.arg == "strict":
            continue
        yield "keyword", ast.Call(node.func, node.args, _without(node.keywords, number))
        if keyword.arg in ("min", "max"):
            other = ast.keyword(_OTHER[keyword.arg], keyword.value)
            yield "keyword", ast.Call(node.func, node.args, _with(node.keywords, number, other))


def _ordered(node: ast.Call, pair: list[ast.expr]) -> bool:
    """Whether it makes a difference which of these two arguments comes first."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    starred = any(isinstance(one, ast.Starred) for one in pair)
    return not starred and called not in ("min", "max", "minimum", "maximum", "flip")


def _bare(node: ast.Call, modules: frozenset[str]) -> Iterator[Change]:
    """`x.f(...)` without the call: `x`."""
    if isinstance(node.func, ast.Attribute):
        owner = node.func.value
        names = {name.id for name in ast.walk(owner) if isinstance(name, ast.Name)}
        if not isinstance(owner, ast.Name | ast.Attribute) or not names & (modules | {"self", "ctx", "super"}):
            yield "call", owner


def _name(site: Site) -> Iterator[Change]:
    node: Any = site.node
    if node.id in _OTHER and isinstance(site.parent, ast.Call) and site.field == "func":
        yield "name", ast.Name(_OTHER[node.id], node.ctx)


def _attribute(site: Site) -> Iterator[Change]:
    node: Any = site.node
    if node.attr in _OTHER and isinstance(node.ctx, ast.Load):
        yield "name", ast.Attribute(node.value, _OTHER[node.attr], node.ctx)


def _slice(site: Site) -> Iterator[Change]:
    node: Any = site.node
    for name in ("lower", "upper", "step"):
        if getattr(node, name) is not None:
            parts = {"lower": node.lower, "upper": node.upper, "step": node.step} | {name: None}
            yield "slice", ast.Slice(**parts)


def _assigned(site: Site) -> Iterator[Change]:
    """Left out where the name has a value already: elsewhere nothing could follow but a NameError."""
    node: Any = site.node
    function = next((one for one in reversed(site.above) if isinstance(one, ast.FunctionDef)), None)
    if function is None:
        return
    bound = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
    bound |= {name.id for name in _stored(function) if name.lineno < node.lineno}
    if all(name.id in bound for target in node.targets for name in _stored(target)):
        yield "statement", ast.Pass()


def _stored(tree: ast.AST) -> list[ast.Name]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def _with_block(site: Site) -> Iterator[Change]:
    node: Any = site.node
    yield "statement", ast.If(ast.Constant(True), node.body, [])


def _with(items: list[Any], number: int, item: Any) -> list[Any]:
    return [*items[:number], item, *items[number + 1 :]]


def _without(items: list[Any], number: int) -> list[Any]:
    return [*items[:number], *items[number + 1 :]]


_RULES: dict[type[ast.AST], Callable[[Site], Iterator[Change]]] = {
    ast.Constant: _constant,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.AugAssign: _augmented,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.Call: _call,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Slice: _slice,
    ast.Expr: lambda _: iter([("statement", ast.Pass())]),
    ast.Assign: _assigned,
    ast.With: _with_block,
    ast.Break: lambda _: iter([("statement", ast.Continue())]),
    ast.Continue: lambda _: iter([("statement", ast.Break())]),
}
