"""How what happened over there is said over here: failures, loads that fail, ends of a worker, as the drawn errors."""

from __future__ import annotations

import os
import signal

from grader.errors import LearnerDied, LearnerFault, LearnerRaised, LearnerRefused, LearnerTodo
from grader.worker import control
from grader.worker.wire import Failure, Reply

DISTURBED = "your code disturbed the channel it answers through"
GPU_MEMORY = "CUDA out of memory"
CLOSED = "your code closed the channel it answers through"


class LoadFailed(LearnerRaised):
    """The module itself does not run; every check of it ends the same way."""

    def __init__(self, reply: Reply) -> None:
        failure = reply.failure
        assert failure is not None
        super().__init__(
            message=f"your module cannot be loaded: {failure.type_name}: {failure.text}",
            line=_line(failure),
            type_name=failure.type_name,
            text=failure.text,
            column=failure.column,
        )
        self.reply = reply


def unloadable(reply: Reply) -> LearnerFault:
    """Why the module does not load, as the fault that every request ends with."""
    failure = reply.failure
    assert failure is not None
    if failure.kind not in ("refused", "memory", "exit"):
        return LoadFailed(reply)
    fault = fault_of(failure)
    return type(fault)(f"your module cannot be loaded: {fault.message}", fault.line)


def fault_of(failure: Failure) -> LearnerFault:
    """The exception that a failure over there stands for over here. Its text is the learner's: never parsed."""
    words = f"{failure.type_name}: {failure.text}" if failure.text else failure.type_name
    match failure.kind:
        case "todo":
            return LearnerTodo("not written yet", _line(failure))
        case "missing":
            return LearnerTodo(f"missing: {failure.text}", None)
        case "refused":
            return LearnerRefused(f"{failure.type_name} may not be used here: {failure.text}", _line(failure))
        case "memory" if GPU_MEMORY in failure.text:
            return LearnerDied(f"your code ran out of the GPU's memory ({words})", _line(failure))
        case "broken":
            return LearnerDied(f"your code broke off the work of the GPU ({words})", _line(failure))
        case "memory":
            return LearnerDied(f"your code ran out of memory ({words})", _line(failure))
        case "exit":
            return LearnerDied("your code tried to end the program (SystemExit) instead of returning", _line(failure))
        case "unsendable":
            return LearnerDied(f"the answer cannot be handed over: {failure.text}", _line(failure))
        case _:
            return LearnerRaised(
                message=words,
                line=_line(failure),
                type_name=failure.type_name,
                text=failure.text,
                bases=tuple(failure.bases),
                column=failure.column,
            )


def _line(failure: Failure) -> int | None:
    """A line of the learner's file; one before the first is a word of theirs and no line."""
    return failure.line if failure.line is not None and failure.line > 0 else None


def cause_of_death(end: control.Answer | None) -> str:
    """How a worker ended, in words; None: it did not end by itself."""
    if end is None or end.status is None:
        return CLOSED
    if end.excess:
        return end.excess
    status = end.status
    if os.WIFSIGNALED(status):
        return _signalled(os.WTERMSIG(status))
    code = os.WEXITSTATUS(status)
    if code == control.OUT_OF_MEMORY:
        return "your code ran out of memory"
    if code == control.CHANNEL_LOST:
        return CLOSED
    return f"your code ended the process (exit code {code}) instead of returning"


_SIGNALS: dict[int, str] = {
    signal.SIGSEGV: "your code crashed the process (segmentation fault)",
    signal.SIGKILL: "the process was killed from outside, most likely because memory ran out",
    signal.SIGXCPU: "your code used up the processor time of this run",
    signal.SIGXFSZ: "your code wrote a file larger than is allowed",
}
_NAMES: dict[int, str] = {member.value: member.name for member in signal.Signals}


def _signalled(number: int) -> str:
    return _SIGNALS.get(number, f"your code crashed the process ({_NAMES.get(number, number)})")
