"""Running checks: every end of one gets the right verdict and words, and what is ours is never the learner's."""

from __future__ import annotations

import os
import sys

import pytest
from checker_kit import HEAD, tiny
from wall_kit import learner_of, wall

from grader.checker import run, trial
from grader.errors import GraderFault
from grader.learner import Kind
from grader.model import Verdict
from grader.worker import control

SOLUTION = """
def twice(x):
    '''Two times x.

    >>> twice(torch.tensor([1.0, 2.0]))
    tensor([2., 4.])
    '''
    return x * 2


class Twice(nn.Module):
    '''A module that doubles.'''
    def __init__(self, size):
        super().__init__()
        self.scale = nn.Parameter(torch.full((size,), 2.0))
    def forward(self, x):
        return self.scale * x
"""
CHECKS = """
@check("twice", title="plain", points=2)
@given(x=draw.tensors(draw.sizes(1, 4)))
def test_plain(learner, reference, x):
    expect.close(learner.twice(x), reference.twice(x))

@check("twice", title="sum and gradient", points=1)
@given(x=draw.tensors(draw.sizes(1, 4)))
def test_sums(learner, reference, x):
    x = x.clone().requires_grad_()
    y = learner.twice(x)
    y.sum().backward()
    expect.close(y.shape[0], x.shape[0])
    expect.close(x.grad, torch.full_like(x, 2))

@check("Twice", title="module", points=1)
def test_module(learner, reference):
    module = learner.Twice(3)
    expect.close(module(torch.ones(2, 3)), torch.full((2, 3), 2.0))
    expect.close(module.state_dict()["scale"], torch.full((3,), 2.0))
    expect.equal(tuple(module.scale.shape), (3,))
"""
MODULE = SOLUTION[SOLUTION.index("class") :]


@pytest.fixture
def exercise(tmp_path, monkeypatch):
    return tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=CHECKS)


def twice(body: str) -> str:
    lines = "\n".join("    " + line for line in body.splitlines())
    return f"import torch\nfrom torch import nn\ndef twice(x):\n{lines}\n{MODULE}"


def verdicts(results):
    return {name: result.verdict.value for name, result in results.items()}


def test_a_right_solution_passes_everything(exercise):
    results = exercise.run(twice("return x + x"))

    assert verdicts(results) == dict.fromkeys(["plain", "sums", "module"], "passed")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return 5", "expected the result to be a float32 tensor of shape (1, 2), got the int 5"),
        ("return None", "got None"),
        ("return [x]", "got the list [float32[1, 2]]"),
        ("return (x * 2, x)", "got the tuple (float32[1, 2], float32[1, 2])"),
        ("return (x * 2).numpy() if not x.requires_grad else (x * 2).detach().numpy()", "got an ndarray from numpy"),
        ("return 'text'", "got the string 'text'"),
        ("return lambda: 0", "got a function"),
        ("return (x * 2).to_sparse()", "torch.sparse_coo tensor"),
        ("return (x * 2).sum()", "the result has shape (), expected (1, 2)"),
        ("return (x * 2).long()", "the result is int64, expected float32"),
        ("return x.detach() * 2", "cut off from autograd"),
        ("return torch.tensor(x.tolist()) * 2", "cut off from autograd"),
    ],
)
def test_an_odd_answer_is_wrong_and_said_in_plain_words(exercise, body, words):
    results = exercise.run(twice(body))

    for name in ("plain", "sums"):
        assert results[name].verdict in (Verdict.WRONG, Verdict.PASSED)
    assert results["sums"].verdict is Verdict.WRONG
    assert words in results["sums"].message
    assert results["module"].verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("self.scale = nn.Parameter(torch.full((size,), 2.0))", "self.s = 2", "'Twice' object has no attribute"),
        ("nn.Parameter(torch.full((size,), 2.0))", "torch.full((size,), 2.0)", "it lacks ['scale']"),
        ("return self.scale * x", "return [x]", "got the list"),
    ],
)
def test_a_module_without_what_it_should_have_is_wrong(exercise, old, new, words):
    result = exercise.run(twice("return x * 2").replace(old, new))["module"]

    assert result.verdict in (Verdict.WRONG, Verdict.RAISED)
    assert words in result.message


