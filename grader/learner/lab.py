"""`learner.lab`: models and optimizers of our own that live where the learner's code runs (see worker/lab.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grader.errors import LearnerDied
from grader.worker import lab

from .link import Link
from .modules import RemoteModule, modules_in


class RemoteObject:
    """Something over there that is no module and is only handed on, such as an optimizer."""

    def __init__(self, link: Link, handle: int, name: str) -> None:
        self.remote_handle, self.remote_name = handle, name
        link.forget_handle(self, handle)


@dataclass(frozen=True, slots=True)
class RemoteLab:
    """The functions of `lab`, run over there. Their models read like the learner's own."""

    link: Link

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in lab.MAKERS:
            return lambda *args, **kwargs: self._make(name, args, kwargs)
        if name in lab.FUNCTIONS:
            return lambda *args, **kwargs: self._ask(name, args, kwargs)
        raise AttributeError(f"the lab has no {name!r}")

    def _make(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> RemoteModule | RemoteObject:
        _push(args, kwargs)
        word = {"sgd": "optimizer"}.get(name, name)
        handle, variable = self.link.next_handle(), self.link.case.new_name(word)
        self.link.case.tell(f"lab.{name}", args, kwargs, gives=variable)
        answer = self.link.call(name, args, kwargs, keep=handle, ours=True)
        if answer.reply.state is not None:
            return RemoteModule(self.link, handle, variable, answer.reply, answer.body)
        if name == "model":
            raise LearnerDied("a model that was to be given to your code could not be built")
        return RemoteObject(self.link, handle, variable)

    def _ask(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        _push(args, kwargs)
        if name in lab.CHANGES:  # a question is no step of the story
            self.link.case.tell(f"lab.{name}", args, kwargs)
        value = self.link.call(name, args, kwargs, ours=True).value
        for module in modules_in(args, kwargs):
            module.pull()
        return value


def _push(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    for module in modules_in(args, kwargs):
        module.push()
