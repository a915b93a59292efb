"""grader/report/junit.py: XML that every reader can read, and no silence that counts as success."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import SAMPLES, check, report, task
from specifications_kit import wrong_with

from grader.model import Report, Verdict
from grader.report import junit


def read(made: Report) -> Element:
    return fromstring(junit.render(made).encode("utf-8"))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_report_is_well_formed(name: str) -> None:
    assert read(SAMPLES[name]).tag == "testsuites"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_report_keeps_to_its_schema(name: str) -> None:
    assert wrong_with("junit.xml", junit.render(SAMPLES[name]).encode()) == []


@settings(deadline=None)
@given(st.text())
def test_any_text_is_well_formed(text: str) -> None:
    made = report(task(check("a", text, Verdict.WRONG, message=text, printed=text), diagnosis=text))
    assert read(replace(made, submission=text)).get("failures") == "1"


@pytest.mark.parametrize(
    ("verdict", "tag"),
    [
        (Verdict.WRONG, "failure"),
        (Verdict.RAISED, "failure"),
        (Verdict.REFUSED, "failure"),
        (Verdict.TIMED_OUT, "failure"),
        (Verdict.DIED, "failure"),
        (Verdict.FAULT, "error"),
        (Verdict.TODO, "skipped"),
        (Verdict.NOT_RUN, "skipped"),
    ],
)
def test_what_did_not_pass_says_so(verdict: Verdict, tag: str) -> None:
    (case,) = read(report(task(check("a", "Title", verdict)))).iter("testcase")
    assert [child.tag for child in case] == [tag]


def test_a_check_that_passed_is_an_empty_case() -> None:
    (case,) = read(SAMPLES["passed"]).iter("testcase")
    assert (case.get("classname"), list(case)) == ("ex04_conv.conv2d", [])


def test_a_task_without_checks_is_skipped_not_absent() -> None:
    (case,) = read(report(task(name="conv3d"))).iter("testcase")
    assert [child.tag for child in case] == ["skipped"]


def test_totals_add_up() -> None:
    root = read(SAMPLES["course"])
    for name in ("tests", "failures", "errors", "skipped"):
        assert int(root.get(name, "")) == sum(int(suite.get(name, "")) for suite in root)


def test_no_line_begins_like_a_command_to_a_ci_log() -> None:
    lines = [line.strip() for line in junit.render(SAMPLES["hostile"]).split("\n")]
    assert [line for line in lines if line.startswith("::") or "##[" in line] == []
