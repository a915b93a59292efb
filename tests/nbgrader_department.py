"""The department whose course the tests look at: what was handed in, and what nbgrader did with it."""

from __future__ import annotations

import getpass
import json
import zipfile

from kit import ROOT
from nbgrader_kit import Book, Place, answered, cell, changed, extra, pieces, right

NAME = "ex02_filters"
ONE = getpass.getuser()  # hands in through the exchange, which knows users of this machine
EVERYTHING = 21.0
SHOWN = (ONE, "untouched", "rotated", "all-zeros", "markup")  # whose page of feedback is looked at
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
        *(("generate_feedback", NAME, "--student", who) for who in SHOWN),
        ("release_feedback", NAME, "--student", ONE),
        ("export", "--to", "grades.csv"),
    )
    place.nbgrader("fetch_feedback", NAME, "--course", "cnn", folder=learner)


def learners() -> list[str]:
    """Whose notebook is what was handed out, apart from the answers."""
    return [ONE, "other-style", "untouched", "rotated", "raises", "no-python", "all-zeros", "numpy-beside", "equal",
            "exits", *HOSTILE]  # fmt: skip
