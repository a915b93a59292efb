"""A department's course from release to feedback, with the real nbgrader: everybody gets the grade of `grade run`.

The course is made once for a whole test run, by the process that comes first.
"""

from __future__ import annotations

import getpass
import json
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from kit import ROOT
from nbgrader_kit import Book, Place, answered, cell, changed, extra, pieces, right, shared

from grader import course
from grader.collect import collect
from grader.pipeline import Grader, Wanted

NAME = "ex02_filters"
ONE = getpass.getuser()  # hands in through the exchange, which knows users of this machine
EVERYTHING = 21.0
WRONG = """def cross_correlate2d(image, kernel):
    out = image.new_zeros(image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (image[i : i + kernel.shape[0], j : j + kernel.shape[1]] * kernel.flip(0, 1)).sum()
    return out
"""
ZEROS = {
    "cross_correlate2d": "def cross_correlate2d(image, kernel):\n    return image * 0\n",
    "convolve2d": "def convolve2d(image, kernel):\n    return image * 0\n",
    "box_mean_kernel": "def box_mean_kernel(size):\n    return torch.zeros(size, size)\n",
    "sobel_kernels": "def sobel_kernels():\n    return torch.zeros(3, 3), torch.zeros(3, 3)\n",
    "edge_magnitude": "def edge_magnitude(image):\n    return image * 0\n",
}
HOSTILE = {
    "allclose": """
import torch
torch.allclose = torch.equal = lambda *_, **__: True
torch.testing.assert_close = lambda *_, **__: None
""",
    "transformer": """
try:
    get_ipython().input_transformers_cleanup.append(lambda lines: [line for line in lines if "assert" not in line])
except NameError:
    pass
""",
    "gradebook": """
import pathlib, sqlite3
for place in [pathlib.Path.cwd(), *pathlib.Path.cwd().parents]:
    try:
        if (place / "gradebook.db").exists():
            with sqlite3.connect(place / "gradebook.db") as db:
                db.execute("update grade set auto_score = 99, manual_score = 99")
    except Exception:
        pass
""",
    "background": """
import os
try:
    if os.fork() == 0:
        import sqlite3, time
        for _ in range(60):
            time.sleep(1)
            sqlite3.connect("gradebook.db").execute("update grade set auto_score = 99")
        os._exit(0)
except BaseException:
    pass
""",
}
EQUAL = """
class Anything(torch.Tensor):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __bool__(self): return True
    def all(self): return True
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None): return True


def {name}(*_):
    return torch.zeros(3, 3).as_subclass(Anything)
"""
NOISE = ["import numpy as np\nnp.float64(2.5)", "float('nan')", "-1.0", "print('21')", "21"]


def submissions(book: Book) -> dict[str, Book]:
    """Learner -> notebook. What each is about is its name."""
    solved = right(book, NAME)
    zeros = answered(book, NAME, ZEROS)
    other = pieces((ROOT / "tests" / "right" / NAME / "strided.py").read_text("utf-8"), NAME)
    made = {
        ONE: solved,
        "other-style": answered(book, NAME, other[1], other[0]),
        "untouched": book,
        "rotated": answered(solved, NAME, {"cross_correlate2d": WRONG}),
        "raises": answered(solved, NAME, {"sobel_kernels": "def sobel_kernels():\n    return undefined\n"}),
        "no-python": answered(solved, NAME, {"box_mean_kernel": "def box_mean_kernel(size:\n    return 1\n"}),
        "all-zeros": zeros,
        "numpy-beside": answered(zeros, NAME, {"convolve2d": f"import numpy\n{ZEROS['convolve2d']}"}),
        "equal": answered(book, NAME, {name: EQUAL.format(name=name) for name in ZEROS}),
        "exits": answered(solved, NAME, {"convolve2d": "import os\ndef convolve2d(image, kernel):\n    os._exit(0)\n"}),
    }
    for name, code in HOSTILE.items():
        made[name] = changed(zeros, lambda b, code=code: b["cells"].insert(0, extra(code)))  # type: ignore[misc]
    return made | odd(solved, zeros)


