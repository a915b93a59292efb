"""One class of submissions, graded for real, and what it becomes in every format: tests/golden/class.

`handed_in/` is what `grade batch` is given, as learners hand in: folders, a file, a notebook, what is no archive,
nothing at all, somebody who speaks to CI runners and browsers, and one whom we fail. What another machine would say
differently, versions and durations, is left out.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from graded_kit import ANYWHERE
from kit import ROOT
from rich.console import Console
from test_platform_formats import RENDERERS
from test_report_goldens import terminal_text

from grader import course
from grader.batch.parcel import Graded, Parcel
from grader.batch.run import Asked, Batch, Tally, opened, setup_of
from grader.classview.front import FORMATS, Export, write_export
from grader.collect import collect
from grader.model import CheckResult, Report, TaskResult, Verdict
from grader.pipeline import Grader, Wanted
from grader.platforms import ci, github
from grader.platforms.nbgrader import book, names
from grader.report import html, junit, record
from grader.report.redact import Audience, redact
from grader.score import task_result

with warnings.catch_warnings():  # of nbgrader's and of what it needs
    warnings.simplefilter("ignore")
    from grader.platforms.nbgrader import serve, steps

CLASS = ROOT / "tests" / "golden" / "class"
HANDED_IN, MADE = CLASS / "handed_in", CLASS / "made"
NAME = "ex03_output_size"
TASKS = frozenset({"conv_output_size", "same_padding"})
FAILED_BY_US = "ivy"
KNOWN = course.load()


def without_place(report: Report) -> Report:
    """The same on every machine; and for one of the class a check in which we stumbled."""
    faulty = report.submission == FAILED_BY_US
    exercises = tuple(
        replace(each, tasks=tuple(_task(task, faulty=faulty and not number) for number, task in enumerate(each.tasks)))
        for each in report.exercises
    )
    return replace(report, environment=ANYWHERE, exercises=exercises)


def _task(task: TaskResult, *, faulty: bool) -> TaskResult:
    checks = [replace(check, duration_s=0.0) for check in task.checks]
    if faulty:
        checks[0] = CheckResult(checks[0].spec, Verdict.FAULT, "KeyError: 'stride' in grader/checks")
    return task_result(task.name, task.max_score, checks, task.diagnosis)


@dataclass(slots=True)
class Here:
    """Jobs that grade in this process. `reports`: what became of everybody, as it was found."""

    grader: Grader
    reports: dict[str, Report] = field(default_factory=dict)

    def rehearse(self) -> None:
        pass

    def run(self, parcels: Iterator[Parcel]) -> Iterator[tuple[Parcel, Graded]]:
        for parcel in parcels:
            report = without_place(self.grader.grade(parcel.submission, wanted=Wanted({NAME: TASKS})))
            self.reports[parcel.name] = report
            score = None if report.faulty else report.score
            page = html.render(redact(report, Audience.LEARNER))
            fault = "conv_output_size: KeyError: 'stride' in grader/checks" if report.faulty else ""
            yield parcel, Graded(record.render(report), page, score, report.max_score, 0.0, fault)


def grade_everybody(grader: Grader, out: Path) -> dict[str, Report]:
    """`grade batch handed_in --out OUT`, with its own files written."""
    asked, jobs = Asked(HANDED_IN, out, {NAME: TASKS}), Here(grader)
    with opened(asked) as store:
        Batch(asked, KNOWN, setup_of(asked.wanted, "cpu", None), ANYWHERE, store, Tally()).run(jobs)
    return jobs.reports


def files_of_the_class(out: Path) -> dict[str, bytes]:
    """What lies in OUT, and every kind of `grade export`, with a roster and a late policy."""
    made = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    made = {name: data for name, data in made.items() if not name.startswith((".lock", "grades.db"))}
    for kind in FORMATS:
        file = out / f"export-{kind}.{'json' if kind == 'json' else 'csv'}"
        asked = Export(
            kind, CLASS / "roster.csv", "10%/day, at most 50%", "2026-11-20T23:59+01:00", CLASS / "times.csv",
            "Exercises (12345)", str(file),
        )  # fmt: skip
        write_export(out, None, KNOWN, asked, Console(quiet=True))
        made[file.name] = file.read_bytes()
        file.unlink()
    return made


def forms(report: Report, path: Path) -> dict[str, str]:
    """One of the class in every format of one submission, as a learner is told."""
    told = redact(report, Audience.LEARNER)
    host, found = ci.Host(True, CLASS), collect(path, KNOWN.names, NAME)
    made = {
        "terminal.txt": terminal_text(told, 80),
        "junit.xml": junit.render(told),
        "summary.md": github.summary(told),
        "log.txt": ci.told(host, told, ci.files(host, path, found)),
        "output.txt": "".join(f"{name}={text}\n" for name, text in github.outputs(told).items()),
        f"{NAME}.ipynb": notebook(report),
    }
    for kind, render in RENDERERS.items():
        if not (report.faulty and kind == "classroom50-result-v1"):  # no file: its runner then reports an error
            made[f"{kind}.json"] = render(report if kind == "gradescope-results" else told)
    return made


def notebook(report: Report) -> str:
    """What nbgrader's autograded/ has of the tasks: our test cells, with what our step writes into them."""
    given: dict[str, Any] = json.loads(book.notebook(KNOWN, KNOWN.exercise(NAME)))
    answers = serve.graded(report, published=True)
    kept = []
    for cell in given["cells"]:
        task = cell["id"].removeprefix(f"test-{NAME}-")
        if f"{NAME}::{task}" in answers:
            answer = answers[f"{NAME}::{task}"]
            mark = names.Mark(NAME, task)
            score = None if answer.score is None else steps.scaled(answer, cell["metadata"]["nbgrader"]["points"])
            source = names.without_hidden("".join(cell["source"]))
            kept.append(
                {**cell, "source": source.splitlines(keepends=True), "outputs": [steps.output(mark, answer, score)]}
            )
    return json.dumps({**given, "cells": kept}, indent=1, ensure_ascii=False) + "\n"


def everything(grader: Grader, out: Path) -> tuple[Mapping[str, Report], dict[str, bytes]]:
    """Name below made/ -> content."""
    reports = grade_everybody(grader, out)
    made = files_of_the_class(out)
    paths = {path.stem if path.is_file() else path.name: path for path in HANDED_IN.iterdir()}
    for name, report in reports.items():
        made |= {f"one/{name}/{form}": text.encode() for form, text in forms(report, paths[name]).items()}
    return reports, made
