"""The proof of an exercise: stubs earn nothing, the reference everything, every known mistake is caught and named.

Stub and reference go across the wall like any submission, bans and all; named mistakes, which are ours and may use
what the task forbids, run in this process.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from grader import source
from grader.checker.misconceptions import Misconception, of_exercise
from grader.checker.run import explain, local, run_checks
from grader.collect import Module, Submission
from grader.course import TRAINER, Exercise
from grader.model import ExerciseResult, Status, Verdict
from grader.pipeline import Grader, Wanted

MISCONCEPTIONS_A_TASK = 4

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One named mistake: the checks that caught it, and the sentence that a learner with it would read."""

    mistake: Misconception
    caught_by: tuple[str, ...]
    diagnosis: str | None

    @property
    def named(self) -> bool:
        return self.diagnosis == self.mistake.says


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of one exercise. `checks` are (task, name) in course order; `faults` say what does not hold."""

    exercise: str
    checks: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    faults: tuple[str, ...]

    @property
    def idle(self) -> tuple[str, ...]:
        """Checks that caught no named mistake: not wrong, but nothing shows that they can tell right from wrong."""
        useful = {name for row in self.rows for name in row.caught_by}
        return tuple(name for _, name in self.checks if name not in useful and not name.endswith("_examples"))


def verify(
    grader: Grader,
    exercise: Exercise,
    *,
    task: str | None = None,
    most: int | None = None,
    tell: Tell = lambda _: None,
) -> Proof:
    """Raises GraderFault where the checks cannot be run.

    `most`: of each task's known mistakes only so many are tried, from all over its list; None: all, and then a check
    that catches none of them is a fault.
    """
    tell("stub and reference")
    text = grader.course.source_file(exercise.name).read_text("utf-8")
    wanted = Wanted({exercise.name: None if task is None else frozenset({task})})
    stub = _graded(grader, exercise, source.stub(text), wanted)
    reference = _graded(grader, exercise, text, wanted)
    faults = [*_stub_faults(stub), *_reference_faults(reference)]
    checks = tuple((result.spec.task, result.spec.name) for t in reference.tasks for result in t.checks)
    rows = []
    known = [mistake for mistake in of_exercise(exercise.name) if task is None or mistake.task == task]
    for mistake in _some(known, most):
        tell(f"{mistake.task}: {mistake.name}")
        rows.append(_row(exercise, mistake))
    faults += _row_faults(rows)
    faults += _count_faults(exercise, known, task)
    proof = Proof(exercise.name, checks, tuple(rows), ())
    if most is None:
        faults += [f"{name} catches no known mistake, so nothing shows that it can" for name in proof.idle]
    return replace(proof, faults=tuple(faults))


def _some(mistakes: list[Misconception], most: int | None) -> list[Misconception]:
    tasks = dict.fromkeys(mistake.task for mistake in mistakes)
    chosen = []
    for own in ([mistake for mistake in mistakes if mistake.task == task] for task in tasks):
        count = min(len(own), most if most is not None else len(own))
        chosen += [own[number * len(own) // count] for number in range(count)]
    return chosen


def _graded(grader: Grader, exercise: Exercise, text: str, wanted: Wanted) -> ExerciseResult:
    module = Module(exercise.name, f"{exercise.name}.py", text)
    report = grader.grade(Submission(exercise.name, "", {exercise.name: module}, ()), wanted=wanted)
    return report.exercises[0]


def _row(exercise: Exercise, mistake: Misconception) -> Row:
    learner = local(mistake.module(), exercise.kinds)
    results, trials = run_checks(exercise.name, exercise.kinds, lambda _: learner, tasks=[mistake.task], shrink=False)
    caught = [r.spec.name for r in results if r.verdict in (Verdict.WRONG, Verdict.RAISED)]
    said = explain(exercise.name, exercise.kinds, results, trials, {}).get(mistake.task)
    if exercise.kinds[mistake.task] == TRAINER:  # nothing is replayed: the check itself says what its model does
        messages = [r.message or "" for r in results if r.spec.name in caught]
        said = next(
            (mistake.says for message in messages if mistake.says in message), messages[0] if messages else None
        )
    gc.collect()  # modules in cycles with what they recorded: a network's weights add up
    return Row(mistake, tuple(caught), said)


def _stub_faults(stub: ExerciseResult) -> Iterator[str]:
    for task in stub.tasks:
        if task.score or task.status is not Status.TODO:
            yield f"the stub of {task.name} is {task.status} with {task.score:g} points; it should be todo with 0"


def _reference_faults(reference: ExerciseResult) -> Iterator[str]:
    for task in reference.tasks:
        for result in task.checks:
            if result.verdict is not Verdict.PASSED:
                yield f"the reference does not pass {result.spec.name}: {result.verdict}: {result.message}"


def _row_faults(rows: list[Row]) -> Iterator[str]:
    for row in rows:
        if not row.caught_by:
            yield f"{row.mistake.task}: {row.mistake.name} is caught by no check"
        elif not row.named:
            yield f"{row.mistake.task}: {row.mistake.name} is caught, but its learner would read: {row.diagnosis}"


def _count_faults(exercise: Exercise, mistakes: list[Misconception], task: str | None) -> Iterator[str]:
    for known in exercise.tasks:
        count = sum(mistake.task == known.name for mistake in mistakes)
        if task in (None, known.name) and count < MISCONCEPTIONS_A_TASK:
            yield f"{known.name} has {count} named mistakes; {MISCONCEPTIONS_A_TASK} are the least that will do"
