"""What is told of the models that were trained while a check ran."""

from __future__ import annotations

from grader.learner import Learner
from grader.model import Training
from grader.text import clean


def trainings(learner: Learner) -> tuple[Training, ...]:
    """One for each call that trained, in order."""
    return tuple(
        Training(
            clean(trained.call, 200, keep_newlines=False),
            tuple(trained.losses.values) if trained.losses is not None else (),
            trained.losses.stride if trained.losses is not None else 1,
            trained.seconds,
            trained.limit,
            None if trained.memory is None else (trained.memory[0] // 2**20, trained.memory[1] // 2**20),
        )
        for trained in learner.link.trained
    )
