"""What of a file a task depends on, told by its text alone, and which tasks a save has touched."""

from __future__ import annotations

import pytest

from grader.portions import portions, touched

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
