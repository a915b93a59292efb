"""Tasks that train a model: what comes back stays over there, is measured from its answers, and has its own time."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from checker_kit import tiny
from wall_kit import HASTY, LIMITS, closing_sessions, fake, learner_of, wall

from grader.errors import LearnerRaised, LearnerTimedOut
from grader.learner import Kind, TimeLimits
from grader.model import Verdict
from grader.worker.losses import Listener, listening
from grader.worker.wire import LOSSES_CAP, Losses, Reply, WireError, frame, lengths, read_reply

TRAINS = """
    import torch
    from torch import nn

    def f(x, y, steps, seed=0):
        torch.manual_seed(seed)
        model = nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(steps):
            optimizer.zero_grad()
            loss = ((model(x) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
        return model.eval()

    def g(x):
        return lambda images: [image.sum() for image in images]

    def h(x):
        return {"None": None, "list": [1], "int": 7}[x]
"""
KINDS = {"f": Kind.TRAINER, "g": Kind.TRAINER, "h": Kind.TRAINER}
X = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, 0.25]])
Y = X.sum(1, keepdim=True)


@pytest.fixture
def close():
    yield from closing_sessions()


@pytest.fixture(params=[fake, wall], ids=["fake", "wall"])
def learner(request, close):
    return learner_of(close(request.param(TRAINS)), **KINDS)


def test_a_trained_module_is_a_module_and_its_losses_were_heard(learner):
    model = learner.f(X, Y, 200, seed=3)

    with torch.no_grad():
        assert torch.allclose(model(X), Y, atol=0.2)
    assert not model.training
    (trained,) = learner.link.trained
    assert trained.call == "f(…, …, 200, seed=3)"
    assert len(trained.losses.values) * trained.losses.stride == 200
    assert trained.losses.values[0] > 10 * trained.losses.values[-1] > 0


def test_a_function_that_is_returned_can_be_called_over_there(learner):
    predict = learner.g(X)

    assert [value.item() for value in predict(X)] == [1.0, 1.0, 2.0, 0.75]
    assert learner.link.trained[0].losses is None


@pytest.mark.parametrize(("what", "words"), [("None", "None"), ("list", "a list"), ("int", "an int")])
def test_what_nobody_can_call_is_no_model(learner, what, words):
    with pytest.raises(LearnerRaised, match=f"h has to return the trained model; it returned {words}"):
        learner.h(what)


def test_two_seeds_are_two_models_and_one_seed_is_one(learner):
    with torch.no_grad():
        one, same, other = (learner.f(X, Y, 3, seed=seed)(X) for seed in (1, 1, 2))

    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_model_is_remembered_while_its_worker_lives(close):
    learner = learner_of(close(wall(TRAINS)), **KINDS)
    learner.link.unrecorded = True
    made = []

    def make():
        made.append(learner.f(X, Y, 1))
        return made[-1]

    assert learner.remembered("a", make) is learner.remembered("a", make)
    learner.link.session.close()  # as after a crash
    learner.f(X, Y, 1)
    assert learner.remembered("a", make) is made[1]


def test_a_task_that_trains_has_seconds_of_its_own(close):
    source = "import time\n\ndef f(seconds):\n    time.sleep(seconds)\n    return abs"
    session = close(wall(source, times=HASTY))
    learner = learner_of(session, f=Kind.TRAINER)
    session.patient_for = 20.0
    assert learner.f(1.0)(-2) == 2

    session.patient_for = None
    with pytest.raises(LearnerTimedOut, match=r"no answer within .* seconds\. One core has to do it in that time"):
        learner.f(1.0)
    with pytest.raises(LearnerTimedOut, match="has taken too long before"):
        learner.f(1.0)
    assert [trained.limit for trained in learner.link.trained] == [20.0, math.inf, math.inf]


def test_a_module_that_takes_too_long_to_load_is_told_nothing_of_epochs(close):
    learner = learner_of(close(wall("import time\ntime.sleep(9)", times=TimeLimits(load=0.5))), f=Kind.TRAINER)
    with pytest.raises(LearnerTimedOut, match=r"while your module was being loaded: no answer within \S+ seconds$"):
        learner.f(1.0)


def test_the_memory_that_a_training_took_is_counted_from_outside(close):
    source = "import torch\n\ndef f(megabytes):\n    x = torch.ones(megabytes * 2**18)\n    return abs\n"
    learner = learner_of(close(wall(source)), f=Kind.TRAINER)
    learner.f(10)
    learner.f(200)

    (few, limit), (many, _) = (trained.memory for trained in learner.link.trained)
    assert 200 * 2**20 <= many < 300 * 2**20
    assert few < 150 * 2**20
    assert limit == LIMITS.memory_bytes


def test_losses_of_a_training_that_fails_are_told_too(learner):
    with pytest.raises(LearnerRaised):
        learner.f(X, Y[:3].expand(3, 5), 5)  # shapes that do not fit
    assert learner.link.trained[-1].losses is None
    model = learner.f(X * 1e30, Y, 8)  # it diverges
    assert model is not None
    assert not math.isfinite(learner.link.trained[-1].losses.values[-1])


def test_losses_are_thinned_out_by_means():
    listener = Listener()
    for number in range(10 * LOSSES_CAP):
        listener.hear(float(number))

    values = listener.heard.values
    assert LOSSES_CAP / 2 <= len(values) < LOSSES_CAP
    assert listener.stride == 16
    assert values[:2] == [7.5, 23.5]  # 0 to 15, 16 to 31


def test_nothing_is_heard_where_nobody_listens_and_afterwards_all_is_as_before():
    backward = torch.autograd.backward
    with listening(True) as heard:
        torch.ones(1, requires_grad=True).sum().backward()
    with listening(False) as deaf:
        torch.ones(1, requires_grad=True).sum().backward()

    assert heard.heard == Losses([1.0], 1)
    assert deaf.heard is None
    assert torch.autograd.backward is backward


@pytest.mark.parametrize("losses", [Losses([0.0] * (LOSSES_CAP + 1), 1), Losses([1.0], 0), Losses([1.0], 2**60)])
def test_a_curve_that_our_side_would_not_send_is_no_answer(losses):
    sent = frame(Reply(1, losses=losses), b"")
    head, _ = lengths(sent[:16])

    with pytest.raises(WireError, match="training curve"):
        read_reply(sent[16 : 16 + head])


CHECKS = """
X = torch.arange(8.0).reshape(4, 2)

def model(learner):
    return learner.remembered("model", lambda: learner.train(X, seed=5))

@check("train", title="gives what can be asked", points=1)
def test_shape(learner):
    expect.equal(model(learner)(X).shape[0], 4)

@check("train", title="is good enough", points=4)
def test_good(learner):
    with torch.no_grad():
        expect.reaches("the mean", model(learner)(X).mean().item(), full=1.0, none=0.0)
"""
SOLUTION = """
calls = []

class Constant(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = nn.Parameter(torch.full((1,), value))
    def forward(self, x):
        return self.value.expand(len(x))

def train(x, seed):
    '''Trains.'''
    calls.append(seed)
    model = Constant(1.5)
    model.value.sum().backward()
    return model
"""


@pytest.fixture
def exercise(tmp_path, monkeypatch):
    made = tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=CHECKS)
    return replace(made, kinds={"train": "trainer"})


def source(value):
    return "import torch\nfrom torch import nn\n" + SOLUTION.replace("1.5", value)


def test_one_training_serves_all_checks_and_is_told_where_it_was_asked_for(exercise):
    found = exercise.run(source("1.5"))

    assert {result.verdict for result in found.values()} == {Verdict.PASSED}
    (training,) = found["shape"].trainings
    assert training.call == "train(…, seed=5)"
    assert training.losses == (1.5,)
    assert found["good"].trainings == ()


def test_a_half_good_model_earns_half_and_is_not_trained_again(exercise):
    from grader.checker import run

    learner = exercise.learner(source("0.5"))
    results, trials = run.run_checks(exercise.name, exercise.kinds, lambda _: learner)
    found = {result.spec.name: result for result in results}

    assert found["good"].verdict is Verdict.WRONG
    assert found["good"].score == 2.0
    assert found["good"].counterexample is None
    assert trials == {}, "nothing is replayed on known mistakes"
    assert learner.link.session.servant.module.calls == [5]


def test_an_answer_that_a_check_trips_over_is_wrong_and_no_fault_of_ours(exercise):
    """The reference is trained to tell whose fault it is."""
    found = exercise.run(source("1.5").replace("self.value.expand(len(x))", "None"))

    assert found["shape"].verdict is Verdict.WRONG
    assert "the check could not go on with your answer" in found["shape"].message
