"""What the worker holds for a check, and when it is told to let go.

All that was made in a case is let go of together, after its end, whatever over here still has a name for it. So what
the worker holds depends on what was said alone: not on whether the check ran or its answers were known (known.py), and
not on when Python collects what. Large objects are let go of as soon as nobody has them; what a training made lives as
long as somebody does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.worker.wire import Call, Forget, Request

OBJECTS, BYTES = 32, 4 * 2**20  # that the worker may hold in vain
MANY = 128  # dropped in one case


@dataclass(slots=True)
class Holdings:
    """Objects and graphs by the numbers they were given; True: a graph."""

    _case: dict[int, bool] = field(default_factory=dict)  # made in the case at hand
    _case_bytes: int = 0
    _dropped: dict[int, bool] = field(default_factory=dict)  # of these, what nobody has a name for any more
    _dropped_bytes: int = 0
    _lasting: set[int] = field(default_factory=set)
    _stale: dict[int, bool] = field(default_factory=dict)
    _stale_bytes: int = 0

    def note(self, request: Request, answer: bytes | bytearray, *, lasting: bool = False) -> None:
        """What this request has made. `lasting`: it belongs to no case."""
        if not isinstance(request, Call):
            return
        made = {number: is_graph for number, is_graph in ((request.keep, False), (request.graph, True)) if number}
        if lasting:
            self._lasting.update(made)
            return
        self._case.update(made)
        self._case_bytes += len(answer) if request.keep is not None else 0

    def end_case(self) -> None:
        self._stale.update(self._case)
        self._stale_bytes += self._case_bytes
        self._case_bytes = self._dropped_bytes = 0
        self._case.clear()
        self._dropped.clear()

    def dropped(self, number: int, *, is_graph: bool, nbytes: int = 0) -> None:
        """Nobody over here has it any more; `nbytes`: what it weighs over there. Python may call this at any moment."""
        if number in self._case:
            self._dropped[number] = is_graph
            self._dropped_bytes += nbytes
        elif number in self._lasting:
            self._lasting.discard(number)
            self._stale[number] = is_graph
            self._stale_bytes += nbytes

    def due(self) -> Forget | None:
        """What to tell the worker before the next question; from here on it counts as told."""
        gone: dict[int, bool] = {}
        if self._dropped_bytes >= BYTES or len(self._dropped) > MANY:
            gone, self._dropped, self._dropped_bytes = self._dropped, {}, 0
            for number in gone:
                self._case.pop(number, None)
        if len(self._stale) >= OBJECTS or self._stale_bytes >= BYTES:
            old, self._stale, self._stale_bytes = self._stale, {}, 0
            gone = {**old, **gone}
        if not gone:
            return None
        return Forget(
            [number for number, is_graph in gone.items() if not is_graph],
            [number for number, is_graph in gone.items() if is_graph],
        )
