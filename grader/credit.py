"""One mistake costs once: a task that builds on another is graded again with the other one right.

Which task may build on which is the course's word (`uses` in course.toml). A function is replaced by a helper that asks
for the right answer (worker/helpers.py). A class cannot be: what builds on a wrong one is held back and says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .checker.trial import Trial
from .course import Exercise, Task
from .model import CheckResult, Verdict

Ran = tuple[list[CheckResult], dict[str, Trial]]
# Runs checks of the exercise: (tasks, names of checks or None for all, names of functions to replace).
Rerun = Callable[[Sequence[str], Sequence[str] | None, tuple[str, ...]], Ran]
_MARGIN = re.compile(r"[A-Za-z_@]")  # begins a statement at the margin
_KEPT = (Verdict.PASSED, Verdict.FAULT)


@dataclass(frozen=True, slots=True)
class Again:
    """The results after a second chance. `thanks_to`: task -> functions that were replaced for points it has now."""

    results: list[CheckResult]
    trials: dict[str, Trial]
    thanks_to: Mapping[str, tuple[str, ...]]


def second_chance(exercise: Exercise, chosen: Sequence[Task], source: str, first: Ran, rerun: Rerun) -> Again:
    """Grade once more what may have failed for another task's sake."""
    results, trials = {result.spec.name: result for result in first[0]}, dict(first[1])
    verdicts = _by_task(first[0])
    thanks: dict[str, tuple[str, ...]] = {}
    for task in chosen:
        failed = [result for result in results.values() if result.spec.task == task.name and _may_change(result)]
        if not task.uses or not failed or _is_a_stub(source, task.name, failed):
            continue
        missing = [name for name in task.uses if name not in verdicts]
        verdicts |= _by_task(rerun(missing, None, ())[0]) if missing else {}
        wrong = [name for name in task.uses if any(verdict is not Verdict.PASSED for verdict in verdicts[name])]
        functions = tuple(name for name in wrong if exercise.task(name).kind == "function")
        if functions:
            again, tried = rerun([task.name], [result.spec.name for result in failed], functions)
            results |= {result.spec.name: result for result in again}
            trials |= tried
            if any(result.verdict is Verdict.PASSED for result in again):
                thanks[task.name] = functions
        for name in wrong:
            if name not in functions:
                results |= _held_back(results, task.name, name)
    return Again(list(results.values()), trials, thanks)


def in_words(functions: Sequence[str]) -> str:
    """What a learner reads of a task that got points this way."""
    names = " and ".join(functions)
    mistakes = "the mistake there costs" if len(functions) == 1 else "the mistakes there cost"
    return f"Graded with a right {names} in place of yours: {mistakes} points once."


def _may_change(result: CheckResult) -> bool:
    return result.verdict not in _KEPT


def _by_task(results: Sequence[CheckResult]) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for result in results:
        found.setdefault(result.spec.task, []).append(result.verdict)
    return found


def _held_back(results: Mapping[str, CheckResult], task: str, needed: str) -> dict[str, CheckResult]:
    """What went wrong in a task that builds on a class that is wrong: nothing can be said before that one is right."""
    text = f"first make {needed} right: this builds on it"
    return {
        name: CheckResult(result.spec, Verdict.NOT_RUN, text, duration_s=result.duration_s)
        for name, result in results.items()
        if result.spec.task == task and result.verdict in (Verdict.WRONG, Verdict.RAISED)
    }


def _is_a_stub(source: str, task: str, failed: Sequence[CheckResult]) -> bool:
    """Whether nothing is written yet: every check ends in the task's own lines."""
    if any(result.verdict not in (Verdict.TODO, Verdict.NOT_RUN) for result in failed):
        return False
    places = _blocks(source, task)
    lines = [result.line for result in failed if result.verdict is Verdict.TODO]
    return all(line is None or any(line in block for block in places) for line in lines)


def _blocks(source: str, name: str) -> list[range]:
    """The lines of a top-level definition, as far as a look at margins tells: a stranger's text is not parsed here."""
    lines = source.split("\n")
    head = re.compile(rf"(?:async )?(?:def|class) {re.escape(name)}\b")
    found = []
    for number in (number for number, line in enumerate(lines, 1) if head.match(line)):
        after = (later for later in range(number + 1, len(lines) + 1) if _MARGIN.match(lines[later - 1]))
        found.append(range(number, next(after, len(lines) + 1)))
    return found
