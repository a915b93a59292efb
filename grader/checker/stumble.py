"""When a check trips over an answer: whose fault it is, and what to tell the learner.

A check is written for right answers. `got.sum()` raises AttributeError where `got` is an int, and says so in words of
our own code. So the same input is given to the reference: where the check fails there as well the fault is ours, else
the first answer that is not of the reference's kind explains it. A learner's kit has no reference: what is checked
there are examples, which have passed on it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import hypothesis.errors

from grader.errors import GraderFault
from grader.learner import Case, Exchange, Learner, channel, handle, patience, session, zygote
from grader.worker.values import Unpacker, tensors_in

from .compare import Mismatch, alike_in_kind

# What carries bytes, whatever they are: no answer of a learner's makes it stumble, so where it does the fault is ours.
_WALL = frozenset(str(room.__file__) for room in (channel, handle, patience, session, zygote))
CUT_OFF = (
    "the result is cut off from autograd, so that no gradient can flow back: leave out .detach(), .data, .item(), "
    "torch.no_grad() and new tensors made of Python numbers on the way from the input to the result"
)


def judge(
    error: Exception, inner: Callable[..., Any], kwargs: dict[str, Any], case: Case, stand_in: Learner | None
) -> Mismatch | GraderFault:
    """What `error`, which came out of the check itself, means for the learner; GraderFault where it is ours."""
    if any(frame.f_code.co_filename in _WALL for frame, _ in traceback.walk_tb(error.__traceback__)):
        return GraderFault(f"the wall itself failed: {type(error).__name__}: {error}")
    for tensor in tensors_in(kwargs):
        if tensor.is_leaf:
            tensor.grad = None
    if stand_in is None:
        return Mismatch("property", _cannot_go_on(error))
    right = stand_in.link.begin_case()
    stand_in.link.unrecorded = kwargs["learner"].link.unrecorded  # where the check has a model trained
    try:
        inner(**{**kwargs, "learner": stand_in})
    except (Mismatch, hypothesis.errors.UnsatisfiedAssumption):
        pass
    except Exception as ours:
        return GraderFault(f"the check fails on our own solution as well: {type(ours).__name__}: {ours}")
    for theirs, other in zip(case.exchanges, right.exchanges, strict=False):
        try:
            _same_kind(theirs, other, gradients="grad" in str(error))
        except Mismatch as difference:
            return difference
    return Mismatch("type", _cannot_go_on(error))


def _cannot_go_on(error: Exception) -> str:
    return f"the check could not go on with your answer: {_words(error)}"


def _same_kind(theirs: Exchange, right: Exchange, *, gradients: bool) -> None:
    if theirs.reply is None or right.reply is None or theirs.reply.failure or right.reply.failure:
        return
    one, other = Unpacker(theirs.answer), Unpacker(right.answer)
    got, want = one.unpack(theirs.reply.value), other.unpack(right.reply.value)
    target = getattr(right.request, "target", "")
    alike_in_kind(got, want, "the state_dict" if target == "state_dict" else "the result")
    if gradients and one.wants != other.wants and any(other.wants):
        raise Mismatch("gradient", CUT_OFF, want, got)


def _words(error: Exception) -> str:
    if isinstance(error, KeyError) and error.args:
        return f"there is no {error.args[0]!r}"
    if isinstance(error, RuntimeError) and "does not require grad" in str(error):
        return CUT_OFF
    return f"{type(error).__name__}: {error}"
