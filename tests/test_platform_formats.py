"""grader/platforms: every format of every sample keeps to its published schema, and no point comes from nowhere."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from report_samples import HOSTILE, SAMPLES, check, report, task
from schemas_kit import FOLDER, errors, validator

from grader.errors import GraderFault, UsageError
from grader.model import Report, Status, Verdict, Visibility
from grader.platforms import ags, classroom, exercism, formats, github, gradescope, prairielearn
from grader.report import record
from grader.report.redact import Audience, redact

MOMENT = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
IDENTITY = classroom.Identity(
    "cnn", "hw1", "submit/1", "https://c", "https://r", "https://v", MOMENT, "ada", "individual"
)
RENDERERS = {
    "grade-1": record.render,
    "gradescope-results": gradescope.render,
    "classroom50-result-v1": lambda made: classroom.classroom50(made, IDENTITY),
    "github-classroom-result": classroom.classic,
    "prairielearn-results": prairielearn.render,
    "exercism-results-v3": exercism.render,
    "ags-score": lambda made: ags.render(made, user="5323497", moment=MOMENT),
}


def test_every_published_schema_is_one_and_has_a_test() -> None:
    names = {file.name.removesuffix(".schema.json") for file in FOLDER.glob("*.json")}
    assert names == {*RENDERERS, "grade-export-1"}  # that of a class: tests/test_class_goldens.py
    for name in names:
        validator(name)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("kind", RENDERERS)
def test_every_format_of_every_sample_keeps_to_its_schema(kind: str, name: str) -> None:
    made = SAMPLES[name]
    if made.faulty and kind == "classroom50-result-v1":
        with pytest.raises(GraderFault):
            RENDERERS[kind](made)
        return
    assert errors(kind, RENDERERS[kind](made)) == []


@pytest.mark.parametrize("kind", RENDERERS)
def test_no_control_character_of_a_learner_reaches_a_format(kind: str) -> None:
    text = RENDERERS[kind](SAMPLES["hostile"])
    values = json.dumps(json.loads(text), ensure_ascii=False)  # escapes of JSON undone once
    for sign in ("\x1b", "\x07", "\x9b", "\u202e", "\ud800", "\x00"):
        assert sign not in values
    assert "\\u001b" not in text


def scores(made: Report) -> dict[str, float]:
    """Points in every format, in our own points."""
    fifty = json.loads(classroom.classroom50(made, IDENTITY))
    lti = json.loads(ags.render(made, user="1", moment=MOMENT))
    return {
        "gradescope": json.loads(gradescope.render(made))["score"],
        "gradescope tests": sum(test["score"] for test in json.loads(gradescope.render(made))["tests"]),
        "classroom50": fifty["score"] / 100,
        "classroom50 tests": sum(test["score"] for test in fifty["tests"]) / 100,
        "classic": sum(test["score"] for test in json.loads(classroom.classic(made))["tests"]),
        "prairielearn": json.loads(prairielearn.render(made))["score"] * made.max_score,
        "prairielearn tests": sum(test["points"] for test in json.loads(prairielearn.render(made))["tests"]),
        "ags": lti.get("scoreGiven", 0.0),
    }


@pytest.mark.parametrize("name", [name for name, made in SAMPLES.items() if not made.faulty])
def test_points_are_the_same_in_every_format(name: str) -> None:
    made = SAMPLES[name]
    assert scores(made) == pytest.approx(dict.fromkeys(scores(made), made.score))


def test_hundredths_add_up_to_their_sum() -> None:
    third = [replace(check(f"c{i}", "A third"), spec=replace(check("c", "t").spec, points=1 / 3)) for i in range(3)]
    made = report(*(task(each, name=f"t{i}") for i, each in enumerate(third)))
    result = json.loads(classroom.classroom50(made, IDENTITY))
    assert result["score"] == sum(test["score"] for test in result["tests"]) == 99


def test_our_own_fault_gives_nobody_a_zero() -> None:
    made = SAMPLES["fault"]
    graded = json.loads(gradescope.render(made))
    assert "score" not in graded
    assert "tests" not in graded
    assert "not your mistake" in graded["output"]
    assert json.loads(prairielearn.render(made))["gradable"] is False
    assert json.loads(exercism.render(made))["status"] == "error"
    assert json.loads(classroom.classic(made))["status"] == "error"
    lti = json.loads(ags.render(made, user="1", moment=MOMENT))
    assert (lti["gradingProgress"], "scoreGiven" in lti) == ("Failed", False)


@pytest.mark.parametrize("render", [prairielearn.render, exercism.render, classroom.classic])
def test_what_went_wrong_inside_the_grader_is_told_to_no_learner(render) -> None:
    assert "KeyError" not in render(redact(SAMPLES["fault"], Audience.LEARNER))


def test_gradescope_which_is_given_everything_tells_it_to_no_learner_either() -> None:
    assert "KeyError" not in gradescope.render(SAMPLES["fault"])


def test_only_all_that_passed_is_a_pass() -> None:
    assert json.loads(exercism.render(SAMPLES["passed"]))["status"] == "pass"
    for name in SAMPLES.keys() - {"passed"}:
        assert json.loads(exercism.render(SAMPLES[name]))["status"] != "pass", name
    nothing = report(task(name="conv3d"))
    assert json.loads(exercism.render(nothing))["status"] == "error"
    assert json.loads(classroom.classic(nothing))["status"] == "fail"


def test_a_long_result_fits_into_the_megabyte_of_prairielearn() -> None:
    many = report(*(task(check(f"c{i}", "T", Verdict.WRONG, message="é" * 4000), name=f"t{i}") for i in range(400)))
    assert len(prairielearn.render(many).encode()) <= 2**20


def test_the_older_classroom_reads_base64_of_one_line() -> None:
    text = classroom.encoded(classroom.classic(SAMPLES["hostile"]))
    assert "\n" not in text
    assert json.loads(base64.b64decode(text))["version"] == 1


LEARNERS_READ = {kind: render for kind, render in RENDERERS.items() if kind != "gradescope-results"} | {
    "summary": github.summary,
    "annotations": lambda made: "\n".join(github.annotate(made, {})),
}


@pytest.mark.parametrize("kind", LEARNERS_READ)
@pytest.mark.parametrize("visibility", [Visibility.AFTER_DUE, Visibility.AFTER_PUBLISHED, Visibility.STAFF])
@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.WRONG, Verdict.RAISED, Verdict.NOT_RUN, Verdict.FAULT])
def test_nothing_of_a_check_that_is_not_told_reaches_a_learner(
    kind: str, visibility: Visibility, verdict: Verdict
) -> None:
    hidden = check(
        "SECRET", "SECRET title", verdict, message="SECRET message", printed="SECRET printed", needs=["plain"]
    )
    hidden = replace(hidden, spec=replace(hidden.spec, visibility=visibility))
    public = check("plain", "Plain", Verdict.WRONG, message="The values are wrong.", needs=["SECRET"])
    made = redact(report(task(public, hidden, diagnosis="SECRET diagnosis")), Audience.LEARNER)
    if made.faulty and kind == "classroom50-result-v1":
        with pytest.raises(GraderFault):
            LEARNERS_READ[kind](made)
        return
    text = LEARNERS_READ[kind](made)
    # What a diagnosis was worked out from decides who reads it: here from a check that passed, so from the public one.
    assert "SECRET" not in (text.replace("SECRET diagnosis", "") if verdict is Verdict.PASSED else text)


class TestVisibilityOnGradescope:
    """Gradescope shows each test when it is its time; what is told of one must not come from another's secret."""

    def made(self, visibility: Visibility) -> Report:
        public = check("plain", "Plain", Verdict.WRONG, message="The values are wrong.")
        later = check("later", "Later", Verdict.WRONG, message="SECRET of the later check")
        later = replace(later, spec=replace(later.spec, visibility=visibility))
        return report(task(public, later, diagnosis="SECRET: worked out from both"))

    @pytest.mark.parametrize(
        ("visibility", "said"),
        [
            (Visibility.AFTER_DUE, "after_due_date"),
            (Visibility.AFTER_PUBLISHED, "after_published"),
            (Visibility.STAFF, "hidden"),
        ],
    )
    def test_a_check_is_shown_in_its_time_and_its_secret_with_it(self, visibility: Visibility, said: str) -> None:
        result = json.loads(gradescope.render(self.made(visibility)))
        first, second = result["tests"]
        assert (first["visibility"], second["visibility"]) == ("visible", said)
        assert "SECRET" not in first["output"] + result["output"]
        assert "SECRET" in second["output"]


