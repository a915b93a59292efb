"""A course of one exercise in a temporary folder, run through the fake wall: what the checker's tests share."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader import source
from grader.checker import misconceptions, run
from grader.checker.trial import Trial
from grader.learner import InProcess, Kind, Learner
from grader.model import CheckResult

_numbers = itertools.count(1)

HEAD = """\
from hypothesis import given, strategies as st, assume
import torch
from grader.checker import check, expect
from grader.checker import strategies as draw

"""


@dataclass(frozen=True)
class Tiny:
    """One exercise. Its name is a new one every time: references and mistakes are kept by name."""

    name: str
    kinds: dict[str, str]
    checks: Path

    def learner(self, text: str) -> Learner:
        session = InProcess.from_source(self.name, text, f"{self.name}.py")
        return Learner(session, {name: Kind(kind) for name, kind in self.kinds.items()})

    def run(self, text: str, **options: object) -> dict[str, CheckResult]:
        return self.trials(text, **options)[0]

    def trials(self, text: str, **options: object) -> tuple[dict[str, CheckResult], dict[str, Trial]]:
        learner = self.learner(text)
        results, trials = run.run_checks(self.name, self.kinds, lambda _: learner, **options)
        return {result.spec.name: result for result in results}, trials

    def said(self, text: str) -> dict[str, str]:
        """The diagnosis of every task that has one."""
        results, trials = self.trials(text)
        return run.explain(self.name, self.kinds, list(results.values()), trials)


def tiny(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, solution: str, checks: str, mistakes: str = "", head: str = HEAD
) -> Tiny:
    name = f"ex99_tiny{next(_numbers)}"
    text = f'"""A tiny exercise."""\nimport torch\nfrom torch import nn\n\n{solution}'
    (folder / "solutions" / "misconceptions").mkdir(parents=True, exist_ok=True)
    (folder / "checks").mkdir(exist_ok=True)
    (folder / "checks" / "pytest.ini").write_text("[pytest]\n")
    (folder / "solutions" / f"{name}.py").write_text(text)
    wrong = f"from grader.checker.misconceptions import misconception, reference\nref = reference({name!r})\n\n"
    (folder / "solutions" / "misconceptions" / f"{name}.py").write_text(wrong + mistakes)
    file = folder / "checks" / f"test_{name}.py"
    file.write_text(head + checks)
    monkeypatch.setattr("grader.references.root", lambda: folder)
    monkeypatch.setattr(misconceptions, "root", lambda: folder)
    monkeypatch.setattr(run, "CHECKS", folder / "checks")
    return Tiny(name, {task.name: task.kind for task in source.read(text, name).tasks}, file)
