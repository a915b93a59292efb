"""What the checks of a task that trains share: one training for all of them, a few seeds, a figure and its points."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grader.checker import expect
from grader.checker.compare import Mismatch
from grader.checker.describe import described
from grader.errors import LearnerFault
from grader.learner import Learner

from . import predictions

BATCH = 50  # pictures a question
TOLERANCE = 1e-3  # of the largest logit: a batch of another size is rounded in another way
DIVERGED = "nan"  # the kind of mismatch that one unlucky seed may be the reason of

NOT_EVAL = (
    "the model is still in train mode: BatchNorm then looks at the other pictures of the batch, and dropout throws "
    "parts away. Return model.eval()"
)
TOUCHED = "the training set was changed on the way: work on copies, the caller still needs it"
NOT_ALONE = (
    "what the model says of a picture depends on the other pictures of the batch (BatchNorm in train mode does that, "
    "or statistics taken over the batch): a picture has to get the same answer alone"
)

AGAIN = "Your function was called again with another seed, since the best counts, and that ended early"


@dataclass(frozen=True, slots=True)
class Trained:
    """A learner's model, and whether the training set was left as it was."""

    model: Any
    untouched: bool

    def asked(self, images: Tensor, size: int = BATCH) -> list[tuple[Any, Tensor]]:
        """What it answers to every `size` pictures, and these pictures."""
        with torch.no_grad():
            return [(self.model(part), part) for part in torch.split(images, size)]

    def expect_eval(self) -> None:
        """A function has no mode."""
        expect.that(getattr(self.model, "training", False) is False, NOT_EVAL)

    def expect_untouched(self) -> None:
        expect.that(self.untouched, TOUCHED)

    def expect_alone(self, images: Tensor) -> None:
        """Logits are the same, up to rounding, for every picture alone."""
        answers = self.asked(images)
        shape = _shape_for_each(answers[0][0])
        together, alone = _logits(answers, shape), _alone(self.asked(images, 1), shape)
        scale = max(1.0, float(together.abs().max()))
        expect.that(bool(((together - alone).abs() <= TOLERANCE * scale).all()), NOT_ALONE)


def _shape_for_each(got: Any) -> tuple[int, ...]:
    """(classes, …) of the logits of one picture. Raises Mismatch."""
    if not isinstance(got, Tensor) or got.dim() < 2:
        raise Mismatch("type", f"the model should give one tensor of logits; it gave {described(got)}")
    return tuple(got.shape[1:])


def _logits(answers: Sequence[tuple[Any, Tensor]], shape: tuple[int, ...]) -> Tensor:
    return torch.cat([predictions.logits(got, len(part), shape[0], shape[1:]) for got, part in answers])


def _alone(answers: Sequence[tuple[Any, Tensor]], shape: tuple[int, ...]) -> Tensor:
    try:
        return _logits(answers, shape)
    except Mismatch as error:  # no sign of a training that diverged: together they were fine
        words = NOT_ALONE if error.kind == DIVERGED else f"asked about one picture alone: {error.message}"
        raise Mismatch(error.kind, words) from None


def train(learner: Learner, task: str, seed: int, *given: Any) -> Trained:
    """The model of this seed; trained once while its worker lives, whichever check asks first."""

    def make() -> Trained:
        model, after, _ = learner.echo(getattr(learner, task), *given, seed=seed)
        return Trained(model, expect.as_before(list(given), after))

    return learner.remembered((task, seed), make)


def first_that_answers(seeds: Sequence[int], ask: Callable[[int], object]) -> None:
    """One training that diverges may be bad luck, all of them are not."""
    for seed in seeds:
        try:
            ask(seed)
            return
        except Mismatch as error:
            if error.kind != DIVERGED or seed == seeds[-1]:
                raise


@dataclass(frozen=True, slots=True)
class Figure:
    """What is measured: what it is called, where its points begin and end, and of which seeds the best counts."""

    what: str
    full: float
    none: float
    seeds: tuple[int, ...]
    of_seed: Callable[[Learner, int], float]

    def best(self, learner: Learner) -> tuple[float, int]:
        """The best figure and its seed; further seeds are tried until one reaches everything."""
        return max(self._tried(learner)[0])

    def _tried(self, learner: Learner) -> tuple[list[tuple[float, int]], LearnerFault | None]:
        """Figures and their seeds; and how a further training ended, which takes nothing of what was reached before."""
        tried: list[tuple[float, int]] = []
        for seed in self.seeds:
            make = functools.partial(self._one, learner, seed)
            try:
                tried.append((learner.remembered((self.what, seed), make), seed))
            except LearnerFault as fault:
                if not tried:
                    raise
                return tried, fault
            if tried[-1][0] >= self.full:
                break
        return tried, None

    def _one(self, learner: Learner, seed: int) -> float:
        try:
            return self.of_seed(learner, seed)
        except Mismatch as error:
            if error.kind != DIVERGED:
                raise
            return 0.0  # another may not

    def expect_reached(self, learner: Learner, symptom: Callable[[int], str | None]) -> None:
        """Raises Mismatch with the share, and with what the model of the best seed does, where that can be told."""
        tried, fault = self._tried(learner)
        value, seed = max(tried)
        try:
            expect.reaches(self.what, value, full=self.full, none=self.none)
        except Mismatch as error:
            # Its model may have gone with the worker that a further training has cost
            said = symptom(seed) if fault is None else f"{AGAIN}: {fault.message}"
            words = f"{error.message}. {said}" if said else error.message
            raise Mismatch(error.kind, words, share=error.share) from None

    def expect_something(self, learner: Learner) -> int:
        """The best seed. What else is asked counts for a model that has learnt something: else nothing would earn."""
        value, seed = self.best(learner)
        beginning = f"{self.what} is {value:.3f}. This counts from above {self.none:g} on"
        expect.that(value > self.none, f"{beginning}: before that the model has learnt too little to be asked more")
        return seed
