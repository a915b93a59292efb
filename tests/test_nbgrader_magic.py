"""`%grade` in a learner's kernel: what was defined there is graded at once, by a process that is not the kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from kit import solution
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader_kit import Place, pieces, shared

from grader.collect.notebook import python_lines
from grader.errors import GraderFault
from grader.platforms.nbgrader.client import Desk
from grader.platforms.nbgrader.frame import framed
from grader.platforms.nbgrader.magic import Standing
from grader.platforms.nbgrader.slices import module_of
from grader.platforms.nbgrader.words import Graded, Question

NAME = "ex03_output_size"
LOAD = "%load_ext grader.platforms.nbgrader"
RIGHT = pieces(solution(NAME), NAME)


def cells() -> dict[str, str]:
    return {
        "load": LOAD,
        "helpers": RIGHT[0],
        "scratch": "same_padding(3)",  # raises: nothing of that name yet
        "right": f"{RIGHT[1]['same_padding']}\n\n%grade same_padding",
        "wrong": "def same_padding(kernel_size, dilation=1):\n    return kernel_size // 2\n",
        "graded": "%grade same_padding",
        "function": "check('ex03::same_padding')",
        "above": f"%%grade same_padding\n{RIGHT[1]['same_padding']}",
        "unknown": "%grade nothing_like_it",
        "empty": "%grade",
        "escape": "import os\nos.environ['NBGRADER_EXECUTION'] = 'autograde'\n%grade same_padding",
    }


def build(place: Place) -> None:
    place.set_up()
    made = cells()
    book = new_notebook(cells=[new_code_cell(text) for text in made.values()])
    (place.root / "book.ipynb").write_text(nbformat.writes(book), "utf-8")
    options = ("--to", "notebook", "--execute", "--allow-errors", "--output", "ran.ipynb")
    place.run("jupyter-nbconvert", *options, "book.ipynb")


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory, worker_id: str, cache: Path) -> dict[str, list[dict[str, Any]]]:
    place = shared(tmp_path_factory, worker_id, "kernel", build)
    book = json.loads((place.root / "ran.ipynb").read_text("utf-8"))
    return {name: cell["outputs"] for name, cell in zip(cells(), book["cells"], strict=True)}


def result(outputs: list[dict[str, Any]]) -> dict[str, str]:
    (found,) = [each["data"] for each in outputs if each["output_type"] == "execute_result"]
    return {kind: "".join(text) for kind, text in found.items()}


def complaint(outputs: list[dict[str, Any]]) -> str:
    return "".join("".join(each.get("text", each.get("traceback", ""))) for each in outputs)


def test_a_right_definition_earns_its_points_in_the_cell_itself(ran) -> None:
    shown = result(ran["right"])

    assert shown["text/plain"] == "3.0"
    assert 'title="Feedback on ex03_output_size::same_padding"' in shown["text/html"]


def test_what_was_defined_last_counts(ran) -> None:
    assert 0 < float(result(ran["graded"])["text/plain"]) < 3
    assert "Next step" in result(ran["graded"])["text/html"]


def test_the_function_does_the_same(ran) -> None:
    assert result(ran["function"]) == result(ran["graded"])


def test_the_cell_magic_runs_the_cell_first(ran) -> None:
    assert result(ran["above"])["text/plain"] == "3.0"


def test_what_it_does_not_know_is_said_in_a_line(ran) -> None:
    assert "there is no exercise or task 'nothing_like_it'" in complaint(ran["unknown"])
    assert "say which: %grade conv2d" in complaint(ran["empty"])


def test_a_kernel_has_no_say_in_autograding(ran) -> None:
    assert "nbgrader is about to grade this notebook by running it" in complaint(ran["escape"])


def test_a_cell_magic_of_ours_hides_no_answer_from_the_grade() -> None:
    assert python_lines(["%%grade conv2d", "x = 1"]) == ["# %%grade conv2d", "x = 1"]


@pytest.mark.parametrize(
    "line", ["check('ex03::same_padding')", 'check( "conv2d" )', "from grader.platforms.nbgrader import check"]
)
def test_asking_how_one_stands_costs_nothing_when_it_is_handed_in(line: str) -> None:
    """A worker has no `check`: the line would stop the module, and every task with it."""
    assert python_lines([line, "x = 1"]) == [f"# {line}", "x = 1"]


@pytest.mark.parametrize("line", ["check(x)", "y = check('a')", "check('a') + 1", "def check(x): pass"])
def test_a_check_of_their_own_stays(line: str) -> None:
    assert python_lines([line]) == [line]


# What of a kernel makes a module


def test_a_module_is_the_task_and_what_it_names() -> None:
    history = [
        "",
        "import math\nimport os",
        "half = 2",
        "print(solve(3))",
        "def solve(x):\n    return math.sqrt(half * x)",
    ]
    source, heads = module_of(history, ["solve"])

    assert [line for line in source.split("\n") if line] == [
        "# --- In [1] ---",
        "import math",
        "# --- In [2] ---",
        "half = 2",
        "# --- In [4] ---",
        "def solve(x):",
        "    return math.sqrt(half * x)",
    ]
    assert len(heads) == 4


def test_what_fails_or_is_no_python_is_left_out() -> None:
    history = ["", "1 / 0", "def broken(:", "%time\n!ls", "def solve():\n    return 1", "solve() + undefined"]
    source, _ = module_of(history, ["solve"])
    space: dict[str, Any] = {}
    exec(source, space)

    assert space["solve"]() == 1


def test_the_last_definition_of_everything_counts() -> None:
    history = ["", "k = 1", "def solve():\n    return k", "k = 2", "k += 3", "def solve():\n    return k * 10"]
    space: dict[str, Any] = {}
    exec(module_of(history, ["solve"])[0], space)

    assert space["solve"]() == 50


def test_a_line_leads_back_to_its_cell() -> None:
    from grader.collect import Module

    history = ["", "x = 1", "print(x)", "y = 0\n\ndef solve():\n    return x"]
    source, heads = module_of(history, ["solve"])
    module = Module("ex", "notebook", source, None, heads)
    line = source.split("\n").index("    return x") + 1

    assert module.locate(line) == "code cell 3, line 4"


# The process behind it


def test_a_desk_that_ends_is_our_fault_and_is_set_up_anew() -> None:
    desk = Desk(("false",))
    question = Question((), (NAME,))

    for _ in range(2):
        with pytest.raises(GraderFault, match="the process that grades has ended"):
            desk.ask(question)


def test_nonsense_is_our_fault() -> None:
    desk = Desk(("sh", "-c", "read line; echo '[1, 2]'"))
    with pytest.raises(GraderFault, match="answers nonsense"):
        desk.ask(Question((), (NAME,)))


def test_a_desk_that_nobody_asks_is_closed_and_opens_again() -> None:
    echo = "while read line; do echo '{}'; done"
    desk = Desk(("sh", "-c", echo), idle_seconds=0.05)

    for _ in range(2):
        desk.ask(Question((), (NAME,)))
        process = desk._process
        assert process is not None
        assert process.wait(10) == 0


def test_a_frame_holds_what_is_in_it() -> None:
    html = framed('</iframe><script>alert("x")</script>', '"><b>', short=True)

    assert html.count("<") == 2
    assert html.startswith('<iframe sandbox="" title="&quot;&gt;&lt;b&gt;"')


def test_points_are_added_up() -> None:
    both = Standing({"a": Graded(1.5, 2.0, "a: half", "p"), "b": Graded(2.0, 2.0, "b: all", "q")})

    assert both._repr_mimebundle_()["text/plain"] == "3.5"
    assert repr(both) == "a: half\nb: all"
