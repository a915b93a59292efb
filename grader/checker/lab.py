"""Models and optimizers of our own in this process: the same as those `learner.lab` makes over there."""

from grader.worker.lab import (
    add_hook,
    grads,
    hooked,
    hooks,
    model,
    modes,
    seen,
    set_grads,
    set_modes,
    set_trainable,
    sgd,
    trainable,
)

__all__ = [
    "add_hook",
    "grads",
    "hooked",
    "hooks",
    "model",
    "modes",
    "seen",
    "set_grads",
    "set_modes",
    "set_trainable",
    "sgd",
    "trainable",
]
