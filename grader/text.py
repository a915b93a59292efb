"""Text of unknown origin, made safe to show: no control character, no direction override, no more than is wanted.

What is not shown as it is is written as Python would escape it, so that whoever reads it knows what was there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# Control characters; marks that change the direction of what follows, and other signs that are not seen; halves of
# characters; ends of lines that no terminal knows.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and signs that are drawn as nothing, so that two names look like one.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji of several parts are not written without them
_MARKS = 4  # signs above and below one letter; a tower of them would cover the lines around it
# What the logs of GitHub, Azure and TeamCity take for a command: "::" at the beginning of a line, "##[", "##vso[".
_COMMAND = re.compile(r"^([^\S\n]*:):|#(?=#\w*\[)", re.MULTILINE)
# How a spreadsheet's formula begins, behind what some of them skip.
_FORMULA = re.compile(r"[\s\"'\u2018\u2019\u201c\u201d]*[=+\-@\u2212]")


def clean(text: str, limit: int = 2000, *, keep_newlines: bool = True) -> str:
    """`text` with everything escaped that a terminal, a page, a log or a reader could take for more than text."""
    cut = text[:limit].replace("\r\n", "\n")
    if not keep_newlines:
        cut = cut.replace("\n", " ")
    plain = cut.isascii() and cut.replace("\n", "").isprintable()
    kept = cut if plain else "".join(_visible(cut))
    kept = _COMMAND.sub(_no_command, kept)
    return kept if len(text) <= limit else f"{kept} … ({len(text) - limit:,} more characters)"


def _visible(text: str) -> Iterator[str]:
    before, marks = "\n", _MARKS  # a mark that begins a line would stand on something of ours
    for char in text:
        if char in "\n\t":
            before, marks = char, _MARKS
            yield char if char == "\n" else "    "
            continue
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        joins = char in _JOINERS and not before.isascii() and before not in _JOINERS
        hidden = marks > _MARKS or char in _BLANK or 0xE0000 <= ord(char) <= 0xE0FFF
        yield _escaped(char) if not joins and (hidden or kind in _UNSEEN) else char
        before = char


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _no_command(found: re.Match[str]) -> str:
    return f"{found[1]}\\x3a" if found[1] else "\\x23"


def csv_cell(text: str, limit: int = 1000) -> str:
    """Text for a cell that no spreadsheet runs as a formula, on one line; quoting it is left to `csv`.

    Not even where a semicolon ends a cell, as it does for Excel in half of Europe whatever the file was written with.
    """
    parts = _line(text, limit).split(";")
    return ";".join("'" + part if _FORMULA.match(unicodedata.normalize("NFKC", part)) else part for part in parts)


def markdown(text: str, limit: int = 2000) -> str:
    """Text for GitHub's Markdown, on one line, anywhere in a paragraph, a list or a cell of a table.

    In code, the one place where nothing is interpreted: names, links, addresses, issues, emoji and formulas are found
    in plain text however it is escaped, since they are looked for in the page that Markdown has become. A bar stands
    outside of it: it would end the cell, and a backslash before it is seen where there is no table.
    """
    return "&#124;".join(_code(part) for part in _line(text, limit).split("|"))


def _code(text: str) -> str:
    if not text:
        return ""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    touching = text.startswith("`") or text.endswith("`")
    pad = " " if touching or (text[0] == text[-1] == " " and text.strip(" ")) else ""  # one of each is taken away
    return f"{fence}{pad}{text}{pad}{fence}"


def _line(text: str, limit: int) -> str:
    return clean(text, limit, keep_newlines=False)
