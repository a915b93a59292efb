"""Rosters: files that anybody may have written, and whose each submission is."""

from __future__ import annotations

import pytest
from marks_kit import row

from grader.errors import UsageError
from grader.marks import Edits, mark, roster
from grader.marks.roster import Student


@pytest.fixture
def write(tmp_path):
    def written(content: str | bytes):
        file = tmp_path / "roster.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return written


def matched(students, *names: str):
    return roster.match(students, [mark(row(name), Edits()) for name in names])


def owners(found) -> dict[str, str | None]:
    return {student.id: None if one is None else one.name for student, one in found.pairs}


@pytest.mark.parametrize(
    "content",
    [
        "id,name,lms_id\nada,Ada L,17\n\nbob,Bob,\n",
        "\ufeffID;Name;LMS ID\r\nada;Ada L;17\r\nbob;Bob;\r\n",
        "Name\tStudent ID\tLms-Id\tshoe size\nAda L\tada\t17\t38\nBob\tbob\n",
    ],
)
def test_a_roster_is_read_however_a_spreadsheet_wrote_it(write, content):
    found = roster.roster(write(content))

    assert [(one.id, one.name, one.lms_id) for one in found] == [("ada", "Ada L", "17"), ("bob", "Bob", "")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty; its first line names the columns: id, name"),
        ("name\nAda\n", "line 1: no column is called 'id' (there are: name)"),
        ("id,name,ID\n", "line 1: two columns are called 'id'; leave one of them out"),
        ("id,name\n,Ada\n", "line 2: there is no id; everybody needs one"),
        ("id,name\nada,Ada\nADA,Ada\n", "line 3: the id 'ADA' is that of line 2 too"),
        ("id,name,lms_id\na,A,1\nb,B,1\n", "line 3: the lms_id '1' is that of line 2 too"),
        ("id,name\nada,Lovelace, Ada\n", "line 2: 3 cells where the first line has 2; put a cell that has a ','"),
        ('id,name\nada,"Ada\n', "this is no CSV"),
        (b"id,name\nada,\xff\n", "line 2: this is not UTF-8; save it as CSV, UTF-8"),
        ("id,name\nada," + "x" * 200_000 + "\n", "this is no CSV"),
    ],
)
def test_a_roster_that_cannot_be_used_is_told_with_its_line(write, content, told):
    with pytest.raises(UsageError) as error:
        roster.roster(write(content))

    assert "roster.csv" in str(error.value)
    assert told in str(error.value)


def test_a_roster_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        roster.roster(tmp_path / "no.csv")


def test_what_a_roster_says_is_cleaned(write):
    (found,) = roster.roster(write("id,name\nada,\x1b[31mAda\u202e\n"))

    assert found.name == "\\x1b[31mAda\\u202e"


def test_a_submission_is_found_by_id_login_address_or_lms_id():
    students = [
        Student("1815", "Ada", "17", "ada", "ada@x.org"),
        Student("1912", "Alan", "18", login="alan"),
        Student("1906", "Grace", "19", email="G@x.org"),
        Student("1930", "Edsger"),
    ]
    found = matched(students, "1815", "ALAN", "g@X.org", "nobody")

    assert owners(found) == {"1815": "1815", "1912": "ALAN", "1906": "g@X.org", "1930": None}
    assert [one.name for one in found.strangers] == ["nobody"]


def test_an_umlaut_is_one_however_it_is_written():
    """macOS takes it apart in names of files."""
    one, other = "J\u00f6rg", "Jo\u0308rg"

    assert owners(matched([Student(one, "x")], other)) == {one: other}
    assert owners(matched([Student("1", "x", login=other)], one)) == {"1": one}


def test_downloads_of_moodle_and_canvas_are_known_by_the_id_in_their_names():
    students = [Student("a", "Ada", "Participant 12345"), Student("b", "Bob", "678"), Student("c", "Cy", "9")]
    found = matched(students, "Ada Lovelace_12345_assignsubmission_file_", "bobsmith_LATE_678_4242_ex04_conv", "x_9_y")

    assert owners(found) == {
        "a": "Ada Lovelace_12345_assignsubmission_file_",
        "b": "bobsmith_LATE_678_4242_ex04_conv",
        "c": None,
    }


def test_an_id_goes_before_somebody_elses_login():
    found = matched([Student("1", "Ada", login="2"), Student("2", "Bob")], "2")

    assert owners(found) == {"1": None, "2": "2"}


def test_two_submissions_of_one_student_are_not_for_us_to_choose_from():
    with pytest.raises(UsageError, match=r"two submissions are of 1815 \(Ada\): 1815 and ada"):
        matched([Student("1815", "Ada", login="ada")], "1815", "ada")
