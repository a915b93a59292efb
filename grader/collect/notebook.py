"""A notebook's code cells -> one Python text whose lines lead back to the cells. Outputs and metadata are never read.

What only IPython understands (`%magic`, `!command`, `name?`), and our `check("task")`, becomes a comment on its line.
Finding it takes a small look at brackets and strings, so that a `%` that continues an expression or stands in a
docstring stays what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from .candidates import Unreadable
from .decode import unix_lines

# At the start of a statement none of these is Python.
_MAGIC = re.compile(
    r"""\s*(?: %{1,2}\w            # %matplotlib inline
            | !                    # !pip install torch
            | \?{1,2}\s*[\w%*]     # ?conv2d
            | [\w.*%\[\]]+\?{1,2}\s*$             # conv2d?
            | [A-Za-z_][\w\s,.]*=\s*(?:!|%\w)     # files = !ls
            | check\(\s*["'][\w.:]+["']\s*\)\s*$   # check("conv2d"): %grade as a function, there in a kernel alone
            | from\s+grader\.platforms\.\w+\s+import\s+check\s*$
            )""",
    re.VERBOSE,
)
_CELL_MAGIC = re.compile(r"\s*%%(\w+|!)")
CROWDED = 300_000  # brackets in the JSON: above it megabytes of "[]," would become gigabytes of lists
_RUNS_PYTHON = frozenset({"time", "capture", "prun", "grade"})  # cell magics whose cell is run like any other
_TOKEN = re.compile(r'#.*|"""|\'\'\'|"(?:\\.|[^"\\])*(?:"|$|\\$)|\'(?:\\.|[^\'\\])*(?:\'|$|\\$)|[\[({]|[\])}]')


def source_of(data: bytes, limit: int) -> tuple[str, tuple[int, ...]]:
    """The code, and the line that heads each code cell in it (counted from 1).

    Raises Unreadable, also where the cells hold more than `limit` characters.
    """
    lines: list[str] = []
    heads: list[int] = []
    for number, cell in enumerate(_code_cells(data), 1):
        head, text = f"# --- code cell {number} ---", unix_lines(cell)
        limit -= len(head) + len(text) + 2
        if limit < 0:
            raise Unreadable("its code is longer than a megabyte; keep data out of it.")
        lines.append(head)
        heads.append(len(lines))
        lines += python_lines(text.split("\n"))
    return "\n".join([*lines, ""]), tuple(heads)


def _code_cells(data: bytes) -> Iterator[str]:
    if data.count(b"[") + data.count(b"{") > CROWDED:
        raise Unreadable("it holds far more than a notebook does; clear its outputs and save it again.")
    try:
        book = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # ValueError: no UTF-8, no JSON, a number of 5000 digits
        raise Unreadable(
            "this is no notebook that can be read (broken JSON); open it in Jupyter and save it."
        ) from error
    cells = book.get("cells") if isinstance(book, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("this notebook has no cells (perhaps an old format); open it in Jupyter and save it.")
    number = 0
    for cell in cells:
        if not isinstance(cell, dict):
            raise Unreadable("one of its cells is no cell; open the notebook in Jupyter and save it.")
        if cell.get("cell_type") == "code":
            number += 1
            yield _text(cell.get("source"), number)


def _text(source: object, number: int) -> str:
    parts = [source] if isinstance(source, str) else source
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise Unreadable(f"the source of code cell {number} is no text; open the notebook in Jupyter and save it.")
    return "".join(parts)


def python_lines(lines: list[str]) -> list[str]:
    """The lines of one cell, as many as before, with everything that is IPython's turned into comments."""
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if magic := _CELL_MAGIC.match(lines[first]):
        if magic[1] not in _RUNS_PYTHON:
            return [f"# {line}" for line in lines]
        lines = [*lines[:first], f"# {lines[first]}", *lines[first + 1 :]]
    out: list[str] = []
    depth, quote, joined, in_magic = 0, "", False, False
    for line in lines:
        starts = depth == 0 and not quote and not joined
        if in_magic or (starts and _MAGIC.match(line)):
            out.append(f"# {line}" if in_magic else _comment(line))
            in_magic = line.endswith("\\")
            continue
        out.append(line)
        depth, quote = _after(line, depth, quote)
        joined = line.endswith("\\") and not quote
    return out


def _comment(line: str) -> str:
    """In a block a statement must stay: `if colab:` with only a comment below it is no Python."""
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}pass  # {line.strip()}" if indent else f"# {line}"


def _after(line: str, depth: int, quote: str) -> tuple[int, str]:
    """How many brackets are open after a line, and the quotes of the string that it leaves open ("" for none)."""
    at = 0
    while True:
        if quote:
            at = _end_of_string(line, at, quote)
            if at < 0:
                goes_on = len(quote) == 3 or line.endswith("\\")
                return depth, quote if goes_on else ""
            quote = ""
        token = _TOKEN.search(line, at)
        if token is None or token[0].startswith("#"):
            return depth, ""
        text, at = token[0], token.end()
        if text in {'"""', "'''"}:
            quote = text
        elif text in {"[", "(", "{"}:
            depth += 1
        elif text in {"]", ")", "}"}:
            depth = max(0, depth - 1)
        elif text.endswith("\\"):  # a string in plain quotes that a backslash carries over the line's end
            return depth, text[0]


def _end_of_string(line: str, at: int, quote: str) -> int:
    for match in re.compile(rf"\\.|{quote}").finditer(line, at):
        if match[0] == quote:
            return match.end()
    return -1
