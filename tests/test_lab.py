"""Models and optimizers of ours, here and over there: the same weights, handed to a learner's function."""

from __future__ import annotations

import pytest
import torch
from checker_kit import tiny
from torch import nn
from torch.nn import functional as F
from wall_kit import closing_sessions, fake, learner_of, wall

from grader.checker import lab
from grader.errors import LearnerRaised
from grader.learner import Kind
from grader.model import Verdict
from grader.worker import lab as layers

LAYERS = ("Conv2d(1, 2, 3)", "BatchNorm2d(2)", "ReLU(inplace=True)", "Probe()", "Flatten()", "Linear(8, 3)")
SOURCE = """
import torch
from torch.nn import functional as F

def score(model, images):
    model.eval()
    with torch.no_grad():
        return model(images).argmax(1)

def step(model, images, labels, optimizer):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()

def leaves_it_off(model, fail):
    torch.set_grad_enabled(False)
    if fail:
        raise RuntimeError

def kind(thing):
    return type(thing).__name__
"""
KINDS = dict.fromkeys(("score", "step", "kind", "leaves_it_off"), Kind.FUNCTION)
remembered = pytest.fixture(closing_sessions)


@pytest.fixture(params=[fake, wall], ids=["fake", "wall"])
def learner(request, remembered):
    return learner_of(remembered(request.param(SOURCE)), **KINDS)


def images(count=4):
    return torch.linspace(-1, 1, count * 16).reshape(count, 1, 4, 4)


def test_both_sides_build_the_same_model(learner):
    theirs, ours = learner.lab.model(*LAYERS, seed=3), lab.model(*LAYERS, seed=3)

    assert list(theirs.state_dict()) == list(ours.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(theirs.state_dict().values(), ours.state_dict().values(), strict=True))
    assert torch.equal(theirs(images()), ours(images()))


def test_a_learners_function_uses_it_and_what_it_changed_is_told(learner):
    model = learner.lab.model(*LAYERS)

    assert learner.score(model, images()).shape == (4,)
    assert learner.lab.seen(model) == [(False, False, 4)]
    assert set(learner.lab.modes(model).values()) == {False}
    learner.lab.set_modes(model, {"": True, "1": False})
    assert learner.lab.modes(model) == {"": True, "1": False} | dict.fromkeys("02345", False)


def test_an_optimizer_crosses_and_steps(learner):
    model, ours = learner.lab.model(*LAYERS), lab.model(*LAYERS)
    optimizer, local = learner.lab.sgd(model, 0.1, momentum=0.9), lab.sgd(ours, 0.1, momentum=0.9)
    labels = torch.tensor([0, 1, 2, 0])

    assert learner.kind(optimizer) == "SGD"
    for _ in range(2):
        loss = learner.step(model, images(), labels, optimizer)
        local.zero_grad()
        expected = F.cross_entropy(ours(images()), labels)
        expected.backward()
        local.step()
        assert loss == pytest.approx(expected.item(), abs=1e-6)
    for name, value in ours.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value)
    for name, value in ours.named_parameters():
        torch.testing.assert_close(dict(model.named_parameters())[name], value)


def test_gradients_flags_and_hooks_are_set_and_read(learner):
    model = learner.lab.model("Conv2d(1, 1, 3)", "Flatten()")

    learner.lab.set_trainable(model, {"0.bias": False})
    learner.lab.set_grads(model, {"0.weight": torch.full((1, 1, 3, 3), 2.0), "0.bias": None})
    learner.lab.add_hook(model, "0")
    learner.score(model, images(1))

    assert learner.lab.trainable(model) == {"0.weight": True, "0.bias": False}
    assert torch.equal(learner.lab.grads(model)["0.weight"], torch.full((1, 1, 3, 3), 2.0))
    assert learner.lab.grads(model)["0.bias"] is None
    assert learner.lab.hooks(model) == {"": 0, "0": 1, "1": 0}
    assert learner.lab.hooked(model, "0") == 1


def test_gradients_left_off_are_told(learner):
    model = learner.lab.model("Flatten()")

    learner.score(model, images(1))
    assert learner.lab.grad_left()
    learner.leaves_it_off(model, False)
    assert not learner.lab.grad_left()
    learner.score(model, images(1))
    assert learner.lab.grad_left()
    with pytest.raises(LearnerRaised):
        learner.leaves_it_off(model, True)
    assert not learner.lab.grad_left()
    assert torch.is_grad_enabled()


def test_a_model_that_fails_raises_over_there(learner):
    model = learner.lab.model("Fails(call=2)", "Flatten()")

    learner.score(model, images(1))
    with pytest.raises(LearnerRaised, match="made to fail"):
        learner.score(model, images(1))
    learner.score(model, images(1))


def test_the_layers_do_what_they_say():
    x = images(2)

    assert torch.equal(layers.layer("Unused(Conv2d(1, 1, 3))")(x), x)
    assert torch.equal(layers.layer("Residual(ReLU(), Flatten(0), Unflatten(0, (2, 1, 4, 4)))")(x), x + x.relu())
    assert torch.equal(layers.layer("Twice(Softplus())")(x), F.softplus(F.softplus(x)))
    assert isinstance(layers.layer("OwnConv2d(1, 2, 3)"), nn.Conv2d)
    assert [name for name, _ in lab.model("ReLU()", head="Flatten()").named_children()] == ["0", "head"]


def test_values_differ_from_what_a_layer_starts_with_and_move_no_random_numbers():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    model = lab.model("BatchNorm2d(3)", dtype="float64")

    assert torch.equal(torch.get_rng_state(), before)
    assert model.state_dict()["0.weight"].dtype is torch.float64
    for name in ("0.weight", "0.running_var"):
        assert (model.state_dict()[name] != 1).all()
        assert (model.state_dict()[name] > 0).all()
    assert (model.state_dict()["0.running_mean"] != 0).all()


@pytest.mark.parametrize("text", ["Conv2d(", "print()", "functional", "3", "Conv2d", "__import__('os')"])
def test_a_text_that_names_no_layer_is_refused(text):
    with pytest.raises(ValueError, match="layer"):
        layers.layer(text)


TRAINING = """
@check("score", title="Scores", points=1)
def test_score(learner, reference):
    model = learner.lab.model("Flatten()", "Linear(4, 3)")
    learner.lab.set_modes(model, {"1": False})
    optimizer = learner.lab.sgd(model, 0.5)
    x = torch.ones(1, 1, 2, 2)
    got = learner.score(model, optimizer, x)
    expect.equal(learner.lab.modes(model), {"": True, "0": True, "1": True})
    expect.close(got, torch.zeros(1))
"""


def test_a_counterexample_builds_the_model_again(tmp_path, monkeypatch):
    exercise = tiny(tmp_path, monkeypatch, solution="def score(model, optimizer, x):\n    return x", checks=TRAINING)

    result = exercise.run("def score(model, optimizer, x):\n    model.train()\n    return x")["score"]

    assert result.verdict is Verdict.WRONG
    assert result.counterexample.call == "score(model, optimizer, x)"
    assert result.counterexample.snippet.splitlines() == [
        "import torch",
        f"from {exercise.name} import score",
        "from grader.checker import lab",
        "",
        "x = torch.tensor([[[[1.0, 1.0], [1.0, 1.0]]]], dtype=torch.float32)",
        "model = lab.model('Flatten()', 'Linear(4, 3)')",
        "lab.set_modes(model, {'1': False})",
        "optimizer = lab.sgd(model, 0.5)",
        "print(score(model, optimizer, x))",
    ]