def test_a_check_that_breaks_on_the_reference_too_is_our_fault(tmp_path, monkeypatch):
    for line in ("1 / 0", "x.nonsense", "raise AssertionError", "undefined", "expect.close(x)", "open('/nonexistent')",
                 "pytest.skip('no')", "raise SystemExit", "learner.three(x)"):  # fmt: skip
        checks = "import pytest\n@check('twice', title='t', points=1)\n@given(x=draw.reals((2,)))\n"
        checks += f"def test_ours(learner, reference, x):\n    learner.twice(x)\n    {line}\n"
        broken = tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=checks)

        for body in ("return x * 2", "return 7"):
            result = broken.run(twice(body))["ours"]
            assert result.verdict is Verdict.FAULT, line
            assert result.message
            assert result.score == 0


def test_a_check_for_which_nothing_can_be_drawn_is_our_fault(tmp_path, monkeypatch):
    checks = "@check('twice', title='t', points=1)\n@given(x=st.integers().filter(lambda x: False))\n"
    exercise = tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=checks + "def test_none(learner, x): ...\n")

    result = exercise.run(twice("return x * 2"))["none"]

    assert result.verdict is Verdict.FAULT
    assert "Unsatisfiable" in result.message


def test_a_machine_that_fails_is_our_fault_at_once(exercise, monkeypatch):
    calls = []
    learner = exercise.learner(twice("return x"))

    def fails(request, body=b""):
        calls.append(request)
        raise GraderFault("no worker to be had")

    learner.link.session = type(
        "Broken", (), {"request": staticmethod(fails), "take_output": staticmethod(str), "device": "cpu"}
    )()
    results, _ = trial_run(exercise, learner)

    assert {result.verdict for result in results} == {Verdict.FAULT}
    assert len(calls) == 3, "no input is tried twice"


def trial_run(exercise, learner, **options):
    from grader.checker.run import run_checks

    return run_checks(exercise.name, exercise.kinds, lambda _: learner, **options)


def test_a_keyboard_interrupt_passes(exercise):
    learner = exercise.learner(twice("return x"))

    def interrupted(request, body=b""):
        raise KeyboardInterrupt

    learner.link.session = type(
        "Stopped", (), {"request": staticmethod(interrupted), "take_output": staticmethod(str), "device": "cpu"}
    )()
    with pytest.raises(KeyboardInterrupt):
        trial_run(exercise, learner)


@pytest.mark.parametrize(
    "body",
    [
        "twice.n = getattr(twice, 'n', 0) + 1\nreturn x * (2 if twice.n % 3 else 5)",
        "twice.n = getattr(twice, 'n', 0) + 1\nreturn x * (5 if twice.n == 1 else 2)",
        "twice.n = getattr(twice, 'n', 0) + 1\nreturn x * (5 if twice.n == 20 else 2)",
        "twice.n = getattr(twice, 'n', 0) + 1\nif twice.n == 7: raise RuntimeError('sometimes')\nreturn x * 2",
    ],
)
def test_an_answer_that_changes_is_wrong_and_said_as_such(exercise, body):
    results = exercise.run(twice(body), only=["plain"])

    result = results["plain"]
    assert result.verdict in (Verdict.WRONG, Verdict.RAISED)
    assert trial.FLAKY in result.message
    assert result.counterexample is not None


def test_random_answers_are_wrong_and_never_a_fault(exercise):
    for seed in range(4):
        start = f"import random\nif not hasattr(twice, 'r'): twice.r = random.Random({seed})\n"
        results = exercise.run(twice(start + "return x * twice.r.choice([2, 2, 2, 3])"))
        assert {results[name].verdict for name in ("plain", "sums")} == {Verdict.WRONG}


def test_a_solution_that_is_steadily_wrong_is_not_called_random(exercise):
    for body in ("return x", "return x + 1", "raise KeyError('a')"):
        assert "every time" not in exercise.run(twice(body))["plain"].message


def test_what_is_not_written_yet_is_to_do(exercise):
    results = exercise.run(twice("raise NotImplementedError"))

    assert verdicts(results) == {"plain": "todo", "sums": "todo", "module": "passed"}
    assert results["plain"].counterexample is None
    assert exercise.run("x = 1")["module"].verdict is Verdict.TODO


def test_the_smallest_failing_input_is_shown(exercise):
    result = exercise.run(twice("return x * 2 if x.shape[0] < 3 else x"))["plain"]

    assert result.message == "the result has the right shape but wrong values: " + result.counterexample.where
    assert result.counterexample.call == "twice(x)"
    assert result.counterexample.inputs[0][1].shape == (3, 4)
    assert result.counterexample.inputs[0][1].values[0] == [1, 2, 3, 4]


