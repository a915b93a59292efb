"""Sources: what is read of one, the stub made from it, and what is wrong with a malformed one."""

from __future__ import annotations

import ast

import pytest
from kit import ROOT

from grader import source
from grader.errors import GraderFault

TEXT = '''"""ex04 · A title

### Why
A statement with a heading.
"""

import torch
from torch import nn

### BEGIN SOLUTION
SECRET = 7


def _helper(x):
    return x
### END SOLUTION


def double(x, factor=2, *, late=False):
    """Twice x.

    >>> double(1)
    2
    """
    ### HINT: First hint,
    ###   which goes on.
    ### HINT: Second hint.
    # a comment that stays
    ### BEGIN SOLUTION
    secret = x * factor
    return secret
    ### END SOLUTION


class Net(nn.Module):
    """A net."""

    def __init__(self, size):
        super().__init__()
        ### HINT: In the class.
        ### BEGIN SOLUTION
        self.secret = size
        ### END SOLUTION

    ### BEGIN SOLUTION
    def _secret(self):
        return self.secret
    ### END SOLUTION

    def forward(self, x):
        """Forward."""
        ### BEGIN SOLUTION
        return x
        ### END SOLUTION


class Fn(torch.autograd.Function):
    """A function with a backward."""

    @staticmethod
    def forward(ctx, x):
        ### BEGIN SOLUTION
        return x
        ### END SOLUTION


### BEGIN SOLUTION
def _last():
    return SECRET


### END SOLUTION



'''


def test_a_source_is_read_whole():
    parsed = source.read(TEXT, "ex04.py")

    assert parsed.statement.startswith("ex04 · A title")
    assert [(task.name, task.kind) for task in parsed.tasks] == [
        ("double", "function"), ("Net", "module"), ("Fn", "autograd"),
    ]  # fmt: skip
    double, net, fn = parsed.tasks
    assert double.docstring.startswith("Twice x.")
    assert double.hints == ("First hint, which goes on.", "Second hint.")
    assert double.parameters == ("x", "factor", "late")
    assert net.hints == ("In the class.",)
    assert net.parameters == ("self", "size")
    assert fn.parameters == ("ctx", "x")


STUB = source.stub(TEXT)


def test_a_stub_is_python_without_solution_and_hints():
    ast.parse(STUB)

    assert "secret" not in STUB.lower()
    assert "HINT" not in STUB
    assert "SOLUTION" not in STUB
    assert "_last" not in STUB
    assert "_helper" not in STUB


def test_a_stub_raises_once_for_every_region_in_a_function():
    assert STUB.count("raise NotImplementedError") == 4
    for node in ast.walk(ast.parse(STUB)):
        if isinstance(node, ast.ClassDef | ast.Module):
            assert not any(isinstance(item, ast.Raise) for item in node.body), "the stub can be imported"


def test_a_stub_keeps_what_the_learner_is_to_read():
    for line in (
        "### Why",
        "    # a comment that stays",
        "    >>> double(1)",
        "        super().__init__()",
        "import torch",
    ):
        assert line in STUB.split("\n")


def test_a_stub_has_no_holes():
    assert not STUB.startswith("\n")
    assert STUB.endswith("raise NotImplementedError\n")
    assert "\n\n\n\n" not in STUB
    assert all(line == line.rstrip() for line in STUB.split("\n"))


def test_a_stub_is_made_the_same_way_twice():
    assert source.stub(TEXT) == STUB


@pytest.mark.parametrize("name", ["ex03_output_size", "ex04_conv", "ex07_backprop"])
def test_the_stubs_of_the_course_can_be_imported_and_show_nothing(name):
    text = (ROOT / "solutions" / f"{name}.py").read_text("utf-8")
    made = source.stub(text, name)
    parsed, again = source.read(text, name), source.read(made, name)
    module = {}
    exec(compile(made, name, "exec"), module)

    assert "###" not in made
    assert [(t.name, t.docstring, t.parameters) for t in again.tasks] == [
        (t.name, t.docstring, t.parameters) for t in parsed.tasks
    ]
    assert {task.name for task in parsed.tasks} <= set(module)
    assert made.count("raise NotImplementedError") >= len(parsed.tasks)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"""ex04', '# """ex04', ", line "),
        ('"""ex04 · A title\n\n### Why\nA statement with a heading.\n"""', "", "(module docstring) is missing"),
        ("def double(x,", "def double(x", "ex04.py, line 19"),
        ("def double(", "def double(x): ...\ndef double(", "double is defined 2 times"),
        ("    return secret\n    ### END SOLUTION", "    return secret", "and that of line 29 has no"),
        ("    ### BEGIN SOLUTION\n    secret", "    secret", "without its '### BEGIN SOLUTION'"),
        ("### END SOLUTION\n\n\n\n", "", "needs its '### END SOLUTION'"),
        ("    ### BEGIN SOLUTION\n    secret", "    ### BEGIN SOLUTION: mine\n    secret", "has to stand alone"),
        ("SECRET = 7", "SECRET = '\0'", "ex04.py"),
    ],
)  # fmt: skip
def test_a_malformed_source_is_named_with_what_to_do(old, new, words):
    assert old in TEXT

    with pytest.raises(GraderFault) as caught:
        source.read(TEXT.replace(old, new, 1), "ex04.py")

    assert words in str(caught.value)
    assert str(caught.value).startswith("ex04.py")


@pytest.mark.parametrize(
    "text",
    [
        '"""S"""\ndef f(x):\n    return x\n',
        '"""S"""\nclass F:\n    """F"""\n    ### BEGIN SOLUTION\n    def f(self): ...\n    ### END SOLUTION\n',
        '"""S"""\n### BEGIN SOLUTION\ndef f(x):\n    return x\n### END SOLUTION\n',
    ],
)
def test_a_task_that_would_hand_out_its_solution_has_no_stub(text):
    with pytest.raises(GraderFault, match=r"ex04\.py: [fF] has no"):
        source.stub(text, "ex04.py")


def test_a_stub_that_is_no_python_is_our_fault():
    text = '"""S"""\ndef f(x):\n    ### BEGIN SOLUTION\n    if x:\n    ### END SOLUTION\n        return 1\n'

    with pytest.raises(GraderFault, match="the stub of ex04"):
        source.stub(text, "ex04")


@pytest.mark.parametrize(
    ("lines", "hints"),
    [
        ("", ()),
        ("### HINT:", ("",)),
        ("### HINT: one\n    pass\n    ### HINT: two", ("one", "two")),
        ("### HINT: one\n    ###   more\n    ###    and more\n    ### heading", ("one more and more",)),
        ("### HINT: one\n\n    ###   not its own", ("one",)),
        ("###   nothing to continue", ()),
    ],
)
def test_hints_are_read_as_they_are_written(lines, hints):
    text = f'"""S"""\ndef f(x):\n    """F"""\n    {lines}\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n'

    assert source.read(text, "ex").tasks[0].hints == hints


def test_unusual_line_ends_do_not_shift_lines():
    text = TEXT.replace("A statement", "A \x0c statement \u2028")

    assert source.read(text, "ex").tasks[0].hints == source.read(TEXT, "ex").tasks[0].hints
    assert source.stub(text).replace("\x0c", "").replace("\u2028", "").count("raise NotImplementedError") == 4
