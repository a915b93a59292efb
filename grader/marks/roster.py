"""Who is in the class: a CSV with id, name and the id of a learning management system; and whose each submission is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError

from .marks import Mark
from .sheets import key, read

COLUMNS = {
    "id": ("student id", "sis user id", "id number", "student number"),
    "name": ("student", "full name", "student name"),
    "lms_id": ("canvas id", "moodle id", "lms"),
    "login": ("sis login id", "username", "user name"),
    "email": ("email address", "e-mail", "mail"),
    "section": (),
}
# What learning management systems call the files of a download: the id of theirs that is in it.
_DOWNLOADS = (
    re.compile(r".*_(\d+)_assignsubmission_(?:file|onlinetext)_?", re.DOTALL),  # Moodle, a folder a participant
    re.compile(r"[^_\W]+(?:_LATE)?_(\d+)_\d+_.*", re.DOTALL),  # Canvas, a file a submission
)


@dataclass(frozen=True, slots=True)
class Student:
    id: str
    name: str
    lms_id: str = ""
    login: str = ""
    email: str = ""
    section: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Matched:
    """`pairs`: everybody on the roster, in its order, with their mark or None. `strangers`: marks of nobody on it."""

    pairs: tuple[tuple[Student, Mark | None], ...]
    strangers: tuple[Mark, ...]


def roster(file: Path) -> list[Student]:
    """Raises UsageError that names file, line and what to do."""
    students: list[Student] = []
    lines_of: dict[tuple[str, str], int] = {}
    for line in read(file, COLUMNS, ("id", "name")):
        student = Student(**line.cells, line=line.number)
        if not student.id:
            raise line.wrong("there is no id; everybody needs one of their own")
        for column, value in (("id", student.id), ("lms_id", student.lms_id)):
            before = lines_of.setdefault((column, key(value)), line.number) if value else line.number
            if before != line.number:
                raise line.wrong(f"the {column} {value!r} is that of line {before} too; leave one of them out")
        students.append(student)
    return students


def match(students: Iterable[Student], marks: Iterable[Mark]) -> Matched:
    """A submission is somebody's whose id, login, address or LMS id its name is, or has in it as downloads do.

    Raises UsageError where two are of one student: which of them counts is not for us to say.
    """
    everybody = list(students)
    known: dict[str, Student] = {}
    for student in reversed(everybody):  # of two that claim a name, the first on the roster
        for name in (student.email, student.login, student.lms_id):
            if name:
                known[key(name)] = student
    known |= {key(student.id): student for student in everybody}  # an id of one before anything else of another
    by_lms = {_digits(student.lms_id): student for student in everybody if _digits(student.lms_id)}
    found: dict[str, Mark] = {}
    strangers: list[Mark] = []
    for mark in marks:
        owner = known.get(key(mark.name))
        if owner is None:
            owner = next((by_lms[number] for number in _numbers(mark.name) if number in by_lms), None)
        if owner is None:
            strangers.append(mark)
        elif owner.id in found:
            both = f"{found[owner.id].name} and {mark.name}"
            raise UsageError(f"two submissions are of {owner.id} ({owner.name}): {both}; take one of them away")
        else:
            found[owner.id] = mark
    return Matched(tuple((student, found.get(student.id)) for student in everybody), tuple(strangers))


def _numbers(name: str) -> Iterator[str]:
    for pattern in _DOWNLOADS:
        hit = pattern.fullmatch(name)
        if hit:
            yield hit[1]


def _digits(text: str) -> str:
    """12345 of "12345" or of Moodle's "Participant 12345"."""
    hit = re.fullmatch(r"(?:\D+\s)?(\d+)", text)
    return hit[1] if hit else ""
