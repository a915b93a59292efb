"""Cases that passed before: whoever answers alike passes without the check, and nobody else is judged otherwise."""

from __future__ import annotations

import json

import pytest
from checker_kit import HEAD, tiny
from kit import ROOT, submission
from known_kit import SOLUTION, module

from grader import course
from grader.author.verify import of_exercise
from grader.checker import deck
from grader.checker.run import run_checks
from grader.errors import GraderFault
from grader.learner import Case, Exchange, InProcess, Kind, Known, Learner
from grader.learner.holdings import MANY
from grader.model import Verdict
from grader.pipeline import Grader, Wanted
from grader.report import record
from grader.worker.wire import Call, Reply

CHECKS = """
BODIES = []

@check("twice", title="values", points=2)
@given(x=draw.tensors(draw.sizes(1, 4)))
def test_values(learner, reference, x):
    BODIES.append("values")
    expect.close(learner.twice(x), reference.twice(x))

@check("Twice", title="trains", points=2)
@given(x=draw.tensors(draw.sizes(1, 4)))
def test_trains(learner, reference, x):
    BODIES.append("trains")
    module = learner.Twice()
    module(x).sum().backward()
    expect.close(module.scale.grad, x.sum())
    expect.close(learner.twice(x), reference.twice(x))
"""


@pytest.fixture
def exercise(tmp_path, monkeypatch):
    return tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=CHECKS)


def bodies(exercise):
    """How often a check's body has run since the last time."""
    from grader.checker.kept import check_module

    ran = check_module(exercise.checks, exercise.checks.stat().st_mtime_ns).BODIES
    count = len(ran)
    ran.clear()
    return count


def said(results, trials):
    talks = [
        [(e.request, bytes(e.body), e.reply and e.reply.value, bytes(e.answer)) for e in case.exchanges]
        for trial in trials.values()
        for case in trial.passed
    ]
    return [(r.verdict, r.message, r.counterexample) for r in results.values()], repr(talks)


def test_who_answers_alike_passes_without_the_check_and_leaves_the_same_record(exercise):
    first = said(*exercise.trials(module()))
    assert bodies(exercise) == 80
    again = said(*exercise.trials(module()))

    assert bodies(exercise) == 0
    assert again == first
    assert {verdict for verdict, _, _ in first[0]} == {Verdict.PASSED}


def test_who_answers_otherwise_is_judged_and_asked_nothing_twice(exercise):
    log = module("calls.append(x.shape)\nreturn x + x * 1.0000001".replace("\n", "\n    "))
    cold = exercise.learner(log)
    expected, _ = run_checks(exercise.name, exercise.kinds, lambda _: cold)
    deck._decks.clear()
    exercise.run(module())
    bodies(exercise)
    warm = exercise.learner(log)
    found, _ = run_checks(exercise.name, exercise.kinds, lambda _: warm)

    assert [r.verdict for r in found] == [r.verdict for r in expected]
    assert warm.link.session.servant.module.calls == cold.link.session.servant.module.calls
    assert bodies(exercise) >= 40


WRONG = [
    module("return x * 2 + (x.shape[-1] == 3)"),
    module("return -(x * -2)"),  # a zero of another sign: right, and not the same bytes
    module("return (x * 2).double()"),
    module("return x * 2 if x.shape[0] < 4 else 1 / 0"),
    module("calls.append(1)\n    return x * (2 if len(calls) % 30 else 5)"),
    module(scale="3.0"),
    module(scale="2.0, requires_grad=False"),
    module(extra="del Twice"),
    "raise ValueError",
]


@pytest.mark.parametrize("text", WRONG)
def test_a_memory_changes_nothing_about_what_is_found(text, exercise):
    """A module with state sees the same calls in the same order, so what it answers is the same too."""
    deck._decks.clear()
    cold = said(*exercise.trials(text))
    deck._decks.clear()
    for before in (module(), module("return x + x"), module("return -(x * -2)")):
        exercise.trials(before)

    assert said(*exercise.trials(text)) == cold


def test_equal_is_not_the_same():
    def exchange(value):
        return Exchange(Call("f", [value], {}), b"", None, b"")

    for one, other in ((0.0, -0.0), (1, True), (1, 1.0), (1.0, True)):
        assert one == other
        assert not exchange(one).asks(Call("f", [other], {}), b"")
        assert exchange(one).asks(Call("f", [one], {}), b"")
    assert not exchange(1).asks(Call("f", [1], {}), b"x")


