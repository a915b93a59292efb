"""Report -> what GitHub Actions reads: workflow commands (annotations), the step summary, outputs of a step.

Formats: "Workflow commands for GitHub Actions" in GitHub's documentation. A learner's text is escaped twice: made
harmless as everywhere, then for the command or the Markdown that it stands in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from grader.model import ExerciseResult, Report, Status, TaskResult
from grader.report import words
from grader.text import markdown

from . import said

MOST = 10  # annotations of a kind that a step may make; GitHub drops what is over
SUMMARY = 2**20 - 2**12  # bytes; a step's summary may have 1 MiB, and one that is larger is not shown at all
_SIGNS = {Status.PASSED: "✅", Status.FAILED: "❌", Status.TODO: "⬜", Status.FAULT: "⚠️"}


@dataclass(frozen=True, slots=True)
class File:
    """Where an exercise lies in the checkout. `numbered`: a line of its source is a line of the file (no notebook).

    `tasks`: the line where each task is defined, for what no line of it says.
    """

    path: str
    numbered: bool = True
    tasks: Mapping[str, int] = field(default_factory=dict)

    def line(self, task: TaskResult) -> int | None:
        """Where to look first."""
        check = words.leading(task)
        stopped = check.line if check is not None else None
        return (stopped or self.tasks.get(task.name)) if self.numbered else None


def command(kind: str, message: str, **properties: str | int) -> str:
    """One workflow command; nothing in it can end it or begin another."""
    told = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{kind}{' ' if told else ''}{told}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def annotate(report: Report, files: Mapping[str, File]) -> Iterator[str]:
    """An error for each task that failed, at its line where there is one; what is our fault is a warning."""
    failed = list(_of(report, Status.FAILED))
    shown = failed if len(failed) <= MOST else failed[: MOST - 1]
    for exercise, task in shown:
        yield _annotation("error", exercise, task, files)
    if len(shown) < len(failed):
        yield command("error", f"{len(failed) - len(shown)} more tasks are not right yet; the summary has all of them")
    for exercise, task in list(_of(report, Status.FAULT))[:MOST]:
        yield _annotation("warning", exercise, task, files)
    points = "no grade was given" if report.faulty else f"{_of_points(report.score, report.max_score)} points"
    yield command("notice", points, title="Exercises")


def _annotation(kind: str, exercise: ExerciseResult, task: TaskResult, files: Mapping[str, File]) -> str:
    check = words.leading(task)
    place: dict[str, str | int] = {}
    file = files.get(exercise.name)
    if file is not None:
        place["file"] = file.path
        line = file.line(task)
        if line is not None and line > 0:
            place["line"] = line
    message = said.detail(exercise, task, check) if check is not None else words.STATES[task.status]
    return command(kind, message[:4000], **place, title=words.full_name(exercise, task))


def _of(report: Report, status: Status) -> Iterator[tuple[ExerciseResult, TaskResult]]:
    for exercise in report.exercises:
        yield from ((exercise, task) for task in exercise.tasks if task.status is status)


def summary(report: Report, limit: int = SUMMARY) -> str:
    """Markdown of at most `limit` bytes: points, a table of tasks, what to know about each that failed."""
    parts = [_headline(report), *_tables(report), *_failures(report)]
    kept, left = [], limit
    for number, part in enumerate(parts):
        left -= len(part.encode("utf-8", "backslashreplace"))
        if left < 200:
            kept.append(f"\n{len(parts) - number} more parts are too long for this page; the JSON has all of it.\n")
            break
        kept.append(part)
    return "".join(kept)


def _headline(report: Report) -> str:
    points = "no grade" if report.faulty else f"{_of_points(report.score, report.max_score)} points"
    return f"## Exercises: {points}\n\n{words.closing(report)}\n" + "".join(
        f"\n- {markdown(note)}" for note in report.notes
    )


def _tables(report: Report) -> Iterator[str]:
    yield "\n\n| task | | points |\n|---|---|---:|\n"
    for exercise in report.exercises:
        if exercise.missing:
            yield f"| {exercise.name} | not handed in | 0 / {words.points(exercise.max_score)} |\n"
            continue
        for task in exercise.tasks:
            points = "–" if task.status is Status.FAULT else words.points(task.score)
            name = words.full_name(exercise, task)
            state = f"{_SIGNS[task.status]} {words.STATES[task.status]}"
            yield f"| {name} | {state} | {points} / {words.points(task.max_score)} |\n"


def _failures(report: Report) -> Iterator[str]:
    for status in (Status.FAULT, Status.FAILED):
        for exercise, task in _of(report, status):
            yield _failure(exercise, task)


def _failure(exercise: ExerciseResult, task: TaskResult) -> str:
    check = words.leading(task)
    lines = [f"\n<details><summary>{_SIGNS[task.status]} {words.full_name(exercise, task)}</summary>\n"]
    for failed in words.failing(task):
        place = f" ({markdown(failed.place)})" if failed.place is not None else ""
        lines.append(f"- {markdown(failed.spec.title)}: {words.VERDICTS[failed.verdict]}{place}")
        if failed.message:
            lines.append(f"  - {markdown(failed.message)}")
    if task.diagnosis:
        lines.append(f"\n**What happened:** {markdown(task.diagnosis)}")
    if check is not None and check.counterexample is not None:
        lines.append("\nThe smallest input that shows it:\n")
        lines += [f"- {markdown(name)}: {markdown(text)}" for name, text in said.example(check.counterexample)]
    return "\n".join([*lines, f"\nNext: {words.next_step(task)}.", "\n</details>\n"])


def outputs(report: Report) -> dict[str, str]:
    """What another job may read: numbers alone. Without a grade there are none."""
    if report.faulty:
        return {"graded": "false"}
    return {"graded": "true", "score": words.points(report.score), "max_score": words.points(report.max_score)}


def _of_points(score: float, most: float) -> str:
    return f"{words.points(score)} of {words.points(most)}"
