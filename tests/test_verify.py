"""The proof of every exercise, as `grade verify` does it; and that the proof notices what it is there to notice."""

from __future__ import annotations

import pytest
from kit import ROOT, solution

from grader import course, source
from grader.author import verify as proofs
from grader.author.verify import Row, verify
from grader.checker.misconceptions import of_exercise

TASKS = [(e.name, t.name) for e in course.load().exercises for t in e.tasks]


MOST = 4  # of a task's known mistakes; `grade verify` tries all, and docs/kill-matrix.md is stale where it has to again


@pytest.mark.parametrize(("exercise", "task"), TASKS, ids=["::".join(pair) for pair in TASKS])
def test_the_checks_of_a_task_are_proved(exercise, task, grader):
    assert verify(grader, course.load().exercise(exercise), task=task, most=MOST).faults == ()


def test_a_check_that_catches_nothing_is_a_fault(grader, monkeypatch):
    own = [mistake for mistake in of_exercise("ex03_output_size") if mistake.task == "same_padding"]
    monkeypatch.setattr(proofs, "of_exercise", lambda _: own)
    exercise = course.load().exercise("ex03_output_size")
    assert verify(grader, exercise, task="same_padding").faults == ()

    monkeypatch.setattr(proofs, "_row", lambda _, mistake: Row(mistake, ("same_padding_even",), mistake.says))
    found = verify(grader, exercise, task="same_padding").faults
    assert found
    assert all("catches no known mistake" in fault for fault in found)


def test_a_sample_of_mistakes_is_from_all_over_the_list():
    own = [mistake for mistake in of_exercise("ex04_conv") if mistake.task == "conv2d"]
    some = proofs._some(own, MOST)

    assert len(own) > 2 * MOST
    assert len(some) == MOST
    assert some[0] == own[0]
    assert own.index(some[-1]) >= len(own) - len(own) // MOST - 1
    assert proofs._some(own, None) == own
    assert proofs._some(own[:3], MOST) == own[:3]


def test_every_task_names_each_mistake_once():
    for name in course.load().names:
        says = [(mistake.task, mistake.says) for mistake in of_exercise(name)]
        assert len(says) == len(set(says))


def test_a_mistake_that_is_caught_under_another_name_is_a_fault():
    mistake = of_exercise("ex03_output_size")[0]
    row = Row(mistake, ("conv_output_size_stride",), "You did something else.")

    assert list(proofs._row_faults([row]))
    assert not list(proofs._row_faults([Row(mistake, ("conv_output_size_stride",), mistake.says)]))
    assert list(proofs._row_faults([Row(mistake, (), None)]))


def test_a_reference_that_fails_a_check_is_a_fault(grader, monkeypatch):
    broken = solution("ex03_output_size").replace("return room // stride + 1", "return room // stride + 2")
    exercise = course.load().exercise("ex03_output_size")
    found = proofs._graded(grader, exercise, broken, proofs.Wanted({exercise.name: None}))

    assert any("conv_output_size" in fault for fault in proofs._reference_faults(found))


def test_the_stubs_in_the_checkout_are_those_of_the_sources():
    for name in course.load().names:
        assert (ROOT / "exercises" / f"{name}.py").read_text("utf-8") == source.stub(solution(name))
