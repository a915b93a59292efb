"""One mistake costs once: what builds on a wrong task is graded with a right one in its place, across the wall."""

from __future__ import annotations

import pytest
import torch
from kit import grade, solution, task
from wall_kit import LIMITS, PATIENT, closing_sessions, learner_of, shared_zygote

from grader import course
from grader.errors import LearnerDied
from grader.learner import Kind, Oracle, WorkerSession
from grader.pipeline import Grader
from grader.worker.wire import Load

remembered = pytest.fixture(closing_sessions)


def with_wrong(exercise: str, **bodies: str) -> str:
    """The solution of an exercise, some functions of it overwritten below: calls look them up when they run."""
    wrong = "\n".join(f"def {name}(*args, **kwargs):\n    {body}\n" for name, body in bodies.items())
    return f"{solution(exercise)}\n\n{wrong}"


@pytest.mark.parametrize(
    ("exercise", "bodies", "lost"),
    [
        ("ex02_filters", {"cross_correlate2d": "return args[0] * 0"}, {"cross_correlate2d"}),
        ("ex04_conv", {"conv2d": "raise NotImplementedError"}, {"conv2d"}),
        ("ex04_conv", {"conv2d": "return torch.nn.functional.conv2d(*args, **kwargs)"}, {"conv2d"}),
        ("ex05_pool", {"max_pool2d": "return args[0] * 2", "avg_pool2d": "return 1"}, {"max_pool2d", "avg_pool2d"}),
        ("ex07_backprop", {"conv2d_grad_weight": "return args[0].sum()"}, {"conv2d_grad_weight"}),
        ("ex11_yolo", {"nms": "return torch.arange(len(args[0]))"}, {"nms"}),
    ],
    ids=["ex02", "todo", "refused", "two", "autograd", "nms"],
)
def test_a_mistake_costs_its_own_task_alone(exercise, bodies, lost, grader):
    building = {t.name for t in course.load().exercise(exercise).tasks if set(t.uses) & lost}
    report = grade(grader, exercise, with_wrong(exercise, **bodies), frozenset(lost | building))

    assert {t.name for t in report.exercises[0].tasks if t.score < t.max_score} == lost
    thanked = {t.name for t in report.exercises[0].tasks if (t.diagnosis or "").startswith("Graded with a right ")}
    assert thanked
    assert thanked <= building


def test_an_own_mistake_costs_all_the_same(grader):
    text = f"{solution('ex11_yolo')}\n\ndef nms(boxes, scores, iou_threshold):\n    return torch.arange(len(boxes))\n"
    text += "\n\ndef batched_nms(boxes, scores, labels, iou_threshold):\n    return nms(boxes, scores, iou_threshold)\n"

    found = task(grade(grader, "ex11_yolo", text, frozenset({"batched_nms"})), "batched_nms")

    assert 0 < found.score < found.max_score
    assert found.diagnosis.startswith(
        "Graded with a right nms in place of yours: the mistake there costs points once. "
    )


def test_a_task_alone_is_graded_as_with_the_others(grader):
    text = with_wrong("ex11_yolo", nms="return torch.arange(len(args[0]))")

    alone = task(grade(grader, "ex11_yolo", text, frozenset({"batched_nms"})), "batched_nms")

    assert alone.score == alone.max_score


def test_a_stub_is_todo_and_costs_no_second_look(grader, monkeypatch):
    monkeypatch.setattr(Grader, "_oracle", lambda *_: pytest.fail("asked for help"))
    text = f"{solution('ex11_yolo')}\n\ndef nms(*args):\n    raise NotImplementedError\n"
    text += "\ndef batched_nms(*args):\n    raise NotImplementedError\n"

    report = grade(grader, "ex11_yolo", text, frozenset({"nms", "batched_nms"}))

    assert [t.status for t in report.exercises[0].tasks] == ["todo", "todo"]


