"""What a check does with a learner: each way in which an answer is read, as a function of the learner."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import torch

from grader.checker import expect
from grader.learner import Kind, Learner
from grader.learner.oracle import Oracle
from grader.worker.values import tensors_in
from grader.worker.wire import Entry, Reply, TensorV, frame

from . import stranger

_STATE = [
    Entry("weight", "p", TensorV("float32", (2,), "cpu", 0, 8, True)),
    Entry("sub.bias", "p", TensorV("float32", (1,), "cpu", 16, 4, True)),
    Entry("count", "b", TensorV("int64", (), "cpu", 24, 8)),
    Entry("sub.weight", "p", None, "weight"),
]
BUILT = frame(Reply(2, state=_STATE), bytes(32))  # the right answer to the construction of a module
HELPED = [frame(Reply(number, 1.5), b"") for number in range(2, 6)]
KINDS = {"f": Kind.FUNCTION, "g": Kind.FUNCTION, "M": Kind.MODULE, "A": Kind.AUTOGRAD}


# The exercise, for a counterexample to name things after.
EXERCISE = types.ModuleType("exercise")
exec("def f(x, *args, **kwargs): ...\ndef g(module, x): ...\nclass M:\n    def __init__(self, n): ...", vars(EXERCISE))


def _x() -> torch.Tensor:
    return torch.arange(4.0).reshape(2, 2)


def _function(learner: Learner) -> Any:
    return learner.f(_x(), [1, (2.5, "a")], key=torch.float32)


def _gradients(learner: Learner) -> Any:
    x = _x().requires_grad_()
    value = learner.f(x)
    outputs = [found for found in tensors_in(value) if found.requires_grad and 0 < found.numel() < 1000]
    if not outputs:
        return value
    return value, torch.autograd.grad(outputs, x, [torch.ones_like(found) for found in outputs], allow_unused=True)


def _counted(learner: Learner) -> Any:
    return learner.count_ops(learner.A.apply, _x())


def _check(way: Callable[[Learner], object]) -> Callable[[Learner], Any]:
    """What checks do with an answer. They may trip over it: that is made a Mismatch elsewhere (stumble.py)."""

    @functools.wraps(way)
    def checked(learner: Learner) -> str | None:
        try:
            way(learner)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            return type(error).__name__
        return None

    return checked


@_check
def _unchanged(learner: Learner) -> None:
    expect.unchanged(learner.f, _x(), [_x()], {"a": 1}, key=_x())


@_check
def _equal(learner: Learner) -> None:
    expect.equal(learner.f(_x()), [_x()])


@_check
def _close(learner: Learner) -> None:
    expect.close(learner.f(_x()), _x())


@_check
def _listed(learner: Learner) -> None:
    expect.equal(learner.f(_x()).tolist(), [1, 2])


@_check
def _close_parts(learner: Learner) -> None:
    expect.close(learner.f(_x()), [_x(), (1.5, {"a": _x()})])


def _built(learner: Learner) -> Any:
    module = learner.M(3)
    return module(_x()), dict(module.named_parameters()), dict(module.named_buffers())


def _module(learner: Learner) -> Any:
    module = learner.M(3)
    answers = [module.eval().training, module(_x()), module.state_dict()]
    with torch.no_grad():
        module.weight.mul_(2)
    module.push()
    return [*answers, dict(module.named_parameters()), module.load_state_dict({"weight": _x()})]


def _given(learner: Learner) -> Any:
    return learner.g(learner.M(3), _x())


def _lab(learner: Learner) -> Any:
    model = learner.lab.model("Linear(2, 2)")
    return model(_x()), learner.lab.sgd(model, lr=0.1).remote_name


def _helped(learner: Learner) -> Any:
    helper = stranger.session(HELPED)
    learner.link.session.oracle = Oracle(helper, ["g"])  # type: ignore[attr-defined]
    try:
        return learner.f(_x())
    finally:
        helper.close()


# Those that come after a module was built: the construction's own answer is a right one.
ACTIONS: tuple[tuple[Callable[[Learner], Any], list[bytes]], ...] = (
    (_function, []),
    (_gradients, []),
    (_counted, []),
    (_built, []),
    (_module, [BUILT]),
    (_given, [BUILT]),
    (_lab, []),
    (_helped, []),
    (_unchanged, []),
    (_equal, []),
    (_close, []),
    (_close_parts, []),
    (_listed, []),
)
