"""Files that other people's programs read: their columns, lateness taken off, and no cell that is a formula."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from marks_kit import CONV, PAD, row
from report_samples import HOSTILE

from grader.errors import UsageError
from grader.marks import Edits, export, late, mark, roster
from grader.marks.roster import Student
from grader.marks.table import Table

DUE = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADA = Student("1815", "Lovelace, Ada", "17", "ada", "ada@x.org", "Group 1", line=2)
BOB = Student("1912", "Bob", "", line=3)
CY = Student("1930", "Cy", "19", line=4)
FAY = Student("1940", "Fay", "20", line=5)
MARKS = [mark(one, Edits()) for one in (row("1815", "+++"), row("1912", "+-+"), row("1940", "!++"), row("stray"))]


def lines(lateness=None):
    return export.entries(roster.match([ADA, BOB, CY, FAY], MARKS), lateness)


def lateness(policy: str, **days: float):
    times = {name.removeprefix("_"): DUE + timedelta(days=after) for name, after in days.items()}
    return export.Lateness(late.policy(policy), DUE, times)


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_a_table_has_everybody_on_the_roster_and_says_who_is_missing():
    made, _ = lines()

    assert rows(export.as_csv(made, [CONV, PAD])) == [
        ["id", "name", "lms_id", "submission", "status", "score", "max_score", "late_hours", "penalty_percent", "final",
         CONV, PAD],
        ["1815", "Lovelace, Ada", "17", "1815", "graded", "10", "10", "", "", "10", "6", "4"],
        ["1912", "Bob", "", "1912", "graded", "7", "10", "", "", "7", "3", "4"],
        ["1930", "Cy", "19", "", "missing", "", "", "", "", "", "", ""],
        ["1940", "Fay", "20", "1940", "fault", "", "10", "", "", "", "", "4"],
    ]  # fmt: skip


def test_lateness_is_taken_off_what_was_earned():
    made, unknown = lines(lateness("10%/day, at most 50%", _1815=1.5, ada=-1, _1912=9))

    assert [(line.penalty, line.final) for line in made] == [(0.2, 8.0), (0.5, 3.5), (0.0, None), (0.0, None)]
    assert unknown == ["1940"]
    assert rows(export.as_csv(made, []))[1][7:] == ["36", "20", "8"]


def test_a_time_may_be_under_the_login_of_a_student():
    made, _ = lines(lateness("10%/day", ada=2))

    assert made[0].final == 8.0


def test_without_a_roster_there_is_a_line_a_submission():
    made, _ = export.entries(export.without_roster(MARKS), lateness("10%/day", stray=0.5))

    assert [line[:3] for line in rows(export.as_csv(made, []))] == [
        ["submission", "status", "score"],
        ["1815", "graded", "10"],
        ["1912", "graded", "7"],
        ["1940", "fault", ""],
        ["stray", "graded", "10"],
    ]
    assert made[3].final == 9.0


def test_json_says_the_same_and_names_its_schema():
    made, _ = lines(lateness("10%/day", _1815=0.5))
    found = json.loads(export.as_json(made, "Exercises"))

    assert (found["schema"], found["title"], len(found["grades"])) == ("grade-export/1", "Exercises", 4)
    assert found["grades"][0] == {
        "id": "1815", "name": "Lovelace, Ada", "lms_id": "17", "submission": "1815", "status": "graded", "score": 10.0,
        "max_score": 10.0, "late_hours": 12.0, "penalty_percent": 10.0, "final": 9.0,
        "exercises": {CONV: 6.0, PAD: 4.0},
    }  # fmt: skip
    assert (found["grades"][2]["status"], found["grades"][2]["final"]) == ("missing", None)


def test_canvas_gets_its_own_columns_points_possible_and_only_those_with_a_grade():
    made, _ = lines()

    # What Canvas's importer asks of the file: "Student", "ID", "SIS User ID", "SIS Login ID", "Section" in this order,
    # then an assignment "Title (id)"; a second line that begins with "Points Possible".
    assert rows(export.as_canvas(made, "Exercises (4711)", 10.0)) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Exercises (4711)"],
        ["    Points Possible", "", "", "", "", "10"],
        ["Lovelace, Ada", "17", "1815", "ada", "Group 1", "10"],
        ["Bob", "", "1912", "", "", "7"],
    ]


def test_an_id_that_canvas_cannot_have_is_told():
    made = [export.Entry(Student("1", "Ada", "Participant 7", line=9), MARKS[0])]
    with pytest.raises(UsageError, match="line 9 of the roster: the lms_id 'Participant 7' of Ada is no ID of Canvas"):
        export.as_canvas(made, "x", 10.0)


def test_a_student_that_canvas_would_take_for_the_line_of_points_is_told():
    made = [export.Entry(Student("1", "Points Possible", line=3), MARKS[0])]
    with pytest.raises(UsageError, match="line 3 of the roster"):
        export.as_canvas(made, "x", 10.0)


@pytest.mark.parametrize("title", ["Final Score (12)", "My Current Grade", "Override Status", "Section", " "])
def test_a_column_that_canvas_would_leave_out_without_a_word_is_told(title: str):
    with pytest.raises(UsageError, match="--title"):
        export.as_canvas(lines()[0], title, 10.0)


def test_moodle_gets_id_numbers_and_only_those_with_a_grade():
    made, _ = lines(lateness("33.333%/day", _1912=0.5))

    # A line without ID number would count for the student before it, an empty grade would take one away.
    assert rows(export.as_moodle(made, "Exercises")) == [
        ["ID number", "Full name", "Email address", "Exercises"],
        ["1815", "Lovelace, Ada", "ada@x.org", "10"],
        ["1912", "Bob", "", "4.67"],
    ]


def test_moodle_is_not_offered_addresses_that_nobody_has():
    made = [export.Entry(BOB, MARKS[1])]

    assert rows(export.as_moodle(made, "Exercises"))[0] == ["ID number", "Full name", "Exercises"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "a;=1", " =1", '"=1', HOSTILE])
def test_no_cell_is_a_formula_whoever_wrote_it(text):
    student = Student(text, text, "", text, text, text, line=2)
    hostile = mark(row(text.replace("\ud800", "")), Edits())
    made = [export.Entry(student, hostile)]
    for sheet in (export.as_csv(made, [CONV]), export.as_canvas(made, text, 10.0), export.as_moodle(made, text)):
        for cell in (part for line in rows(sheet) for whole in line for part in whole.split(";")):
            assert not cell.strip(" \"'").startswith(("=", "+", "@", "-")) or cell.startswith("'")
            assert "\x1b" not in cell
            assert "\n" not in cell


def test_grades_csv_has_the_columns_of_the_course_that_anybody_was_graded_for():
    table = Table((PAD, "ex99_other", CONV))
    for one in (row("=ada", "+++"), row("bob", "+-.", None), row("fay", "!++")):
        table.add(mark(one, Edits()))

    assert table.text() == (
        f"submission,status,score,max_score,{PAD},{CONV}\n'=ada,graded,10,10,4,6\nbob,graded,2,10,0,2\nfay,fault,,10,4,\n"
    )