def test_what_builds_on_a_wrong_class_waits_for_it(grader):
    text = solution("ex09_inception").replace("class Inception(", "class RightInception(", 1)
    text = text.replace(
        "class GoogLeNetStage3(",
        "class Inception(RightInception):\n    def forward(self, x):\n        return super().forward(x) * 2\n\n\n"
        "class GoogLeNetStage3(",
    ).replace("super().__init__()", "nn.Module.__init__(self)")

    found = task(grade(grader, "ex09_inception", text, frozenset({"Inception", "GoogLeNetStage3"})), "GoogLeNetStage3")

    held = [result for result in found.checks if result.verdict == "not_run"]
    assert held
    assert {result.message for result in held} == {"first make Inception right: this builds on it"}
    assert not [result for result in found.checks if result.verdict in ("wrong", "raised")]


# Hostile code that speaks the wire's own language: the worker's functions are objects in its process.
ASKING = """
import sys
life = next(m for m in list(sys.modules.values()) if "CHANNEL" in getattr(m, "__dict__", ()))
asking, Call = life._ask, life.Call
"""
RIGHT = """
import torch
SECRET = 'the right way'
def g(x, scale=2.0, *, fail=False):
    if fail:
        raise ValueError(f"scale must not be {scale}")
    return {"y": [x * scale, x.shape[0]]}
def h(x):
    return x
"""


@pytest.fixture
def helped(remembered):
    """A learner whose `g` is answered by the right one."""

    def make(source: str, names=("g",)):
        oracle = Oracle(remembered(WorkerSession(shared_zygote(), Load("m", "m.py", RIGHT), LIMITS, PATIENT)), names)
        load = Load("m", "m.py", source, ("g",))
        return learner_of(
            remembered(WorkerSession(shared_zygote(), load, LIMITS, PATIENT, oracle=oracle)), f=Kind.FUNCTION
        )

    return make


def test_a_helper_answers_with_values_errors_and_gradients(helped):
    learner = helped(
        "import torch\n"
        "def g(x): return 'wrong'\n"
        "def f(x):\n"
        "    try:\n        g(x, 7.0, fail=True)\n    except ValueError as error:\n        said = str(error)\n"
        "    y = g(x * x, scale=3.0)['y']\n"
        "    return said, y[1], y[0] + g(x)['y'][0]\n"
    )
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)

    said, count, y = learner.f(x)
    y.backward(torch.tensor([1.0, 10.0], dtype=torch.float64))

    assert (said, count) == ("scale must not be 7.0", 2)
    assert torch.equal(y.detach(), torch.tensor([5.0, 16.0], dtype=torch.float64))
    assert torch.equal(x.grad, torch.tensor([8.0, 140.0], dtype=torch.float64))


def test_nothing_of_the_right_version_is_in_the_learners_process(helped):
    learner = helped(
        "import gc, inspect, sys\n"
        "def g(x): return x\n"
        "def f(x):\n"
        "    g(x)\n"
        "    texts = [t for t in gc.get_objects() if type(t) is str] + list(vars(sys.modules['m']))\n"
        "    return [inspect.getsource(g), 'SECRET' in texts, any('right ' + 'way' in t for t in texts if len(t) < 99)]"
    )

    source, *found = learner.f(torch.ones(1))

    assert "scale" not in source
    assert found == [False, False]


@pytest.mark.parametrize(
    "question",
    [
        "Call('h', [1], {})",
        "Call('SECRET.upper', [], {})",
        "Call('g', [1], {}, on=1)",
        "Call('g', [1], {}, keep=1)",
        "Call('model', ['ReLU()'], {}, ours=True)",
    ],
)
def test_only_a_helper_is_answered(helped, question):
    source = f"{ASKING}def g(x): return x\ndef f(x): return asking({question}, b'')\n"
    learner = helped(source)

    with pytest.raises(LearnerDied, match="disturbed the channel"):
        learner.f(1)


def test_a_question_that_nobody_offered_to_answer_ends_the_worker(remembered):
    source = f"{ASKING}def f(x): return asking(Call('g', [1], {{}}), b'')\n"
    session = remembered(WorkerSession(shared_zygote(), Load("m", "m.py", source), LIMITS, PATIENT))

    with pytest.raises(LearnerDied, match="disturbed the channel"):
        learner_of(session).f(1)
