"""A class made by hand: a store with a few submissions, each check's end written as one sign."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from report_samples import ENVIRONMENT

from grader.model import CheckResult, CheckSpec, ExerciseResult, Report, TaskResult, Verdict
from grader.report import record
from grader.score import task_result
from grader.store import Row, Store

SIGNS = {
    "+": Verdict.PASSED,
    "-": Verdict.WRONG,
    "r": Verdict.RAISED,
    "x": Verdict.REFUSED,
    "t": Verdict.TIMED_OUT,
    "d": Verdict.DIED,
    ".": Verdict.TODO,
    "~": Verdict.NOT_RUN,
    "!": Verdict.FAULT,
}
POINTS = {"plain": 2.0, "stride": 3.0, "bias": 1.0, "zeros": 4.0}  # ten points: conv2d has 6, pad2d 4
CONV, PAD = "ex04_conv", "ex05_pool"
PLAIN, STRIDE, BIAS = (f"{CONV}::conv2d::{name}" for name in ("plain", "stride", "bias"))
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def task(name: str, signs: str, checks: tuple[str, ...], diagnosis: str | None = None) -> TaskResult:
    """`signs`: one a check."""
    results = [
        CheckResult(CheckSpec(check, name, f"What {check} asks", POINTS[check]), SIGNS[sign])
        for check, sign in zip(checks, signs, strict=True)
    ]
    return task_result(name, sum(POINTS[check] for check in checks), results, diagnosis)


def row(
    name: str,
    conv: str | None = "+++",
    pad: str | None = "+",
    *,
    diagnosis: str | None = None,
    status: str = "graded",
    message: str = "",
    seconds: float = 1.0,
    file: str = "",
) -> Row:
    """`conv` and `pad`: how the checks of an exercise ended; None: the submission lacks it."""
    parts: list[ExerciseResult] = []
    if conv is None:
        parts.append(ExerciseResult(CONV, "", (TaskResult("conv2d", 6.0),), missing=True))
    else:
        parts.append(ExerciseResult(CONV, "", (task("conv2d", conv, ("plain", "stride", "bias"), diagnosis),)))
    if pad is None:
        parts.append(ExerciseResult(PAD, "", (TaskResult("pad2d", 4.0),), missing=True))
    else:
        parts.append(ExerciseResult(PAD, "", (task("pad2d", pad, ("zeros",)),)))
    report = Report(name, "0" * 64, ENVIRONMENT, tuple(parts))
    score = None if report.faulty else report.score
    known = "fault" if report.faulty else status
    text = record.render(report)
    return Row(name, file or name, "key", "0" * 64, known, score, 10.0, text, message, seconds, AT)


def a_class(folder: Path, *rows: Row) -> Path:
    """OUT of a batch, with its database and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    with Store.in_folder(folder) as store:
        for one in rows:
            store.put(one)
    return folder


def scores(marks) -> Mapping[str, tuple[float | None, float]]:
    return {mark.name: (mark.score, mark.max_score) for mark in marks}
