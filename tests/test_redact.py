"""Who may read what: nothing that is not for a reader reaches them, in any format; what is for them does."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from test_platform_formats import RENDERERS

from grader import score
from grader.model import (
    CheckResult,
    CheckSpec,
    Counterexample,
    Environment,
    ExerciseResult,
    Isolation,
    Report,
    TensorView,
    Training,
    Verdict,
    Visibility,
)
from grader.platforms import github, gradescope
from grader.report import html, junit, record, terminal
from grader.report.redact import Audience, redact

with warnings.catch_warnings():  # of nbgrader's and of what it needs
    warnings.simplefilter("ignore")
    from grader.platforms.nbgrader import serve

ENVIRONMENT = Environment("0", "3", "2", "cpu", Isolation.SANDBOXED, 0)
MAY = {
    Audience.LEARNER: {Visibility.PUBLIC},
    Audience.AFTER_DUE: {Visibility.PUBLIC, Visibility.AFTER_DUE},
    Audience.AFTER_PUBLISHED: {Visibility.PUBLIC, Visibility.AFTER_DUE, Visibility.AFTER_PUBLISHED},
    Audience.STAFF: set(Visibility),
}


def printed(report: Report) -> str:
    console = Console(file=io.StringIO(), width=200)
    terminal.render(report, console)
    return console.file.getvalue()


def on_gradescope(report: Report, audience: Audience) -> str:
    """It is given all of it once, and shows each test in its time."""
    made = json.loads(gradescope.render(report))
    shown = {
        "visible": Audience.LEARNER,
        "after_due_date": Audience.AFTER_DUE,
        "after_published": Audience.AFTER_PUBLISHED,
    }
    order = list(Audience)
    tests = made.pop("tests", [])
    made["tests"] = [
        test for test in tests if test["visibility"] != "hidden"
        and order.index(shown[test["visibility"]]) <= order.index(audience)
    ]  # fmt: skip
    return json.dumps(made)


def in_nbgrader(report: Report, audience: Audience) -> str:
    """`%grade` asks before the due date; feedback of nbgrader is read when it is published."""
    if audience is Audience.AFTER_DUE:
        return ""
    told = serve.graded(report, published=audience is Audience.AFTER_PUBLISHED)
    return "".join(graded.said + graded.page for graded in told.values())


OF_THE_TOLD: dict[str, Callable[[Report], str]] = {
    **{kind: render for kind, render in RENDERERS.items() if kind != "gradescope-results"},
    "terminal": printed,
    "json": record.render,
    "html": html.render,
    "junit": junit.render,
    "summary": github.summary,
    "annotations": lambda told: "\n".join(github.annotate(told, {})),
    "outputs": lambda told: str(github.outputs(told)),
}


def everywhere(report: Report, audience: Audience) -> dict[str, str]:
    """What this reader gets to read, in every format that there is."""
    told = redact(report, audience)
    made = {
        kind: render(told)
        for kind, render in OF_THE_TOLD.items()
        if not (told.faulty and kind.startswith("classroom50"))
    }
    return {**made, "gradescope": on_gradescope(report, audience), "nbgrader": in_nbgrader(report, audience)}


def check(number: int, visibility: Visibility, verdict: Verdict, needs: tuple[str, ...] = ()) -> CheckResult:
    """Every text of it says whose it is: "mark7message" is the message of check 7."""

    def mark(field: str) -> str:
        return f"mark{number}{field}x"

    spec = CheckSpec(mark("name"), "task", mark("title"), 1.0, visibility, needs)
    if verdict is Verdict.PASSED:
        return CheckResult(spec, verdict)
    view = TensorView("float32", (1,), [1000.0 + number], 0.0, 1.0)
    example = Counterexample(
        mark("call"), ((mark("input"), view),), mark("expected"), mark("got"), mark("where"), None, mark("snippet")
    )
    return CheckResult(
        spec, verdict, mark("message"), example, 7, mark("place"), excerpt=mark("excerpt"), printed=mark("printed"),
        trainings=(Training(mark("training"), (3.0, 2.0, 1.0), 1, 1.5, 60.0),), share=0.5,
    )  # fmt: skip


@st.composite
def reports(draw):
    ran = [Verdict.PASSED, Verdict.WRONG, Verdict.RAISED, Verdict.NOT_RUN, Verdict.TIMED_OUT, Verdict.FAULT]
    checks: list[CheckResult] = []
    for number in range(draw(st.integers(1, 6))):
        earlier = [other.spec.name for other in checks]
        needs = tuple(draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2))) if earlier else ()
        checks.append(check(number, draw(st.sampled_from(Visibility)), draw(st.sampled_from(ran)), needs))
        if checks[-1].verdict is Verdict.NOT_RUN:
            said = next((other.spec.title for other in checks if other.spec.name in needs), "nothing")
            checks[-1] = replace(checks[-1], message=f"first make this pass: {said}", counterexample=None)
    hidden = [c for c in checks if c.verdict is not Verdict.PASSED]
    least = max((list(Visibility).index(c.spec.visibility) for c in hidden), default=0)
    diagnosis = f"diagnosis{least}" if hidden else None
    task = score.task_result("task", float(len(checks)), checks, diagnosis)
    return Report("sub", "0" * 64, ENVIRONMENT, (ExerciseResult("ex", "Title", (task,)),))


@pytest.mark.parametrize("audience", [a for a in Audience if a is not Audience.STAFF])
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(report=reports())
def test_nothing_of_a_check_that_is_not_for_them_reaches_a_reader_in_any_format(audience, report):
    """Of its trainings neither."""
    said = everywhere(report, audience)

    for number, result in enumerate(report.exercises[0].tasks[0].checks):
        hidden = result.spec.visibility not in MAY[audience]
        for name, text in said.items():
            if hidden:
                assert f"mark{number}" not in text, (name, result)
            elif name == "json":  # pages name what did not pass
                assert f"mark{number}title" in text, (name, result)
    for least, visibility in enumerate(Visibility):
        if visibility not in MAY[audience]:
            assert not any(f"diagnosis{least}" in text for text in said.values())


@given(report=reports())
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
def test_the_staff_reads_all_of_it(report):
    assert redact(report, Audience.STAFF) is report


def one(*checks: CheckResult, diagnosis: str | None = None) -> Report:
    task = score.task_result("task", float(len(checks)), checks, diagnosis)
    return Report("sub", "0", ENVIRONMENT, (ExerciseResult("ex", "Title", (task,)),))


def test_points_of_what_is_not_told_are_not_in_the_score():
    report = one(check(0, Visibility.PUBLIC, Verdict.PASSED), check(1, Visibility.AFTER_DUE, Verdict.PASSED))

    before, after = redact(report, Audience.LEARNER), redact(report, Audience.AFTER_DUE)
    assert (before.score, before.max_score) == (1.0, 2.0)
    assert before.notes == ("1 checks worth 1 points are not shown here, and not in this score.",)
    assert after.score == 2.0
    assert after.notes == ()


def test_a_fault_of_ours_is_told_the_staff_and_not_the_learner():
    report = one(check(0, Visibility.PUBLIC, Verdict.FAULT))

    assert "mark0message" in record.render(redact(report, Audience.STAFF))
    assert "mark0message" not in "".join(everywhere(report, Audience.LEARNER).values())
    assert redact(report, Audience.LEARNER).faulty


@pytest.mark.parametrize("audience", [a for a in Audience if a is not Audience.STAFF])
def test_a_fault_of_ours_in_what_is_not_told_is_no_grade_either(audience):
    """Half a grade is none: that a check of the staff's could not be run takes no point from a learner."""
    report = one(check(0, Visibility.PUBLIC, Verdict.PASSED), check(1, Visibility.STAFF, Verdict.FAULT))
    told = redact(report, audience)

    assert (told.faulty, score.exit_code(told)) == (True, score.GRADER_FAULT)
    assert "mark1" not in "".join(everywhere(report, audience).values())
    assert github.outputs(told) == {"graded": "false"}
    assert [graded.score for graded in serve.graded(report, published=True).values()] == [None]


