"""`grade solution`: for who has solved it, or asks for it and has that noted; our Python and nothing meant for us."""

from __future__ import annotations

import ast
import io

import pytest
from kit import solution
from rich.console import Console

from grader import course
from grader.desk import solution_of
from grader.desk.solution import reference
from grader.errors import UsageError
from grader.state import Earned, Graded, State, fingerprint
from grader.workspace import FILE, recall, update

KNOWN = course.load()
NAME, TASK = "ex03_output_size", "ex03_output_size::same_padding"
EVERY = [(exercise.name, task.name) for exercise in KNOWN.exercises for task in exercise.tasks]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / f"{NAME}.py").write_text("mine", "utf-8")
    return tmp_path


def graded(folder, status):
    update(folder, lambda _: State({NAME: Graded(fingerprint("mine"), {"same_padding": Earned(status, 1.0)})}))


def test_a_task_that_has_passed_shows_its_reference_and_notes_nothing(folder):
    graded(folder, "passed")
    found = solution_of(KNOWN, folder, "same_padding")

    assert found.task == TASK
    assert "return lost // 2" in found.code
    assert recall(folder).spoiled == {}


@pytest.mark.parametrize(
    ("before", "words"), [(None, "not graded yet"), ("failed", "has not passed yet"), ("changed", "since your file")]
)
def test_a_task_that_has_not_passed_is_refused_with_what_to_do(folder, before, words):
    if before is not None:
        graded(folder, "failed" if before == "failed" else "passed")
    if before == "changed":
        (folder / f"{NAME}.py").write_text("changed", "utf-8")

    with pytest.raises(UsageError, match=words) as refused:
        solution_of(KNOWN, folder, TASK)
    assert f"grade hint {TASK}" in str(refused.value)
    assert "--spoil" in str(refused.value)
    assert recall(folder).spoiled == {}


def test_who_asks_to_be_spoiled_is_shown_it_and_that_is_remembered(folder):
    found = solution_of(KNOWN, folder, TASK, spoil=True)
    first = recall(folder).spoiled

    assert "return lost // 2" in found.code
    assert list(first) == [TASK]
    solution_of(KNOWN, folder, TASK, spoil=True)
    assert recall(folder).spoiled == first


def test_spoil_after_it_has_passed_is_not_noted(folder):
    graded(folder, "passed")
    solution_of(KNOWN, folder, TASK, spoil=True)

    assert recall(folder).spoiled == {}


def test_what_cannot_be_noted_is_shown_all_the_same(folder):
    (folder / FILE.parent).write_text("in the way")

    assert solution_of(KNOWN, folder, TASK, spoil=True).notes == ("Shown before it passed.",)


def test_an_exercise_is_answered_with_its_tasks(folder):
    with pytest.raises(UsageError, match=TASK):
        solution_of(KNOWN, folder, "ex03")


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_a_reference_is_python_without_marks_and_with_all_private_names_it_uses(name, task):
    text = reference(solution(name), task)
    tree = ast.parse(text)

    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    made = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    made |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    assert {name for name in used if name.startswith("_")} - made == set()
    assert not any(mark in text for mark in ("### HINT", "### BEGIN", "### END", "###   "))
    assert "\n\n\n\n" not in text


@pytest.mark.parametrize(("name", "task"), EVERY)
def test_a_reference_shows_no_other_task(name, task):
    defined = {node.name for node in ast.parse(reference(solution(name), task)).body if hasattr(node, "name")}

    assert {word for word in defined if not word.startswith("_")} == {task}


def test_what_it_builds_on_is_named(folder):
    found = solution_of(KNOWN, folder, "ex03::trace_shapes", spoil=True)

    assert any("conv_output_size, pool_output_size" in note for note in found.notes)


def test_plain_is_python_with_whole_lines(folder):
    plain = solution_of(KNOWN, folder, "ex03::trace_shapes", spoil=True).plain

    assert ast.parse(plain)
    assert max(map(len, plain.split("\n"))) > 80


@pytest.mark.parametrize("options", [{}, {"force_terminal": True}])
def test_it_fits_a_terminal(folder, options, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    found = solution_of(KNOWN, folder, "ex03::trace_shapes", spoil=True)
    Console(file=out, width=80, **options).print(found)

    plain = "".join(out.getvalue().replace("\x1b[0m", "").split("\x1b[1m")).replace("\x1b[2m", "")
    assert "\x1b[3" not in plain.replace("\x1b[3m", "")
    assert max(map(len, plain.split("\n"))) <= 80