@pytest.mark.parametrize(("right", "other"), [("0.0", "-0.0"), ("1", "True"), ("1", "1.0")])
def test_an_answer_that_is_equal_and_not_the_same_is_judged(right, other, tmp_path, monkeypatch):
    checks = """
import math
@check("one", title="exactly", points=1)
def test_exactly(learner):
    got = learner.one()
    expect.equal((type(got).__name__, math.copysign(1, got)), WANTED)
"""
    import math

    wanted = (type(eval(right)).__name__, math.copysign(1, eval(right)))
    solution = f"def one():\n    '''A number.'''\n    return {right}\n"
    made = tiny(tmp_path, monkeypatch, solution=solution, checks=checks, head=f"{HEAD}\nWANTED = {wanted!r}\n")

    assert made.run(f"def one(): return {right}")["exactly"].verdict is Verdict.PASSED
    assert made.run(f"def one(): return {other}")["exactly"].verdict is Verdict.WRONG
    assert made.run(f"def one(): return {right}")["exactly"].verdict is Verdict.PASSED


def test_a_check_that_asks_otherwise_for_the_same_answers_is_our_fault(tmp_path, monkeypatch):
    checks = """
TURNS = []
@check("twice", title="moody", points=1)
def test_moody(learner):
    TURNS.append(1)
    learner.twice(torch.full((2,), float(len(TURNS))))
    learner.twice(torch.ones(3))
"""
    made = tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=checks)
    assert made.run(module())["moody"].verdict is Verdict.PASSED

    found = made.run(module("return x * 3"))["moody"]
    assert found.verdict is Verdict.FAULT
    assert "asks otherwise" in found.message


def test_memories_have_room_for_little(exercise, monkeypatch):
    deck._decks.clear()
    monkeypatch.setattr(deck, "KNOWN_BYTES", 200)
    exercise.run(module())
    bodies(exercise)
    exercise.run(module())

    assert 0 < bodies(exercise) < 80
    kept = [known for found in deck._decks.values() for memory in found._memories.values() for known in memory.known]
    assert sum(known.case.size for known in kept) <= 2 * 200


def test_a_very_long_case_is_never_taken_for_known():
    """What is made in it may have been let go of on the way."""
    said = Exchange(Call("f", [], {}), b"", Reply(1), b"")

    assert Known.of(Case([said] * MANY), 0, 1) is not None
    assert Known.of(Case([said] * (MANY + 1)), 0, 1) is None


def test_a_training_is_never_taken_for_known():
    learner = Learner(InProcess.from_source("m", "def f(x):\n    return abs", "m.py"), {"f": Kind.TRAINER})
    learner.link.case = Case()

    with pytest.raises(GraderFault, match="tasks that train"):
        learner.remembered("key", lambda: learner.f(1))
    learner.link.unrecorded = True
    assert learner.remembered("key", lambda: learner.f(1)) is not None
    assert learner.link.case.exchanges == []


@pytest.mark.parametrize("name", ["ex03_output_size", "ex05_pool"])
def test_the_course_finds_the_same_with_and_without_a_memory(name):
    """Right ones in several styles first, then known mistakes: each as if it were alone."""
    known = course.load()
    grader = Grader(known, None)
    source = known.source_file(name).read_text("utf-8")
    right = [file.read_text("utf-8") for file in sorted((ROOT / "tests" / "right" / name).glob("*.py"))[:2]]
    first = of_exercise(name)[0].task
    wrong = [f"{source}\n_right = {first}\ndef {first}(*a, **k):\n    calls.append(1)\n"
             f"    if len(calls) == 7: raise KeyError('7')\n    return _right(*a, **k)\ncalls = []\n"]  # fmt: skip
    wanted = Wanted({name: frozenset(known.exercise(name).kinds) & {first, *list(known.exercise(name).kinds)[:2]}})

    def graded(text: str) -> str:
        found = json.loads(record.render(grader.grade(submission({name: text}), wanted=wanted)))
        for task in found["exercises"][0]["tasks"]:
            for check in task["checks"]:
                check.pop("duration_s")
        return json.dumps(found, indent=1)

    alone = []
    for text in (*right, *wrong, source):
        deck._decks.clear()
        alone.append(graded(text))
    graded(source)

    assert [graded(text) for text in (*right, *wrong, source)] == alone