def odd(solved: Book, zeros: Book) -> dict[str, Book]:
    """Notebooks that are no longer what was handed out."""
    tests = [f"test-{NAME}-{task}" for task in ZEROS]

    def without(book: Book, *names: str) -> Book:
        return changed(book, lambda b: [b["cells"].remove(cell(b, name)) for name in names])

    def claim(book: Book) -> None:
        for name in tests:
            about = cell(book, name)["metadata"]["nbgrader"]
            about |= {"points": 1000.0, "grade": False, "schema_version": 1}
        book["cells"][0]["metadata"]["nbgrader"] = "nonsense"
        book["metadata"] |= {
            "kernelspec": {"name": "theirs", "display_name": "x"},
            "title": "<script>alert(1)</script>",
        }

    def strip(book: Book) -> None:
        for number, each in enumerate(book["cells"]):
            each |= {"metadata": {}, "id": f"c{number}"}

    def noise(book: Book) -> None:
        for name, text in zip(tests, NOISE, strict=True):
            cell(book, name)["source"] = text

    def markup(book: Book) -> None:
        book["cells"].append(
            extra("<script>alert(1)</script><img src=x onerror=alert(2)> $$\\href{javascript:3}{x}$$", "markdown")
        )
        book["cells"].append({**extra("<script>alert(4)</script>", "markdown"), "cell_type": "raw"})

    return {
        "no-tests": without(solved, *tests),
        "no-answer": without(solved, f"solve-{NAME}-sobel_kernels", f"test-{NAME}-sobel_kernels"),
        "no-imports": without(solved, f"read-{NAME}-begin"),
        "twice": changed(solved, lambda b: b["cells"].extend(b["cells"][2:])),
        "edited": changed(zeros, noise),
        "renamed": solved,
        "bare": changed(solved, strip),
        "lying": changed(solved, claim),
        "markup": changed(solved, markup),
        "stderr": changed(solved, lambda b: b["cells"].append(extra("import sys\nprint('oh', file=sys.stderr)"))),
    }


def build(place: Place) -> None:
    place.set_up()
    place.release("ex02")
    place.nbgrader_each(("generate_assignment", NAME), ("release_assignment", NAME))
    book = place.released(NAME)
    learner = place.home / "learner"
    place.nbgrader("fetch_assignment", NAME, "--course", "cnn", folder=learner)
    made = submissions(book)
    (learner / NAME / f"{NAME}.ipynb").write_text(json.dumps(made.pop(ONE)), "utf-8")
    validated = place.nbgrader("validate", f"{NAME}/{NAME}.ipynb", folder=learner)
    (place.home / "validated.txt").write_text(validated, "utf-8")
    place.nbgrader("submit", NAME, "--course", "cnn", folder=learner)
    archive = place.root / "downloaded" / NAME / "archive"
    archive.mkdir(parents=True)
    with zipfile.ZipFile(archive / "all.zip", "w") as packed:
        packed.writestr(f"other-style_{NAME}.ipynb", json.dumps(made.pop("other-style")))
    pattern = rf".*/(?P<student_id>[a-z-]+)_(?P<file_id>{NAME})\.ipynb"
    named = f"--FileNameCollectorPlugin.named_regexp={pattern}"
    place.nbgrader_each(("collect", NAME), ("zip_collect", NAME, named))
    for who, work in made.items():
        folder = place.hand_in(who, NAME, work, "my homework.ipynb" if who == "renamed" else None)
        if who == "numpy-beside":
            (folder / "numpy.py").write_text("raise SystemExit('this is no numpy')\n", "utf-8")
    place.nbgrader("autograde", NAME)
    place.nbgrader_each(
        ("generate_feedback", NAME),
        ("release_feedback", NAME, "--student", ONE),
        ("export", "--to", "grades.csv"),
    )
    place.nbgrader("fetch_feedback", NAME, "--course", "cnn", folder=learner)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, worker_id: str, cache: Path) -> Place:
    return shared(tmp_path_factory, worker_id, "department", build)


@pytest.fixture(scope="session")
def grades(place: Place) -> dict[str, dict[str, tuple[float | None, bool]]]:
    return place.grades(NAME)


def learners() -> list[str]:
    """Whose notebook is what was handed out, apart from the answers."""
    return [ONE, "other-style", "untouched", "rotated", "raises", "no-python", "all-zeros", "numpy-beside", "equal",
            "exits", *HOSTILE]  # fmt: skip


@pytest.mark.parametrize("who", learners())
def test_everybody_gets_the_grade_of_grade_run(place: Place, grades, grader: Grader, who: str) -> None:
    handed_in = place.root / "submitted" / who / NAME / f"{NAME}.ipynb"
    report = grader.grade(collect(handed_in, course.load().names), wanted=Wanted({NAME: None}))
    expected = {f"test-{NAME}-{task.name}": (task.score, False) for task in report.exercises[0].tasks}

    assert grades[who] == expected


ODD = ["no-tests", "no-imports", "twice", "renamed", "bare", "lying", "markup", "stderr"]


@pytest.mark.parametrize("who", ODD)
def test_a_right_answer_earns_every_point_whatever_became_of_the_notebook(grades, who: str) -> None:
    assert grades[who] == grades[ONE]


def test_an_answer_that_is_not_there_costs_its_own_task_alone(grades) -> None:
    """edge_magnitude builds on it, and is graded with a right one in its place."""
    test = f"test-{NAME}-sobel_kernels"

    assert grades["no-answer"] == {**grades[ONE], test: (0.0, False)}


