"""Report -> JSON text of schema "grade/1", which other people's scripts read.

What lives here: names and types of that schema, nothing else. Its fields may be added to; changing one needs a new
schema number. The text depends on the report alone: same report, same bytes.
"""

from __future__ import annotations

import json
import re
from math import isfinite

from grader.model import (
    CheckResult,
    Chosen,
    Counterexample,
    ExerciseResult,
    Json,
    Report,
    Shown,
    Status,
    TaskResult,
    TensorView,
    Training,
    Window,
)

from . import words

SCHEMA = "grade/1"
LONGEST = 20_000  # characters of a learner's text; a snippet with its tensors fits

# An innermost list of numbers (or "nan", "inf"): one line of a tensor. No JSON string contains a line break, so what
# matches is structure and never text.
ROW = re.compile(r'\[\n\s+(?:[-+.\w"]+,\n\s+)*[-+.\w"]+\n\s+\]')


def render(report: Report) -> str:
    """The report as JSON, indented, with a newline at the end.

    Where the fault is ours, "score" is null: of the submission, of the exercise and of the task that could not be
    graded. NaN and infinities, which JSON has no numbers for, are the strings "nan", "inf" and "-inf".
    """
    text = json.dumps(record(report), ensure_ascii=False, allow_nan=False, indent=2)
    return ROW.sub(lambda found: " ".join(found.group().split()).replace("[ ", "[").replace(" ]", "]"), text) + "\n"


def record(report: Report) -> Json:
    """The same as plain values."""
    env = report.environment
    kit: dict[str, Json] = {"kit": True} if words.in_a_kit(report) else {}
    return {
        "schema": SCHEMA,
        **kit,
        "submission": {"name": words.line(report.submission), "sha256": report.sha256},
        "score": None if report.faulty else float(report.score),
        "max_score": float(report.max_score),
        "environment": {
            "grader": env.grader,
            "python": env.python,
            "torch": env.torch,
            "device": env.device,
            "isolation": env.isolation.value,
            "seed": env.seed,
            "walls": list(env.walls),
        },
        "notes": [words.line(note) for note in report.notes],
        "exercises": [_exercise(exercise) for exercise in report.exercises],
    }


def _exercise(exercise: ExerciseResult) -> Json:
    faulty = any(task.status is Status.FAULT for task in exercise.tasks)
    return {
        "name": exercise.name,
        "score": None if faulty else float(exercise.score),
        "max_score": float(exercise.max_score),
        "tasks": [_task(task) for task in exercise.tasks],
    }


def _task(task: TaskResult) -> Json:
    return {
        "name": task.name,
        "status": (Status.TODO if task.status is Status.EXAMPLES else task.status).value,
        "score": None if task.status is Status.FAULT else float(task.score),
        "max_score": float(task.max_score),
        "diagnosis": _text(task.diagnosis),
        "checks": [_check(check) for check in task.checks],
    }


def _check(check: CheckResult) -> Json:
    return {
        "name": check.spec.name,
        "title": words.line(check.spec.title),
        "verdict": check.verdict.value,
        "score": float(check.score),
        "max_score": float(check.spec.points),
        "message": _text(check.message),
        "counterexample": None if check.counterexample is None else _counterexample(check.counterexample),
        "duration_s": round(float(check.duration_s), 3),
        **({"trainings": [_training(training) for training in check.trainings]} if check.trainings else {}),
    }


def _training(training: Training) -> Json:
    return {
        "call": words.line(training.call),
        "losses": [_plain(float(f"{loss:.6g}")) for loss in training.losses],
        "stride": training.stride,
        "duration_s": round(training.duration_s, 3),
        "limit_s": training.limit_s if isfinite(training.limit_s) else None,
    }


def _counterexample(example: Counterexample) -> Json:
    return {
        "call": _text(example.call),
        "inputs": [{"name": words.line(name), "value": _shown(value)} for name, value in example.inputs],
        "expected": _shown(example.expected),
        "got": _shown(example.got),
        "where": _text(example.where),
        "difference": _shown(example.difference),
        "snippet": _text(example.snippet),
        "window": None if example.window is None else _window(example.window),
        "chosen": None if (chosen := example.chosen) is None else _chosen(chosen),
    }


def _window(window: Window) -> Json:
    inputs: list[Json] = [{"name": words.line(name), "at": [list(i) for i in at]} for name, at in window.inputs]
    return {"of": list(window.of), "inputs": inputs}


def _chosen(chosen: Chosen) -> Json:
    return {"expected": list(chosen.expected), "got": list(chosen.got)}


def _shown(value: Shown | None) -> Json:
    """A tensor as an object, any other value as its Python text."""
    if not isinstance(value, TensorView):
        return _text(value)
    return {
        "dtype": value.dtype,
        "shape": list(value.shape),
        "values": _plain(value.values),
        "low": value.low,
        "high": value.high,
        "drawn": value.drawn.value,
    }


def _plain(values: Json) -> Json:
    """Nested lists with NaN and infinities as strings."""
    if isinstance(values, list):
        return [_plain(value) for value in values]
    if isinstance(values, float) and not isfinite(values):
        return str(values)
    return words.block(values) if isinstance(values, str) else values


def _text(text: str | None) -> str | None:
    return None if text is None else words.block(text, LONGEST)
