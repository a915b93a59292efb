"""What-if on stored results: edits applied on reading, the audit trail; nothing stored is overwritten."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from marks_kit import AT, BIAS, CONV, PLAIN, STRIDE, a_class, row, scores
from report_samples import ENVIRONMENT

from grader.errors import UsageError
from grader.marks import Edit, Edits, mark, read, regrade
from grader.marks.edits import Decision, decision, edits, in_force, written
from grader.model import CheckResult, CheckSpec, ExerciseResult, Report, Status, Verdict
from grader.report import record
from grader.score import task_result
from grader.store import Change, Store


def edited(one, **changes: tuple[float, float | None]):
    """The mark with conv2d's checks edited: name=(before, after)."""
    return mark(one, Edits({f"{CONV}::conv2d::{name}": Edit(*edit) for name, edit in changes.items()}))


def conv2d(one):
    return one.exercises[0].tasks[0]


@pytest.fixture
def store(tmp_path):
    out = a_class(tmp_path / "out", row("ada", "+++"), row("bob", "+-+"), row("cy", None), row("dee", "--.", "-"))
    with Store.in_folder(out) as opened:
        yield opened


def test_without_edits_a_mark_is_what_was_stored():
    found = mark(row("bob", "+-+"), Edits())

    assert (found.score, found.max_score, found.status) == (7.0, 10.0, "graded")
    assert [check.passed for check in conv2d(found).checks] == [True, False, True]


def test_a_dropped_check_leaves_both_score_and_maximum():
    assert scores([edited(row("ada", "+++"), stride=(3.0, None))]) == {"ada": (7.0, 7.0)}
    assert scores([edited(row("bob", "+-+"), stride=(3.0, None))]) == {"bob": (7.0, 7.0)}


def test_a_task_whose_last_failing_check_is_dropped_has_passed():
    found = conv2d(edited(row("bob", "+-+", diagnosis="You forgot the stride."), stride=(3.0, None)))

    assert (found.status, found.score, found.max_score, found.diagnosis) == (Status.PASSED, 3.0, 3.0, None)


def test_other_points_change_what_a_passed_check_earns_and_what_there_is():
    assert scores([edited(row("ada", "+++"), bias=(1.0, 0.25))]) == {"ada": (9.25, 9.25)}
    assert scores([edited(row("eve", "++-"), bias=(1.0, 5.0))]) == {"eve": (9.0, 14.0)}


def test_a_share_of_a_check_stays_a_share_of_its_new_points():
    half = CheckResult(CheckSpec("stride", "conv2d", "measured", 3.0), Verdict.WRONG, share=0.5)
    report = Report("gil", "", ENVIRONMENT, (ExerciseResult(CONV, "", (task_result("conv2d", 3.0, [half], None),)),))
    stored = replace(row("gil"), record=record.render(report), score=1.5, max_score=3.0)

    assert scores([edited(stored, stride=(3.0, 10.0))]) == {"gil": (5.0, 10.0)}
    assert scores([edited(stored, bias=(1.0, None))]) == {"gil": (1.5, 3.0)}


def test_an_exercise_that_is_missing_was_worth_as_much_as_for_everybody():
    assert scores([edited(row("cy", None), stride=(3.0, None), bias=(1.0, 2.0))]) == {"cy": (4.0, 8.0)}


def test_a_fault_of_ours_in_a_dropped_check_costs_the_grade_no_more():
    faulty = row("fay", "+!+", message="KeyError")

    assert (mark(faulty, Edits()).status, mark(faulty, Edits()).score) == ("fault", None)
    assert (edited(faulty, stride=(3.0, None)).status, edited(faulty, stride=(3.0, None)).score) == ("graded", 7.0)
    assert edited(faulty, bias=(1.0, None)).score is None


def test_sums_of_decimal_fractions_stay_decimal_fractions():
    assert edited(row("ada", "+++"), plain=(2.0, 0.1), stride=(3.0, 0.2), bias=(1.0, None)).score == 4.3


@pytest.mark.parametrize(
    "word",
    [
        STRIDE,
        "stride",
        "conv2d::stride",
        "STRIDE",
        "tri",
        " ex04_conv::conv2d::stride ",
        "ex04::stride",
        "ex04::conv2d::stride",
    ],
)
def test_a_check_goes_by_any_part_that_is_its_own(word):
    assert regrade.find(word, [PLAIN, STRIDE, BIAS]) == STRIDE


def test_the_end_of_a_name_goes_before_a_part():
    assert regrade.find("stride", [STRIDE, f"{CONV}::conv2d::stride_pairs"]) == STRIDE


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("strid3", "the nearest: ex04_conv::conv2d::stride"),
        ("conv2d", "could be any of ex04_conv::conv2d::plain, ex04_conv::conv2d::stride"),
        ("", "there is no check ''"),
        ("ex05::stride", "the nearest: "),
        ("stride::ex04", "the nearest: "),
        ("ex04::conv2d", "could be any of ex04_conv::conv2d::plain"),
        ("\x1b[31m", "there is no check '\\\\x1b[31m'"),
    ],
)
def test_an_unknown_or_ambiguous_check_is_told_with_the_nearest_names(word, told):
    with pytest.raises(UsageError) as error:
        regrade.find(word, [PLAIN, STRIDE, BIAS])

    assert told in str(error.value)


