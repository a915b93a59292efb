"""What a worker holds for us: let go of case by case, large objects sooner, trained ones when nobody has them."""

from __future__ import annotations

import pytest
from checker_kit import tiny
from known_kit import SOLUTION, module

from grader.checker.run import run_checks
from grader.learner.holdings import BYTES, MANY, OBJECTS, Holdings
from grader.worker.wire import Call, Forget, State


def made(number, *, graph=False):
    return Call("f", [], {}, graph=number) if graph else Call("F", [], {}, keep=number)


def test_a_case_ends_with_all_that_was_made_in_it():
    holdings = Holdings()
    for number in range(1, OBJECTS + 1):
        holdings.note(made(number, graph=number % 2 == 0), b"")
        holdings.dropped(number, is_graph=number % 2 == 0)
    holdings.note(State(1, {}), b"x" * 2 * BYTES)
    assert holdings.due() is None

    holdings.end_case()
    holdings.dropped(3, is_graph=False, nbytes=2 * BYTES)  # somebody held it longer than its case lasted
    assert holdings.due() == Forget(list(range(1, OBJECTS, 2)), list(range(2, OBJECTS + 1, 2)))
    assert holdings.due() is None


def test_a_few_small_ones_wait_and_a_heavy_one_does_not():
    holdings = Holdings()
    holdings.note(made(1), b"")
    holdings.end_case()
    assert holdings.due() is None
    holdings.note(made(2), bytes(BYTES))
    holdings.end_case()
    assert holdings.due() == Forget([1, 2], [])


def test_within_a_case_a_heavy_one_goes_when_nobody_has_it():
    holdings = Holdings()
    for number in (1, 2, 3):
        holdings.note(made(number), b"")
    holdings.dropped(1, is_graph=False)
    assert holdings.due() is None
    holdings.dropped(2, is_graph=False, nbytes=BYTES)
    assert holdings.due() == Forget([1, 2], [])
    holdings.note(made(4), bytes(BYTES))
    holdings.end_case()
    assert holdings.due() == Forget([3, 4], [])


def test_within_a_case_very_many_go_too():
    holdings = Holdings()
    for number in range(1, MANY + 2):
        assert holdings.due() is None
        holdings.note(made(number), b"")
        holdings.dropped(number, is_graph=False)

    assert holdings.due() == Forget(list(range(1, MANY + 2)), [])


def test_what_a_training_made_lives_as_long_as_somebody_has_it():
    holdings = Holdings()
    holdings.note(made(1), bytes(BYTES), lasting=True)
    holdings.note(made(2, graph=True), b"", lasting=True)
    holdings.end_case()
    assert holdings.due() is None
    holdings.dropped(2, is_graph=True)
    holdings.dropped(1, is_graph=False, nbytes=BYTES)
    assert holdings.due() == Forget([1], [2])


CHAINED = """
@check("Twice", title="handed on", points=2)
@given(x=draw.tensors(draw.sizes(1, 4)))
def test_handed_on(learner, reference, x):
    for _ in range(3):
        expect.close(learner.twice(learner.Twice()(x)), 4 * x)
"""
COUNTED = """
import weakref
living, seen, made = weakref.WeakSet(), [], Twice.__init__
def init(self):
    made(self)
    living.add(self)
Twice.__init__ = init
old = twice
def twice(x):
    seen.append(len(living))
    return old(x)
"""


@pytest.mark.parametrize("body", ["return x * 2", "return x * 2 if len(seen) % 50 else -(x * -2)"])
def test_what_lives_over_there_does_not_tell_whether_the_check_ran(body, tmp_path, monkeypatch):
    """A module that counts its living objects sees the same numbers, known or not, or known up to there."""
    exercise = tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=CHAINED)

    def numbers(text):
        learner = exercise.learner(text)
        run_checks(exercise.name, exercise.kinds, lambda _: learner)
        return learner.link.session.servant.module.seen

    text = module(body, extra=COUNTED)
    alone = numbers(text)
    exercise.run(module())

    assert numbers(text) == alone
    assert 3 < max(alone) < 40
