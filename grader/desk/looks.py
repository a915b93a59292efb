"""How text of our own sources looks in a terminal: prose, lists, code, drawings, at any width, without colour too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from grader.prose import INLINE, Block, Kind

THEME = "ansi_dark"  # the sixteen colours that the terminal has chosen itself
_STYLES = {"code": "cyan", "b": "bold", "em": "italic"}
_HEAD = re.compile(r"( *)((?:async )?def \w+\()(.*)(\).*:)")


def inline(text: str, style: str = "") -> Text:
    """`code`, **strong** and *emphasis* of one line. Code keeps its marks: without colour it is told by them."""
    out, end = Text(style=style), 0
    for match in INLINE.finditer(text):
        kind = match.lastgroup or ""
        out.append(text[end : match.start()])
        out.append(match[0] if kind == "code" else match[kind], _STYLES[kind])
        end = match.end()
    out.append(text[end:])
    return out


def shown(blocks: Iterable[Block], *, where: str) -> Iterator[RenderableType]:
    """The blocks with a blank line after each. `where`: the file that has what is too wide here."""
    for block in blocks:
        if block.kind is Kind.CODE:
            text = block.parts[0]
            code = Code(text, "pycon") if text.startswith(">>> ") else Drawing(text, where)
            yield Padding(code, (0, 0, 0, 4))
        elif block.kind is Kind.TEXT:
            yield from map(inline, block.parts)
        else:
            numbered = block.kind is Kind.NUMBERS
            marks = [f"{number}." if numbered else "-" for number in range(1, len(block.parts) + 1)]
            yield items(zip(marks, map(inline, block.parts), strict=True))
        yield Text()


def items(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    """A list whose further lines are indented."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for mark, content in rows:
        table.add_row(f"  {mark}", content)
    return table


@dataclass(frozen=True, slots=True)
class Code:
    """Python, in the terminal's own colours; what is too long goes on in the next line."""

    text: str
    language: str = "python"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield highlighted("\n".join(_narrow(self.text, options.max_width)), self.language)


def highlighted(text: str, language: str = "python") -> Text:
    made = Syntax("", language, theme=THEME, background_color="default").highlight(text)
    made.rstrip()
    made.no_wrap, made.overflow = False, "fold"
    return made


def _narrow(text: str, width: int) -> Iterator[str]:
    """Heads of functions with an argument a line where they are wider than this."""
    for line in text.split("\n"):
        head = _HEAD.fullmatch(line) if len(line) > width else None
        if head is None:
            yield line
            continue
        indent, begin, arguments, end = head.groups()
        yield indent + begin
        yield from (f"{indent}    {argument}," for argument in _arguments(arguments))
        yield indent + end


def _arguments(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing or a table of plain signs: broken lines would make it unreadable, so it is cut, and says so."""

    text: str
    where: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widest = max(Text(line).cell_len for line in self.text.split("\n"))
        yield Text(self.text, no_wrap=True, overflow="ellipsis")
        if widest > options.max_width:
            said = f"(this is {widest} columns wide; a wider window shows all of it, and so does {self.where})"
            yield Text(said, "dim")
