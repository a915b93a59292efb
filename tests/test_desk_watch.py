"""What `grade watch` gets from the desk: hints, solutions, and what is remembered of the tasks as they are."""

from __future__ import annotations

import io

import pytest
from kit import solution
from rich.console import Console

from grader import course
from grader.collect import collect
from grader.model import Status
from grader.state import Earned, Graded, State, fingerprint
from grader.watch import Desk
from grader.workspace import recall, update

KNOWN = course.load()
NAME = "ex03_output_size"


@pytest.fixture
def desk(tmp_path):
    (tmp_path / f"{NAME}.py").write_text(solution(NAME), "utf-8")
    return Desk(KNOWN, tmp_path)


def graded(desk, **tasks):
    update(desk.folder, lambda _: State({NAME: Graded(fingerprint(solution(NAME)), tasks)}))


def text(shown):
    out = io.StringIO()
    Console(file=out, width=80).print(shown)
    return " ".join(out.getvalue().split())


def test_a_hint_is_the_next_one(desk):
    assert "hint 2 of" not in text(desk.hint(NAME, "same_padding"))
    assert "hint 2 of" in text(desk.hint(NAME, "same_padding"))


def test_a_solution_is_shown_once_it_passes_and_before_that_a_sentence(desk):
    assert "not graded yet" in text(desk.solution(NAME, "same_padding"))
    graded(desk, same_padding=Earned("passed", 3.0))
    assert "return lost // 2" in text(desk.solution(NAME, "same_padding"))
    assert recall(desk.folder).spoiled == {}


def test_what_earlier_runs_found_is_known_of_tasks_of_the_course_as_they_are(desk):
    graded(
        desk,
        same_padding=Earned("passed", 1000.0),
        receptive_field=Earned("failed", 1.0),
        trace_shapes=Earned("nonsense", 1.0),
        unknown=Earned("passed", 1.0),
    )
    here = collect(desk.folder, KNOWN.names)

    assert desk.known(here) == {
        (NAME, "same_padding"): (Status.PASSED, 3.0),
        (NAME, "receptive_field"): (Status.FAILED, 1.0),
    }
    (desk.folder / f"{NAME}.py").write_text("changed", "utf-8")
    assert desk.known(collect(desk.folder, KNOWN.names)) == {}
