"""What every rendering of every report has to be, whoever wrote the submission: text, and a page of our own making.

Read as its readers read it: the page by an HTML parser, JUnit by an XML parser, JSON by Python, and every line of it by
a terminal and by the log of a CI system.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

from rich.console import Console

from grader.model import Report, Verdict
from grader.report import html, junit, record, terminal

WIDTHS = (40, 200)
# fmt: off
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "article",
    "figure", "figcaption", "div", "span", "p", "b", "br", "h1", "h2", "h3", "h4", "table", "tbody", "tr",
    "th", "td", "a", "ul", "li", "details", "summary", "pre", "code", "mark", "svg", "rect", "text",
}
VOID = {"meta", "br", "rect"}
CLASSES = {
    "aside", "box", "first", "second",
    "about", "answers", "badge", "bar", "callout", "course", "exercise", "failed", "fault", "halo", "label", "message",
    "missing", "next", "note", "odd", "off", "others", "passed", "picture", "pictures", "plane", "planes", "points",
    "quiet", "ramp", "ring", "scale", "score", "scroll", "strong", "theirs", "todo", "value", "verdict", "weak",
    "where",
}
# fmt: on
_NUMBER = r"-?[0-9.]+"
_COLOUR = r"(#[0-9a-f]{3,8}|rgb\([0-9, ]+\)|[a-z]+)?"
# Attribute -> all that may stand in it. What is not here is not ours.
ATTRIBUTES = {
    "lang": "en", "charset": "utf-8", "http-equiv": "Content-Security-Policy", "name": "viewport|color-scheme|referrer",
    "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:|width=device-width, initial-scale=1|"
               "light dark|no-referrer",
    "class": f"({'|'.join(sorted(CLASSES))}| )*", "role": "alert|img", "aria-hidden": "true", "aria-label": r"[^<>\n]*",
    "style": r"width: [0-9]+%", "colspan": "[0-9]", "scope": "row|rowgroup", "href": r"#[\w-]+", "id": r"[\w-]+",
    "width": _NUMBER, "height": _NUMBER, "viewbox": rf"({_NUMBER} ?){{4}}", "x": _NUMBER, "y": _NUMBER,
    "fill": _COLOUR, "fill-opacity": _NUMBER,
}  # fmt: skip
XML_TAGS = {"testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out"}
XML_ATTRIBUTES = {"name", "tests", "failures", "errors", "skipped", "time", "classname", "type", "message"}
_NO_FAILURE = {Verdict.PASSED, Verdict.TODO, Verdict.NOT_RUN, Verdict.FAULT}
_STYLED = re.compile(r"\x1b\[[0-9;]*m")
_COMMAND = re.compile(r"##\w*\[")
_ACTS = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]"
)


def problems(report: Report, absent: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with any rendering of a report. `absent`: texts that none of them may have in it as they are."""
    texts = {"html": html.render(report), "json": record.render(report), "junit": junit.render(report)}
    for width in WIDTHS:
        texts[f"terminal of {width}"] = _terminal(report, width, colour=False)
    texts["terminal in colour"] = _STYLED.sub("", _terminal(report, 80, colour=True))
    found = [f"{name}: {problem}" for name, text in texts.items() for problem in problems_of_text(text, absent)]
    checks = {"html": _html, "json": _json, "junit": _junit}
    return found + [f"{name}: {problem}" for name, check in checks.items() for problem in check(texts[name], report)]


def problems_of_text(text: str, absent: tuple[str, ...] = ()) -> Iterator[str]:
    """What holds wherever text is written: nothing in it acts, on a terminal, in a log or on its reader's eyes."""
    if acts := _ACTS.search(text):
        yield f"a character that acts: {acts[0]!r}"
    for line in text.split("\n"):
        if line.strip().startswith("::") or _COMMAND.search(line):
            yield f"a line that a CI system runs: {line[:80]!r}"
            break
    yield from (f"{part!r} is in it" for part in absent if part in text)


def _terminal(report: Report, width: int, *, colour: bool) -> str:
    stream = io.StringIO()
    system = "truecolor" if colour else None
    terminal.render(report, Console(file=stream, width=width, force_terminal=colour, color_system=system, _environ={}))  # type: ignore[arg-type]
    return stream.getvalue()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        if tag not in TAGS:
            self.found.append(f"an element that is not ours: {tag[:40]}")
        for name, value in attrs:
            if name not in ATTRIBUTES or re.fullmatch(ATTRIBUTES[name], value or "") is None:
                self.found.append(f"an attribute that is not ours: {name[:40]}={value and value[:60]!r}")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.found.append(f"an end of {tag[:40]} that nobody began")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"a comment: {data[:40]}")

    def handle_pi(self, data: str) -> None:
        self.found.append(f"an instruction: {data[:40]}")

    def unknown_decl(self, data: str) -> None:
        self.found.append(f"a declaration: {data[:40]}")


def _html(text: str, report: Report) -> Iterator[str]:
    page = _Page()
    page.feed(text)
    page.close()
    yield from page.found
    if page.open:
        yield f"elements that nobody ends: {page.open}"


def _junit(text: str, report: Report) -> Iterator[str]:
    if "<!" in text or text.count("<?") != 1:
        yield "a declaration"
        return
    try:
        root = ElementTree.fromstring(text.encode("utf-8"))
    except ElementTree.ParseError as error:
        yield f"no XML: {error}"
        return
    if strange := {element.tag for element in root.iter()} - XML_TAGS:
        yield f"elements that are not ours: {strange}"
    if strange := {name for element in root.iter() for name in element.attrib} - XML_ATTRIBUTES:
        yield f"attributes that are not ours: {strange}"
    tasks = [(exercise.missing, task) for exercise in report.exercises for task in exercise.tasks]
    cases = sum(1 if missing else max(1, len(task.checks)) for missing, task in tasks)
    bad = sum(check.verdict not in _NO_FAILURE for missing, task in tasks if not missing for check in task.checks)
    if len(list(root.iter("testcase"))) != cases or root.get("failures") != str(bad):
        yield f"{root.get('failures')} failures of {len(list(root.iter('testcase')))}, not {bad} of {cases}"


def _json(text: str, report: Report) -> Iterator[str]:
    try:
        read = json.loads(text, object_pairs_hook=_once)
    except ValueError as error:
        yield f"no JSON: {error}"
        return
    if read != json.loads(json.dumps(record.record(report))):
        yield "what is read is not what was written"
    if read["score"] != (None if report.faulty else report.score) or read["schema"] != record.SCHEMA:
        yield "another score"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key that stands there twice")
    return dict(pairs)
