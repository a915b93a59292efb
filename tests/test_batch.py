"""`grade batch`: what it does with a folder, with jobs that only pretend; then the real command, killed on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from kit import ROOT, solution

from grader import course
from grader.batch.children import children
from grader.batch.front import Options, grade_batch
from grader.batch.parcel import Graded
from grader.batch.run import Asked, Batch, Tally, opened, setup_of
from grader.errors import GraderFault, UsageError
from grader.model import Environment, Isolation
from grader.report import record

EXERCISE = "ex03_output_size"
HERE = Environment("0", "3", "2", "cpu", Isolation.SANDBOXED, 0, ("bubblewrap",))


def a_class(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / f"{EXERCISE}.py").write_text(f"# {name}\n{solution(EXERCISE)}", "utf-8")
    return folder


class Pretending:
    """Jobs that say what they are told to. `said`: name -> what becomes of it."""

    def __init__(self, **said: Graded) -> None:
        self.said, self.asked, self.rehearsals = said, [], 0
        self.after = lambda name: None

    def rehearse(self) -> None:
        self.rehearsals += 1

    def run(self, parcels):
        for parcel in parcels:
            self.asked.append(parcel.name)
            text = json.dumps({"exercises": [{"name": EXERCISE, "score": 5.0}]})
            yield parcel, self.said.get(parcel.name, Graded(text, "<p>", 5.0, 25.0, 0.1))
            self.after(parcel.name)


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


def test_a_result_whose_file_is_gone_is_graded_again(batch, tmp_path):
    a_class(tmp_path / "class", "ada")
    batch(Pretending())
    (tmp_path / "out" / "feedback" / "ada.html").unlink()
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


def test_a_stop_keeps_what_is_done_and_the_next_run_goes_on(batch, tmp_path):
    a_class(tmp_path / "class", "ada", "bob", "eve")
    jobs = Pretending()

    def stop(name: str) -> None:
        jobs.batch.stop = True
        raise StopIteration

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

    assert tally.notes == ["1 results are kept of submissions that are not there any more"]
    assert len(grades(tmp_path)) == 3


def test_two_batches_do_not_write_to_one_place(batch, tmp_path):
    a_class(tmp_path / "class", "ada")
    asked = Asked(tmp_path / "class", tmp_path / "out")

    with opened(asked), pytest.raises(UsageError, match="another grade batch"):
        batch(Pretending())


# Names.


def test_children_are_what_can_be_a_submission(tmp_path):
    for name in ("one.py", "two.ipynb", "three.zip", "notes.txt", ".hidden.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "four").mkdir()
    (tmp_path / "five").symlink_to(tmp_path / "four")
    found, notes = children(tmp_path)

    assert [child.name for child in found] == ["four", "one", "three", "two"]
    assert notes == ["left out, being no folder, .py, .ipynb or .zip: five, notes.txt"]


def test_names_stay_apart_and_their_files_are_safe(tmp_path):
    names = ["ada", "ada.py", "ada.zip", "=cmd()", "a\nb", "..x", "é" * 60, "A b", "CON"]
    for name in names:
        (tmp_path / name).mkdir() if "." not in name[1:] else (tmp_path / name).write_text("")
    found, _ = children(tmp_path)

    assert len(found) == len(names) - 1  # what begins with a dot is left alone
    assert len({child.name for child in found}) == len({child.file.casefold() for child in found}) == len(found)
    assert {"ada", "ada.py", "ada.zip"} <= {child.name for child in found}
    for child in found:
        assert not set(child.file) & set('/\\\n\r\t:*?"<>|')
        assert not child.file.startswith((".", " ", "-"))
        assert len(child.file.encode()) <= 240


def test_a_folder_that_is_none_is_said(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        children(tmp_path / "nowhere")


# What it refuses.


def test_strangers_are_not_graded_where_they_cannot_be_locked_down(tmp_path, monkeypatch):
    from rich.console import Console

    from grader.learner import walls, zygote

    monkeypatch.setattr(zygote, "here", lambda: walls.NONE)
    options = Options(tmp_path, tmp_path / "out", {})
    with pytest.raises(UsageError, match="--allow-unsandboxed"):
        grade_batch(options, Console())


def test_results_do_not_go_among_the_submissions(tmp_path):
    from rich.console import Console

    with pytest.raises(UsageError, match="lies within the folder"):
        grade_batch(Options(tmp_path, tmp_path / "out", {}, unsandboxed=True), Console())


# The jobs themselves, and the whole command.


def test_a_job_that_dies_costs_its_submission_two_tries_and_no_other_anything(tmp_path, monkeypatch):
    from grader.batch import pool

    made = pool.Pool(setup_of({}, "cpu", None), 1, 600.0)
    pipes = []

    class Dying:
        """Stands for a process whose pipe closes over a submission called bad."""

        exitcode = -9

        def __init__(self) -> None:
            self.pipe, theirs = made_pipe()
            pipes.append(theirs)

        def kill(self) -> None: ...

        def join(self, seconds: float = 0) -> None: ...

        def is_alive(self) -> bool:
            return False

    import multiprocessing
    import threading

    from grader.batch.parcel import Parcel, packed, parcel

    def made_pipe():
        ours, theirs = multiprocessing.Pipe()

        def live() -> None:
            try:
                while True:
                    name = parcel(theirs.recv_bytes()).name
                    if name == "bad":
                        theirs.close()
                        return
                    theirs.send_bytes(packed(Graded(record=name, score=1.0)))
            except (EOFError, OSError):
                return

        threading.Thread(target=live, daemon=True).start()
        return ours, theirs

    def start(self):
        process = Dying()
        self._jobs.append(pool._Job(process, process.pipe))
        return self._jobs[-1]

    monkeypatch.setattr(pool.Pool, "_start", start)
    done = {p.name: g for p, g in made.run(Parcel(name, "", {}) for name in ("a", "bad", "b"))}
    made.__exit__()

    assert done["a"].score == done["b"].score == 1.0
    assert "ended 2 times" in done["bad"].fault
    assert len(pipes) == 3


def test_a_machine_that_fails_our_own_solutions_grades_nobody(batch, tmp_path):
    a_class(tmp_path / "class", "ada")
    jobs = Pretending()

    def rehearse() -> None:
        raise GraderFault("our own solutions do not earn every point here: ex03_output_size 1 of 25")

    jobs.rehearse = rehearse
    with pytest.raises(GraderFault, match="our own solutions"):
        batch(jobs)
    assert jobs.asked == []


def command(folder: Path, out: Path, *options: str) -> list[str]:
    only = ["--only", "ex03::conv_output_size", "--only", "ex03::same_padding"]
    return [sys.executable, "-P", "-m", "grader", "batch", str(folder), "--out", str(out), *only, *options]


def stripped(out: Path) -> dict[str, object]:
    """Every result without durations."""

    def clean(value):
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items() if key != "duration_s"}
        return [clean(item) for item in value] if isinstance(value, list) else value

    return {path.name: clean(json.loads(path.read_text())) for path in sorted((out / "results").iterdir())}


def test_the_command_killed_on_the_way_gives_what_an_undisturbed_run_gives(tmp_path):
    folder = a_class(tmp_path / "class", *(f"right{number}" for number in range(4)))
    wrong = solution(EXERCISE).replace("return room // stride + 1", "return room // stride + 2", 1)
    bodies = {
        "wrong": wrong,
        "exits": "import os\nos._exit(0)\n",
        "syntax": "def conv_output_size(:\n",
        "stub": (ROOT / "exercises" / f"{EXERCISE}.py").read_text("utf-8"),
    }
    for name, text in bodies.items():
        (folder / name).mkdir()
        (folder / name / f"{EXERCISE}.py").write_text(text)
    with zipfile.ZipFile(folder / "zipped.zip", "w") as archive:
        archive.writestr(f"{EXERCISE}.py", wrong)
    (folder / "broken.ipynb").write_text("{")

    undisturbed = subprocess.run(
        command(folder, tmp_path / "a", "--jobs", "1"), capture_output=True, text=True, timeout=300, check=False
    )
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert "10 submissions: 10 graded" in undisturbed.stdout

    killed = 0
    for _ in range(2):
        before = len(list((tmp_path / "b" / "results").glob("*.json"))) if (tmp_path / "b" / "results").exists() else 0
        running = subprocess.Popen(
            command(folder, tmp_path / "b", "--jobs", "2"), stdout=subprocess.DEVNULL, start_new_session=True
        )
        ends = time.monotonic() + 120
        while running.poll() is None and time.monotonic() < ends:
            found = (
                len(list((tmp_path / "b" / "results").glob("*.json"))) if (tmp_path / "b" / "results").exists() else 0
            )
            if found >= before + 2:
                os.killpg(running.pid, signal.SIGKILL)
                killed += 1
                break
            time.sleep(0.01)
        running.wait()
    done = subprocess.run(
        command(folder, tmp_path / "b", "--jobs", "2"), capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 0, done.stderr
    assert killed
    assert "graded before" in done.stdout
    assert stripped(tmp_path / "b") == stripped(tmp_path / "a")
    assert (tmp_path / "b" / "grades.csv").read_text() == (tmp_path / "a" / "grades.csv").read_text()
    scores = dict(line.split(",")[:3:2] for line in (tmp_path / "a" / "grades.csv").read_text().splitlines()[1:])
    assert scores["right0"] == "7"
    assert scores["exits"] == scores["syntax"] == scores["stub"] == "0"
    assert 0 < float(scores["wrong"]) < 7
    assert scores["wrong"] == scores["zipped"]
    alone = subprocess.run(
        [sys.executable, "-P", "-m", "grader", "run", "ex03::conv_output_size", "ex03::same_padding", "--submission",
         str(folder / "wrong"), "--json", "-"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert json.loads(alone.stdout)["score"] == float(scores["wrong"])


def test_ctrl_c_lets_what_runs_come_to_its_end(tmp_path):
    folder = a_class(tmp_path / "class", *(f"s{number}" for number in range(6)))
    running = subprocess.Popen(
        command(folder, tmp_path / "out", "--jobs", "1"), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (tmp_path / "out" / "results" / "s0.json").exists():
        assert running.poll() is None
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGINT)
    out, _ = running.communicate(timeout=120)

    assert running.returncode == 130
    assert "The same command goes on from here" in out
    lines = (tmp_path / "out" / "grades.csv").read_text().splitlines()
    assert 1 < len(lines) < 7
    assert all(line.endswith(",graded,7,7,7") for line in lines[1:])


def test_a_submission_that_takes_all_its_time_says_so(grader):
    from grader.collect import Module, Submission
    from grader.pipeline import Wanted

    text = "def same_padding(*args):\n    import time\n    time.sleep(0.4)\n    return 1\n"
    budget = replace(grader.course.budget, submission_seconds=1.0)
    short = replace(grader, course=replace(grader.course, budget=budget))
    report = short.grade(
        Submission("s", "", {EXERCISE: Module(EXERCISE, "a.py", text)}),
        wanted=Wanted({EXERCISE: frozenset({"same_padding"})}),
    )
    messages = {check.message for check in report.exercises[0].tasks[0].checks}

    assert any("used up the 1 seconds" in (message or "") for message in messages)
    assert report.score == 0


# Keys.


def test_what_has_no_say_in_a_result_is_in_no_way_from_grading_to_it():
    """Rooms that are left out of the key: none of them is imported where a submission is graded."""
    from grader.batch import key

    script = (
        "import sys, grader.batch.bench, json\n"
        "print(json.dumps([n.split('.')[1] for n in sys.modules if n.startswith('grader.')]))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout)) - {"batch", "checks"}

    files = {"workspace", "state", "portions"}  # what a folder remembers: they come along and decide nothing
    assert {name.removesuffix(".py") for name in key._NO_SAY} & loaded <= files


def test_a_key_is_of_all_that_a_result_depends_on(tmp_path):
    from grader.batch.key import Keys
    from grader.batch.parcel import Parcel
    from grader.collect import Module

    known = course.load()

    def key(
        text: str = "x = 1", walls: tuple[str, ...] = ("bubblewrap",), notes: tuple[str, ...] = (), **setup: object
    ) -> str:
        made = setup_of(setup.pop("wanted", {}), "cpu", setup.pop("seconds", None))
        parcel = Parcel("a", "", {EXERCISE: Module(EXERCISE, "a.py", text)}, notes)
        return Keys(known, made, walls).of(parcel)

    keys = [
        key(),
        key("x = 2"),
        key(walls=()),
        key(notes=("left out",)),
        key(seconds=5.0),
        key(wanted={EXERCISE: None}),
    ]
    assert len(set(keys)) == len(keys)
    assert key() == keys[0]
