"""The tree of errors. Two kinds of fault, never mixed: ours, and what the learner's code did.

Exception
├── GraderError            something stopped the command
│   ├── UsageError         exit 2: what was given cannot be used; says what, where, what to do
│   └── GraderFault        exit 3: our own fault; no grade is given
└── LearnerFault           what the learner's code did instead of answering; costs its check, is explained
    ├── LearnerRaised      an exception came out of it
    │   └── LearnerStrayed a result on another device than its inputs
    ├── LearnerTodo        not written yet (the stub's NotImplementedError) or not there
    ├── LearnerRefused     it used what the task forbids
    ├── LearnerTimedOut    no answer in time
    └── LearnerDied        it crashed, ran out of memory, exited or broke the channel

KeyboardInterrupt
└── Stopped                whoever asked for a grade wants it no more
"""

from __future__ import annotations


class GraderError(Exception):
    """Something stopped the command."""


class UsageError(GraderError):
    """What was given cannot be used. The message says what, where and what to do."""


class GraderFault(GraderError):
    """Our own fault: no grade is given, nothing is taken from the learner."""


class LearnerFault(Exception):
    """What the learner's code did instead of answering. `line` is a line of their file."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class LearnerRaised(LearnerFault):
    """An exception came out of the learner's code.

    `bases` are the built-in classes it is one of, `column` where in its line a syntax error is, from 1.
    """

    def __init__(
        self,
        message: str,
        line: int | None = None,
        *,
        type_name: str,
        text: str,
        bases: tuple[str, ...] = (),
        column: int | None = None,
    ) -> None:
        super().__init__(message, line)
        self.type_name = type_name
        self.text = text
        self.bases = bases
        self.column = column


class LearnerStrayed(LearnerRaised):
    """An answer that is not where its inputs are. No exception of theirs: ours, as their values cannot be compared."""

    def __init__(self, found: str, wanted: str) -> None:
        text = (
            f"the result is on {found}, and the input on {wanted}: make new tensors on the device of the input, with "
            "x.new_zeros(...) or device=x.device"
        )
        super().__init__(text, type_name="RuntimeError", text=text, bases=("RuntimeError",))


class LearnerTodo(LearnerFault):
    """Not written yet, or not there."""


class LearnerRefused(LearnerFault):
    """It used what the task forbids."""


class LearnerTimedOut(LearnerFault):
    """No answer in time."""


class LearnerDied(LearnerFault):
    """It crashed, ran out of memory, exited or broke the channel it answers through."""


class Stopped(KeyboardInterrupt):
    """Whoever asked for a grade wants it no more: the file has changed, somebody has left.

    A KeyboardInterrupt, so that everything on the way out of a check takes it for what it is.
    """
