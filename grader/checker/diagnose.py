"""What went wrong, from several counterexamples: a known mistake where the answers agree with it, else its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from grader.errors import LearnerFault, LearnerRaised
from grader.learner import Case
from grader.references import reference

from .check import Trial
from .compare import Mismatch
from .misconceptions import Misconception, of_exercise
from .replay import agrees

CASES_PER_CHECK = 12


@dataclass(frozen=True, slots=True)
class Evidence:
    """One check of the task that was run: its name and what it recorded."""

    check: str
    trial: Trial

    @property
    def failed(self) -> bool:
        return bool(self.trial.failures)

    def cases(self) -> list[Case]:
        """The smallest failing case first, then others that failed, then some that passed."""
        failing = [failure.case for failure in reversed(self.trial.failures)]
        return failing[:CASES_PER_CHECK] + self.trial.passed[:CASES_PER_CHECK]


# Runs the named check on a module with a mistake in it, in this process: did it pass?
Rerun = Callable[[str, Misconception], bool]


def diagnose(exercise: str, task: str, evidence: Sequence[Evidence], rerun: Rerun) -> str | None:
    """The sentence for the learner, or None where nothing failed or nothing can be said."""
    if not any(item.failed for item in evidence):
        return None
    known = named(exercise, task, evidence, rerun)
    return known.says if known is not None else kind_of_mistake(evidence)


def named(exercise: str, task: str, evidence: Sequence[Evidence], rerun: Rerun) -> Misconception | None:
    """The known mistake that gives the learner's very answers, failing and right ones alike."""
    ordered = sorted(evidence, key=lambda item: not item.failed)
    cases = [case for item in ordered for case in item.cases() if case.exchanges]
    if not cases:
        return None
    everything = of_exercise(exercise)
    candidates = [m for m in everything if m.task == task] + [m for m in everything if m.task != task]
    agreeing = [m for m in candidates if agrees(m.module(), cases)]
    failing = [item.check for item in ordered if item.failed]
    if len(agreeing) == 1 and not agrees(reference(exercise), cases):
        return agreeing[0]  # the answers alone tell it
    exact = [m for m in agreeing if all(not rerun(check, m) for check in failing)]
    passing = [item.check for item in ordered if not item.failed]
    best = [m for m in exact if all(rerun(check, m) for check in passing)] or exact
    return best[0] if best else None


def kind_of_mistake(evidence: Sequence[Evidence]) -> str | None:
    """Names what all failing answers have in common; says nothing where they have nothing in common."""
    causes = [failure.cause for item in evidence for failure in item.trial.failures]
    if isinstance(causes[-1], LearnerFault):
        return _fault(causes[-1])
    wrong = [cause for cause in causes if isinstance(cause, Mismatch)]
    kinds = {cause.kind for cause in wrong}
    if kinds == {"shape"}:
        return "The shape of the result is wrong, so its values were not looked at. Work the output size out on paper."
    if kinds == {"dtype"}:
        return "The dtype changes on the way: make new tensors with x.new_zeros(...) or dtype=x.dtype."
    if kinds == {"type"}:
        return "The result is not the kind of object that was asked for."
    if kinds <= {"error"}:
        return "Right inputs work; arguments that make no sense are not refused as they should be."
    if "nan" in kinds:
        return (
            "Some results are NaN or infinite: look for a division by zero, a root of a negative or a value never set."
        )
    pairs = [(cause.got, cause.expected) for cause in wrong if cause.bad is not None and cause.got.numel() > 1]
    return _pattern(pairs) if pairs and kinds == {"value"} else None


def _fault(fault: LearnerFault) -> str | None:
    if isinstance(fault, LearnerRaised) and fault.line is not None:
        return f"Your code stops with an exception at line {fault.line}; the input below brings it about."
    return None


_PATTERNS: tuple[tuple[str, Callable[[torch.Tensor, torch.Tensor], bool]], ...] = (
    ("Every value has the wrong sign.", lambda got, want: torch.allclose(got, -want)),
    ("Every value is off by the same constant: something is added too often, or not at all.",
     lambda got, want: torch.allclose(got - want, (got - want).reshape(-1)[0].expand_as(got))),
    ("Every value is off by the same factor: a mean where a sum is asked for, or the other way round?",
     lambda got, want: _constant_ratio(got, want)),
    ("The result is the right one with its last two axes swapped.",
     lambda got, want: got.dim() >= 2 and got.shape[-1] == got.shape[-2] and torch.allclose(got, want.mT)),
    ("The result is the right one turned by 180°.",
     lambda got, want: got.dim() >= 2 and torch.allclose(got, want.flip(-1, -2))),
    ("Only elements at the border are wrong: look at how the padding is done.",
     lambda got, want: _only_border(got, want)),
)  # fmt: skip


def _pattern(pairs: list[tuple[torch.Tensor, torch.Tensor]]) -> str | None:
    doubles = [(got.detach().double(), want.detach().double()) for got, want in pairs]
    for sentence, holds in _PATTERNS:
        if len(doubles) >= 2 and all(holds(got, want) for got, want in doubles):
            return sentence
    return None


def _constant_ratio(got: torch.Tensor, want: torch.Tensor) -> bool:
    there = want != 0
    if not bool(there.any()) or bool((got[~there] != 0).any()):
        return False
    ratio = got[there] / want[there]
    return bool(ratio[0] != 0) and torch.allclose(ratio, ratio[0].expand_as(ratio))


def _only_border(got: torch.Tensor, want: torch.Tensor) -> bool:
    if got.dim() < 2 or min(got.shape[-2:]) < 3:
        return False
    bad = (got - want).abs() > 1e-6 * (1 + want.abs())
    return bool(bad.any()) and not bool(bad[..., 1:-1, 1:-1].any())
