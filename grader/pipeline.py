"""The page to read first: a submission goes in, a report comes out.

collect -> learner -> checks -> diagnosis -> score. Everything else is a detail of one of these.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, replace
from importlib.metadata import version

import torch

from . import score
from .checker.check import SEED
from .checker.compare import computed_on
from .checker.deck import kept_on
from .checker.run import explain, run_checks
from .checker.shelf import Shelf
from .checker.trial import Trial
from .collect import Module, Submission
from .course import Course, Exercise, Task
from .credit import Ran, Rerun, in_words, second_chance
from .learner import Fate, InProcess, Kind, Learner, Oracle, Purse, TimeLimits, WorkerSession, Zygote
from .learners import Learners, Unreadable
from .model import CheckResult, CheckSpec, Environment, ExerciseResult, Isolation, Report, TaskResult, Verdict
from .worker.control import Ban
from .worker.slim import skip_dynamo
from .worker.wire import Load

Tell = Callable[[str, CheckResult], None]  # of an exercise: a check has ended
Starts = Callable[[str, CheckSpec], None]  # and this one runs now

HIDDEN = "The hidden checks of your course"
ELSEWHERE = "they are not in this kit; points are given where your course grades"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to grade: exercise -> its tasks, or None for all of them. Everything, where it is empty.

    `first`: names of checks that run before the others of their task, as far as they can.
    """

    tasks: Mapping[str, frozenset[str] | None]
    first: frozenset[str] = frozenset()

    def of(self, exercise: Exercise) -> tuple[str, ...]:
        names = tuple(task.name for task in exercise.tasks)
        if not self.tasks:
            return names
        chosen = self.tasks.get(exercise.name, frozenset())
        return names if chosen is None else tuple(name for name in names if name in chosen)


@dataclass(frozen=True, slots=True)
class Grader:
    """Grades submissions of one course. `zygote` is the wall; None grades in this process (--debug, our own code).

    `device`: where a learner's tensors live without a wall; with one, its zygote knows.
    `shelf` keeps drawn inputs from one process to the next; None draws them anew. `stop`: a descriptor; once there is
    something to read from it, grading ends with errors.Stopped.
    """

    course: Course
    zygote: Zygote | None
    device: str = "cpu"
    shelf: Shelf | None = None
    stop: int | None = None
    purse: Purse | None = None  # of the submission at hand
    fate: Fate | None = None  # of the module at hand

    def grade(
        self,
        submission: Submission,
        *,
        wanted: Wanted = Wanted({}),
        tell: Tell = lambda exercise, result: None,
        starts: Starts = lambda exercise, check: None,
    ) -> Report:
        """The whole way once. Raises GraderFault where there can be no grade."""
        torch.set_num_threads(1)  # sums in one order, and the worker has the other core
        skip_dynamo()
        there = [e for e in self.course.exercises if wanted.of(e) and e.name in submission.modules]
        purse = Purse(self.course.budget.of_submission(there))
        with computed_on(self.where), kept_on(self.shelf) if self.shelf is not None else nullcontext():
            exercises = tuple(
                replace(self, purse=purse, fate=Fate())._exercise(
                    exercise, tasks, submission.modules.get(exercise.name), wanted.first, tell, starts
                )
                for exercise in self.course.exercises
                if (tasks := wanted.of(exercise))
            )
        return Report(submission.name, submission.sha256, self.environment(), exercises, tuple(submission.notes))

    @property
    def where(self) -> str:
        """Where a learner's tensors live."""
        return self.device if self.zygote is None else self.zygote.device

    def environment(self) -> Environment:
        around = self.zygote.walls if self.zygote is not None else None
        return Environment(
            version("cnn-grader"),
            platform.python_version(),
            torch.__version__,
            self.where,
            Isolation.NONE if around is None else around.isolation,
            SEED,
            () if around is None else around.names,
        )

    def _exercise(
        self,
        exercise: Exercise,
        tasks: Sequence[str],
        module: Module | None,
        first: frozenset[str],
        tell: Tell,
        starts: Starts,
    ) -> ExerciseResult:
        chosen = [exercise.task(name) for name in tasks]
        if module is None:
            todo = tuple(TaskResult(task.name, task.points) for task in chosen)
            return ExerciseResult(exercise.name, exercise.title, todo, missing=True)
        with ExitStack() as stack:
            learners = self._learners(exercise, module, stack)
            ran = run_checks(
                exercise.name,
                exercise.kinds,
                learners.of,
                tasks=tasks,
                first=first,
                tell=lambda result: tell(exercise.name, result),
                starts=lambda check: starts(exercise.name, check),
                public=self.course.kit,
            )
            if self.course.kit:
                return _in_a_kit(exercise, chosen, module, ran[0])
            graded = second_chance(exercise, chosen, module.source, ran, self._again(exercise, module, stack))
        said = _explained(exercise, graded.results, graded.trials)
        said |= {task: f"{in_words(used)} {said.get(task, '')}".rstrip() for task, used in graded.thanks_to.items()}
        placed = [_placed(result, module) for result in graded.results]
        by_task = {task.name: [r for r in placed if r.spec.task == task.name] for task in chosen}
        done = tuple(_task(task, by_task[task.name], said.get(task.name)) for task in chosen)
        return ExerciseResult(exercise.name, exercise.title, done)

    def _again(self, exercise: Exercise, module: Module, stack: ExitStack) -> Rerun:
        """Checks of an exercise once more, some functions of the module replaced by right ones. Not without a wall."""

        def rerun(tasks: Sequence[str], only: Sequence[str] | None, replaced: tuple[str, ...]) -> Ran:
            if replaced and self.zygote is None:
                return [], {}
            learners = self._learners(exercise, module, stack, replaced)
            return run_checks(exercise.name, exercise.kinds, learners.of, tasks=tasks, only=only)

        return rerun

    def _learners(
        self, exercise: Exercise, module: Module, stack: ExitStack, replaced: tuple[str, ...] = ()
    ) -> Learners:
        kinds = {name: Kind(kind) for name, kind in exercise.kinds.items()}
        by_bans: dict[tuple[Ban, ...], Learner] = {}
        oracle = self._oracle(exercise, stack, replaced) if replaced else None
        for bans in {(): None} | {task.bans: None for task in exercise.tasks}:
            session = stack.enter_context(closing(self._session(exercise, module, bans, oracle)))
            by_bans[bans] = Learner(session, kinds)
        return Learners(by_bans, {task.name: task for task in exercise.tasks})

    def _oracle(self, exercise: Exercise, stack: ExitStack, names: tuple[str, ...]) -> Oracle:
        """The reference in a worker of its own, for what is asked in place of a wrong function."""
        text = self.course.source_file(exercise.name).read_text("utf-8")
        ours = Module(exercise.name, f"{exercise.name}.py", text)
        return Oracle(
            stack.enter_context(closing(replace(self, purse=None, fate=None)._session(exercise, ours, ()))), names
        )

    def _session(
        self, exercise: Exercise, module: Module, bans: tuple[Ban, ...], oracle: Oracle | None = None
    ) -> InProcess | WorkerSession:
        budget = self.course.budget
        helpers = oracle.names if oracle is not None else ()
        load = Load(exercise.name, module.filename, module.source, tuple(helpers), module.line_map or ())
        if module.problem is not None:
            return Unreadable(module.problem)
        if self.zygote is None:
            return InProcess.from_source(load.name, load.source, load.filename, load.cells, self.where)
        worker = budget.worker_of(exercise)
        times = TimeLimits(budget.call_seconds, budget.again_seconds, budget.load_seconds)
        shared = self.purse or Purse(), self.fate or Fate()
        return WorkerSession(self.zygote, load, worker, times, bans, oracle, *shared, self.stop)


