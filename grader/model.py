"""The nouns: frozen records that every room passes on and none changes.

What lives here: values only. No file access, no torch, no pytest: a renderer can be tested with a handful of these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Verdict(StrEnum):
    """How one check ended. What is not PASSED earns nothing, but for a share of what is measured; FAULT is ours."""

    PASSED = "passed"
    WRONG = "wrong"
    RAISED = "raised"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    DIED = "died"
    TODO = "todo"
    NOT_RUN = "not_run"
    FAULT = "fault"


class Status(StrEnum):
    """How a task stands, worked out from its checks by `score`."""

    PASSED = "passed"
    FAILED = "failed"
    TODO = "todo"
    FAULT = "fault"
    EXAMPLES = "examples"  # these pass, and nothing else could be checked: in a learner's kit


class Visibility(StrEnum):
    """Who may read a field or a check, and when."""

    PUBLIC = "public"
    AFTER_DUE = "after_due"
    AFTER_PUBLISHED = "after_published"
    STAFF = "staff"


class Isolation(StrEnum):
    """How well the learner's code was walled off."""

    SANDBOXED = "sandboxed"
    PROCESS = "process"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One hidden check as the course defines it, known before anything runs.

    `name` is the test function's name without `test_`; `needs` are names of checks of the same task.
    `guarded`: the task's bans hold while it runs. `elsewhere`: stands for all hidden ones of a task, in a kit.
    """

    name: str
    task: str
    title: str
    points: float
    visibility: Visibility = Visibility.PUBLIC
    needs: tuple[str, ...] = ()
    guarded: bool = True
    elsewhere: bool = False


class Drawn(StrEnum):
    """What the numbers of a tensor stand for, and so what is drawn of it besides a heat map."""

    NUMBERS = "numbers"
    CORNERS = "xyxy"  # boxes, a row each
    CENTRES = "cxcywh"
    CLASSES = "classes"  # a class for every pixel


@dataclass(frozen=True, slots=True)
class TensorView:
    """A tensor for the eye: enough to print, to draw and to paste into Python again.

    `values` is a nested list in the tensor's shape (bare number for a 0-d tensor), or None where the tensor is too
    large to show; `low`/`high` are its finite extremes (None where it has none). NaN and infinities are floats here.
    """

    dtype: str  # "float32", without "torch."
    shape: tuple[int, ...]
    values: Json
    low: float | None = None
    high: float | None = None
    drawn: Drawn = Drawn.NUMBERS


# What a counterexample shows: a tensor drawn, or the Python text of any other value.
Shown = TensorView | str


@dataclass(frozen=True, slots=True)
class Window:
    """What the first wrong element, at index `of`, depends on: indices of elements, by the name of the input."""

    of: tuple[int, ...]
    inputs: tuple[tuple[str, tuple[tuple[int, ...], ...]], ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Indices of the boxes of the first input that are to be kept, and those that were."""

    expected: tuple[int, ...]
    got: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """The smallest failing input that was found, and what came of it.

    `call` is the call as the learner would write it, e.g. "conv2d(x, weight, stride=2)"; `inputs` names each argument
    in that order; `where` says where the answers differ in words ("first at [0, 0, 1, 2]: expected 3.0, got 5.0; 4 of
    12 elements differ"); `difference` is |got - expected| where both are tensors of one shape, 0 where it is rounding;
    `snippet` is Python that shows the failure again without any test code.
    """

    call: str
    inputs: tuple[tuple[str, Shown], ...] = ()
    expected: Shown | None = None
    got: Shown | None = None
    where: str | None = None
    difference: TensorView | None = None
    snippet: str | None = None
    window: Window | None = None  # None where it is not known, or everything
    chosen: Chosen | None = None  # where the answer is a choice among boxes


@dataclass(frozen=True, slots=True)
class Training:
    """One call that trained a model. `losses` are the worker's word, for the eye alone: no point depends on them.

    Each is a mean over `stride` backward passes; where the learner's code backpropagates no loss there are none.
    """

    call: str  # "train_classifier(…, seed=0)"
    losses: tuple[float, ...]
    stride: int
    duration_s: float
    limit_s: float
    memory_mb: tuple[int, int] | None = None  # that the worker had added at most, and that it may


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check ended. `message` is one or more sentences for the learner.

    `line` is a line of the graded source, `place` the same in the learner's terms ("line 12", "code cell 3, line 2"),
    `excerpt` that line itself; with a `column` (of a syntax error, from 1) a caret stands below it.
    """

    spec: CheckSpec
    verdict: Verdict = Verdict.NOT_RUN
    message: str | None = None
    counterexample: Counterexample | None = None
    line: int | None = None
    place: str | None = None
    column: int | None = None
    excerpt: str = ""  # hostile text
    printed: str = ""  # what the learner's code wrote to stdout and stderr, cut; hostile text
    duration_s: float = 0.0
    share: float = 0.0  # of its points, that a measured answer below full marks earns all the same
    trainings: tuple[Training, ...] = ()

    @property
    def score(self) -> float:
        if self.verdict is Verdict.PASSED:
            return self.spec.points
        return round(self.spec.points * self.share, 2) if self.verdict is Verdict.WRONG else 0.0


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One public function or class of an exercise. `diagnosis` names the mistake or its kind."""

    name: str
    max_score: float
    checks: tuple[CheckResult, ...] = ()
    diagnosis: str | None = None
    status: Status = Status.TODO
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class ExerciseResult:
    name: str
    title: str
    tasks: tuple[TaskResult, ...]
    missing: bool = False  # the submission has no such module: listed at no cost

    @property
    def score(self) -> float:
        return sum(task.score for task in self.tasks)

    @property
    def max_score(self) -> float:
        return sum(task.max_score for task in self.tasks)


@dataclass(frozen=True, slots=True)
class Environment:
    grader: str
    python: str
    torch: str
    device: str
    isolation: Isolation
    seed: int
    walls: tuple[str, ...] = ()  # what the isolation is made of: "bubblewrap", "landlock", "seccomp"

    @property
    def wall(self) -> str:
        """The isolation in words."""
        if self.isolation is Isolation.PROCESS:
            return f"{self.isolation}, not locked down (grade doctor says why)"
        words = f"{self.isolation} by {', '.join(self.walls)}" if self.walls else f"{self.isolation}"
        return words if self.device == "cpu" else f"{words}, with the GPU's driver within these walls"


@dataclass(frozen=True, slots=True)
class Report:
    """The whole result of one submission: the only thing a renderer sees."""

    submission: str
    sha256: str
    environment: Environment
    exercises: tuple[ExerciseResult, ...]
    notes: tuple[str, ...] = field(default=())  # about the submission itself: files left out, and why

    @property
    def score(self) -> float:
        return sum(exercise.score for exercise in self.exercises)

    @property
    def max_score(self) -> float:
        return sum(exercise.max_score for exercise in self.exercises)

    @property
    def faulty(self) -> bool:
        return any(task.status is Status.FAULT for exercise in self.exercises for task in exercise.tasks)