@pytest.mark.parametrize("text", ["stride", "stride=", "=2", "stride=-1", "stride=nan", "stride=inf", "stride=x"])
def test_points_are_a_name_and_a_number(text):
    with pytest.raises(UsageError, match="write CHECK=N"):
        regrade.points(text)

    assert regrade.points("a=b=2.5") == ("a=b", 2.5)


def test_a_check_named_twice_is_refused(store):
    with pytest.raises(UsageError, match="named twice"):
        regrade.plan(regrade.Wish(("stride",), (("stride", 1.0),)), regrade.catalogue(store.rows()))


def test_the_outcome_counts_who_changes_and_both_means(store):
    made = regrade.plan(regrade.Wish(("stride",)), regrade.catalogue(store.rows()))
    found = regrade.outcome(store, made)

    assert made == {STRIDE: Edit(3.0, None)}
    assert scores(new for _, new in found.changed) == {"ada": (7, 7), "bob": (7, 7), "cy": (4, 7), "dee": (0, 7)}
    assert [new.name for _, new in found.changed] == ["bob", "cy", "ada", "dee"]  # most changed first
    assert found.up_and_down == (2, 0)
    # before: 10/10, 7/10, 4/10, 0/10; after: 7/7, 7/7, 4/7, 0/7
    assert found.means == pytest.approx(((1 + 0.7 + 0.4) / 4, (2 + 4 / 7) / 4))


def test_checks_that_may_have_waited_for_a_dropped_one_are_counted(tmp_path):
    out = a_class(tmp_path / "waiting", row("ada", "-~~"), row("bob", "+++"), row("cy", "-~+"))
    with Store.in_folder(out) as store:
        for made, count in (({PLAIN: Edit(2.0, None)}, 2), ({PLAIN: Edit(2.0, 1.0)}, 0)):
            assert regrade.unanswered(regrade.outcome(store, made), made) == count


def test_a_decision_is_applied_on_reading_and_the_rows_stay(store):
    before = list(store.rows())
    regrade.decide(store, {STRIDE: Edit(3.0, None)}, "grace", "the check was ambiguous")

    assert scores(read(store))["bob"] == (7.0, 7.0)
    assert list(store.rows()) == before
    assert [(change.who, change.why, json.loads(change.what)) for change in store.changes()] == [
        (
            "grace",
            "the check was ambiguous",
            {"kind": "regrade", "checks": {STRIDE: {"from": 3.0, "to": None}}},
        )
    ]


def test_a_later_decision_goes_before_an_earlier_one(store):
    regrade.decide(store, {STRIDE: Edit(3.0, None)}, "g", "w")
    regrade.decide(store, {STRIDE: Edit(3.0, 6.0)}, "g", "w")

    assert scores(read(store))["ada"] == (13.0, 13.0)


def test_undo_takes_back_the_last_decision_in_force_one_by_one(store):
    regrade.decide(store, {STRIDE: Edit(3.0, None)}, "g", "first")
    regrade.decide(store, {BIAS: Edit(1.0, None)}, "g", "second")
    seen = [scores(read(store))["ada"]]
    for _ in range(2):
        _, number, _ = regrade.outcome_of_undo(store)
        regrade.take_back(store, number, "g", "no")
        seen.append(scores(read(store))["ada"])

    assert seen == [(6.0, 6.0), (7.0, 7.0), (10.0, 10.0)]
    assert [decision(change).kind for change in store.changes()] == ["regrade", "regrade", "undo", "undo"]
    with pytest.raises(UsageError, match="no change is in force"):
        regrade.outcome_of_undo(store)


def test_a_decision_after_an_undo_stands():
    kept = [
        Decision("regrade", {STRIDE: Edit(3, None)}),
        Decision("undo", of=1),
        Decision("regrade", {BIAS: Edit(1, 2)}),
    ]
    changes = [Change(AT, "g", "w", written(one)) for one in kept]

    assert [number for number, _ in in_force(changes)] == [3]
    assert edits(changes).checks == {BIAS: Edit(1.0, 2.0)}


@pytest.mark.parametrize("what", ["", "{}", "[1]", '{"kind": "regrade", "checks": {"a": 1}}'])
def test_a_change_that_is_not_ours_is_an_error_of_ours(what):
    with pytest.raises(UsageError, match="cannot be understood"):
        edits([Change(AT, "g", "w", what)])


def test_a_record_that_is_not_ours_is_an_error_of_ours():
    from dataclasses import replace

    with pytest.raises(UsageError, match="ada: the stored result cannot be understood"):
        mark(replace(row("ada"), record='{"exercises": [{"name": 1}]}'), Edits())
