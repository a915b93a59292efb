"""The small fake of the wall: the same requests, answered in this process, through the same coding of values.

For references, stubs and named wrong variants, which are ours; for tests; and for `--debug`, where the learner's own
module runs here so that `breakpoint()` works. Never for grading anybody else's code.
"""

from __future__ import annotations

import types
from dataclasses import dataclass, field

from grader.errors import LearnerFault
from grader.worker.device import CPU, place
from grader.worker.serve import Servant
from grader.worker.wire import (
    BODY_CAP,
    Load,
    Numbered,
    Reply,
    Request,
    frame,
    lengths,
    read_reply,
    read_request,
    reply_frame,
)

from .faults import unloadable

_PREFIX = 16  # bytes of a frame before its header


@dataclass(slots=True)
class InProcess:
    """A session without a wall."""

    servant: Servant = field(default_factory=Servant)
    device: str = CPU
    generation: int = 1
    impatient: bool = False
    patient_for: float | None = None
    _number: int = 0
    _unloadable: LearnerFault | None = None

    @classmethod
    def from_module(cls, module: types.ModuleType) -> InProcess:
        """On the CPU, as the trusted side always is."""
        return cls(Servant(module=module, filename=module.__file__ or ""))

    @classmethod
    def from_source(
        cls, name: str, source: str, filename: str, cells: tuple[int, ...] = (), device: str = CPU
    ) -> InProcess:
        session = cls(Servant(home=place(device)), device)
        reply, _ = session._ask(Load(name, filename, source, cells=cells), b"")
        if reply.failure is not None:
            session._unloadable = unloadable(reply)
        return session

    def request(self, request: Request, body: bytes | bytearray = b"") -> tuple[Reply, bytearray]:
        if self._unloadable is not None:
            raise self._unloadable.with_traceback(None)
        return self._ask(request, body)

    def take_output(self) -> str:
        return ""  # it went to our own stdout

    @property
    def memory(self) -> None:
        return None

    def close(self) -> None:
        self.servant.objects.clear()
        self.servant.graphs.clear()

    def _ask(self, request: Request, body: bytes | bytearray) -> tuple[Reply, bytearray]:
        """As over a socket: what arrives is what a header can hold. A body needs no frame: its reader makes copies."""
        self._number += 1
        numbered = read_request(_header(frame(Numbered(self._number, request), b"")))
        reply, out = self.servant.answer(numbered, body)
        too_large = len(out) > BODY_CAP  # then the frame is a failure that says so
        answered = reply_frame(reply, out if too_large else b"")
        return read_reply(_header(answered)), bytearray() if too_large else out


def _header(sent: bytes) -> bytes:
    head, _ = lengths(sent[:_PREFIX])
    return sent[_PREFIX : _PREFIX + head]
