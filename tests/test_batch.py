"""`grade batch`: what it does with a folder, with jobs that only pretend; what a result depends on."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from batch_kit import EXERCISE, a_class
from rich.console import Console

from grader import course
from grader.batch.front import Options, _say_if_other, grade_batch
from grader.batch.parcel import Graded
from grader.batch.run import Asked, Batch, Tally, opened, setup_of
from grader.errors import GraderFault, UsageError
from grader.model import Environment, Isolation
from grader.report import record
from grader.store import Store

HERE = Environment("0", "3", "2", "cpu", Isolation.SANDBOXED, 0, ("bubblewrap",))


class Pretending:
    """Jobs that say what they are told to. `said`: name -> what becomes of it."""

    def __init__(self, **said: Graded) -> None:
        self.said, self.asked, self.rehearsals = said, [], 0

    def rehearse(self) -> None:
        self.rehearsals += 1

    def run(self, parcels):
        for parcel in parcels:
            self.asked.append(parcel.name)
            text = json.dumps({"exercises": [{"name": EXERCISE, "score": 5.0}]})
            yield parcel, self.said.get(parcel.name, Graded(text, "<p>", 5.0, 25.0, 0.1))


@pytest.fixture
def batch(tmp_path):
    """Runs a batch over tmp_path/class into tmp_path/out."""

    def run(jobs: Pretending, **options: object) -> Tally:
        asked = Asked(tmp_path / "class", tmp_path / "out", {EXERCISE: None}, **options)
        with opened(asked) as store:
            made = Batch(asked, course.load(), setup_of(asked.wanted, "cpu", None), HERE, store, Tally())
            jobs.batch = made
            made.run(jobs)
        return made.tally

    return run


def grades(tmp_path: Path) -> list[str]:
    return (tmp_path / "out" / "grades.csv").read_text("utf-8").splitlines()


def test_every_child_is_graded_and_written_down(batch, tmp_path):
    a_class(tmp_path / "class", "ada", "bob")
    jobs = Pretending()
    tally = batch(jobs)

    assert jobs.asked == ["ada", "bob"]
    assert (tally.graded, tally.total, tally.done) == (2, 2, 2)
    assert grades(tmp_path) == [
        f"submission,status,score,max_score,{EXERCISE}",
        "ada,graded,5,25,5",
        "bob,graded,5,25,5",
    ]
    assert sorted(path.name for path in (tmp_path / "out" / "results").iterdir()) == ["ada.json", "bob.json"]
    assert sorted(path.name for path in (tmp_path / "out" / "feedback").iterdir()) == ["ada.html", "bob.html"]


def test_what_has_not_changed_is_not_graded_again(batch, tmp_path):
    a_class(tmp_path / "class", "ada", "bob")
    batch(Pretending())
    (tmp_path / "class" / "bob" / f"{EXERCISE}.py").write_text("x = 1\n")
    jobs = Pretending()
    tally = batch(jobs)

    assert jobs.asked == ["bob"]
    assert (tally.kept, tally.graded) == (1, 1)


def test_our_own_solutions_come_first_once_for_a_machine_and_a_grader(batch, tmp_path, monkeypatch):
    a_class(tmp_path / "class", "ada")
    first, second, third, elsewhere = (Pretending() for _ in range(4))
    batch(first)
    (tmp_path / "class" / "ada" / f"{EXERCISE}.py").write_text("x = 1\n")
    batch(second)
    batch(third, again=True)
    monkeypatch.setattr("platform.node", lambda: "another machine")
    (tmp_path / "class" / "ada" / f"{EXERCISE}.py").write_text("x = 2\n")
    batch(elsewhere)

    assert [jobs.rehearsals for jobs in (first, second, third, elsewhere)] == [1, 0, 1, 1]


def test_nothing_to_grade_needs_no_rehearsal(batch, tmp_path):
    a_class(tmp_path / "class", "ada")
    batch(Pretending())
    jobs = Pretending()
    batch(jobs)

    assert (jobs.asked, jobs.rehearsals) == ([], 0)


def test_again_grades_all_of_it(batch, tmp_path):
    a_class(tmp_path / "class", "ada")
    batch(Pretending())
    jobs = Pretending()
    batch(jobs, again=True)

    assert jobs.asked == ["ada"]


@pytest.mark.parametrize("lose", [Path.unlink, lambda file: file.write_text("")])
def test_a_result_whose_file_is_gone_is_graded_again(batch, tmp_path, lose):
    """An empty one too: that is what a power cut may leave of a new file."""
    a_class(tmp_path / "class", "ada")
    batch(Pretending())
    lose(tmp_path / "out" / "feedback" / "ada.html")
    jobs = Pretending()
    batch(jobs)

    assert jobs.asked == ["ada"]


def test_a_fault_of_ours_is_no_zero_and_is_tried_again(batch, tmp_path):
    a_class(tmp_path / "class", "ada", "bob")
    tally = batch(Pretending(ada=Graded(fault="the wall fell")))

    assert tally.faults == ["ada: the wall fell"]
    assert grades(tmp_path)[1] == "ada,fault,,0,"
    assert not (tmp_path / "out" / "results" / "ada.json").exists()
    jobs = Pretending()
    batch(jobs)
    assert jobs.asked == ["ada"]


def test_what_cannot_be_read_has_a_result_that_says_why(batch, tmp_path):
    a_class(tmp_path / "class", "ada")
    (tmp_path / "class" / "broken.zip").write_text("no archive")
    jobs = Pretending()
    tally = batch(jobs)

    assert jobs.asked == ["ada"]
    assert tally.unreadable == 1
    assert grades(tmp_path)[2].startswith("broken,unreadable,0,25,0")
    told = json.loads((tmp_path / "out" / "results" / "broken.json").read_text())
    assert told["schema"] == record.SCHEMA
    assert "broken.zip" in told["notes"][0]
    assert "broken.zip" in (tmp_path / "out" / "feedback" / "broken.html").read_text()


def test_who_has_nothing_of_what_was_asked_for_is_named(batch, tmp_path):
    a_class(tmp_path / "class", "ada")
    (tmp_path / "class" / "bob").mkdir()
    for _ in range(2):
        assert batch(Pretending()).notes == ["1 has none of what was asked for, and no points: bob"]


def test_a_stop_keeps_what_is_done_and_the_next_run_goes_on(batch, tmp_path):
    a_class(tmp_path / "class", "ada", "bob", "eve")
    jobs = Pretending()

    def run(parcels):
        for parcel in parcels:
            jobs.asked.append(parcel.name)
            yield parcel, Graded("", "", 5.0, 25.0, 0.1)
            jobs.batch.stop = True
            return

    jobs.run = run
    tally = batch(jobs)
    assert tally.stopped
    rest = Pretending()
    assert not batch(rest).stopped
    assert rest.asked[-2:] == ["bob", "eve"]


def test_results_of_submissions_that_are_gone_are_kept_and_said(batch, tmp_path):
    a_class(tmp_path / "class", "ada", "bob")
    batch(Pretending())
    shutil.rmtree(tmp_path / "class" / "bob")
    tally = batch(Pretending())

    assert tally.notes == ["1 result is kept of submissions that are not there any more; a new OUT has none"]
    assert len(grades(tmp_path)) == 3


def test_two_batches_do_not_write_to_one_place(batch, tmp_path):
    a_class(tmp_path / "class", "ada")
    asked = Asked(tmp_path / "class", tmp_path / "out")

    with opened(asked), pytest.raises(UsageError, match="another grade batch"):
        batch(Pretending())


def test_who_asks_for_something_else_is_told_what_becomes_of_the_results(batch, tmp_path):
    a_class(tmp_path / "class", "ada")
    batch(Pretending())
    console = Console(file=io.StringIO(), width=400)
    with Store.in_folder(tmp_path / "out") as store:
        for wanted in ({EXERCISE: None}, {EXERCISE: None}, {EXERCISE: frozenset({"same_padding"})}, {}):
            _say_if_other(store, setup_of(wanted, "cpu", None), tmp_path / "out", console)
    said = console.file.getvalue().splitlines()

    assert len(said) == 2
    assert f"was graded for {EXERCISE} before, now for {EXERCISE}::same_padding: all of it is graded anew" in said[0]
    assert f"{EXERCISE}::same_padding before, now for everything" in said[1]


# What it refuses.


def test_strangers_are_not_graded_where_they_cannot_be_locked_down(tmp_path, monkeypatch):
    from grader.learner import walls, zygote

    monkeypatch.setattr(zygote, "here", lambda: walls.NONE)
    options = Options(tmp_path, tmp_path / "out", {})
    with pytest.raises(UsageError, match="--allow-unsandboxed"):
        grade_batch(options, Console())


def test_results_do_not_go_among_the_submissions(tmp_path):
    with pytest.raises(UsageError, match="lies within the folder"):
        grade_batch(Options(tmp_path, tmp_path / "out", {}, unsandboxed=True), Console())


def test_a_machine_that_fails_our_own_solutions_grades_nobody(batch, tmp_path):
    a_class(tmp_path / "class", "ada")
    jobs = Pretending()

    def rehearse() -> None:
        raise GraderFault("our own solutions do not earn every point here: ex03_output_size 1 of 25")

    jobs.rehearse = rehearse
    with pytest.raises(GraderFault, match="our own solutions"):
        batch(jobs)
    assert jobs.asked == []
