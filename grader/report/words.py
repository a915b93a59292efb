"""What every renderer says in the same words: verdicts, states, next steps.

What lives here: sentences for the learner, and the few questions about a report that decide which one is said.
"""

from __future__ import annotations

import math

from grader.model import CheckResult, ExerciseResult, Report, Status, TaskResult, TensorView, Verdict, Window
from grader.text import clean

SYMBOLS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.TODO: "·", Status.FAULT: "!", Status.EXAMPLES: "○"}
ASCII_SYMBOLS = {Status.PASSED: "+", Status.FAILED: "x", Status.TODO: ".", Status.FAULT: "!", Status.EXAMPLES: "o"}
STATES = {
    Status.PASSED: "passed",
    Status.FAILED: "not yet",
    Status.TODO: "to do",
    Status.FAULT: "our fault",
    Status.EXAMPLES: "examples pass",
}

VERDICTS = {
    Verdict.PASSED: "passed",
    Verdict.WRONG: "the answer is wrong",
    Verdict.RAISED: "your code raised an error",
    Verdict.REFUSED: "your code used something this task does not allow",
    Verdict.TIMED_OUT: "your code took too long",
    Verdict.DIED: "your code ended the process",
    Verdict.TODO: "not written yet",
    Verdict.NOT_RUN: "not run yet",
    Verdict.FAULT: "the grader failed, not you",
}

STEPS = {
    Verdict.WRONG: "work the example through by hand, find the first step where your code does something else",
    Verdict.RAISED: "read the error, then print the shapes just before that line",
    Verdict.REFUSED: "replace that operation with your own code: building it is what this task is about",
    Verdict.TIMED_OUT: "look for a loop that never ends, or a Python loop over every pixel",
    Verdict.DIED: "look for exit(), endless recursion or a tensor far larger than you meant it to be",
    Verdict.TODO: "write the body in place of `raise NotImplementedError`",
    Verdict.NOT_RUN: "make the checks pass that come before these",
    Verdict.FAULT: "none for you: this is ours to repair. Please send this report to your course staff",
}

TRAINED = {  # in place of the above where a model was trained
    Verdict.WRONG: (
        "begin with what the check says; then look at the training curve: a loss that still falls wants more steps, "
        "one that is flat another learning rate or another network, one that ends in nan a smaller learning rate"
    ),
    Verdict.TIMED_OUT: "train for fewer steps, or a smaller network: watch the time on your own machine first",
    Verdict.DIED: "look for exit(), or for all pictures in one batch: a smaller batch needs less memory",
}

UNREADABLE = (
    "Python cannot read it: look there and on the line above for a bracket, a colon, a quote or an indentation too "
    "many or too few"
)

ELSEWHERE = (
    "No points are given here: the hidden checks are not in this kit, your course runs them on what you hand in."
)

SMALL = 80  # elements of all inputs together that can still be followed by hand

NO_GRADE = (
    "No grade was given: the grader itself failed. This is not your mistake and costs you nothing. "
    "Please send this report to your course staff."
)


def line(text: str, limit: int = 400) -> str:
    """Somebody else's text, made harmless and put on one line."""
    return clean(text, limit=limit, keep_newlines=False)


def block(text: str, limit: int = 4000) -> str:
    """Somebody else's text, made harmless, its lines kept."""
    return clean(text, limit=limit)


def points(score: float) -> str:
    """12, 7.5 or 0.33: no more digits than there are."""
    return f"{round(score, 2):g}"


def in_a_kit(result: TaskResult | ExerciseResult | Report) -> bool:
    """Whether no points are to be had here: the hidden checks are elsewhere."""
    if isinstance(result, TaskResult):
        return any(check.spec.elsewhere for check in result.checks)
    return any(in_a_kit(part) for part in (result.exercises if isinstance(result, Report) else result.tasks))


def earned(result: TaskResult | ExerciseResult | Report) -> str:
    """Points of all that can be had; in a learner's kit there are none to be had, which is not the same as 0."""
    return f"{'–' if in_a_kit(result) else points(result.score)} / {points(result.max_score)}"


def tally(report: Report) -> str:
    """What a report comes to, in a line."""
    if not in_a_kit(report):
        return f"Score: {earned(report)} points"
    tasks = [task for exercise in report.exercises if not exercise.missing for task in exercise.tasks]
    passed = sum(task.status is Status.EXAMPLES for task in tasks)
    return f"Public examples: they pass in {passed} of {len(tasks)} task{'s' * (len(tasks) != 1)}. {ELSEWHERE}"


def depends(window: Window) -> str:
    """What the marks in the pictures of the inputs mean."""
    return f"marks what the right answer at {list(window.of)} is made of"


