"""Exercism's interface for test runners, where it asks for more than its schema says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from report_samples import check, report, task
from schemas_kit import errors

from grader.model import Verdict
from grader.platforms import exercism


def test_exercism_is_told_of_a_file_that_no_test_could_be_run_on() -> None:
    """By its interface "error" is where no test was executed, and the message is all that somebody sees then."""
    broken = [
        check(f"c{i}", f"T{i}", Verdict.RAISED, message="line 3: SyntaxError: '(' was never closed", line=3)
        for i in range(3)
    ]
    result = json.loads(exercism.render(report(task(*broken, check("later", "Later", Verdict.NOT_RUN)))))
    assert (result["status"], result["message"]) == ("error", "line 3: SyntaxError: '(' was never closed")
    assert errors("exercism-results-v3", json.dumps(result)) == []
    for other in (check("c", "T"), check("c", "T", Verdict.RAISED, message="another"), check("c", "T", Verdict.WRONG)):
        assert json.loads(exercism.render(report(task(*broken, other))))["status"] == "fail"
    todo = [check(f"c{i}", f"T{i}", Verdict.TODO, message="not written yet") for i in range(2)]
    assert json.loads(exercism.render(report(task(*todo))))["status"] == "fail"


@pytest.mark.parametrize("printed", ["x" * 501, "\x1b" * 200, "x" * 100_000])
def test_exercism_is_told_in_its_own_words_that_output_was_cut(printed: str) -> None:
    made = report(task(replace(check("c0", "A title", Verdict.WRONG), printed=printed)))
    (test,) = json.loads(exercism.render(made))["tests"]
    assert len(test["output"]) == 500
    assert test["output"].endswith("Output was truncated. Please limit to 500 chars")
