"""What a check or a task has to say, as plain lines, for platforms that show text. Hostile text is harmless here."""

from __future__ import annotations

from collections.abc import Iterator

from grader.model import CheckResult, Counterexample, ExerciseResult, Report, Shown, TaskResult, TensorView, Verdict
from grader.report import planes, words

NUMBERS = 64  # of a tensor that are written out; more is not read in a line
PRINTED = 2000  # characters of what the learner's code printed


def detail(exercise: ExerciseResult, task: TaskResult, check: CheckResult) -> str:
    """Everything about a check that did not pass; one word about one that did."""
    return "\n".join(_lines(exercise, task, check))


def one_line(task: TaskResult, check: CheckResult) -> str:
    """The sentence that helps most: the mistake where it has a name, else what happened."""
    return words.line(task.diagnosis or check.message or words.VERDICTS[check.verdict])


def everything(report: Report) -> Iterator[tuple[ExerciseResult, TaskResult, CheckResult]]:
    for exercise in report.exercises:
        for task in exercise.tasks:
            for check in task.checks:
                yield exercise, task, check


def waiting(report: Report) -> Iterator[tuple[ExerciseResult, TaskResult]]:
    """Tasks without a check to show: they are listed all the same, so that silence never looks like success."""
    for exercise in report.exercises:
        yield from ((exercise, task) for task in exercise.tasks if not task.checks)


def why_nothing(exercise: ExerciseResult) -> str:
    return f"{exercise.name} is not in this submission" if exercise.missing else "nothing was checked"


def value(shown: Shown) -> str:
    """A tensor by type, shape and first numbers, any other value as its text."""
    if not isinstance(shown, TensorView):
        return words.line(shown)
    numbers = [planes.number(element) for element in planes.elements(shown).values()]
    if not numbers:
        return planes.headline(shown)
    more = " …" if len(numbers) > NUMBERS else ""
    return f"{planes.headline(shown)}: {' '.join(numbers[:NUMBERS])}{more}"


def example(found: Counterexample) -> Iterator[tuple[str, str]]:
    """Name and text of each line of a counterexample."""
    yield "call", words.line(found.call)
    yield from ((words.line(name), value(shown)) for name, shown in found.inputs)
    if found.expected is not None:
        yield "expected", value(found.expected)
    if found.got is not None:
        yield "got", value(found.got)
    if found.where:
        yield "where", words.line(found.where)


def _lines(exercise: ExerciseResult, task: TaskResult, check: CheckResult) -> Iterator[str]:
    said = words.VERDICTS[check.verdict]
    if check.verdict is Verdict.PASSED:
        yield said
        return
    if check.verdict is Verdict.NOT_RUN:
        said += f": {words.waiting_for(check, exercise)}"
    yield said + (f" ({words.line(check.place)} of your file)" if check.place is not None else "")
    if check.message:
        yield words.block(check.message)
    if task.diagnosis and check is words.leading(task):
        yield words.block(task.diagnosis)
    if check.counterexample is not None:
        yield from (f"  {name}: {text}" for name, text in example(check.counterexample))
    if check.printed.strip():
        yield "your code printed:"
        yield from (f"  | {line}" for line in words.block(check.printed.rstrip("\n"), PRINTED).split("\n"))