def full_name(exercise: ExerciseResult, task: TaskResult) -> str:
    return f"{exercise.name}::{task.name}"


def failing(task: TaskResult) -> list[CheckResult]:
    """The checks that did not pass, in the course's order, of those that are here."""
    return [check for check in task.checks if check.verdict is not Verdict.PASSED and not check.spec.elsewhere]


def leading(task: TaskResult) -> CheckResult | None:
    """The check to talk about: our fault first, then the first with a small counterexample, then any that ran.

    An example of the statement was not made small: see `_says_more`.
    """
    checks = failing(task)
    if len(checks) > 1 and _says_more(checks[1], checks[0]):
        checks = checks[1:]
    ranked = [
        *(check for check in checks if check.verdict is Verdict.FAULT),
        *sorted((check for check in checks if check.counterexample is not None), key=_is_bulky),
        *(check for check in checks if check.verdict is not Verdict.NOT_RUN),
        *checks,
    ]
    return ranked[0] if ranked else None


def _says_more(check: CheckResult, example: CheckResult) -> bool:
    """Whether the first check that counts fails in the same way as an example (worth no points), for a smaller input.

    A result of a single element is too small: what is turned, shifted or mixed up cannot be seen in it.
    """
    want = check.counterexample.expected if check.counterexample is not None else None
    if example.spec.points > 0 or example.verdict is not check.verdict or not isinstance(want, TensorView):
        return False
    return math.prod(want.shape) > 1 and 0 < _elements(check) < _elements(example)


def _is_bulky(check: CheckResult) -> bool:
    """Whether there is too much to look at: an example of the statement may be larger than what was found smallest."""
    return _elements(check) > SMALL


def _elements(check: CheckResult) -> int:
    """Of all the tensors that the check's input is made of."""
    inputs = check.counterexample.inputs if check.counterexample is not None else ()
    return sum(math.prod(value.shape) for _, value in inputs if isinstance(value, TensorView))


def next_step(task: TaskResult) -> str:
    """One sentence on what to do about a task that has not passed, from the check shown."""
    check = leading(task)
    verdict = check.verdict if check else Verdict.TODO
    step = UNREADABLE if check is not None and check.column is not None else STEPS[verdict]
    if verdict in TRAINED and any(each.trainings for each in task.checks):
        step = TRAINED[verdict]
    if check and check.place is not None and verdict in {Verdict.RAISED, Verdict.REFUSED}:
        step = f"go to {line(check.place)} of your file; {step}"
    return step


def waiting_for(check: CheckResult, exercise: ExerciseResult) -> str:
    """What to fix before a check that was not run can run, in words."""
    known = {other.spec.name: other for task in exercise.tasks for other in task.checks}
    roots = _roots(check, known, frozenset())
    if not roots:
        return line(check.message) if check.message else "it did not get its turn"
    titles = " and ".join(f"“{line(root.spec.title)}”" for root in roots)
    return f"it runs once {titles} passes"


def _roots(check: CheckResult, known: dict[str, CheckResult], seen: frozenset[str]) -> list[CheckResult]:
    """The checks at the far end of `needs` that really failed, without repetition."""
    found: dict[str, CheckResult] = {}
    for name in check.spec.needs:
        needed = known.get(name)
        if needed is None or name in seen or needed.verdict is Verdict.PASSED:
            continue
        deeper = _roots(needed, known, seen | {name}) if needed.verdict is Verdict.NOT_RUN else []
        found |= {root.spec.name: root for root in deeper or [needed]}
    return list(found.values())


def first_unfinished(report: Report) -> tuple[ExerciseResult, TaskResult] | None:
    """Where to go on: the first task that failed, else the first to do, among the exercises that are there."""
    unfinished = [
        (exercise, task)
        for exercise in report.exercises
        if not exercise.missing
        for task in exercise.tasks
        if task.status in {Status.FAILED, Status.TODO}
    ]
    failed = [pair for pair in unfinished if pair[1].status is Status.FAILED]
    return next(iter(failed or unfinished), None)


def closing(report: Report) -> str:
    """The last line a learner reads: where to go on."""
    if report.faulty:
        return NO_GRADE
    target = first_unfinished(report)
    if target is not None:
        return f"Next: grade run {full_name(*target)}"
    missing = [exercise for exercise in report.exercises if exercise.missing]
    if len(missing) == len(report.exercises):
        return "Nothing was checked: this submission has none of the exercises."
    if in_a_kit(report):
        return "The examples are all that can be checked here: hand it in." + (
            f" Next: {missing[0].name}" if missing else ""
        )
    if missing:
        return f"Every task you handed in passed. Well done! Next: {missing[0].name}"
    return "Every task passed. Well done!"