def test_shrinking_is_bounded_by_a_count(exercise, monkeypatch):
    body = "import math\nlog.append(1)\nreturn x"
    text = twice(body).replace("def twice", "log = []\ndef twice", 1)
    learner = exercise.learner(text)
    monkeypatch.setattr(trial, "SHRINK_CASES", 5)
    monkeypatch.setattr(trial.Trial, "__init__", _with_left(trial.Trial.__init__, 5))

    results, _ = trial_run(exercise, learner, only=["plain"])

    played = 40
    assert len(learner.link.session.servant.module.log) <= played + 5 + 2
    assert results[0].verdict is Verdict.WRONG


def _with_left(init, count):
    def short(self, *args, **kwargs):
        init(self, *args, **kwargs)
        self._left = count

    return short


# needs, tasks, only

NEEDS = """
@check("twice", title="First this.", points=1)
def test_first(learner, reference):
    expect.close(learner.twice(torch.ones(2)), torch.full((2,), 2.0))

@check("twice", title="then", points=1, needs=["first"])
def test_second(learner, reference):
    expect.close(learner.twice(torch.zeros(2)), torch.zeros(2))

@check("twice", title="at last", points=1, needs=["second"])
def test_third(learner, reference):
    pass
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return x * 2", ["passed", "passed", "passed"]),
        ("return x", ["wrong", "not_run", "not_run"]),
        ("return x * 2 + (x == 0)", ["passed", "wrong", "not_run"]),
        ("raise NotImplementedError", ["todo", "todo", "todo"]),
        ("raise ValueError", ["raised", "not_run", "not_run"]),
    ],
)
def test_a_check_waits_for_those_it_needs(body, expected, tmp_path, monkeypatch):
    exercise = tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=NEEDS)

    results = exercise.run(twice(body))

    assert list(verdicts(results).values()) == expected
    for name, needed in (("second", "First this."), ("third", "then")):
        if results[name].verdict is Verdict.NOT_RUN:
            assert results[name].message == f"first make this pass: {needed}"
            assert results[name].score == 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return x * 2", ["passed", "passed"]),
        ("return torch.relu(x) * 2", ["refused", "refused"]),
        ("return x * 3", ["wrong", "passed"]),
    ],
)
def test_without_the_bans_nothing_is_earned_that_a_ban_refused(body, expected, tmp_path, monkeypatch):
    checks = """
@check("twice", title="Doubles.", points=1)
def test_first(learner, reference):
    expect.close(learner.twice(torch.ones(2)), torch.full((2,), 2.0))

@check("twice", title="Has gradients.", points=1, guarded=False)
def test_second(learner, reference):
    x = torch.ones(2, requires_grad=True)
    learner.twice(x).sum().backward()
