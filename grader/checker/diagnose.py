"""What went wrong, from several counterexamples: a known mistake where the answers agree with it, else its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grader.errors import LearnerFault, LearnerRaised, LearnerStrayed
from grader.learner import Case
from grader.references import reference
from grader.worker.values import tensors_in

from .compare import Mismatch
from .conditions import only_where
from .misconceptions import Misconception, of_exercise
from .patterns import OF_ANSWERS, in_words, of_faults
from .replay import agrees
from .trial import FLAKY, Failed, Trial


@dataclass(frozen=True, slots=True)
class Evidence:
    """One check of the task that was run: its name and what it recorded."""

    check: str
    trial: Trial

    @property
    def failed(self) -> bool:
        return bool(self.trial.failures)

    def cases(self) -> list[Case]:
        """The smallest failing ones, then others that failed, then some that passed."""
        return [failure.case for failure in reversed(self.trial.failures)] + self.trial.passed


PARTS = 2  # mistakes named at once
ENOUGH = 4  # failing inputs of a check that have to agree before they speak of a mistake that does not explain all

# Runs the named check on a module with a mistake in it, in this process: did it pass?
Rerun = Callable[[str, Misconception], bool]


def diagnose(
    exercise: str, task: str, evidence: Sequence[Evidence], rerun: Rerun, suspects: Sequence[str] = ()
) -> str | None:
    """The sentence for the learner, or None where nothing failed or nothing can be said.

    `suspects`: other tasks whose mistakes may be what shows here.
    """
    if not any(item.failed for item in evidence):
        return None
    causes = [failure.cause for item in evidence for failure in item.trial.failures]
    if any(isinstance(cause, LearnerStrayed) for cause in causes):  # right values perhaps: they are no evidence
        return kind_of_mistake(exercise, task, evidence)
    known = named(exercise, task, evidence, rerun, suspects)
    if known is not None:
        return known.says
    several = partly(exercise, task, evidence, rerun)
    return " And: ".join(mistake.says for mistake in several) or kind_of_mistake(exercise, task, evidence)


def named(
    exercise: str, task: str, evidence: Sequence[Evidence], rerun: Rerun, suspects: Sequence[str] = ()
) -> Misconception | None:
    """The known mistake that gives the learner's very answers, failing and right ones alike."""
    ordered = sorted(evidence, key=lambda item: not item.failed)
    cases = [case for item in ordered for case in item.cases() if case.exchanges]
    if not cases:
        return None
    if any(item.trial.flaky for item in evidence):
        return None  # answers that change are no evidence
    everything = of_exercise(exercise)
    own, others = [m for m in everything if m.task == task], [m for m in everything if m.task in suspects]
    return _best(exercise, own, cases, ordered, rerun) or _best(exercise, others, cases, ordered, rerun)


def _best(
    exercise: str, candidates: Sequence[Misconception], cases: list[Case], ordered: list[Evidence], rerun: Rerun
) -> Misconception | None:
    """The one whose answers agree, and that the same checks catch; the first where the cases cannot tell two apart."""
    agreeing = [m for m in candidates if agrees(m.module(), cases)]
    if not agreeing:
        return None
    if len(agreeing) == 1 and not agrees(reference(exercise), cases):
        return agreeing[0]  # the answers alone tell it
    exact = [m for m in agreeing if not any(rerun(item.check, m) for item in ordered if item.failed)]
    best = [m for m in exact if all(rerun(item.check, m) for item in ordered if not item.failed)] or exact
    return best[0] if best else None


def partly(exercise: str, task: str, evidence: Sequence[Evidence], rerun: Rerun) -> list[Misconception]:
    """Known mistakes that each explain some failing checks whole and speak against nothing that the learner got right.

    For work with more than one mistake in it; those that explain most come first, and two are enough for one reading.
    """
    failing = [item for item in evidence if item.failed and not item.trial.flaky]
    right = [case for item in evidence for case in item.trial.passed]
    hinted = [m for m in of_exercise(exercise) if m.task == task and any(_agrees_where_wrong(m, i) for i in failing)]
    own = [m for m in hinted if agrees(m.module(), right)]  # last, since it takes longest
    explained = {m: {item.check for item in failing if _explains(m, item, rerun)} for m in own}
    found: list[Misconception] = []
    left = {item.check for item in failing}
    while len(found) < PARTS and own:
        best = max(own, key=lambda m: len(explained[m] & left))  # the first of the file where two explain as much
        if not explained[best] & left:
            break
        found.append(best)
        left -= explained[best]
    return found


def _explains(mistake: Misconception, item: Evidence, rerun: Rerun) -> bool:
    return _agrees_where_wrong(mistake, item) and not rerun(item.check, mistake)


def _agrees_where_wrong(mistake: Misconception, item: Evidence) -> bool:
    cases = [failure.case for failure in item.trial.failures if failure.case.exchanges]
    return len(cases) >= ENOUGH and agrees(mistake.module(), cases)


def kind_of_mistake(exercise: str, task: str, evidence: Sequence[Evidence]) -> str | None:
    """Names what all failing answers have in common, and when they fail; says nothing where there is nothing to say."""
    failed = [item.trial for item in evidence if item.failed]
    if any(trial.flaky for trial in failed):
        return FLAKY
    shown = [trial.shown.cause for trial in failed if trial.shown is not None]
    faults = [cause for cause in shown if isinstance(cause, LearnerFault)]
    causes = [_with_device(failure) for trial in failed for failure in trial.failures]
    if faults and not any(_is_answer(cause) for cause in causes):
        kind = of_faults(faults)
    else:
        kind = in_words([cause for cause in causes if isinstance(cause, Mismatch)])
    return " ".join(words for words in (kind, _when(exercise, task, evidence)) if words) or None


def _when(exercise: str, task: str, evidence: Sequence[Evidence]) -> str | None:
    """The condition under which answers are wrong, as a sentence."""
    right = [case for item in evidence for case in item.trial.passed if _answered(case) and _about(case, task)]
    failures = [failure for item in evidence for failure in item.trial.failures if _about(failure.case, task)]
    wrong = [failure.case for failure in failures if _is_answer(failure.cause)]
    raised = [failure.case for failure in failures if isinstance(failure.cause, LearnerRaised)]
    for words, cases in (("It goes wrong", [*wrong, *raised]), ("The values are wrong", wrong)):
        if (condition := only_where(reference(exercise), cases, right)) is not None:
            return f"{words} only where {condition}; in all other inputs that were tried, it is right."
    return None


def _with_device(failure: Failed) -> Mismatch | LearnerFault:
    """What fails, but not in its values, with an input that is not on the CPU: that is about devices."""
    last = failure.case.events[-1:]
    tensors = [value for event in last for value in tensors_in([*event.args, *event.kwargs.values()])]
    there = any(tensor.device.type != "cpu" for tensor in tensors)
    return Mismatch("device", "") if there and not _is_answer(failure.cause) else failure.cause


def _is_answer(cause: Mismatch | LearnerFault) -> bool:
    return isinstance(cause, Mismatch) and cause.kind in {*OF_ANSWERS, "example"}


def _answered(case: Case) -> bool:
    """Whether the case ended in an answer: that bad arguments are refused says nothing of the values for good ones."""
    last = case.exchanges[-1].reply if case.exchanges else None
    return last is not None and last.failure is None


def _about(case: Case, task: str) -> bool:
    if not case.events:
        return False
    last = case.events[-1]
    made = next((event for event in case.events if event.gives == last.subject and last.subject is not None), last)
    return made.name.split(".")[0] == task
