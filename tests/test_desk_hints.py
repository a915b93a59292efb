"""`grade hint`: one more each time, remembered, and never more than there are."""

from __future__ import annotations

import io
import json

import pytest
from kit import solution
from rich.console import Console

from grader import course
from grader.desk import next_hint
from grader.errors import UsageError
from grader.state import Earned, Graded, State, fingerprint, with_hints
from grader.workspace import FILE, recall, update

KNOWN = course.load()
NAME, TASK = "ex03_output_size", "ex03_output_size::conv_output_size"
HINTS = KNOWN.exercise(NAME).task("conv_output_size").hints


@pytest.fixture
def folder(tmp_path):
    (tmp_path / f"{NAME}.py").write_text("mine", "utf-8")
    return tmp_path


def shown(folder, what=TASK, width=80, **options):
    out = io.StringIO()
    Console(file=out, width=width, **options).print(next_hint(KNOWN, folder, what), highlight=False)
    return out.getvalue()


def graded(folder, **status):
    tasks = {name: Earned(how, 1.0) for name, how in status.items()}
    update(folder, lambda state: State({NAME: Graded(fingerprint("mine"), tasks)}, state.hints))


def words(text):
    return " ".join(text.split())


def test_each_call_shows_one_hint_more_and_then_no_more(folder):
    pages = [shown(folder) for _ in range(len(HINTS) + 1)]

    counts = [sum(f"hint {number} of {len(HINTS)}" in page for number in range(1, 10)) for page in pages]
    assert counts == [1, 2, 3, 3]
    assert "This was the last hint." in pages[-2]
    assert "These were all the hints." in pages[-1]
    assert recall(folder).hints == {TASK: len(HINTS)}


def test_a_hint_that_is_not_due_yet_is_not_shown(folder):
    page = words(shown(folder))

    assert words(HINTS[0])[:60] in page
    assert words(HINTS[1])[:30] not in page


def test_earlier_hints_are_dimmed(folder):
    shown(folder)
    page = shown(folder, force_terminal=True, color_system="standard")

    assert "\x1b[2mhint 1 of 3" in page
    assert "\x1b[1;33mhint 2 of 3" in page


def test_an_exercise_stands_for_its_first_task_that_has_not_passed(folder):
    graded(folder, conv_output_size="passed", same_padding="failed")

    assert "ex03_output_size::same_padding" in shown(folder, "ex03")


def test_a_pass_of_an_older_file_does_not_count(folder):
    graded(folder, conv_output_size="passed")
    (folder / f"{NAME}.py").write_text("changed", "utf-8")

    assert TASK in shown(folder, "ex03")


def test_an_exercise_that_has_passed_says_so(folder):
    graded(folder, **{task.name: "passed" for task in KNOWN.exercise(NAME).tasks})

    assert "Every task of ex03_output_size has passed" in shown(folder, "ex03")


def test_after_the_last_hint_it_says_what_else_helps(folder):
    update(folder, lambda state: with_hints(state, TASK, len(HINTS)))
    page = shown(folder)

    assert all(f"grade {command} {TASK}" in page for command in ("show", "run", "solution"))


def test_after_the_last_hint_of_a_task_that_has_passed_the_solution_is_offered(folder):
    update(folder, lambda state: with_hints(state, TASK, len(HINTS)))
    graded(folder, conv_output_size="passed")

    assert f"how we wrote it: grade solution {TASK}" in words(shown(folder))


def test_a_state_that_counts_more_hints_than_there_are_is_no_trouble(folder):
    update(folder, lambda state: with_hints(state, TASK, 1000))

    assert f"hint {len(HINTS)} of {len(HINTS)}" in shown(folder)


@pytest.mark.parametrize("hints", [{TASK: -1}, {TASK: "3"}, {TASK: 1e300}, [TASK], None])
def test_a_hostile_state_starts_with_the_first_hint(folder, hints):
    (folder / FILE).parent.mkdir()
    (folder / FILE).write_text(json.dumps({"schema": "grade-state/2", "hints": hints}))

    assert "hint 1 of 3" in shown(folder)


def test_where_nothing_can_be_written_the_hint_is_shown_all_the_same(folder):
    (folder / FILE.parent).write_text("in the way")

    page = words(shown(folder))
    assert "hint 1 of 3" in page
    assert "the next call shows this hint again" in page


def test_a_folder_without_exercises_is_not_written_to(tmp_path):
    with pytest.raises(UsageError, match="grade init"):
        next_hint(KNOWN, tmp_path, TASK)

    assert list(tmp_path.iterdir()) == []


def test_a_learner_folder_with_a_linked_memory_is_neither_read_nor_written_through(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / ".grade").symlink_to(elsewhere)
    shown(folder)

    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("width", [40, 80])
def test_every_hint_of_the_course_fits(tmp_path, width):
    for name in KNOWN.names:
        (tmp_path / f"{name}.py").write_text(solution(name), "utf-8")
    for exercise in KNOWN.exercises:
        for task in exercise.tasks:
            full = f"{exercise.name}::{task.name}"
            update(tmp_path, lambda state, full=full: with_hints(state, full, 9))
            page = shown(tmp_path, full, width)
            assert max(map(len, page.split("\n"))) <= width
            assert page.count("hint ") >= len(task.hints) >= 2