def test_status_of_a_test_is_one_of_two() -> None:
    result = json.loads(gradescope.render(SAMPLES["course"]))
    assert {test["status"] for test in result["tests"]} == {"passed", "failed"}
    absent = [test for test in result["tests"] if "not in this submission" in test["output"]]
    assert len(absent) == 4
    assert all(test["status"] == "failed" and test["score"] == 0 for test in absent)


def test_kinds_are_asked_for_by_name() -> None:
    assert formats.wished(("exercism=a.json",)) == {"exercism": "a.json"}
    for wrong in ("exercism", "nothing=a", "exercism="):
        with pytest.raises(UsageError, match="exercism"):
            formats.wished((wrong,))


def test_classroom50_says_whose_result_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL"):
        monkeypatch.setenv(name, f"submit/{name.lower()}")
    monkeypatch.setenv("REVIEW_URL", "")
    monkeypatch.setenv("OWNER", "ada")
    monkeypatch.setenv("ASSIGNMENT_TYPE", "team")
    text = formats.FORMATS["classroom50"](SAMPLES["course"])
    assert errors("classroom50-result-v1", text) == []
    result = json.loads(text)
    assert (result["classroom"], result["submission"]) == ("submit/classroom", "submit/submission_tag")
    assert (result["owner"], result["assignment_type"]) == ("ada", "team")
    assert result["review"] == result["commit"]


def test_a_runner_of_classroom50_that_does_not_say_who_owns_it_puts_that_down_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL"):
        monkeypatch.setenv(name, "submit/1")
    for name in ("OWNER", "USERNAME", "ASSIGNMENT_TYPE"):
        monkeypatch.delenv(name, raising=False)
    result = json.loads(formats.FORMATS["classroom50"](SAMPLES["course"]))
    assert not {"owner", "assignment_type"} & result.keys()


def test_classroom50_outside_of_its_runner_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLASSROOM", raising=False)
    with pytest.raises(UsageError, match="CLASSROOM"):
        formats.FORMATS["classroom50"](SAMPLES["passed"])


def test_the_samples_have_what_the_tests_are_about() -> None:
    assert HOSTILE in SAMPLES["hostile"].submission
    assert Status.FAULT in {task.status for e in SAMPLES["fault"].exercises for task in e.tasks}
