"""grader/score.py: what counts, what does not, and which exit code follows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.model import CheckResult, CheckSpec, Environment, ExerciseResult, Isolation, Report, Status, Verdict
from grader.score import exit_code, status, task_result

RAN = [verdict for verdict in Verdict if verdict is not Verdict.NOT_RUN]
MISTAKES = [Verdict.WRONG, Verdict.RAISED, Verdict.REFUSED, Verdict.TIMED_OUT, Verdict.DIED]


def checks(*verdicts: Verdict, points: float = 1.0) -> list[CheckResult]:
    return [CheckResult(CheckSpec(f"c{i}", "t", f"Check {i}", points), v) for i, v in enumerate(verdicts)]


def report(*tasks: list[CheckResult], missing: bool = False) -> Report:
    results = tuple(
        task_result(f"t{i}", sum(check.spec.points for check in each), each, None) for i, each in enumerate(tasks)
    )
    environment = Environment("0", "3.11", "2.6", "cpu", Isolation.NONE, 0)
    return Report("me", "", environment, (ExerciseResult("ex01_a", "A", results, missing),))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_mistake_fails_a_task(mistake: Verdict) -> None:
    assert status(checks(Verdict.PASSED, mistake, Verdict.TODO)) is Status.FAILED


def test_a_task_passes_where_every_check_passed() -> None:
    assert status(checks(Verdict.PASSED, Verdict.PASSED)) is Status.PASSED


def test_a_task_without_checks_is_to_do_and_never_passed() -> None:
    assert status([]) is Status.TODO


@pytest.mark.parametrize("others", [[], [Verdict.TODO], [Verdict.NOT_RUN, Verdict.TODO]])
def test_a_task_is_to_do_where_all_that_ran_is_to_do(others: list[Verdict]) -> None:
    assert status(checks(Verdict.TODO, *others)) is Status.TODO


def test_a_task_half_of_which_is_written_has_failed() -> None:
    assert status(checks(Verdict.PASSED, Verdict.TODO)) is Status.FAILED


def test_a_check_that_did_not_run_keeps_a_task_from_passing() -> None:
    assert status(checks(Verdict.PASSED, Verdict.NOT_RUN)) is Status.FAILED


@given(st.lists(st.sampled_from(list(Verdict))))
def test_our_fault_overrides_everything(verdicts: list[Verdict]) -> None:
    assert status(checks(*verdicts, Verdict.FAULT)) is Status.FAULT


@given(st.lists(st.sampled_from(list(Verdict))))
def test_only_checks_that_passed_earn_points(verdicts: list[Verdict]) -> None:
    expected = 0 if Verdict.FAULT in verdicts else verdicts.count(Verdict.PASSED)
    assert task_result("t", len(verdicts), checks(*verdicts), None).score == expected


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1))
def test_a_task_has_passed_exactly_where_every_check_has(verdicts: list[Verdict]) -> None:
    passed = all(verdict is Verdict.PASSED for verdict in verdicts)
    assert (task_result("t", 1, checks(*verdicts), None).status is Status.PASSED) == passed


def test_a_check_of_no_points_counts_for_the_status() -> None:
    free = checks(Verdict.WRONG, points=0)
    result = task_result("t", 1, [*checks(Verdict.PASSED), *free], None)
    assert (result.status, result.score) == (Status.FAILED, 1.0)


def test_tenths_of_points_add_up() -> None:
    assert task_result("t", 1, checks(*[Verdict.PASSED] * 10, points=0.1), None).score == 1.0


def test_every_point_is_exit_0() -> None:
    assert exit_code(report(checks(Verdict.PASSED), checks(Verdict.PASSED, points=0.1))) == 0


@pytest.mark.parametrize("verdict", [*MISTAKES, Verdict.TODO])
def test_a_point_lost_is_exit_1(verdict: Verdict) -> None:
    assert exit_code(report(checks(Verdict.PASSED), checks(verdict))) == 1


def test_every_point_earned_and_a_free_check_failed_is_exit_0() -> None:
    assert exit_code(report([*checks(Verdict.PASSED), *checks(Verdict.WRONG, points=0)])) == 0


def test_nothing_but_failed_free_checks_is_not_every_point() -> None:
    assert exit_code(report(checks(Verdict.WRONG, points=0))) == 1


@given(st.lists(st.lists(st.sampled_from(list(Verdict)))))
def test_our_fault_is_exit_3_whatever_else_happened(tasks: list[list[Verdict]]) -> None:
    assert exit_code(report(checks(Verdict.FAULT), *(checks(*verdicts) for verdicts in tasks))) == 3


def test_no_check_at_all_is_exit_5() -> None:
    assert exit_code(report()) == 5


def test_checks_that_all_did_not_run_are_exit_5() -> None:
    assert exit_code(report(checks(Verdict.NOT_RUN, Verdict.NOT_RUN))) == 5


def test_a_missing_exercise_was_not_checked() -> None:
    assert exit_code(report(checks(Verdict.TODO), missing=True)) == 5


def test_a_missing_exercise_costs_its_points() -> None:
    there, absent = report(checks(Verdict.PASSED)), report(checks(Verdict.TODO), missing=True)
    assert exit_code(replace(there, exercises=there.exercises + absent.exercises)) == 1
