"""What a worker holds for us: let go of case by case, large objects sooner, trained ones when nobody has them."""

from __future__ import annotations

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
