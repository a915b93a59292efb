"""The loop of `grade watch`, with a grader that says what it is told to; and the bell that reaches who waits."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace

import pytest
from kit import ROOT
from rich.console import Console

from grader import course
from grader.collect import Module, Submission
from grader.errors import GraderFault
from grader.learner import Kind
from grader.model import CheckResult, CheckSpec, Environment, ExerciseResult, Isolation, Report, Status, Verdict
from grader.score import task_result
from grader.watch.bell import Bell
from grader.watch.loop import Loop, Pressed, Saved
from grader.watch.screen import Screen

EXERCISE = "ex03_output_size"


class Told:
    """Stands in for the grader. `verdicts`: task -> verdict; `meanwhile` runs while it grades."""

    def __init__(self, known: course.Course) -> None:
        self.course, self.verdicts, self.asked, self.first = known, {}, [], []
        self.meanwhile = lambda: None

    def grade(self, submission, *, wanted, tell):
        ((name, tasks),) = wanted.tasks.items()
        self.asked.append((name, tuple(sorted(tasks))))
        self.first.append(wanted.first)
        done = []
        for task in [t for t in self.course.exercise(name).tasks if t.name in tasks]:
            verdict = self.verdicts.get(task.name, Verdict.PASSED)
            if isinstance(verdict, Exception):
                raise verdict
            check = CheckResult(CheckSpec(f"{task.name}_check", task.name, "A check", task.points), verdict)
            self.meanwhile()
            tell(name, check)
            done.append(task_result(task.name, task.points, [check], None))
        environment = Environment("0", "0", "0", "cpu", Isolation.SANDBOXED, 0)
        return Report("s", "0", environment, (ExerciseResult(name, "Title", tuple(done)),))


class Noted:
    """Stands in for the folder."""

    def __init__(self) -> None:
        self.kept, self.asked, self.before = [], [], {}

    def hint(self, exercise, task):
        self.asked.append(("hint", task))
        return "a hint"

    def solution(self, exercise, task):
        self.asked.append(("solution", task))
        return "a solution"

    def known(self, submission):
        return self.before

    def keep(self, report, submission):
        self.kept.append(report)


@pytest.fixture
def loop():
    known = course.load()
    bell = Bell()
    console = Console(file=open(os.devnull, "w"), width=80, record=True, force_terminal=False)  # noqa: SIM115  # closed below
    yield Loop(known, Told(known), Screen(console), {}, bell, Noted())
    console.file.close()
    bell.close()


def state(text: str, exercise: str = EXERCISE) -> Submission:
    return Submission("here", "0", {exercise: Module(exercise, f"{exercise}.py", text)})


def solution(exercise: str = EXERCISE) -> str:
    return (ROOT / "solutions" / f"{exercise}.py").read_text("utf-8")


class Script:
    """A queue in which an event comes when the one before it is done with."""

    def __init__(self, *events: Saved | Pressed) -> None:
        self.events = [*events, Pressed("q")]

    def get(self) -> Saved | Pressed:
        return self.events.pop(0)

    def empty(self) -> bool:
        return True


def play(loop: Loop, start: Submission, *events: Saved | Pressed) -> None:
    loop.events = Script(*events)
    loop.run(start)


def test_it_begins_with_the_first_open_task(loop):
    loop.desk.before = {(EXERCISE, "conv_output_size"): (Status.PASSED, 4.0)}
    play(loop, state(solution()))
    assert loop.grader.asked == [(EXERCISE, ("same_padding",))]


def test_a_save_grades_what_it_touches(loop):
    new = solution().replace("Height and width never meet", "Height and width do not meet")
    own = new.replace("return room // stride + 1", "return room // stride + 2", 1)
    play(loop, state(solution()), Saved(state(new)), Saved(state(own)))
    assert loop.grader.asked[0] == (EXERCISE, ("conv_output_size",))
    assert len(loop.grader.asked[1][1]) == 6
    assert "conv_output_size" in loop.grader.asked[-1][1]
    assert "receptive_field" not in loop.grader.asked[-1][1]


def test_what_failed_last_time_runs_first(loop):
    loop.grader.verdicts["conv_output_size"] = Verdict.WRONG
    play(loop, state(solution()), Pressed("r"))
    assert loop.grader.first == [frozenset(), frozenset({"conv_output_size_check"})]


def test_in_a_learners_kit_one_goes_on_when_the_examples_pass_and_nothing_is_finished(loop):
    names = [task.name for task in loop.course.exercise(EXERCISE).tasks]
    loop.desk.before = {(EXERCISE, name): (Status.EXAMPLES, 0.0) for name in names[:2]}
    play(loop, state(solution()))
    assert loop.grader.asked == [(EXERCISE, (names[2],))]
    loop.scores = {(EXERCISE, name): (Status.EXAMPLES, 0.0) for name in names}
    assert not loop.finished


def test_n_goes_to_the_next_open_task_and_around(loop):
    play(loop, state(solution()), *[Pressed("n")] * 6)
    tasks = [tasks[0] for _, tasks in loop.grader.asked]
    assert tasks[:6] == [task.name for task in loop.course.exercise(EXERCISE).tasks]
    assert loop.finished


def test_hints_and_solutions_are_of_the_task_at_hand(loop):
    play(loop, state(solution()), Pressed("n"), Pressed("h"), Pressed("s"), Pressed("x"))
    assert loop.desk.asked == [("hint", "same_padding"), ("solution", "same_padding")]
    assert len(loop.grader.asked) == 2


def test_what_is_saved_while_it_grades_takes_its_place(loop):
    changed = state(solution().replace("return room // stride + 1", "return room // stride + 2", 1))

    def save_once() -> None:
        loop.grader.meanwhile = lambda: None
        loop.saved(changed)

    loop.grader.meanwhile = save_once
    thread = threading.Thread(target=lambda: (time.sleep(1), loop.pressed("q")))
    thread.start()
    loop.run(state(solution()))
    thread.join()
    assert len(loop.grader.asked) == 2
    assert len(loop.desk.kept) == 1  # the first was not finished, and is not remembered


def test_a_fault_of_ours_is_no_verdict_and_no_end(loop):
    loop.grader.verdicts["conv_output_size"] = GraderFault("the wall fell")
    play(loop, state(solution()), Pressed("n"))
    assert "the wall fell" in loop.screen.console.export_text()
    assert [report.exercises[0].tasks[0].name for report in loop.desk.kept] == ["same_padding"]


def test_a_folder_without_exercises_is_waited_for(loop):
    play(loop, Submission("here", "0", {}), Saved(state(solution())))
    assert "None of the exercises is in this folder yet" in loop.screen.console.export_text()
    assert loop.grader.asked == [(EXERCISE, tuple(sorted(t.name for t in loop.course.exercise(EXERCISE).tasks)))]


def test_only_what_is_asked_for_is_watched(loop):
    narrow = replace(loop, wanted={EXERCISE: frozenset({"same_padding"})})
    changed = solution().replace("return room // stride + 1", "return room // stride + 2", 1)
    other = Submission("here", "0", {**state(solution()).modules, **state(solution("ex04_conv"), "ex04_conv").modules})
    play(narrow, state(solution()), Saved(other), Saved(state(changed)))
    assert {task for _, tasks in narrow.grader.asked for task in tasks} == {"same_padding"}


def test_who_waits_for_an_answer_hears_the_bell():
    from wall_kit import learner_of, shared_zygote, wall

    from grader.errors import Stopped
    from grader.learner import walls

    bell = Bell()
    session = wall("def f():\n    while True: pass\ndef ok(x):\n    return x + 1\n", zygote=shared_zygote(walls.NONE))
    session.stop = bell.fd
    learner = learner_of(session)
    learner._kinds["ok"] = Kind.FUNCTION
    assert learner.ok(1) == 2
    threading.Timer(0.3, bell.ring).start()
    started = time.monotonic()
    with pytest.raises(Stopped):
        learner.f()
    assert time.monotonic() - started < 10
    bell.hush()
    assert learner.ok(1) == 2
    session.close()
    bell.close()
