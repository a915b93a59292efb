"""What each format's schema or specification asks for, as a list of what is wrong with a file of ours."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Callable, Iterator
from functools import cache

import html5lib
import nbformat
import xmlschema
from schemas_kit import FOLDER, errors

with warnings.catch_warnings():  # of nbgrader's and of what it needs
    warnings.simplefilter("ignore")
    from nbgrader.nbgraderformat import MetadataValidator

Says = Iterator[str]
CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Exercises (12345)"]
MOODLE = ["ID number", "Full name", "Email address", "Exercises (12345)"]
STATUS = {"graded", "unreadable", "fault", "missing"}
_NUMBER = re.compile(r"\d+(\.\d+)?")
# "Workflow commands for GitHub Actions": properties without : , and line ends, data without line ends, % only escaped.
_PROPERTY = r"(file|line|title)=([^%:,\r\n]|%[0-9A-F]{2})+"
_COMMAND = re.compile(
    rf"::(error|warning|notice)( {_PROPERTY}(,{_PROPERTY})*)?::([^%\r\n]|%(25|0D|0A))*",
)


def wrong_with(name: str, data: bytes) -> list[str]:
    """`name`: the file's own name, which says its format."""
    text = data.decode("utf-8")
    base = name.rpartition("/")[2]
    for known, check in CHECKS.items():
        if re.fullmatch(known, name if "/" in known else base):
            return list(check(text))
    return [f"{name} is of a format without a specification"]


def _html(text: str) -> Says:
    """The HTML standard, "Parsing": every parse error it names. And nothing is loaded from anywhere."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(text)
    yield from (f"at {place}: {code}" for place, code, _ in parser.errors)
    if not text.startswith("<!DOCTYPE html>\n"):
        yield "no doctype"
    for element in tree.iter():
        for attribute, value in element.attrib.items():
            if attribute in ("src", "href") and not value.startswith(("#", "data:", "results/", "feedback/")):
                yield f"<{element.tag} {attribute}={value!r}>"
    if "<script" in text.lower() and "Content-Security-Policy" not in text:
        yield "a script without a policy"


@cache
def _junit() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(FOLDER / "junit.xsd"))


def _xml(text: str) -> Says:
    yield from (str(error.reason) for error in _junit().iter_errors(text))


def _schema(kind: str) -> Callable[[str], Says]:
    return lambda text: iter(errors(kind, text))


def _notebook(text: str) -> Says:
    """nbformat 4.5, nbgrader's cell metadata of schema 3; nothing is shown but one result or display a cell."""
    notebook = nbformat.reads(text, 4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        MetadataValidator().validate_cell(cell)
        if [output.output_type for output in cell.outputs] not in (["execute_result"], ["display_data"]):
            yield f"{cell.id} shows {cell.outputs}"
    if "HIDDEN" in text:
        yield "a hidden region is told"


def _terminal(text: str) -> Says:
    """No control character; no line over 80 columns but of what is there to be pasted."""
    if re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text):
        yield "a control character"
    pasted = text.partition("To see it again")[2]
    yield from (f"too wide: {line}" for line in text.split("\n") if len(line) > 80 and line not in pasted)


def _summary(text: str) -> Says:
    """GitHub: at most 1 MiB, and outside of code no HTML but details and summary."""
    if len(text.encode()) > 2**20:
        yield "too long"
    bare = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    yield from (f"<{tag}>" for tag in re.findall(r"</?([a-z]+)", bare) if tag not in ("details", "summary"))


def _log(text: str) -> Says:
    """GitHub: commands alone, each on its line, ten of a kind at most."""
    lines = text.splitlines()
    yield from (line for line in lines if not _COMMAND.fullmatch(line))
    for kind in ("error", "warning", "notice"):
        if sum(line.startswith(f"::{kind}") for line in lines) > 10:
            yield f"more than ten of {kind}"


def _output(text: str) -> Says:
    """GITHUB_OUTPUT: name=value, and of values words and numbers alone."""
    yield from (
        line for line in text.splitlines() if not re.fullmatch(r"graded=(true|false)|(max_)?score=[\d.]+", line)
    )


def _table(text: str, ending: str) -> tuple[list[list[str]], list[str]]:
    """RFC 4180, and no cell that a spreadsheet takes for a formula: behind ' all is text. (rows, what is wrong)."""
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    said = [f"{len(row)} cells: {row}" for row in rows if len(row) != len(rows[0])]
    said += [f"a formula: {cell}" for row in rows for cell in row if re.match(r"[\s\"]*[=+\-@]", cell)]
    if text.count(ending) != text.count("\n") or not text.endswith(ending):
        said.append("other ends of lines")
    return rows, said


def _grades(text: str) -> Says:
    """docs/class.md: a line a submission; where there is no grade the cell is empty."""
    rows, said = _table(text, "\n" if text.startswith("submission") else "\r\n")
    yield from said
    head = rows[0]
    for row in (dict(zip(head, row, strict=True)) for row in rows[1:]):
        if row["status"] not in STATUS or (row["score"] == "") != (row["status"] in ("fault", "missing")):
            yield f"status and score: {row}"
        for column in {"score", "max_score", "final", "ex03_output_size"} & set(head):
            if row[column] and not _NUMBER.fullmatch(row[column]):
                yield f"no number: {row[column]}"


def _canvas(text: str) -> Says:
    """Canvas, "How do I import grades in the Gradebook": columns in this order, a line of points, IDs are numbers."""
    rows, said = _table(text, "\r\n")
    yield from said
    if rows[0] != CANVAS or not rows[1][0].strip().startswith("Points Possible"):
        yield f"the head is {rows[:2]}"
    for row in rows[2:]:
        if not re.fullmatch(r"\d*", row[1]) or not _NUMBER.fullmatch(row[5]):
            yield f"no line of Canvas: {row}"


def _moodle(text: str) -> Says:
    """Moodle, "Grade import": a head, something that tells users apart, a number a line."""
    rows, said = _table(text, "\r\n")
    yield from said
    if rows[0] != MOODLE or len({row[0] for row in rows}) != len(rows):
        yield f"the head is {rows[0]}, or an ID number is there twice"
    yield from (f"no grade: {row}" for row in rows[1:] if not _NUMBER.fullmatch(row[3]))


CHECKS: dict[str, Callable[[str], Says]] = {
    r"results/.*\.json": _schema("grade-1"),
    r"export-json\.json": _schema("grade-export-1"),
    r"grades\.csv": _grades,
    r"export-csv\.csv": _grades,
    r"export-canvas\.csv": _canvas,
    r"export-moodle\.csv": _moodle,
    r".*\.html": _html,
    r"junit\.xml": _xml,
    r"terminal\.txt": _terminal,
    r"summary\.md": _summary,
    r"log\.txt": _log,
    r"output\.txt": _output,
    r".*\.ipynb": _notebook,
    **{rf"{kind}\.json": _schema(kind) for kind in (
        "grade-1", "gradescope-results", "classroom50-result-v1", "github-classroom-result", "prairielearn-results",
        "exercism-results-v3", "ags-score",
    )},
}  # fmt: skip
