"""grader/report/record.py: the schema grade/1 that other people's scripts read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from report_samples import SAMPLES, tensor

from grader.model import Report
from grader.report import record


def read(report: Report) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(record.render(report), parse_constant=refuse)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_record_has_the_fields_of_the_schema_in_their_order(name: str) -> None:
    data = read(SAMPLES[name])
    assert list(data) == ["schema", "submission", "score", "max_score", "environment", "notes", "exercises"]
    assert list(data["submission"]) == ["name", "sha256"]
    assert list(data["environment"]) == ["grader", "python", "torch", "device", "isolation", "seed", "walls"]
    for exercise in data["exercises"]:
        assert list(exercise) == ["name", "score", "max_score", "tasks"]
        for task in exercise["tasks"]:
            assert list(task) == ["name", "status", "score", "max_score", "diagnosis", "checks"]
            for check in task["checks"]:
                fields = "name title verdict score max_score message counterexample duration_s"
                assert " ".join(check) == fields


def test_a_record_is_the_same_on_every_run() -> None:
    assert record.render(SAMPLES["course"]) == record.render(SAMPLES["course"])


def test_points_are_floats() -> None:
    assert '"score": 16.0' in record.render(SAMPLES["course"])


def test_our_fault_carries_no_score_but_all_the_rest() -> None:
    data = read(SAMPLES["fault"])
    (exercise,) = data["exercises"]
    assert (data["score"], data["max_score"], exercise["score"]) == (None, 6.0, None)
    assert [(task["status"], task["score"]) for task in exercise["tasks"]] == [("fault", None), ("passed", 2.0)]


def test_an_exercise_beside_a_faulty_one_keeps_its_score() -> None:
    both = replace(SAMPLES["fault"], exercises=SAMPLES["fault"].exercises + SAMPLES["passed"].exercises)
    assert [exercise["score"] for exercise in read(both)["exercises"]] == [None, 2.0]


def test_numbers_that_json_lacks_are_strings() -> None:
    got = read(SAMPLES["not_finite"])["exercises"][0]["tasks"][0]["checks"][1]["counterexample"]["got"]
    assert got["values"] == [[[[-9.0, "nan", 1.0], ["inf", -13.0, "-inf"]]]]


def test_a_row_of_a_tensor_is_one_line() -> None:
    assert "[-9.0, -10.0, 1.0]" in record.render(SAMPLES["wrong"])


def test_text_that_looks_like_a_row_is_left_alone() -> None:
    made = replace(SAMPLES["passed"], submission="[\n 1,\n 2 ]   [ x ]")
    assert read(made)["submission"]["name"] == "[  1,  2 ]   [ x ]"


def test_a_tensor_view_is_written_in_full() -> None:
    shown = read(SAMPLES["wrong"])["exercises"][0]["tasks"][0]["checks"][1]["counterexample"]["inputs"][1]
    view = tensor([[[[1.0, 0.0], [0.0, -2.0]]]])
    assert shown == {
        "name": "weight",
        "value": {
            "dtype": "float32",
            "shape": [1, 1, 2, 2],
            "values": view.values,
            "low": -2.0,
            "high": 1.0,
            "drawn": "numbers",
        },
    }


def test_durations_are_milliseconds() -> None:
    assert read(SAMPLES["passed"])["exercises"][0]["tasks"][0]["checks"][0]["duration_s"] == 0.012


def test_hostile_text_is_escaped_and_can_be_written_as_utf8() -> None:
    text = record.render(SAMPLES["hostile"])
    assert text.encode("utf-8")
    assert "\u202e" not in text
    assert "\\u001b" not in text  # a reader that prints the string would print the escape sequence
