"""A learner's function that trains a model: it runs long, in the worker, and what it returns stays there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grader.errors import LearnerRaised, LearnerTimedOut
from grader.worker.wire import HandleV, OpaqueV

from .link import Link
from .modules import RemoteModule
from .session import NO_ANSWER

SHORTER = (
    "One core has to do it in that time: train for fewer epochs, take fewer channels, or halve the maps early (stride "
    "2, pooling), since layers at full size cost most"
)
ONCE_LATE = "a training of this task has taken too long before, so that this one got little time"


class RemotePredictor:
    """Something that can be called and is no nn.Module: a function, or an object with `__call__`."""

    def __init__(self, link: Link, handle: int, name: str) -> None:
        self.link, self.remote_handle, self.remote_name = link, handle, name
        link.forget_handle(self, handle)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.link.case.tell("", args, kwargs, subject=self.remote_name)
        return self.link.call("__call__", args, kwargs, on=self.remote_handle).value


@dataclass(frozen=True, slots=True)
class RemoteTrainer:
    """Trains, and hands over what was made: a RemoteModule where it is an nn.Module, else a RemotePredictor.

    Raises LearnerRaised where the learner's function returns something that nobody can call; LearnerTimedOut with what
    makes a training shorter.
    """

    link: Link
    target: str

    def __call__(self, *args: Any, **kwargs: Any) -> RemoteModule | RemotePredictor:
        handle = self.link.next_handle()
        name = self.link.case.new_name("model")
        late = self.link.session.impatient
        try:
            answer = self.link.call(self.target, args, kwargs, keep=handle, trains=True)
        except LearnerTimedOut as fault:
            if not fault.message.startswith(NO_ANSWER):
                raise  # the module did not load in time, or the submission has had all its time
            raise LearnerTimedOut(f"{fault.message}. {ONCE_LATE if late else SHORTER}", fault.line) from None
        if answer.reply.state is not None:
            return RemoteModule(self.link, handle, name, answer.reply, answer.body)
        if not isinstance(answer.reply.value, OpaqueV | HandleV):  # None, a number, a tensor, a list
            self.link.forget(handle)
            kind = type(answer.value).__name__
            text = f"{self.target} has to return the trained model; it returned {_a(kind)}"
            raise LearnerRaised(message=text, line=None, type_name="TypeError", text=text, bases=("TypeError",))
        return RemotePredictor(self.link, handle, name)


def _a(kind: str) -> str:
    if kind == "NoneType":
        return "None (is the return missing?)"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
