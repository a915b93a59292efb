"""Replays what was said across the wall on another module, and tells whether it answers alike."""

from __future__ import annotations

import math
import types
from collections.abc import Iterable
from typing import Any

import torch

from grader.errors import LearnerFault
from grader.learner import Case, Exchange, InProcess
from grader.worker.values import Unpacker
from grader.worker.wire import Backward, Call, Failure, OpaqueV, Reply, State, TensorV

from .compare import Mismatch, close, equal

_WORDS = 20  # characters of torch's words that hold no sizes yet
_RANDOM_ENOUGH = 32  # elements from which the size of random initial values says something


def agrees(module: types.ModuleType, cases: Iterable[Case]) -> bool:
    """Whether `module` answers every request of every case as the learner did."""
    return all(_case_agrees(module, case) for case in cases)


def _case_agrees(module: types.ModuleType, case: Case) -> bool:
    session = InProcess.from_module(module)
    try:
        return all(_same_answer(session, exchange) for exchange in case.exchanges)
    finally:
        session.close()


def _same_answer(session: InProcess, exchange: Exchange) -> bool:
    if exchange.reply is None:  # the learner's worker died or ran out of time: no variant of ours does that
        return False
    try:
        reply, body = session.request(exchange.request, exchange.body)
    except LearnerFault:
        return False
    ours, theirs = reply.failure, exchange.reply.failure
    if ours is not None or theirs is not None:
        return ours is not None and theirs is not None and _same_failure(ours, theirs)
    if isinstance(exchange.request, Call) and exchange.request.keep is not None:
        return _same_construction(session, exchange, reply, bytes(body))
    if isinstance(exchange.request, Call | Backward) and exchange.request.count:
        few, many = sorted((reply.ops, exchange.reply.ops))
        if many > 2 * few + 4:
            return False
    return _same_value(reply, body, exchange.reply, exchange.answer)


def _same_failure(ours: Failure, theirs: Failure) -> bool:
    """The same kind of exception; of those that torch raises, also the same words to begin with."""
    if (ours.kind, ours.type_name) != (theirs.kind, theirs.type_name):
        return False
    return ours.type_name != "RuntimeError" or ours.text[:_WORDS] == theirs.text[:_WORDS]


def _same_value(ours: Reply, body: bytes | bytearray, theirs: Reply, answer: bytes | bytearray) -> bool:
    try:
        got, want = Unpacker(body), Unpacker(answer)
        _alike(got.unpack(ours.value), want.unpack(theirs.value))
        _alike(Unpacker(body).unpack(ours.echo), Unpacker(answer).unpack(theirs.echo))
        return got.wants == want.wants
    except Mismatch:
        return False
    except Exception:  # values of the learner's that cannot even be compared
        return False


def _alike(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, torch.Tensor | float):
        close(ours, theirs, terms=256)
    elif isinstance(theirs, OpaqueV):  # its text may hold an address
        equal(getattr(ours, "type_name", None), theirs.type_name)
    elif isinstance(theirs, list | tuple):
        if type(ours) is not type(theirs) or len(ours) != len(theirs):
            raise Mismatch("type", "")
        for one, other in zip(ours, theirs, strict=True):
            _alike(one, other)
    elif isinstance(theirs, dict):
        equal(list(ours), list(theirs))
        for key in theirs:
            _alike(ours[key], theirs[key])
    else:
        equal(ours, theirs)


def _same_construction(session: InProcess, exchange: Exchange, ours: Reply, body: bytes) -> bool:
    """Same names, shapes and size of initial values; then the learner's random values are written into ours."""
    theirs = exchange.reply
    assert theirs is not None
    if (ours.state is None) or (theirs.state is None):
        return ours.state is theirs.state
    mine = {entry.name: (entry.kind, entry.value) for entry in ours.state}
    given = {entry.name: (entry.kind, entry.value) for entry in theirs.state}
    if list(mine) != list(given):
        return False
    for name, (kind, value) in mine.items():
        other = given[name][1]
        if kind != given[name][0] or (value is None) != (other is None):
            return False
        if value is None or other is None:
            continue
        if _frame(value) != _frame(other):
            return False
        if not _same_spread(Unpacker(body).tensor(value), Unpacker(exchange.answer).tensor(other)):
            return False
    request = exchange.request
    assert isinstance(request, Call)
    assert request.keep is not None
    write = {name: value for name, (_, value) in given.items() if value is not None and value.device != "meta"}
    session.request(State(request.keep, dict(write)), exchange.answer)
    return True


def _frame(value: TensorV) -> tuple[object, ...]:
    return value.shape, value.dtype, value.device == "meta", value.requires_grad  # theirs may have been on a GPU


def _same_spread(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    if ours.device.type == "meta" or ours.numel() < _RANDOM_ENOUGH or not ours.is_floating_point():
        return True
    one, other = (tensor.double().square().mean().sqrt().item() for tensor in (ours, theirs))
    if min(one, other) == 0:
        return one == other
    return abs(math.log(one / other)) < max(0.05, 5 / math.sqrt(ours.numel()))  # 5 standard errors for normal values
