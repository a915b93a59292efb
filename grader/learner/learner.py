"""`learner`: what a check holds in its hands. Reads like the learner's module; behind it stands another process."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import torch

from grader.errors import GraderFault, LearnerRaised
from grader.worker.values import tensors_in

from .lab import RemoteLab
from .link import Link
from .modules import RemoteModule, modules_in
from .session import Session
from .trainer import RemoteTrainer

Value = TypeVar("Value")


class Kind(StrEnum):
    """What a task is, told by the reference's source and not by the learner's."""

    FUNCTION = "function"
    MODULE = "module"
    AUTOGRAD = "autograd"
    TRAINER = "trainer"


@dataclass(frozen=True, slots=True)
class RemoteFunction:
    """A function of the learner's."""

    link: Link
    target: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        modules = modules_in(args, kwargs)
        for module in modules:
            module.push()
        self.link.case.tell(self.target, args, kwargs)
        parameters = [parameter for module in modules for parameter in module.parameters()]
        refresh = [module.refresher() for module in modules]
        answer = self.link.call(
            self.target, args, kwargs, parameters=parameters, refresh=lambda: [write() for write in refresh]
        )
        for module in modules:
            module.pull()
        return answer.value


@dataclass(frozen=True, slots=True)
class RemoteAutograd:
    """An autograd.Function of the learner's: `apply` runs there, its backward too."""

    link: Link
    target: str

    @property
    def apply(self) -> RemoteFunction:
        return RemoteFunction(self.link, f"{self.target}.apply")


@dataclass(frozen=True, slots=True)
class RemoteClass:
    """A class of the learner's that builds nn.Modules."""

    link: Link
    target: str

    def __call__(self, *args: Any, **kwargs: Any) -> RemoteModule:
        handle = self.link.next_handle()
        name = self.link.case.new_name("module")
        self.link.case.tell(self.target, args, kwargs, gives=name)
        answer = self.link.call(self.target, args, kwargs, keep=handle)
        if answer.reply.state is None:
            self.link.forget(handle)
            text = f"{self.target} has to be a torch.nn.Module"
            raise LearnerRaised(message=text, line=None, type_name="TypeError", text=text, bases=("TypeError",))
        return RemoteModule(self.link, handle, name, answer.reply, answer.body)


class Learner:
    """The learner's module by the names of its tasks."""

    def __init__(self, session: Session, kinds: Mapping[str, Kind]) -> None:
        self.link = Link(session)
        self._kinds = dict(kinds)
        self._remembered: dict[Hashable, tuple[int, Any]] = {}

    def __getattr__(self, name: str) -> RemoteFunction | RemoteClass | RemoteAutograd | RemoteTrainer:
        if name.startswith("_") or name not in self._kinds:
            raise AttributeError(f"the exercise has no task {name!r}")
        match self._kinds[name]:
            case Kind.FUNCTION:
                return RemoteFunction(self.link, name)
            case Kind.MODULE:
                return RemoteClass(self.link, name)
            case Kind.AUTOGRAD:
                return RemoteAutograd(self.link, name)
            case Kind.TRAINER:
                return RemoteTrainer(self.link, name)

    def remembered(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What `make` gave when it was first asked for under this key, while the worker lives in which it was made.

        So several checks can look at one trained model. What `make` raises is not remembered. Raises GraderFault in a
        check of a task that does not train: its conversation would depend on what other checks asked before.
        """
        if not self.link.unrecorded:
            raise GraderFault("learner.remembered is for tasks that train (`seconds` in course.toml)")
        made = self._remembered.get(key)
        if made is None or made[0] != self.link.session.generation:
            value = make()
            made = self._remembered[key] = (self.link.session.generation, value)
        found: Value = made[1]
        return found

    @property
    def lab(self) -> RemoteLab:
        return RemoteLab(self.link)

    @property
    def task_names(self) -> tuple[str, ...]:
        return tuple(self._kinds)

    def count_ops(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, int]:
        """(value, number of tensor operations dispatched over there) of one call."""
        with self.link.counted():
            value = function(*args, **kwargs)
        return value, self.link.ops

    def count_ops_backward(
        self, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> tuple[tuple[torch.Tensor | None, ...], int]:
        """(gradients of the arguments that require one, operations dispatched in the backward) for a fixed upstream."""
        value = function(*args, **kwargs)
        wanted = [tensor for tensor in tensors_in([list(args), kwargs]) if tensor.requires_grad]
        upstream = torch.linspace(-1, 1, value.numel(), dtype=value.dtype).reshape(value.shape)
        with self.link.counted():
            grads = torch.autograd.grad(value, wanted, upstream, allow_unused=True)
        return grads, self.link.ops

    def echo(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, list[Any], dict[str, Any]]:
        """(value, arguments, keyword arguments) as they are after the call."""
        with self.link.echoed() as seen:
            value = function(*args, **kwargs)
        after, named = seen[-1]
        return value, after, named
