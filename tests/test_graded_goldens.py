"""Typical failures, from submission to page: all that a learner reads, compared with tests/golden/graded/.

`pytest tests/test_graded_goldens.py --update-goldens` writes the files anew; read the difference before you commit it.
"""

from __future__ import annotations

import pytest
from graded_kit import CASES, GRADED, HERE, MADE_WITH, forms, graded

from grader.pipeline import Grader

# What the diagnosis of each case has to say, in its own words: a golden file that was not read would hold any.
SAYS = {
    "border": "Only elements at the border are wrong",
    "boxes": "A box that is suppressed already still suppresses others.",
    "device": "not made where the input is",
    "dtype": "The dtype changes on the way",
    "forbidden": "what your code takes ready-made",
    "gradient": None,
    "known": "You rotated the kernel by 180°",
    "masks": None,
    "nan": "Some results are NaN or infinite",
    "offset": "Every value is 3 too large",
    "pooling": "It goes wrong only where kernel_size is more than 1",
    "raised": "Your code stops with an exception, every time at the same line",
    "rounding": "rounded to whole numbers",
    "scale": "off by the same factor",
    "shape": "always 1 too large along axis 1",
    "shifted": "shifted by one to the right",
    "stride": "It goes wrong only where stride is more than 1",
    "syntax": None,
    "transposed": "with its last two axes swapped",
    "unwritten": None,
}


@pytest.mark.parametrize("case", CASES)
def test_a_typical_failure_reads_as_it_did(grader: Grader, case: str, request: pytest.FixtureRequest) -> None:
    report = graded(grader, case)
    made = forms(report)
    if request.config.getoption("--update-goldens"):
        for name, text in made.items():
            (GRADED / case / name).write_text(text, encoding="utf-8", newline="\n")
        MADE_WITH.write_text(HERE, encoding="utf-8")
    said = report.exercises[0].tasks[0].diagnosis
    assert said is None if SAYS[case] is None else SAYS[case] in str(said)
    for name, text in made.items():
        kept = (GRADED / case / name).read_text(encoding="utf-8")
        assert kept == text, f"{name} differs; it was made with {MADE_WITH.read_text()}, this is {HERE}"


def test_no_golden_is_left_over() -> None:
    assert set(SAYS) == set(CASES)
    for case in CASES:
        assert len(list((GRADED / case).iterdir())) == 4
