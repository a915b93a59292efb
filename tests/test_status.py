"""The map of the course: state, points, and what comes next, on 80 columns and without colour."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from rich.console import Console

from grader import course, source
from grader.state import Earned, Graded, Last, State, fingerprint
from grader.status import render

KNOWN = course.load()
NAMES = KNOWN.names
STUBS = {name: source.stub(KNOWN.source_file(name).read_text("utf-8")) for name in NAMES}


def text(sources, known=None, width=80, *, state=None, **options):
    out = io.StringIO()
    render(KNOWN, sources, state or State(known or {}), Console(file=out, width=width, **options))
    return out.getvalue()


def entry(name, text_of, points=None):
    """A state in which every task is passed, or earned `points` without passing."""
    status = "failed" if points is not None else "passed"
    scores = {task.name: task.points if points is None else points for task in KNOWN.exercise(name).tasks}
    return Graded(fingerprint(text_of), {task: Earned(status, score) for task, score in scores.items()})


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


def test_tasks_that_were_not_graded_as_they_are_now_are_counted():
    name = NAMES[0]
    state = entry(name, "mine")
    del state.tasks[KNOWN.exercise(name).tasks[-1].name]
    count = len(KNOWN.exercise(name).tasks)

    assert f"{count - 1} of {count} passed, 1 not graded" in line(text({name: "mine"}, {name: state}), name)


def test_the_next_step_is_the_first_open_task():
    name = NAMES[0]
    tasks = KNOWN.exercise(name).tasks
    state = entry(name, "mine")
    state.tasks[tasks[1].name] = Earned("failed", 0.5)
    del state.tasks[tasks[2].name]

    assert f"Next: grade run {name}::{tasks[1].name}\n" in text({name: "mine"}, {name: state})
    assert f"Next: grade run {name}\n" in text({name: "changed"}, {name: state})


@pytest.mark.parametrize(
    ("last", "target"),
    [
        ((f"{NAMES[2]}::same_padding",), f"{NAMES[2]}::conv_output_size"),
        ((NAMES[2],), f"{NAMES[2]}::conv_output_size"),
        ((NAMES[3], NAMES[2]), NAMES[0]),
        ((NAMES[4],), NAMES[0]),
        (("unknown",), NAMES[0]),
    ],
)
def test_the_next_step_is_in_the_exercise_that_was_graded_last_while_it_has_open_tasks(last, target):
    done = {NAMES[2]: entry(NAMES[2], "mine", 0.5), NAMES[4]: entry(NAMES[4], "mine")}
    state = State(done, last=Last(last, datetime.now(UTC)))

    assert f"Next: grade run {target}\n" in text({**STUBS, NAMES[2]: "mine", NAMES[4]: "mine"}, state=state)


def test_the_end_is_celebrated_and_what_is_missing_is_named():
    sources = dict.fromkeys(NAMES, "mine")
    known = {name: entry(name, "mine") for name in NAMES}

    assert "Every point earned. Well done!" in text(sources, known)
    del sources[NAMES[-1]]
    assert f"Every point earned of what is here. Not here: {NAMES[-1]}" in text(sources, known)


def test_all_points_are_added_up():
    name, most = NAMES[0], sum(exercise.points for exercise in KNOWN.exercises)

    assert f"0 / {most:g}" in line(text(STUBS), "all")
    half = text({name: "mine"}, {name: entry(name, "mine")})
    assert f"{KNOWN.exercise(name).points:g} / {most:g}" in line(half, "all")


def test_a_bar_is_full_only_where_every_point_is_earned():
    name = NAMES[0]
    bars = [
        line(text({name: "mine"}, {name: entry(name, "mine", points)}), name).count("█") for points in (0, 0.01, None)
    ]

    assert bars[0] == 0
    assert bars[1] == 1
    assert "░" not in line(text({name: "mine"}, {name: entry(name, "mine")}), name)


def test_a_state_cannot_give_more_points_than_there_are():
    name = NAMES[0]
    total = KNOWN.exercise(name).points

    assert f"{total:g} / {total:g}" in line(text({name: "mine"}, {name: entry(name, "mine", 1000.0)}), name)


def test_what_was_graded_last_is_said_with_its_time():
    moment = datetime(2026, 3, 14, 15, 9, tzinfo=UTC)
    shown = text(STUBS, state=State(last=Last((f"{NAMES[0]}", "unknown", f"{NAMES[3]}::conv2d"), moment)))

    assert f"Last graded: {NAMES[0]} and 1 more, {moment.astimezone():%Y-%m-%d %H:%M}\n" in shown


def test_a_run_of_everything_is_said_in_three_words():
    last = Last(NAMES, datetime.now(UTC))

    assert "Last graded: the whole course, " in text(STUBS, state=State(last=last))


@pytest.mark.parametrize("year", [1, 9999])
def test_a_moment_at_the_end_of_time_is_shown_all_the_same(year):
    last = Last(
        (NAMES[0],),
        datetime(year, 12 if year > 1 else 1, 31, tzinfo=timezone(timedelta(hours=-14 if year > 1 else 14))),
    )

    assert f"Last graded: {NAMES[0]}" in text(STUBS, state=State(last=last))


def test_solutions_that_were_seen_early_are_named_where_the_course_knows_them():
    seen = {f"{NAMES[3]}::conv2d": datetime.now(UTC), "\x1b[31mred": datetime.now(UTC)}
    shown = text(STUBS, state=State(spoiled=seen))

    assert f"Solutions seen before they passed: {NAMES[3]}::conv2d\n" in shown
    assert "\x1b" not in shown


def test_it_is_one_screen():
    everything = State(last=Last((NAMES[0],), datetime.now(UTC)), spoiled={f"{NAMES[3]}::conv2d": datetime.now(UTC)})

    assert text(STUBS, state=everything).count("\n") <= 24


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
