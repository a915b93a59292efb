"""`grade watch`: what a save touches, what the loop does with it, and the whole command on a terminal of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

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
from grader.watch.saves import Saves
from grader.watch.screen import Screen
from grader.watch.touched import portions, touched

EXERCISE = "ex03_output_size"
SOURCE = '''"""Statement."""
import torch

LIMIT = 3

def _helper(x):
    return _deeper(x) + 1


def _deeper(x):
    return x

def one(x):
    """Text at the
beginning of a line."""
    return _helper(x)

@decorated
class Two(torch.nn.Module):
    def forward(self, x):
        return one(x)

def three(
    x,
):
    return x
'''
TASKS = ("one", "Two", "three")


def hit(old: str, new: str, source: str = SOURCE) -> list[str]:
    assert old in source
    return touched(portions(source, TASKS), portions(source.replace(old, new), TASKS))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("return x\n", "return 2 * x\n", ["one", "Two", "three"]),
        (":\n    return x\n\ndef one", ":\n    return 2 * x\n\ndef one", ["one", "Two"]),
        ("_deeper(x) + 1", "_deeper(x) + 2", ["one", "Two"]),
        ("return _helper(x)", "return _helper(x) + 1", ["one", "Two"]),
        ("return one(x)", "return one(x) + 1", ["Two"]),
        ("    x,\n):", "    x,\n    y=1,\n):", ["three"]),
        ("LIMIT = 3", "LIMIT = 4", ["one", "Two", "three"]),
        ("\n\n\ndef _deeper", "\n\n\n\ndef _deeper", []),
        ("return x\n\ndef", "return x   \n\ndef", []),
        ("def three(", "def three(((", ["three"]),
        ("def three(", "def four(", ["three"]),
    ],
    ids=["both", "a helper's helper", "a helper", "what another names", "the last", "a header", "a constant",
         "a blank line", "spaces", "a syntax error", "a task that is gone"],
)  # fmt: skip
def test_a_save_touches_what_may_answer_otherwise(old, new, expected):
    assert hit(old, new) == expected


def test_a_file_that_is_no_python_has_portions_too():
    assert portions("def one(:\n  '''", TASKS).keys() == set(TASKS)
    assert portions("", TASKS) == dict.fromkeys(TASKS, "")


def test_a_quote_that_does_not_end_hides_no_change():
    open_quote = SOURCE.replace("LIMIT = 3", "LIMIT = 3  # '''")
    assert hit("return one(x)", "return one(x) + 1", open_quote) == ["one", "Two", "three"]


# Saves.


def stub(folder: Path, name: str = EXERCISE) -> Path:
    shutil.copy(ROOT / "exercises" / f"{name}.py", folder)
    return folder / f"{name}.py"


@pytest.fixture
def saves(tmp_path):
    stub(tmp_path)
    heard: list[Submission] = []
    made = Saves(tmp_path, course.load().names, heard.append)
    made.heard = heard
    return made


def test_the_same_content_again_is_no_save(saves, tmp_path):
    file = tmp_path / f"{EXERCISE}.py"
    file.write_text(file.read_text())
    saves.look()
    assert saves.heard == []


@pytest.mark.parametrize("between", ["", "   \n", None], ids=["empty", "blank", "gone"])
def test_a_file_that_is_away_for_a_moment_is_one_save(saves, tmp_path, between):
    file = tmp_path / f"{EXERCISE}.py"
    text = file.read_text()
    file.unlink() if between is None else file.write_text(between)
    saves.look()
    file.write_text(text + "\nX = 1\n")
    saves.look()
    saves.look()
    assert [submission.modules[EXERCISE].source for submission in saves.heard] == [text + "\nX = 1\n"]


def test_an_exercise_that_comes_later_is_a_save(saves, tmp_path):
    stub(tmp_path, "ex04_conv")
    saves.look()
    assert [set(submission.modules) for submission in saves.heard] == [{EXERCISE, "ex04_conv"}]


def test_a_folder_that_is_away_for_a_moment_is_no_save(saves, tmp_path):
    shutil.move(tmp_path, tmp_path.with_name("elsewhere"))
    saves.look()
    assert saves.heard == []


def test_saves_are_heard_however_an_editor_writes(tmp_path):
    file = stub(tmp_path)
    heard: list[str] = []
    new = threading.Event()

    def tell(submission: Submission) -> None:
        heard.append(submission.modules[EXERCISE].source.rsplit("#", 1)[1].strip())
        new.set()

    def wait() -> None:
        assert new.wait(20)
        new.clear()

    with Saves(tmp_path, course.load().names, tell):
        time.sleep(0.5)  # until the system watches
        text = file.read_text()
        file.write_text(f"{text}# one\n")
        wait()
        beside = tmp_path / ".ex03.swp"
        beside.write_text(f"{text}# two\n")
        beside.replace(file)
        wait()
        file.write_text(f"{text}# three\n")
        file.write_text(f"{text}# three\n")
        wait()
        (tmp_path / "notes.txt").write_text("nothing to do with it")
        time.sleep(0.3)
    assert heard[-1] == "three"
    assert heard == sorted(set(heard), key=heard.index)
    assert {"one", "two"} <= set(heard)


# The loop, with a grader that says what it is told to.


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


# The bell reaches who waits for a learner's answer.


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


# The whole command.


class Terminal:
    """`grade watch` on a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        import pty

        self.fd, theirs = pty.openpty()
        grade = Path(sys.executable).with_name("grade")
        self.process = subprocess.Popen(
            [grade, "watch", *arguments], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
            env={**os.environ, "COLUMNS": "90", "LINES": "50", "TERM": "xterm"}, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.text, self.read = "", 0

    def until(self, pattern: str, seconds: float = 120) -> str:
        """The last screen, once the pattern is on what came since the last time."""
        import select

        ends = time.monotonic() + seconds
        while not re.search(pattern, self.text[self.read :]):
            assert time.monotonic() < ends, f"{pattern!r} did not come: {self.text[-3000:]}"
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self.fd, 2**16).decode("utf-8", "replace")
                except OSError:
                    pytest.fail(f"it has ended: {self.text[-3000:]}")
        self.read = len(self.text)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text.split("\x1b[2J")[-1]).replace("\r", "")

    def press(self, key: str) -> None:
        os.write(self.fd, key.encode())

    def close(self) -> int:
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()
            os.close(self.fd)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_a_save_gets_its_verdict(tmp_path):
    file = stub(tmp_path)
    terminal = Terminal(tmp_path, "ex03")
    assert "to do" in terminal.until("quit")

    file.write_text(solution())
    assert "6 of 71 tasks" in terminal.until("Passed.*\n(.*\n)*.*quit")

    file.write_text(solution().replace("return room // stride + 1", "return room // stride + 2", 1))
    assert "Every value is 1 too large" in terminal.until("too large(.*\n)*.*quit")

    beside = tmp_path / "new"
    beside.write_text(solution().replace("def conv_output_size(", "def conv_output_size(("))
    beside.replace(file)
    screen = terminal.until("SyntaxError(.*\n)*.*quit")
    assert re.search(r"    def conv_output_size\(\(.*\n.* {10}\^", screen)

    file.write_text(solution().replace("    return room // stride + 1", "    while True: pass", 1))
    terminal.until("·")
    file.write_text(solution())
    terminal.until("Passed.*\n(.*\n)*.*quit")

    terminal.press("q")
    assert terminal.close() == 0
