"""What the checks of a training task share: one training for all, the best of some seeds, points by the figure."""

from __future__ import annotations

import pytest
import torch
from wall_kit import closing_sessions, fake, learner_of

from grader.checker.compare import Mismatch
from grader.errors import LearnerTimedOut
from grader.learner import Kind
from grader.measure import predictions, trained
from grader.measure.trained import Figure, first_that_answers, train

SOURCE = """
    import torch
    from torch import nn

    calls = []

    class Model(nn.Module):
        def __init__(self, seed, way):
            super().__init__()
            self.seed, self.way = seed, way
        def forward(self, x):
            x = x.flatten(1)
            one = len(x) == 1
            match self.way:
                case "batch":
                    return x - x.mean(0)
                case "spread":
                    return x / (x - x.mean(0)).abs().sum(0)
                case "squeeze":
                    return x.squeeze(0)
                case "nothing" if one:
                    return None
                case "wider":
                    return x.expand(len(x), 3) if one else x[:, :2]
            return x * self.seed

    def f(x, boxes, way, seed):
        calls.append(seed)
        if way == "touch":
            boxes[0] += 1
        model = Model(seed, way)
        return model.train(way == "train") if way != "function" else lambda x: x
"""
X, BOXES = torch.arange(12.0).reshape(4, 1, 3) / 10, [torch.zeros(1, 4)]


@pytest.fixture
def learner():
    for close in closing_sessions():
        made = learner_of(close(fake(SOURCE)), f=Kind.TRAINER)
        made.link.unrecorded = True  # as in a check of a task that trains
        yield made


def made(learner, way="plain", seed=1):
    return train(learner, "f", seed, X, BOXES, way)


def calls(learner):
    return learner.link.session.servant.module.calls


def test_a_seed_is_trained_once(learner):
    assert made(learner) is made(learner)
    made(learner, seed=2)
    assert calls(learner) == [1, 2]


def test_a_quiet_model_passes_everything(learner):
    model = made(learner)
    model.expect_eval()
    model.expect_untouched()
    model.expect_alone(X)
    assert [(len(got), len(part)) for got, part in model.asked(X, 3)] == [(3, 3), (1, 1)]


def test_a_function_has_no_mode(learner):
    made(learner, "function").expect_eval()


@pytest.mark.parametrize(
    ("way", "ask", "says"),
    [
        ("train", lambda model: model.expect_eval(), trained.NOT_EVAL),
        ("touch", lambda model: model.expect_untouched(), trained.TOUCHED),
        ("batch", lambda model: model.expect_alone(X), trained.NOT_ALONE),
    ],
)
def test_each_carelessness_is_named(learner, way, ask, says):
    with pytest.raises(Mismatch) as error:
        ask(made(learner, way))
    assert str(error.value) == says


@pytest.mark.parametrize(
    ("way", "says"),
    [
        ("squeeze", f"asked about one picture alone: .* the model gave \\(3,\\)\\. {predictions.SQUEEZED}"),
        ("nothing", "asked about one picture alone: the model should give one tensor of logits; it gave None"),
        ("wider", "asked about one picture alone: logits should have the shape"),
        ("spread", "^what the model says of a picture depends on the other pictures"),
    ],
)
def test_whatever_is_answered_about_one_picture_is_a_sentence_and_no_fault_of_ours(learner, way, says):
    with pytest.raises(Mismatch, match=says):
        made(learner, way).expect_alone(X)


def figure(*values, full=0.9, none=0.5):
    """Of three seeds, with these figures; a string is a Mismatch of that kind, an exception is raised."""

    def of_seed(learner, seed):
        learner.asked.append(seed)
        if isinstance(values[seed], Exception):
            raise values[seed]
        if isinstance(values[seed], str):
            raise Mismatch(values[seed], "it went wrong")
        return values[seed]

    return Figure("the figure", full, none, (0, 1, 2), of_seed)


class Remembering:
    """A learner of which only the memory is needed."""

    def __init__(self):
        self.asked, self.kept = [], {}

    def remembered(self, key, make):
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]


@pytest.mark.parametrize(
    ("values", "best", "asked"),
    [
        ((0.95, 0.0, 0.0), (0.95, 0), [0]),
        ((0.9, 0.0, 0.0), (0.9, 0), [0]),
        ((0.3, 0.92, 0.0), (0.92, 1), [0, 1]),
        ((0.6, 0.8, 0.7), (0.8, 1), [0, 1, 2]),
        (("nan", 0.7, "nan"), (0.7, 1), [0, 1, 2]),
    ],
)
def test_further_seeds_are_tried_where_one_is_not_enough_and_the_best_counts(values, best, asked):
    learner, measured = Remembering(), figure(*values)
    assert measured.best(learner) == best
    assert measured.best(learner) == best
    assert learner.asked == asked, "and each is measured once"


def test_a_wrong_shape_is_no_bad_luck():
    with pytest.raises(Mismatch, match="it went wrong"):
        figure("shape", 0.95, 0.95).best(Remembering())


def test_below_the_threshold_a_share_and_a_sentence():
    with pytest.raises(Mismatch, match=r"the figure is 0\.800; .*\. It squints$") as error:
        figure(0.6, 0.8, 0.7).expect_reached(Remembering(), lambda seed: "It squints" if seed == 1 else None)
    assert error.value.share == pytest.approx(0.75)
    with pytest.raises(Mismatch, match=r"none at 0\.5 or below$"):
        figure(0.6, 0.6, 0.6).expect_reached(Remembering(), lambda seed: None)
    figure(0.6, 0.91, 0.7).expect_reached(Remembering(), lambda seed: pytest.fail("nothing to explain"))


LATE = LearnerTimedOut("no answer within 120 seconds")


def test_a_further_training_that_fails_takes_nothing_of_what_was_reached_before():
    with pytest.raises(Mismatch) as error:
        figure(0.8, LATE).expect_reached(Remembering(), lambda seed: pytest.fail("its model is gone"))
    assert error.value.share == pytest.approx(0.75)
    assert f"{trained.AGAIN}: no answer within 120 seconds" in str(error.value)
    assert figure(0.8, LATE).expect_something(Remembering()) == 0
    figure(0.8, 0.91, LATE).expect_reached(Remembering(), lambda seed: None)


def test_a_first_training_that_fails_is_the_end():
    with pytest.raises(LearnerTimedOut):
        figure(LATE, 0.95).best(Remembering())


def test_what_has_learnt_nothing_is_asked_nothing_more():
    assert figure(0.51, 0.4, 0.5).expect_something(Remembering()) == 0
    with pytest.raises(Mismatch, match=r"0\.500.*above 0\.5 on: before that the model has learnt too little"):
        figure(0.5, 0.4, 0.5).expect_something(Remembering())


def test_one_seed_that_diverges_is_bad_luck_and_three_are_not():
    def asking(*kinds):
        def ask(seed):
            if kinds[seed]:
                raise Mismatch(kinds[seed], f"seed {seed}")

        return ask

    first_that_answers((0, 1, 2), asking("nan", "nan", None))
    with pytest.raises(Mismatch, match="seed 2"):
        first_that_answers((0, 1, 2), asking("nan", "nan", "nan"))
    with pytest.raises(Mismatch, match="seed 0"):
        first_that_answers((0, 1, 2), asking("shape", None, None))
