"""grader/text.py: whatever a text is, what is shown of it cannot act."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from grader.text import clean, csv_cell, markdown

quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)
_PIECES = (
    "::", "##", "[", "##vso[", "\n", "\r\n", "\r", "\t", " ", "\u00a0", "\u3000", "=", "+", "-", "@", "\uff1d",
    "\u2212", ";", ",", '"', "'", "|", "\\", "`", "``", "$", "#12", "@ada", "a@b.example", "https://a.example",
    "www.a.example", "<b>", "</b>", "&lt;", "*", "_", "~", "![x](y)", "[x]: y", "- ", "1. ", "> ", "---", ":tada:", "x",
    "é", "\u0338", "\u200d", "\u200b", "\u202e", "\ufe0f", "\U0001f600", "\x1b[2J", "\x9b", "\0", "\ud800", "\u2028",
    "\U000e0041",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(_PIECES) | st.text(max_size=3), max_size=12).map("".join)


def is_command(line: str) -> bool:
    """Whether the log of a CI system would run it."""
    return line.strip().startswith("::") or re.search(r"##\w*\[", line) is not None


# clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é × ✓ \U0001f600", "plain é × ✓ \U0001f600"),
        ("\x1b[31m\x07\x9b", "\\x1b[31m\\x07\\x9b"),
        ("a\tb\r\nc\rd", "a    b\nc\\x0dd"),
        ("\u202eevil\u2066 \u200b\ufeff\u00ad", "\\u202eevil\\u2066 \\u200b\\ufeff\\xad"),
        ("\ud800 \U000e0041 \u3164 \u2028", "\\ud800 \\U000e0041 \\u3164 \\u2028"),
        ("::error::x\n  ::stop-commands::t\na ::b", ":\\x3aerror::x\n  :\\x3astop-commands::t\na ::b"),
        ("\u3000::error::x", "\u3000:\\x3aerror::x"),
        ("a ##[error]x ##vso[y] ###[z", "a \\x23#[error]x \\x23#vso[y] #\\x23#[z"),
        ("x[::2] # [1] ## a [b]", "x[::2] # [1] ## a [b]"),
    ],
)
def test_what_is_more_than_text_is_escaped(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_joiners_stay_where_a_script_or_an_emoji_needs_them() -> None:
    assert clean("می\u200cخواهم \U0001f468\u200d\U0001f469") == "می\u200cخواهم \U0001f468\u200d\U0001f469"
    assert clean("ex03\u200c.py \u200d") == "ex03\\u200c.py \\u200d"
    assert clean("é\u200d\u200c") == "é\u200d\\u200c"


def test_a_few_marks_stand_on_a_letter_and_no_tower_does() -> None:
    assert clean("e\u0301\u0323") == "e\u0301\u0323"
    assert clean("e" + "\u0301" * 6) == "e" + "\u0301" * 4 + "\\u0301" * 2


def test_no_mark_stands_on_what_is_before_the_text() -> None:
    assert clean("\u0338a\n\u0338") == "\\u0338a\n\\u0338"


def test_a_cut_says_how_much_is_missing() -> None:
    assert clean("a" * 2500, 10) == "aaaaaaaaaa … (2,490 more characters)"


@quick
@given(TEXTS, st.booleans())
def test_no_text_acts(text: str, keep_newlines: bool) -> None:
    shown = clean(text, keep_newlines=keep_newlines)
    kinds = {unicodedata.category(char) for char in shown if char not in "\n\u200c\u200d"}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not any(is_command(line) for line in shown.split("\n"))
    assert keep_newlines or "\n" not in shown
    assert clean(shown, keep_newlines=keep_newlines) == shown


def test_cleaning_takes_no_longer_than_the_text_is() -> None:
    for part in ("\n", " ", "#", "##a", ":", "\u0301", "\n ", "#a["):
        assert len(clean(part * 50_000, 100_000)) >= 50_000  # a step for each pair of characters would take minutes


# csv_cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("3.5 - 1 = 2.5", "3.5 - 1 = 2.5"),
        ('=HYPERLINK("http://a.example")', '\'=HYPERLINK("http://a.example")'),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'    =1"),
        ("\r=1", "\\x0d=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\ufe621", "'\ufe621"),
        ("\u22121", "'\u22121"),
        (' "=1', "' \"=1"),
        ("a;=1;-b;c", "a;'=1;'-b;c"),
        ("a\n=1", "a =1"),
    ],
)
def test_a_cell_that_would_run_is_told_to_be_text(text: str, cell: str) -> None:
    assert csv_cell(text) == cell


@quick
@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
@example(['";=1'], csv.QUOTE_MINIMAL)
@example(["a", "\uff1b=1"], csv.QUOTE_MINIMAL)
def test_no_cell_of_a_file_begins_a_formula(texts: list[str], quoting: int) -> None:
    file = io.StringIO()
    csv.writer(file, quoting=quoting).writerow([csv_cell(text) for text in texts])
    assert len(next(csv.reader([file.getvalue()]))) == len(texts)
    for delimiter in ",;\t":
        for cell in next(csv.reader([file.getvalue()], delimiter=delimiter)):
            begins = unicodedata.normalize("NFKC", cell).lstrip().lstrip("\"' ")
            assert cell.startswith("'") or not begins.startswith(("=", "+", "-", "@", "\t", "\r", "\u2212"))


# markdown

_READER = MarkdownIt("gfm-like", {"linkify": False, "html": True})


def read(source: str) -> str:
    """What a reader of Markdown sees; AssertionError where it is anything but text and code."""
    (opened, inline, closed) = _READER.parse(source)
    assert (opened.type, inline.type, closed.type) == ("paragraph_open", "inline", "paragraph_close")
    assert all(child.type in ("code_inline", "text", "text_special") for child in inline.children)
    assert all(set(child.content) <= {"|"} for child in inline.children if child.type != "code_inline")
    return "".join(child.content for child in inline.children)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("", ""),
        ("@ada, see #12 and https://a.example", "`@ada, see #12 and https://a.example`"),
        ("<script>", "`<script>`"),
        ("a|b\\|c", "`a`&#124;`b\\`&#124;`c`"),
        ("`", "`` ` ``"),
        ("a``b`", "``` a``b` ```"),
        (" a ", "`  a  `"),
        ("  ", "`  `"),
        ("a\n\n# b", "`a  # b`"),
    ],
)
def test_markdown_of_a_text(text: str, source: str) -> None:
    assert markdown(text) == source


@quick
@given(TEXTS.filter(bool))
@example("```\n<img src=x onerror=alert(1)>\n```")
@example("|\\|`|")
def test_markdown_shows_the_text_and_nothing_else(text: str) -> None:
    source = markdown(text)
    assert "\n" not in source
    assert "|" not in source
    assert read(source) == clean(text, keep_newlines=False)


@quick
@given(TEXTS, TEXTS)
def test_markdown_stays_in_its_cell(first: str, second: str) -> None:
    table = f"| a | b |\n|---|---|\n| {markdown(first)} | {markdown(second)} |\n| end | end |\n"
    tokens = _READER.parse(table)
    cells = [tokens[place + 1] for place, token in enumerate(tokens) if token.type == "td_open"]
    seen = ["".join(child.content for child in cell.children) for cell in cells]
    assert seen == [*(clean(text, keep_newlines=False) for text in (first, second)), "end", "end"]


@quick
@given(TEXTS.filter(bool))
def test_markdown_is_text_in_a_sentence_a_list_and_a_heading(text: str) -> None:
    for before, kind in (("Said: ", "paragraph_open"), ("- ", "bullet_list_open"), ("## ", "heading_open")):
        tokens = _READER.parse(f"{before}{markdown(text)} end\n")
        assert tokens[0].type == kind
        (inline,) = [token for token in tokens if token.type == "inline"]
        assert {child.type for child in inline.children} <= {"code_inline", "text", "text_special"}
        assert inline.children[-1].content.endswith(" end")
