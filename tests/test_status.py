"""The map of the course: state, points, and what comes next, on 80 columns and without colour."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from grader import course, source
from grader.status import render
from grader.workspace import fingerprint

KNOWN = course.load()
NAMES = KNOWN.names
STUBS = {name: source.stub(KNOWN.source_file(name).read_text("utf-8")) for name in NAMES}


def text(sources, known=None, width=80, **options):
    out = io.StringIO()
    render(KNOWN, sources, known or {}, Console(file=out, width=width, **options))
    return out.getvalue()


def entry(name, text_of, points=None):
    """A state in which every task is passed, or earned `points` without passing."""
    tasks = {
        task.name: {
            "status": "failed" if points is not None else "passed",
            "score": task.points if points is None else points,
        }
        for task in KNOWN.exercise(name).tasks
    }
    return {"source": fingerprint(text_of), "tasks": tasks}


def line(shown, name):
    return next(row for row in shown.split("\n") if row.strip().startswith(name))


def test_a_fresh_folder_is_untouched_and_starts_with_the_first():
    shown = text(STUBS)

    assert shown.count("untouched") == len(NAMES)
    assert f"Next: grade run {NAMES[0]}\n" in shown


def test_an_exercise_that_is_not_here_is_no_next_step():
    shown = text({NAMES[1]: STUBS[NAMES[1]]})

    assert "not here" in line(shown, NAMES[0])
    assert f"Next: grade run {NAMES[1]}\n" in shown


def test_a_folder_without_exercises_says_so():
    assert "None of the exercises is in this folder" in text({})


def test_points_are_those_of_the_file_as_it_is():
    name = NAMES[0]
    sources = {name: "mine"}

    assert "not graded yet" in line(text(sources), name)
    assert "not graded yet" in line(text(sources, {name: entry(name, "an older one")}), name)
    graded = line(text(sources, {name: entry(name, "mine")}), name)
    total = KNOWN.exercise(name).points
    assert f"{total:g} / {total:g}" in graded
    assert f"{len(KNOWN.exercise(name).tasks)} of" in graded


def test_the_next_step_is_the_first_open_task():
    name = NAMES[0]
    tasks = KNOWN.exercise(name).tasks
    state = entry(name, "mine")
    state["tasks"][tasks[1].name] = {"status": "failed", "score": 0.5}
    del state["tasks"][tasks[2].name]

    assert f"Next: grade run {name}::{tasks[1].name}\n" in text({name: "mine"}, {name: state})
    assert f"Next: grade run {name}\n" in text({name: "changed"}, {name: state})


def test_the_end_is_celebrated_and_what_is_missing_is_named():
    sources = dict.fromkeys(NAMES, "mine")
    known = {name: entry(name, "mine") for name in NAMES}

    assert "Every point earned. Well done!" in text(sources, known)
    del sources[NAMES[-1]]
    assert f"Every point earned of what is here. Not here: {NAMES[-1]}" in text(sources, known)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_fits(width):
    for sources in (STUBS, {}, dict.fromkeys(NAMES, "mine")):
        shown = text(sources, width=width)
        assert max(map(len, shown.split("\n"))) <= width
        assert all(name in shown for name in NAMES)


def test_no_color_leaves_no_colours(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    shown = text(STUBS, force_terminal=True)

    assert "\x1b[3" not in shown.replace("\x1b[3m", "")
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[" not in text(STUBS)
