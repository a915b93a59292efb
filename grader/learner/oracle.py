"""The right version of a task, for a learner's other task that builds on it: in a worker of its own.

What a learner's worker asks here is as hostile as any answer of it, so it goes to a process that can be killed too, and
what comes back is the answer alone: text of the reference stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.errors import LearnerFault
from grader.worker.wire import Backward, Call, Failure, Numbered, Reply, WireError, frame, reply_frame

from .session import Session


@dataclass(slots=True)
class Oracle:
    """Answers for the tasks in `names` with the module behind `session`, which is ours."""

    session: Session
    names: Sequence[str]

    def answer(self, ask: Call | Backward, body: bytes | bytearray) -> bytes:
        """The frame to send back. Raises WireError for what no helper asks."""
        allowed = self._allowed(ask)
        frame(Numbered(0, allowed), body)  # short floats become long ones: it may be more than a message holds
        try:
            reply, found = self.session.request(allowed, body)
        except LearnerFault as fault:  # our own module on arguments that are too much for it
            reply, found = Reply(0, failure=Failure("raised", "RuntimeError", [], fault.message)), bytearray()
        if reply.failure is not None:
            failure = Failure("raised", reply.failure.type_name, [], reply.failure.text)
            return reply_frame(Reply(0, failure=failure), bytearray())
        return reply_frame(Reply(0, reply.value), found)

    def _allowed(self, ask: Call | Backward) -> Call | Backward:
        if isinstance(ask, Backward):
            return Backward(ask.graph, ask.grads)
        if ask.target not in self.names or ask.on is not None or ask.keep is not None or ask.ours:
            raise WireError("asks for what is no helper")
        return Call(ask.target, ask.args, ask.kwargs, graph=ask.graph, grad=ask.grad)
