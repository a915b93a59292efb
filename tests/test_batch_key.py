"""What a result depends on, and who grades: keys and jobs."""

from __future__ import annotations

import json
import subprocess
import sys

from batch_kit import EXERCISE

from grader import course
from grader.batch.parcel import Graded
from grader.batch.run import setup_of


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
