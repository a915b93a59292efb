"""A notebook's code, cell by cell: one that stops is left there, as in Jupyter, and the next ones run.

A cell that tries something out must not cost the tasks beside it. What a task's own cell stopped at is told where the
task is asked for.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .failures import CellStopped, MissingTask, failure_from
from .wire import Failure


@dataclass(frozen=True, slots=True)
class Stopped:
    """A cell that did not come to its end, and why."""

    text: str
    failure: Failure

    def defines(self, name: str) -> bool:
        return re.search(rf"^(?:def|class)\s+{re.escape(name)}\b", self.text, re.MULTILINE) is not None


def run_cells(lines: Sequence[str], heads: Sequence[int], filename: str, module: Any, guard: Any) -> list[Stopped]:
    """Run the parts of a text that begin at the lines `heads` (from 1), each for itself; those that stopped.

    What a cell was refused is its own affair: it got nothing of it.
    """
    stopped = []
    for number, (begin, end) in enumerate(zip(heads, [*heads[1:], len(lines) + 1], strict=True), 1):
        text = "".join(lines[begin - 1 : end - 1])
        refused_before = len(guard.refusals)
        try:
            # Blank lines in front: its lines keep their numbers.
            code = compile("\n" * (begin - 1) + text, filename, "exec", dont_inherit=True)
            exec(code, module.__dict__)  # noqa: S102  # the learner's source, as in serve.py
        except MemoryError:
            raise
        except BaseException as error:
            failure = failure_from(error, filename)
            stopped.append(Stopped(text, failure))
            at = f", line {failure.line - begin}" if failure.line is not None and failure.line > begin else ""
            sys.stderr.write(f"code cell {number}{at} stopped: {failure.type_name}: {failure.text[:200]}\n")
        del guard.refusals[refused_before:]
    return stopped


def why_missing(stopped: Sequence[Stopped], target: str, filename: str) -> Exception:
    """What to raise where there is no `target`: what its cell stopped at, or that it is not there at all."""
    name = target.split(".")[0]
    found = next((cell for cell in stopped if cell.defines(name)), None)
    return MissingTask(f"there is no {target} in {filename}") if found is None else CellStopped(found.failure)
