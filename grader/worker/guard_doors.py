"""Every way to a forbidden operation that we know of, tried in a process of its own: does the guard still hold?

The guard stands on private API of PyTorch, so a new version of PyTorch is trusted only after this walk. A door is
*refused* where the guard has it on record, *shut* where nothing came of it, and *open* where a result came through.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from .guard import Ban, Forbids, Guard, arm

SECONDS = 120


class State(StrEnum):
    REFUSED = "refused"
    SHUT = "shut"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Door:
    """One way in, and how it was found. `note` is the operator that was refused, or what else happened."""

    ban: str
    name: str
    state: State
    note: str = ""


def self_test(bans: Sequence[Forbids]) -> list[Door]:
    """Walk the doors of these bans in a fresh process, about two seconds. Raises RuntimeError where that fails."""
    here = os.path.dirname(os.path.abspath(__file__))
    package = __name__.rpartition(".")[0]
    root = here.removesuffix(package.replace(".", os.sep))
    start = f"import sys; sys.path.insert(0, {root!r}); from {__name__} import main; main()"
    asked = json.dumps([{name: getattr(ban, name) for name in Ban.__slots__} for ban in bans])
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # a parallel operation in the parent hangs a fork
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", start],
        input=asked, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"the walk through the guard's doors broke off: {done.stderr[-2000:]}")
    return [Door(**door | {"state": State(door["state"])}) for door in json.loads(done.stdout)]


def main() -> None:
    """Read bans as JSON, print what became of their doors; a ban is armed for life, so each has a fork."""
    found: list[dict[str, str]] = []
    for fields in json.load(sys.stdin):
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        found += _in_a_fork(Ban(**plain))
    sys.stdout.write(json.dumps(found))


def _in_a_fork(ban: Ban) -> list[dict[str, str]]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(2, 1)  # what a door prints is no part of the answer
        try:
            with os.fdopen(writer, "w") as answer:
                json.dump([asdict(door) for door in walk_doors(ban)], answer)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    if os.waitpid(pid, 0)[1] != 0:
        raise SystemExit(f"walking the doors of {ban.name} failed")
    return json.loads(text)  # type: ignore[no-any-return]


def walk_doors(ban: Forbids) -> list[Door]:
    """Arm this process and try each door of the ban in turn. The process is good for nothing else afterwards."""
    import torch

    ways = all_ways().get(ban.name, {})
    torch.set_num_threads(1)
    guard = arm([ban])
    return [_try(guard, ban.name, name, way) for name, way in ways.items()]


def all_ways() -> dict[str, dict[str, Callable[[], Any]]]:
    """Ban -> its ways. Loaded before a guard is armed: they hold what a learner's code can only wish for."""
    from . import guard_ways, guard_ways_back, guard_ways_rest, guard_ways_scripts

    scripts = guard_ways_scripts.SCRIPTS
    backward = scripts["backward"] | guard_ways_back.BACKWARD  # the latter leaves a mess behind
    return {
        "convolution": guard_ways.CONVOLUTION | scripts["convolution"],
        "padding": guard_ways.PADDING,
        "backward": backward,
        "transposed_convolution": backward,
        "im2col": guard_ways_rest.IM2COL,
        "relu": guard_ways_rest.RELU | scripts["relu"],
        "pooling": guard_ways_rest.POOLING,
        "flatten": guard_ways_rest.FLATTEN | scripts["flatten"],
        "softmax": guard_ways_rest.SOFTMAX | scripts["softmax"],
        "cross_entropy": guard_ways_rest.CROSS_ENTROPY,
    }


def _try(guard: Guard, ban: str, name: str, way: Callable[[], Any]) -> Door:
    before = len(guard.refusals)
    value: Any = None
    note = ""
    try:
        value = way()
    except BaseException as error:
        note = _brief(f"{type(error).__name__}: {error}")
    if len(guard.refusals) > before:
        return Door(ban, name, State.REFUSED, guard.refusals[before].operator)
    return Door(ban, name, State.OPEN if _worth_something(value) else State.SHUT, note or _brief(repr(value)))


def _brief(text: str) -> str:
    return " ".join(text.split())[:200]


def _worth_something(value: Any) -> bool:
    """A gradient of zeros is no gradient; the ways are chosen so that a true result is never zero."""
    import torch

    if isinstance(value, tuple | list):
        return any(map(_worth_something, value))
    if not isinstance(value, torch.Tensor):
        return value is not None
    return value.is_meta is False and bool(value.detach().to_dense().count_nonzero())