"""
    exercise = tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=checks)
    ban = control.Ban("relu", "you build it here", operators=("relu",), autograd=True)
    sessions = {guarded: wall(twice(body), bans=(ban,) if guarded else ()) for guarded in (True, False)}
    learners = {guarded: learner_of(session, twice=Kind.FUNCTION) for guarded, session in sessions.items()}
    try:
        results, _ = run.run_checks(exercise.name, {"twice": "function"}, lambda spec: learners[spec.guarded])
    finally:
        for session in sessions.values():
            session.close()

    assert [result.verdict for result in results if result.spec.points] == expected
    assert len({result.message for result in results if result.verdict is Verdict.REFUSED}) <= 1


def test_only_what_is_asked_for_runs(exercise):
    assert list(exercise.run(twice("return x * 2"), tasks=["Twice"])) == ["module"]
    assert list(exercise.run(twice("return x * 2"), only=["sums"])) == ["sums"]
    assert exercise.run(twice("return x * 2"), tasks=[]) == {}


def test_results_come_in_course_order_and_are_told_as_they_end(tmp_path, monkeypatch):
    parts = CHECKS.split("\n@check")
    checks = "\n@check".join([parts[0], parts[3], parts[1], parts[2]])
    exercise = tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=checks)
    told = []

    results = exercise.run(twice("return x"), tell=lambda result: told.append(result))

    assert list(results) == ["plain", "sums", "module"]
    assert told == list(results.values())


def test_the_examples_of_the_statement_are_a_check_of_no_points(tmp_path, monkeypatch):
    head = HEAD + "from grader.checker.examples import test_examples\n"
    exercise = tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=CHECKS, head=head)

    results = exercise.run(twice("return x"))

    assert results["twice_examples"].verdict is Verdict.WRONG
    assert results["twice_examples"].spec.points == 0
    assert "Twice_examples" not in results, "it has none"


# faults of a check file, before anything runs


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ("def broken(:\n", "line 6: SyntaxError"),
        ("import nonexistent_thing\n", "line 6: ModuleNotFoundError: No module named 'nonexistent_thing'"),
        ("raise RuntimeError('top level')\n", "line 6: RuntimeError: top level"),
        (CHECKS.replace('"Twice"', '"Thrice"'), "module checks 'Thrice', which is no task of the exercise"),
        (CHECKS.replace("test_sums", "test_plain"), "test_plain is defined 2 times; only the last would run"),
        (CHECKS + "\nalias = test_plain\ntest_other = test_plain\n", "there are two checks named plain"),
        (NEEDS.replace('["first"]', '["nothing"]'), "second needs 'nothing', which is no check"),
        (NEEDS.replace('["first"]', '["third"]'), "second needs 'third', which is defined below it"),
        (NEEDS.replace('["first"]', '["second"]'), "second needs itself"),
        (CHECKS.replace('title="module", points=1', 'title="m", points=1, needs=["plain"]'), "a check of another task"),
        (CHECKS.replace("points=2", "points=-2"), "plain has -2 points"),
        (NEEDS.replace('"First this."', '"First this.", guarded=False'), "stands above every guarded check of twice"),
        ("def test_bare(learner): pass\n", "test_bare is no check: it lacks @check"),
        ("@check('twice', title='t', points=1)\ndef test_f(learner, wanted): pass\n", "fixture 'wanted' not found"),
        ("@check('twice', title='t', points=1, visibility='all')\ndef test_f(learner): pass\n", "line 6"),
    ],
)  # fmt: skip
def test_a_broken_check_file_is_our_fault_and_named(checks, words, tmp_path, monkeypatch, capfd):
    exercise = tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=checks)

    with pytest.raises(GraderFault) as caught:
        exercise.run(twice("return x * 2"))

    assert words in str(caught.value)
    assert exercise.name in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_missing_check_file_is_our_fault_and_named(exercise):
    exercise.checks.unlink()

    with pytest.raises(GraderFault, match=r"test_ex99_tiny\d+\.py is missing"):
        exercise.run(twice("return x * 2"))


def test_a_changed_check_file_is_read_again(exercise):
    assert "plain" in exercise.run(twice("return x * 2"))
    exercise.checks.write_text(exercise.checks.read_text().replace("test_plain", "test_renamed"))
    os.utime(exercise.checks, ns=(1, 1))

    assert "renamed" in exercise.run(twice("return x * 2"))


# the same everywhere


def drawn(exercise):
    results, trials = exercise.trials(twice("return x * 2 if x.shape[0] < 3 else x"))
    said = [exchange.body for trial_ in trials.values() for case in trial_.passed for exchange in case.exchanges]
    return said, [(r.verdict, r.message, r.counterexample) for r in results.values()]


def test_the_same_inputs_are_drawn_wherever_and_whenever(exercise, tmp_path, monkeypatch, capfd):
    first = drawn(exercise)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "conftest.py").write_text("raise SystemExit('not ours')")
    (elsewhere / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\n")
    monkeypatch.chdir(elsewhere)
    for key, value in {"PYTEST_ADDOPTS": "-x --nonsense", "PYTEST_PLUGINS": "nonsense", "CI": "true",
                       "HYPOTHESIS_STORAGE_DIRECTORY": str(elsewhere / "h")}.items():  # fmt: skip
        monkeypatch.setenv(key, value)
    monkeypatch.setattr("hypothesis.core.global_force_seed", 7)
    local_module(elsewhere, monkeypatch)

    from grader.checker import deck

    monkeypatch.setattr(deck, "_decks", {})
    again = drawn(exercise)

    assert first == again
    assert {path.name for path in elsewhere.iterdir()} == {"conftest.py", "pytest.ini", "local.py"}
    assert os.environ["PYTEST_ADDOPTS"] == "-x --nonsense", "the environment is put back"
    assert capfd.readouterr() == ("", "")


def local_module(folder, monkeypatch):
    """Hypothesis mixes the constants of such modules into what it draws."""
    import importlib.util

    (folder / "local.py").write_text("\n".join(f"A{i} = {i}" for i in range(0, 65536, 97)))
    spec = importlib.util.spec_from_file_location("local", folder / "local.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "local", module)


def test_text_that_is_drawn_leaves_no_folder(tmp_path, monkeypatch):
    checks = "@check('twice', title='t', points=1)\n@given(x=st.text())\ndef test_text(learner, x): pass\n"
    exercise = tiny(tmp_path, monkeypatch, solution=SOLUTION, checks=checks)
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)

    exercise.run(twice("return x"))

    assert list(place.iterdir()) == []
    assert not list(tmp_path.rglob(".hypothesis")) + list(tmp_path.rglob(".pytest_cache"))
