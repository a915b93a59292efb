"""Answers of a worker, the whole way: bytes on a socket, a session, a link, and values in the hands of a check.

What holds: a value that is plain and no larger than what was sent, or a fault of the learner's. Nothing of the grader's
own, no memory that was only promised, no time that only the sender decides.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st

from grader.checker.compare import Mismatch
from grader.checker.describe import described
from grader.checker.show import counterexample
from grader.errors import LearnerFault
from grader.learner import Learner
from grader.model import Counterexample
from grader.worker.values import Packer, tensors_in
from grader.worker.wire import BODY_CAP, HandleV, OpaqueV, WireError

from . import stranger
from .actions import ACTIONS, EXERCISE, KINDS
from .forged import FRAMES, FramePlan, numbered
from .heavy import HEAVY
from .mutate import CHANGES, mutated
from .target import Target, allowed, insist, often

PIECES = (2**16, 2**16, 2**16, 17, 1)  # bytes that are read at once
AT_ONCE = 0x80  # all frames together, before anybody asks for the second
_PLAIN = (type(None), bool, int, float, str, list, tuple, dict, torch.Tensor, torch.dtype, OpaqueV, HandleV)


def case(action: int, stream: bytes, piece: int = 0) -> bytes:
    return bytes([action, piece]) + stream


def heavy(name: str) -> Callable[[], bytes]:
    action, make = HEAVY[name]
    return lambda: case([function.__name__ for function, _ in ACTIONS].index(action), make())


def read(data: bytes) -> Any:
    action, before = ACTIONS[data[0] % len(ACTIONS)] if data else ACTIONS[0]
    how = data[1] if len(data) > 1 else 0
    said = data[2:]
    script = [said] if how & AT_ONCE else re.split(b"(?<!^)(?=CNG1)", said)
    session = stranger.session([*before, *script], said, PIECES[how % len(PIECES)])
    learner = Learner(session, KINDS)
    try:
        return action(learner)
    except (LearnerFault, Mismatch) as fault:
        return allowed(fault), counterexample("exercise", EXERCISE, learner.link.case, fault)
    finally:
        insist(isinstance(session.take_output(), str), "output that is no text")
        session.close()


def judge(data: bytes, value: Any) -> str:
    """A value in words that tell it from any other. Raises where it is not plain, or larger than what came."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Counterexample):
        return repr(value)
    _plain(value)
    tensors = [found for found in tensors_in(value) if found.device.type == "cpu" and found.numel()]
    insist(len({found.untyped_storage().data_ptr() for found in tensors}) == len(tensors), "two tensors of one memory")
    size = sum(found.untyped_storage().nbytes() for found in tensors)
    insist(size <= len(data) + 4096, "tensors larger than what came")
    packer = Packer(layout=True)
    try:
        form: object = packer.pack(value)
    except WireError as error:
        form = str(error)
    return f"{form} {hashlib.sha256(packer.body).hexdigest()} {described(value)}"


def _plain(value: Any) -> None:
    insist(type(value) in _PLAIN or isinstance(value, torch.nn.Parameter), f"a {type(value)} has come back")
    if isinstance(value, torch.Tensor):
        insist(value.device.type in ("cpu", "meta"), "a device of the sender's choice")
        if value.device.type == "cpu":
            insist(value.numel() * value.element_size() <= BODY_CAP, "a tensor larger than a message may be")
            if value.dtype is torch.bool:
                insist(value.view(torch.uint8).le(1).all(), "a bool that is neither")
    for item in [*value.keys(), *value.values()] if isinstance(value, dict) else value if _holds(value) else ():
        _plain(item)


def _holds(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _case(action: int, piece: int, frames: list[FramePlan], damage: list[Any]) -> bytes:
    first = 3 if ACTIONS[action][1] else 2
    return case(action, mutated(numbered(frames, first), damage), piece)


TARGET = Target(
    cases=st.builds(
        _case,
        st.integers(0, len(ACTIONS) - 1),
        st.sampled_from([*range(len(PIECES)), AT_ONCE]),
        st.lists(FRAMES, min_size=1, max_size=3),
        often(st.just([]), CHANGES),
    ),
    read=read,
    judge=judge,
    rounds=1,
    megabytes=400,  # a header of 8 MB makes 250 of them
    tokens=(
        b"CNG1",
        b"\xc0",
        b"\x92\xa1l\x91",
        b"\x92\xa1u\x90",
        b"\xa1t",
        b"\xa1d",
        b"\xcf" + b"\xff" * 8,
        b"\xca\0\0\0\0",
    ),
    fixed={name: heavy(name) for name in HEAVY},
)