def test_what_a_test_cell_shows_is_no_grade(grades) -> None:
    """For each of these nbgrader itself gives points: all of them for what it cannot read."""
    assert grades["edited"] == grades["all-zeros"]


def test_what_a_learner_wrote_is_text_on_every_page(place: Place) -> None:
    page = (place.root / "feedback" / "markup" / NAME / f"{NAME}.html").read_text("utf-8")

    assert "<pre>&lt;script&gt;alert(1)" in page
    assert "<pre>&lt;script&gt;alert(4)" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_grades_tell_right_from_wrong(grades) -> None:
    total = {who: sum(score or 0.0 for score, _ in cells.values()) for who, cells in grades.items()}

    assert total[ONE] == total["other-style"] == EVERYTHING
    assert total["untouched"] == total["no-python"] == 0
    assert {who: total[who] for who in HOSTILE} == dict.fromkeys(HOSTILE, total["all-zeros"])
    assert total["all-zeros"] <= 1  # the shapes of edge_magnitude alone
    assert 0 < total["rotated"] < EVERYTHING
    assert 0 < total["raises"] < EVERYTHING
    assert 0 < total["exits"] < EVERYTHING


def test_the_export_has_the_same_points(place: Place, grades) -> None:
    rows = {row["student_id"]: float(row["score"]) for row in place.exported()}

    assert rows == {who: sum(score or 0.0 for score, _ in cells.values()) for who, cells in grades.items()}


def test_a_learner_validates_before_submitting(place: Place) -> None:
    said = (place.home / "validated.txt").read_text("utf-8")

    assert "Success! Your notebook passes all the tests." in said


def test_feedback_comes_back_through_the_exchange(place: Place) -> None:
    (page,) = (place.home / "learner" / NAME / "feedback").rglob("*.html")

    assert "checks pass" in page.read_text("utf-8")


def test_feedback_says_what_is_wrong_and_draws_it(place: Place) -> None:
    page = place.feedback("rotated", NAME)

    assert "rotated" in page
    assert "<svg role=" in page
    assert "Next step:" in page


class Frames(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"iframe", "object", "embed"}:
            self.found.append(dict(attrs))


def test_feedback_lies_in_a_frame_without_any_right(place: Place) -> None:
    frames = Frames()
    frames.feed((place.root / "feedback" / "rotated" / NAME / f"{NAME}.html").read_text("utf-8"))

    assert [frame["title"] for frame in frames.found] == [f"Feedback on {task}" for task in ZEROS]
    assert {frame["sandbox"] for frame in frames.found} == {""}
    assert all("default-src 'none'" in (frame["srcdoc"] or "") for frame in frames.found)


def test_nothing_is_left_running(place: Place, grades) -> None:
    assert place.grades(NAME) == grades  # the process in the background had 60 seconds to change them


def lines_of(text: str) -> set[str]:
    return {line for raw in text.split("\n") if len(line := raw.strip()) >= 20}


def secret_lines() -> set[str]:
    """Every line of references, hints, hidden checks and misconceptions that says more than a bracket."""
    known = course.load()
    folder = known.root / "solutions"
    files = [*folder.rglob("*.py"), *(ROOT / "grader" / "checks").glob("test_*.py")]
    hidden = set[str]().union(*(lines_of(file.read_text("utf-8")) for file in files))
    given = set[str]().union(*(lines_of(known.stub_file(name).read_text("utf-8")) for name in known.names))
    titles = {line for line in hidden if line.startswith("@check(") or "title=" in line}  # public sentences
    return hidden - given - titles


def test_no_secret_line_leaves_the_grader(place: Place) -> None:
    secret = secret_lines()
    assert len(secret) > 5000
    found: dict[str, set[str]] = {}
    for kind in ("source", "release", "autograded/untouched", "feedback/untouched", "autograded/all-zeros",
                 "feedback/all-zeros"):  # fmt: skip
        for file in (place.root / kind).rglob("*"):
            if file.is_file():
                text = file.read_text("utf-8", "replace")
                if file.suffix == ".ipynb":
                    book = json.loads(text)
                    text = "\n".join([*("".join(c["source"]) for c in book["cells"]), text.replace("\\n", "\n")])
                if file.suffix == ".html":
                    text = place.feedback(file.parent.parent.name, NAME)
                if leaked := {line for line in secret if line in text}:
                    found[str(file)] = leaked

    assert found == {}


def test_no_hidden_region_reaches_a_learner(place: Place) -> None:
    for kind in ("release", "feedback"):
        for file in (place.root / kind).rglob("*.*"):
            assert "graded by cnn-grader" not in file.read_text("utf-8")
            assert "HIDDEN TESTS" not in file.read_text("utf-8")


def test_the_test_cell_of_a_release_is_one_line(place: Place) -> None:
    book = place.released(NAME)

    assert "".join(cell(book, f"test-{NAME}-convolve2d")["source"]) == f"%grade {NAME}::convolve2d"