def test_what_stands_above_all_tests_says_nothing_of_those_that_are_told_later():
    passed = check(0, Visibility.PUBLIC, Verdict.PASSED)
    outputs = {
        json.loads(gradescope.render(one(passed, check(1, Visibility.AFTER_DUE, verdict))))["output"]
        for verdict in (Verdict.PASSED, Verdict.WRONG, Verdict.RAISED)
    }
    assert outputs == {"1 check is not shown here yet, and counts.\nEvery task passed. Well done!"}


def test_the_gradebook_of_nbgrader_gets_all_points_and_a_learner_what_they_may_read():
    report = one(check(0, Visibility.PUBLIC, Verdict.PASSED), check(1, Visibility.STAFF, Verdict.PASSED))
    points = [next(iter(serve.graded(report, published=out).values())).score for out in (True, False)]
    assert points == [2.0, 1.0]


def test_what_holds_a_check_back_is_not_named_where_it_is_not_told():
    hidden = check(0, Visibility.STAFF, Verdict.WRONG)
    waiting = replace(
        check(1, Visibility.PUBLIC, Verdict.NOT_RUN, (hidden.spec.name,)),
        message=f"first make this pass: {hidden.spec.title}",
    )
    told = redact(one(hidden, waiting), Audience.LEARNER).exercises[0].tasks[0]

    assert [c.message for c in told.checks] == ["it waits for a check that is not told yet"]
    assert told.checks[0].spec.needs == ()