def _explained(exercise: Exercise, results: list[CheckResult], trials: dict[str, Trial]) -> dict[str, str]:
    """A diagnosis is a help and no part of the grade: where it stumbles, the grade stands and the learner is told."""
    try:
        return explain(
            exercise.name, exercise.kinds, results, trials, {task.name: task.uses for task in exercise.tasks}
        )
    except Exception as error:
        kind = type(error).__name__
        text = f"Our search for the kind of mistake stumbled ({kind}); please tell us. Your grade stands."
        failed = {result.spec.task for result in results if result.verdict in (Verdict.WRONG, Verdict.RAISED)}
        return dict.fromkeys(failed, text)


def _placed(result: CheckResult, module: Module) -> CheckResult:
    """Says a line in the learner's terms: a notebook has cells."""
    if result.line is None:
        return result
    place, before = module.locate(result.line), f"line {result.line}: "
    message = result.message
    if message is not None and message.startswith(before):
        message = f"{place}: {message.removeprefix(before)}"
    return replace(result, place=place, message=message, excerpt=module.excerpt(result.line, result.column))


def _in_a_kit(
    exercise: Exercise, chosen: Sequence[Task], module: Module, results: Sequence[CheckResult]
) -> ExerciseResult:
    """Examples alone were checked. What gives a task its points is named, has not run, and so earns nothing."""
    placed = [_placed(result, module) for result in results]
    hidden = [
        CheckResult(CheckSpec(f"{task.name}_hidden", task.name, HIDDEN, task.points, elsewhere=True), message=ELSEWHERE)
        for task in chosen
    ]
    done = [_task(task, [r for r in [*placed, *hidden] if r.spec.task == task.name], None) for task in chosen]
    return ExerciseResult(exercise.name, exercise.title, tuple(done))


def _task(task: Task, results: list[CheckResult], said: str | None) -> TaskResult:
    """Points that the checks promise must be those of the course: silence earns nothing, and neither does excess."""
    promised = sum(result.spec.points for result in results)
    if abs(promised - task.points) > 1e-9:
        text = f"the checks of {task.name} add up to {promised:g} points, course.toml says {task.points:g}"
        results = [replace(result, verdict=Verdict.FAULT, message=text) for result in results]
    return score.task_result(task.name, task.points, results, said)
