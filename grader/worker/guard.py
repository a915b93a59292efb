"""The op guard: what a task forbids, enforced in the worker for its whole life, and explained from the learner's line.

Armed once, after the fork and before the learner's code is loaded. Three layers, from the one that holds to the one
that explains: kernels at PyTorch's dispatcher (`guard_kernels`), Python names (`guard_names`), base classes (here).
It runs on the learner's side of the wall, so it is honest help and a hurdle; what earns points is judged elsewhere.
"""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NoReturn, Protocol

import torch

from . import guard_kernels as kernels
from . import guard_names as names
from .guard_imports import block_imports
from .guard_scripts import forbid_scripted
from .guard_twins import forbid_twins

Gradients = tuple[torch.Tensor | None, ...]


class Forbids(Protocol):
    """What a task forbids, in the words of course.toml."""

    @property
    def name(self) -> str: ...
    @property
    def because(self) -> str: ...
    @property
    def operators(self) -> tuple[str, ...]: ...
    @property
    def python(self) -> tuple[str, ...]: ...
    @property
    def bases(self) -> tuple[str, ...]: ...
    @property
    def transposed_convolution(self) -> bool: ...
    @property
    def autograd(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Ban:
    """A plain `Forbids`. `operators` are regular expressions, `python` and `bases` dotted names."""

    name: str
    because: str
    operators: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    transposed_convolution: bool = False
    autograd: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """One use of something forbidden. `line` is the innermost line of the learner's file, None outside of it."""

    ban: str
    operator: str  # "torch.conv2d (aten::conv2d)", "numpy.convolve", "torch.nn.Conv2d"
    because: str
    line: int | None

    def __str__(self) -> str:
        where = "" if self.line is None else f" (line {self.line})"
        return f"{self.operator} is not allowed in this task{where}: {self.because}."


class ForbiddenOperation(Exception):
    """The learner's code reached for something that its task forbids. Catching it gains nothing: it is on record."""


@dataclass(slots=True)
class Guard:
    """What was refused so far, and whose lines to tell. `filename` is the learner's file; set it before loading it."""

    filename: str | None = None
    refusals: list[Refusal] = field(default_factory=list)
    run_backward: Callable[..., Gradients] = torch.autograd.grad
    _bases: list[tuple[Forbids, type]] = field(default_factory=list)

    def line_of(self, filename: str | None) -> int | None:
        """The innermost line of `filename` that this thread is in, or None."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and (filename is None or frame.f_code.co_filename != filename):
            frame = frame.f_back
        return None if frame is None else frame.f_lineno

    def check_bases(self, cls: type) -> Refusal | None:
        """Record and return a refusal where a task's class inherits from what the task is to build."""
        lineage = type.__dict__["__mro__"].__get__(cls)  # not what a metaclass says of it
        for ban, base in self._bases:
            if base in lineage:
                nearest = next(c for c in lineage if base in c.__mro__ and c.__module__.startswith("torch."))
                told = f"inheriting from torch.nn.{nearest.__name__}"
                refusal = Refusal(ban.name, told, ban.because, _class_line(self.filename, cls.__name__))
                self.refusals.append(refusal)
                return refusal
        return None

    def _refuse(self, ban: Forbids) -> Callable[[str], NoReturn]:
        def refuse(operator: str) -> NoReturn:
            refusal = Refusal(ban.name, _readable(operator), ban.because, self.line_of(self.filename))
            self.refusals.append(refusal)
            raise ForbiddenOperation(str(refusal))

        return refuse

    def _refuse_library(self, name: str) -> NoReturn:
        because = "these exercises are to be solved with torch; numpy and Python's own library are fine too"
        refusal = Refusal("library", name, because, self.line_of(self.filename))
        self.refusals.append(refusal)
        raise ForbiddenOperation(str(refusal))


def arm(bans: Sequence[Forbids], device: str = "cpu") -> Guard:
    """Enforce `bans` in this process from here to its end.

    Call it once, in the worker. `device` is where the learner's code will compute: "cpu" or "cuda".
    """
    guard = Guard()
    cuda = device.startswith("cuda") or torch.version.cuda is not None  # a kernel in reach, wherever we compute
    operators: dict[str, kernels.Refuse] = {}
    for ban in bans:
        refuse = guard._refuse(ban)
        patterns = _patterns(ban)
        for name in kernels.matching(patterns):
            operators.setdefault(name, refuse)
        forbid_scripted(patterns, refuse, backward=ban.autograd)
        forbid_twins(patterns, refuse)
        names.forbid_names(ban.python, refuse)
        guard._bases += [(ban, base) for base in map(names.find_class, ban.bases) if base is not None]
        if ban.transposed_convolution:
            names.forbid_onednn(refuse)
        if ban.autograd:
            guard.run_backward = _engine()
            names.forbid_names(names.AUTOGRAD, refuse)
    kernels.forbid(operators, cuda=cuda)
    if any(ban.autograd for ban in bans):
        kernels.record_no_graph()
    block_imports(guard._refuse_library)
    return guard


def _patterns(ban: Forbids) -> list[str]:
    patterns = list(ban.operators)
    if ban.transposed_convolution:
        patterns += names.TRANSPOSED_OPERATORS
    if ban.autograd:
        patterns += names.AUTOGRAD_OPERATORS
    return patterns


def _engine() -> Callable[..., Gradients]:
    """torch.autograd.grad for our own side, on the engine itself: every Python name on the way is about to refuse."""
    engine: Any = torch.autograd.Variable._execution_engine  # type: ignore[attr-defined,unused-ignore]
    run = getattr(engine, "run_backward", engine)  # armed before: it refuses already

    def run_backward(
        outputs: Sequence[torch.Tensor],
        inputs: Sequence[torch.Tensor],
        grad_outputs: Sequence[torch.Tensor],
        *,
        retain_graph: bool = False,
        allow_unused: bool = False,
    ) -> Gradients:
        found: Any = run(
            tuple(outputs), tuple(grad_outputs), retain_graph, False, tuple(inputs), allow_unused, accumulate_grad=False
        )
        return tuple(found)

    return run_backward


_KNOWN_AS = {"im2col": "unfold", "col2im": "fold"}


def _readable(operator: str) -> str:
    """An operator by the name a learner knows it by, where there is one: "torch.conv2d (aten::conv2d)"."""
    namespace, _, name = operator.partition("::")
    if namespace != "aten":
        return operator
    name = _KNOWN_AS.get(name, name)
    for owner, prefix in ((torch.nn.functional, "torch.nn.functional"), (torch, "torch"), (torch.Tensor, "Tensor")):
        if hasattr(owner, name):
            return f"{prefix}.{name} ({operator})"
    return operator


def _class_line(filename: str | None, name: str) -> int | None:
    lines = linecache.getlines(filename) if filename else []
    head = re.compile(rf"\s*class\s+{re.escape(name)}\b")
    return next((number for number, line in enumerate(lines, 1) if head.match(line)), None)
