"""A department's course from release to feedback, with the real nbgrader: everybody gets the grade of `grade run`.

The course is made once for a whole test run, by the process that comes first.
"""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from kit import ROOT
from nbgrader_department import EVERYTHING, HOSTILE, NAME, ONE, ZEROS, build, learners
from nbgrader_kit import Place, cell, shared

from grader import course
from grader.collect import collect
from grader.pipeline import Grader, Wanted


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, worker_id: str, cache: Path) -> Place:
    return shared(tmp_path_factory, worker_id, "department", build)


@pytest.fixture(scope="session")
def grades(place: Place) -> dict[str, dict[str, tuple[float | None, bool]]]:
    return place.grades(NAME)


@pytest.mark.parametrize("who", learners())
def test_everybody_gets_the_grade_of_grade_run(place: Place, grades, grader: Grader, who: str) -> None:
    handed_in = place.root / "submitted" / who / NAME / f"{NAME}.ipynb"
    report = grader.grade(collect(handed_in, course.load().names), wanted=Wanted({NAME: None}))
    expected = {f"test-{NAME}-{task.name}": (task.score, False) for task in report.exercises[0].tasks}

    assert grades[who] == expected


ODD = ["no-tests", "no-imports", "twice", "renamed", "bare", "lying", "markup", "stderr"]


@pytest.mark.parametrize("who", ODD)
def test_a_right_answer_earns_every_point_whatever_became_of_the_notebook(grades, who: str) -> None:
    assert grades[who] == grades[ONE]


def test_an_answer_that_is_not_there_costs_its_own_task_alone(grades) -> None:
    """edge_magnitude builds on it, and is graded with a right one in its place."""
    test = f"test-{NAME}-sobel_kernels"

    assert grades["no-answer"] == {**grades[ONE], test: (0.0, False)}


def test_what_a_test_cell_shows_is_no_grade(grades) -> None:
    """For each of these nbgrader itself gives points: all of them for what it cannot read."""
    assert grades["edited"] == grades["all-zeros"]


def test_what_a_learner_wrote_is_text_on_every_page(place: Place) -> None:
    page = (place.root / "feedback" / "markup" / NAME / f"{NAME}.html").read_text("utf-8")

    assert "<pre>&lt;script&gt;alert(1)" in page
    assert "<pre>&lt;script&gt;alert(4)" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_grades_tell_right_from_wrong(grades) -> None:
    total = {who: sum(score or 0.0 for score, _ in cells.values()) for who, cells in grades.items()}

    assert total[ONE] == total["other-style"] == EVERYTHING
    assert total["untouched"] == 0
    assert 0 < total["no-python"] < EVERYTHING  # the cell that is none costs its own task
    assert {who: total[who] for who in HOSTILE} == dict.fromkeys(HOSTILE, total["all-zeros"])
    assert total["all-zeros"] <= 1  # the shapes of edge_magnitude alone
    assert 0 < total["rotated"] < EVERYTHING
    assert 0 < total["raises"] < EVERYTHING
    assert 0 < total["exits"] < EVERYTHING


def test_the_export_has_the_same_points(place: Place, grades) -> None:
    rows = {row["student_id"]: float(row["score"]) for row in place.exported()}

    assert rows == {who: sum(score or 0.0 for score, _ in cells.values()) for who, cells in grades.items()}


def test_a_learner_validates_before_submitting(place: Place) -> None:
    said = (place.home / "validated.txt").read_text("utf-8")

    assert "Success! Your notebook passes all the tests." in said


def test_feedback_comes_back_through_the_exchange(place: Place) -> None:
    (page,) = (place.home / "learner" / NAME / "feedback").rglob("*.html")

    assert "checks pass" in page.read_text("utf-8")


def test_feedback_says_what_is_wrong_and_draws_it(place: Place) -> None:
    page = place.feedback("rotated", NAME)

    assert "rotated" in page
    assert "<svg role=" in page
    assert "Next step:" in page


class Frames(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"iframe", "object", "embed"}:
            self.found.append(dict(attrs))


def test_feedback_lies_in_a_frame_without_any_right(place: Place) -> None:
    frames = Frames()
    frames.feed((place.root / "feedback" / "rotated" / NAME / f"{NAME}.html").read_text("utf-8"))

    assert [frame["title"] for frame in frames.found] == [f"Feedback on {task}" for task in ZEROS]
    assert {frame["sandbox"] for frame in frames.found} == {""}
    assert all("default-src 'none'" in (frame["srcdoc"] or "") for frame in frames.found)


def test_nothing_is_left_running(place: Place, grades) -> None:
    assert place.grades(NAME) == grades  # the process in the background had 60 seconds to change them


def lines_of(text: str) -> set[str]:
    return {line for raw in text.split("\n") if len(line := raw.strip()) >= 20}


def secret_lines() -> set[str]:
    """Every line of references, hints, hidden checks and misconceptions that says more than a bracket."""
    known = course.load()
    folder = known.root / "solutions"
    files = [*folder.rglob("*.py"), *(ROOT / "grader" / "checks").glob("test_*.py")]
    hidden = set[str]().union(*(lines_of(file.read_text("utf-8")) for file in files))
    given = set[str]().union(*(lines_of(known.stub_file(name).read_text("utf-8")) for name in known.names))
    titles = {line for line in hidden if line.startswith("@check(") or "title=" in line}  # public sentences
    return hidden - given - titles


def test_no_secret_line_leaves_the_grader(place: Place) -> None:
    secret = secret_lines()
    assert len(secret) > 5000
    found: dict[str, set[str]] = {}
    for kind in ("source", "release", "autograded/untouched", "feedback/untouched", "autograded/all-zeros",
                 "feedback/all-zeros"):  # fmt: skip
        for file in (place.root / kind).rglob("*"):
            if file.is_file():
                text = file.read_text("utf-8", "replace")
                if file.suffix == ".ipynb":
                    book = json.loads(text)
                    text = "\n".join([*("".join(c["source"]) for c in book["cells"]), text.replace("\\n", "\n")])
                if file.suffix == ".html":
                    text = place.feedback(file.parent.parent.name, NAME)
                if leaked := {line for line in secret if line in text}:
                    found[str(file)] = leaked

    assert found == {}


def test_no_hidden_region_reaches_a_learner(place: Place) -> None:
    for kind in ("release", "feedback"):
        for file in (place.root / kind).rglob("*.*"):
            assert "graded by cnn-grader" not in file.read_text("utf-8")
            assert "HIDDEN TESTS" not in file.read_text("utf-8")


def test_the_test_cell_of_a_release_is_one_line(place: Place) -> None:
    book = place.released(NAME)

    assert "".join(cell(book, f"test-{NAME}-convolve2d")["source"]) == f"%grade {NAME}::convolve2d"
