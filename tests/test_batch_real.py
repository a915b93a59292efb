"""`grade batch` as real processes: killed on the way, interrupted, out of time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace

from batch_kit import EXERCISE, a_class, command, stripped
from kit import ROOT, solution


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


def begun(folder, out, first):
    """A batch of one job, in a process group of its own, that has graded its first submission."""
    running = subprocess.Popen(
        command(folder, out, "--jobs", "1"), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (out / "results" / f"{first}.json").exists():
        assert running.poll() is None
        time.sleep(0.02)
    return running


def test_ctrl_c_lets_what_runs_come_to_its_end(tmp_path):
    folder = a_class(tmp_path / "class", *(f"s{number}" for number in range(6)))
    running = begun(folder, tmp_path / "out", "s0")
    os.kill(running.pid, signal.SIGINT)
    out, _ = running.communicate(timeout=120)

    assert running.returncode == 130
    assert "finishing what runs; Ctrl-C again stops at once" in out
    assert "The same command goes on from here" in out
    lines = (tmp_path / "out" / "grades.csv").read_text().splitlines()
    assert 1 < len(lines) < 7
    assert all(line.endswith(",graded,7,7,7") for line in lines[1:])


def test_ctrl_c_twice_stops_at_once_and_says_so(tmp_path):
    """Its process group hears it, as at a terminal; jobs leave that to whoever started them."""
    folder = a_class(tmp_path / "class", "a")
    (folder / "endless").mkdir()
    (folder / "endless" / f"{EXERCISE}.py").write_text("while True: pass\n")
    running = begun(folder, tmp_path / "out", "a")
    os.killpg(running.pid, signal.SIGINT)
    assert running.stdout is not None
    assert any("Ctrl-C again" in line for line in running.stdout)
    os.killpg(running.pid, signal.SIGINT)
    out, _ = running.communicate(timeout=120)

    assert running.returncode == 130
    assert "What was graded is kept" in out


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
