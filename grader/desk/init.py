"""`grade init`: a learner's workspace. What is in one is a function of the course; making it overwrites nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from grader.collect import collect
from grader.collect.candidates import BELOW
from grader.collect.files import mode_of, shown
from grader.course import Course
from grader.errors import UsageError
from grader.report.words import points
from grader.source import stub

GIVEN = Path(__file__).parent / "given"
EDITOR = {  # in the workspace -> in the folder beside this file, where no tool takes them for settings of ours
    ".gitignore": "gitignore",
    ".editorconfig": "editorconfig",
    ".vscode/settings.json": "settings.json",
    ".vscode/extensions.json": "extensions.json",
    ".vscode/tasks.json": "tasks.json",
}
TELLS = """\
Where something is wrong, the grader shows you the smallest input for which it is, what was expected and what you got,
and the name of the mistake where it is a known one. Follow that input through your code by hand: that is where most is
learnt."""
KIT_TELLS = """\
The grader that you have checks the examples of the statements. Where one fails it shows you what was expected and what
you got; follow it through your code by hand. Points are given where your course grades, by hidden checks."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_BINARY"))


@dataclass(frozen=True, slots=True)
class Made:
    """`left`: file -> why it was left alone."""

    folder: Path
    made: tuple[str, ...]
    left: Mapping[str, str]


def files(course: Course) -> dict[str, str]:
    """Name (with `/`) -> text of every file of a workspace: no check, no reference, no hint."""
    stubs = {f"{BELOW}/{name}.py": stub(course.source_file(name).read_text("utf-8")) for name in course.names}
    editor = {name: (GIVEN / given).read_text("utf-8") for name, given in EDITOR.items()}
    return {**stubs, "README.md": readme(course, (GIVEN / "README.md").read_text("utf-8")), **editor}


def readme(course: Course, template: str) -> str:
    """A page that names the exercises, from a text with places to fill in."""
    first = course.exercises[0]
    short = first.name.split("_")[0]
    rows = [f"| {each.name} | {each.title} | {points(each.points)} |" for each in course.exercises]
    return Template(template).substitute(
        title=course.title,
        tasks=_count(sum(len(exercise.tasks) for exercise in course.exercises), "task"),
        exercises=_count(len(course.exercises), "exercise"),
        points=points(sum(exercise.points for exercise in course.exercises)),
        first=short,
        file=f"{first.name}.py",
        name=f"{short}: {first.tasks[0].name}",
        task=f"{short}::{first.tasks[0].name}",
        table="\n".join(rows),
        told=KIT_TELLS if course.kit else TELLS,
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def make(course: Course, folder: Path) -> Made:
    """Write what is absent. Raises UsageError where the folder cannot be one, or a file cannot be written."""
    mode = mode_of(folder)
    if mode is not None and not stat.S_ISDIR(mode):
        kind = "a symbolic link; give the path that it points to" if stat.S_ISLNK(mode) else "a file; name a folder"
        raise UsageError(f"{shown(folder)}: this is {kind}")
    made: list[str] = []
    left: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = {name: module.filename for name, module in collect(folder, course.names).modules.items()}
        for name, text in files(course).items():
            why = _taken(folder, name, there)
            if why is None:
                _write(folder / name, text)
                made.append(name)
            else:
                left[name] = why
    except OSError as error:
        raise UsageError(f"{shown(folder)}: cannot be written to ({error.strerror}); nothing was lost") from error
    return Made(folder, tuple(made), left)


def _taken(folder: Path, name: str, there: Mapping[str, str]) -> str | None:
    """Why a file is not to be written; None where it is absent and so is whatever stands for it."""
    place = Path(name)
    for parent in [*place.parents][-2::-1]:  # from the top down, without the folder itself
        mode = mode_of(folder / parent)
        if mode is not None and not stat.S_ISDIR(mode):
            return f"{parent} is {'a symbolic link' if stat.S_ISLNK(mode) else 'no folder'}"
    if mode_of(folder / place) is not None:
        return "it is there already"
    if place.stem in there and place.suffix == ".py":
        return f"{there[place.stem]} is your work on it"
    return None


def _write(file: Path, text: str) -> None:
    """A new file, whole or not at all. FileExistsError, an OSError, where it has come into being meanwhile."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(file, _NEW, 0o644), "wb") as out:
        try:
            out.write(text.encode("utf-8"))
            out.flush()
        except BaseException:
            file.unlink()
            raise
