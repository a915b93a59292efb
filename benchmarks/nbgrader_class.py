"""A class of twelve in nbgrader: our steps, and plain nbgrader with asserts in hidden tests. Time, and what it paid.

`python benchmarks/nbgrader_class.py`, from the root of a checkout; uses the notebooks of tests/nbgrader_department.py.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from nbgrader_department import NAME, learners, submissions
from nbgrader_kit import Place, cell

# What a careful teacher writes: inputs that are not symmetric, against torch.
PLAIN = {
    "cross_correlate2d": """image, k = torch.arange(20.).reshape(4, 5), torch.tensor([[1., 2.], [3., 4.]])
want = torch.nn.functional.conv2d(image[None, None], k[None, None])[0, 0]
assert torch.allclose(cross_correlate2d(image, k), want)""",
    "convolve2d": """want = torch.nn.functional.conv2d(image[None, None], k.flip(0, 1)[None, None])[0, 0]
assert torch.allclose(convolve2d(image, k), want)""",
    "box_mean_kernel": "assert torch.allclose(box_mean_kernel(3), torch.full((3, 3), 1 / 9))",
    "sobel_kernels": "dx, dy = sobel_kernels()\nassert dx.shape == (3, 3) and torch.equal(dy, dx.T)",
    "edge_magnitude": "assert edge_magnitude(image).shape == (2, 3)",
}
PLAIN_CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'cnn'\n"


def course(home: Path, *, plain: bool) -> Place:
    place = Place(home)
    place.set_up()
    place.release("ex02")
    if plain:
        file = place.root / "source" / NAME / f"{NAME}.ipynb"
        book = json.loads(file.read_text("utf-8"))
        for task, code in PLAIN.items():
            test = f"### BEGIN HIDDEN TESTS\n{code}\n### END HIDDEN TESTS"
            cell(book, f"test-{NAME}-{task}")["source"] = test
        begin = cell(book, f"read-{NAME}-begin")
        begin["source"] = "".join(line for line in begin["source"] if not line.startswith("%"))
        file.write_text(json.dumps(book), "utf-8")
        (place.root / "nbgrader_config.py").write_text(PLAIN_CONFIG, "utf-8")
    place.nbgrader("generate_assignment", NAME)
    made = submissions(place.released(NAME))
    for who in learners()[:12]:
        folder = place.hand_in(who, NAME, made[who])
        if who == "numpy-beside":
            (folder / "numpy.py").write_text("raise SystemExit('this is no numpy')\n", "utf-8")
    return place


def processor() -> float:
    times = os.times()
    return times.children_user + times.children_system


def main() -> None:
    paid: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, plain in {"ours": False, "plain": True}.items():
            place = course(Path(folder) / name, plain=plain)
            began, used = time.perf_counter(), processor()
            place.nbgrader("autograde", NAME)
            print(f"{name}: {time.perf_counter() - began:.1f} s, {processor() - used:.1f} s of a processor")
            for who, cells in place.grades(NAME).items():
                paid.setdefault(who, {})[name] = sum(score or 0.0 for score, _ in cells.values())
    for who, points in paid.items():
        print(f"{who:14}", *(f"{name} {score:g}" for name, score in points.items()))


if __name__ == "__main__":
    main()
