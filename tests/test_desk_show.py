"""`grade show`: what is asked, whole, at any width, without colour, and nothing that is hidden."""

from __future__ import annotations

import io
import re

import pytest
from kit import solution
from rich.cells import cell_len
from rich.console import Console

from grader import course, source
from grader.desk.looks import Code, Drawing, inline
from grader.desk.show import page
from grader.errors import UsageError

KNOWN = course.load()
TASKS = [f"{exercise.name}::{task.name}" for exercise in KNOWN.exercises for task in exercise.tasks]


def text(what, width=80, **options):
    out = io.StringIO()
    shown = page(KNOWN, what) if isinstance(what, str) else what
    Console(file=out, width=width, **options).print(shown, highlight=False)
    return out.getvalue()


def words(text):
    return " ".join(text.split())


@pytest.mark.parametrize("name", KNOWN.names)
def test_an_exercise_shows_title_lecture_points_and_every_task(name):
    exercise, shown = KNOWN.exercise(name), words(text(name))

    assert f"{name} · {exercise.title} {exercise.points:g} points" in shown
    assert f"Lecture: {exercise.lecture}" in shown
    for task in exercise.tasks:
        assert f" {task.name} {task.points:g} " in shown
    assert all(ban.because in shown for task in exercise.tasks for ban in task.bans)


@pytest.mark.parametrize("what", TASKS)
def test_a_task_shows_points_docstring_bans_and_what_it_may_build_on(what):
    name, task_name = what.split("::")
    task, shown = KNOWN.exercise(name).task(task_name), words(text(what, 160))

    assert f"{what} {task.points:g} point" in shown
    assert re.search(rf"(def|class) {task_name}\(", shown)
    plain = task.docstring.replace("**", "").replace("<BLANKLINE>", "")
    missing = [word for word in plain.split() if word.strip("*") not in shown]
    assert missing == []
    assert all(ban.because in shown for ban in task.bans)
    assert all(f"`{used}`" in shown for used in task.uses)


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("name", KNOWN.names)
def test_it_fits(name, width):
    for what in (name, *(task for task in TASKS if task.startswith(f"{name}::"))):
        assert max(map(cell_len, text(what, width).split("\n"))) <= width


@pytest.mark.parametrize("name", KNOWN.names)
def test_no_hint_and_no_line_of_a_reference_is_shown(name):
    everything = words("".join(text(task, 200) for task in TASKS if task.startswith(name)))
    hidden = set(solution(name).split("\n")) - set(source.stub(solution(name)).split("\n"))

    hints = [hint for task in KNOWN.exercise(name).tasks for hint in task.hints]
    lines = [words(line) for line in hidden if len(words(line)) > 20]
    assert [line for line in [*map(words, hints), *lines] if line in everything] == []


def test_without_colour_there_are_no_colours(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    shown = text("ex04::conv2d", force_terminal=True)

    assert not re.search(r"\x1b\[[0-9;]*\b(3[0-7]|4[0-7]|9[0-7]|38|48)\b", shown)
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b" not in text("ex04::conv2d")


def test_a_drawing_that_is_too_wide_is_cut_and_says_where_it_is_whole():
    shown = text(Drawing("a" * 50 + "\nb", "ex99.py"), 40)

    assert shown.startswith("a" * 39 + "…\n")
    assert "50 columns wide" in shown
    assert "ex99.py" in words(shown)
    assert "wide" not in text(Drawing("a" * 40, "ex99.py"), 40)


def test_a_head_that_is_too_long_has_an_argument_a_line():
    head = "def f(x: dict[str, int], y: tuple[int, int] = (1, 2)) -> int:"

    assert [line.rstrip() for line in text(Code(head), 40).strip().split("\n")] == [
        "def f(", "    x: dict[str, int],", "    y: tuple[int, int] = (1, 2),", ") -> int:",
    ]  # fmt: skip
    assert text(Code(head), 80).strip() == head


def test_markup_in_a_text_is_text():
    assert inline("[bold]a[/bold] `x[0]` **b** *c*").plain == "[bold]a[/bold] `x[0]` b c"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="conv2d"):
        page(KNOWN, "ex04::konv2d")
