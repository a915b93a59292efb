"""One class of submissions in every format: compared with files, and each held to its format's schema or specification.

`pytest tests/test_class_goldens.py --update-goldens` writes tests/golden/class/made anew; read the difference.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import warnings
from collections.abc import Mapping
from xml.etree.ElementTree import fromstring

import nbformat
import pytest
from class_kit import FAILED_BY_US, HANDED_IN, MADE, NAME, everything
from specifications_kit import CHECKS, wrong_with

from grader.classview.front import FORMATS as EXPORTS
from grader.model import Report
from grader.pipeline import Grader
from grader.platforms import formats

with warnings.catch_warnings():  # of nbgrader's and of what it needs
    warnings.simplefilter("ignore")
    from nbgrader.utils import determine_grade

KEPT = sorted(path.relative_to(MADE).as_posix() for path in MADE.rglob("*") if path.is_file())
EVERYBODY = sorted(path.name for path in (MADE / "one").iterdir())
SCORES = {"ada": 7.0, "bob": None, "cy": 0.0, "dan": 0.0, "=eve": 0.0, "fay": None, "gus": 0.0}  # None: some points


@pytest.fixture(scope="module")
def graded(grader: Grader, tmp_path_factory: pytest.TempPathFactory) -> tuple[Mapping[str, Report], dict[str, bytes]]:
    return everything(grader, tmp_path_factory.mktemp("class"))


@pytest.fixture(scope="module")
def reports(graded: tuple[Mapping[str, Report], dict[str, bytes]]) -> Mapping[str, Report]:
    return graded[0]


@pytest.fixture(scope="module")
def made(graded: tuple[Mapping[str, Report], dict[str, bytes]], request: pytest.FixtureRequest) -> Mapping[str, bytes]:
    if request.config.getoption("--update-goldens"):
        shutil.rmtree(MADE, ignore_errors=True)
        for name, data in graded[1].items():
            (MADE / name).parent.mkdir(parents=True, exist_ok=True)
            (MADE / name).write_bytes(data)
    return graded[1]


def test_nothing_is_missing_and_nothing_left_over(made: Mapping[str, bytes]) -> None:
    assert sorted(made) == sorted(path.relative_to(MADE).as_posix() for path in MADE.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", KEPT)
def test_a_file_is_what_it_was(made: Mapping[str, bytes], name: str) -> None:
    assert made[name] == (MADE / name).read_bytes()


@pytest.mark.parametrize("name", KEPT)
def test_a_file_keeps_to_its_specification(name: str) -> None:
    assert wrong_with(name, (MADE / name).read_bytes()) == []


def test_the_class_is_what_it_has_to_be(reports: Mapping[str, Report]) -> None:
    """Right, wrong, unreadable, hostile, nothing, our own fault: every end is in it."""
    points = {name: report.score for name, report in reports.items() if name != FAILED_BY_US}
    for name, expected in SCORES.items():
        assert points[name] == expected if expected is not None else 0 < points[name] < 7
    assert reports[FAILED_BY_US].faulty
    rows = list(csv.DictReader(io.StringIO((MADE / "grades.csv").read_text())))
    assert {row["status"] for row in rows} == {"graded", "unreadable", "fault"}
    assert len(rows) == len(list(HANDED_IN.iterdir()))


def test_every_format_that_there_is_is_here() -> None:
    files = {path.name for path in (MADE / "one" / "bob").iterdir()}
    assert {f"export-{kind}" for kind in EXPORTS} == {name.split(".")[0] for name in KEPT if name.startswith("export-")}
    assert {"terminal.txt", "junit.xml", "grade-1.json", "summary.md", "log.txt", f"{NAME}.ipynb"} <= files
    for kind in formats.FORMATS:
        assert any(name.startswith(kind) for name in files), kind
    assert {"results/bob.json", "feedback/bob.html", "grades.csv", "report.html"} <= set(KEPT)


def points(name: str) -> dict[str, float | None]:
    """What each format of somebody gives, in our own points; None: no grade."""

    def read(file: str) -> dict:
        return json.loads((MADE / "one" / name / file).read_text("utf-8"))

    most = read("grade-1.json")["max_score"]
    book = nbformat.read(MADE / "one" / name / f"{NAME}.ipynb", 4)
    fifty = MADE / "one" / name / "classroom50-result-v1.json"
    tests = read("github-classroom-result.json")
    output = dict(line.split("=", 1) for line in (MADE / "one" / name / "output.txt").read_text().splitlines())
    learning = read("prairielearn-results.json")
    cells = [determine_grade(cell) for cell in book.cells]
    shown = [output.output_type for cell in book.cells for output in cell.outputs]
    return {
        "grade/1": read("grade-1.json")["score"],
        "gradescope": read("gradescope-results.json").get("score"),
        "classroom50": json.loads(fifty.read_text())["score"] / 100 if fifty.is_file() else None,
        "github classroom": None if tests["status"] == "error" else sum(test["score"] for test in tests["tests"]),
        "prairielearn": learning["score"] * most if learning["gradable"] else None,
        "lti": read("ags-score.json").get("scoreGiven"),
        "output of the step": float(output["score"]) if "score" in output else None,
        "nbgrader": None if "display_data" in shown else sum(score for score, _ in cells),
    }


@pytest.mark.parametrize("name", EVERYBODY)
def test_every_format_gives_the_same_points(reports: Mapping[str, Report], name: str) -> None:
    report = reports[name]
    expected = None if report.faulty else pytest.approx(report.score)
    assert points(name) == dict.fromkeys(points(name), expected)
    rows = {
        row["submission"].lstrip("'"): row for row in csv.DictReader(io.StringIO((MADE / "grades.csv").read_text()))
    }
    assert rows[name]["score"] == ("" if report.faulty else f"{report.score:g}")


@pytest.mark.parametrize("name", EVERYBODY)
def test_junit_has_a_case_for_every_check(reports: Mapping[str, Report], name: str) -> None:
    root = fromstring((MADE / "one" / name / "junit.xml").read_text("utf-8"))
    tasks = [task for exercise in reports[name].exercises for task in exercise.tasks]
    assert len(list(root.iter("testcase"))) == sum(len(task.checks) or 1 for task in tasks)


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("feedback/x.html", b"<!DOCTYPE html>\n<html><body><p>open <b>tag</p></body></html>"),
        (
            "feedback/x.html",
            b'<!DOCTYPE html>\n<html><head><title>x</title></head><body><img src="http://x"></body></html>',
        ),
        ("junit.xml", b'<testsuites name="x"/>'),
        ("results/x.json", b'{"schema": "grade/2"}'),
        ("export-json.json", b'{"schema": "grade-export/1", "title": "x", "grades": [{}]}'),
        ("grades.csv", b"submission,status,score,max_score\nada,graded,,7\n"),
        ("export-csv.csv", b"submission,status,score,max_score\r\nada,missing,7,7\r\n"),
        ("export-canvas.csv", b"Student,ID\r\nPoints Possible,\r\n"),
        ("export-moodle.csv", b"ID number,Full name\r\n"),
        ("log.txt", b"::set-output name=x::1\n"),
        ("output.txt", b"score=1; rm\n"),
        ("summary.md", b"<img src=x>"),
        ("terminal.txt", b"\x1b[31mred\n"),
        ("unknown.bin", b""),
    ],
)
def test_a_specification_can_be_broken(file: str, data: bytes) -> None:
    assert wrong_with(file, data) != []


def test_every_specification_is_used() -> None:
    for known in CHECKS:
        assert any(re.fullmatch(known, name if "/" in known else name.rpartition("/")[2]) for name in KEPT), known
