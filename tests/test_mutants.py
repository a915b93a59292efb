"""Mechanical mutants: what is changed and how it is called, what becomes of them, and the proof of every exercise.

All mutants take minutes, so every so many are tried here; the page has all of them, and has to be of today's sources.
"""

from __future__ import annotations

import pytest
from kit import ROOT, solution

from grader import cli, course, proofs
from grader.author import page, survivors
from grader.author.kill import End, Outcome, try_all
from grader.author.mutants import Mutant, mutants_of
from grader.author.survivors import Siege, besiege, compare, equivalents
from grader.author.verify import Proof
from grader.course import TRAINER
from grader.errors import GraderFault, UsageError

COURSE = course.load()
SAMPLE = 8  # mutants of an exercise that are tried here


def changes(body: str) -> set[str]:
    """kind: before -> after, of all mutants of a task with these lines."""
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    return {mutant.id.removeprefix("f: ") for mutant in mutants_of(f"def f(a, b):\n{lines}\n", ["f"])}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("return a + b", {"operator: return a + b -> return a - b"}),
        ("return a // b", {"operator: return a // b -> return a * b", "operator: return a // b -> return a / b"}),
        ("return a < b", {"comparison: return a < b -> return a <= b", "comparison: return a < b -> return a >= b"}),
        ("return a == b", {"comparison: return a == b -> return a != b"}),
        ("return a is None", {"comparison: return a is None -> return a is not None"}),
        ("return 3", {"constant: return 3 -> return 4", "constant: return 3 -> return 2"}),
        ("return -1", {"sign: return -1 -> return 1", *(f"constant: return -1 -> return {n}" for n in (0, -2))}),
        ("return True", {"constant: return True -> return False"}),
        ("return not a", {"not: return not a -> return a"}),
        ("return a.flip(b)", {"argument: return a.flip(b) -> return a.flip()", "call: return a.flip(b) -> return a"}),
        ("return a[b:]", {"slice: return a[b:] -> return a[:]"}),
        ("a += b", {"operator: a += b -> a -= b", "operator: a += b -> a = b", "statement: a += b -> pass"}),
        ("a = b", {"statement: a = b -> pass"}),
        ("c = b", set()),  # what follows could not run without it
        ('return "same"', {"string: return 'same' -> return '?'"}),
    ],
)  # fmt: skip
def test_a_line_has_these_mutants(line, wanted):
    assert changes(line) == wanted


def test_each_operand_of_a_condition_is_left_out_and_each_way_taken_alone():
    assert changes("if a and b:\n    return a") == {
        "and/or: a and b -> a or b",
        "and/or: a and b -> b",
        "and/or: a and b -> a",
        "condition: a and b -> not (a and b)",
        "condition: a and b -> False",
        "condition: a and b -> True",
    }


def test_arguments_are_left_out_and_neighbours_change_places():
    assert {
        "argument: return g(a, b, low=1) -> return g(b, low=1)",
        "argument: return g(a, b, low=1) -> return g(b, a, low=1)",
        "keyword: return g(a, b, low=1) -> return g(a, b)",
    } <= changes("return g(a, b, low=1)")
    assert not any("max(b, a)" in change for change in changes("return max(a, b)"))  # where order has no meaning


def test_defaults_are_changed():
    found = {mutant.id for mutant in mutants_of("def f(a, b=1, c=None, *, d=True):\n    return a\n", ["f"])}

    assert found == {f"f: constant: {change}" for change in ("b=1 -> 2", "b=1 -> 0", "c=None -> 1", "d=True -> False")}


def test_docstrings_annotations_and_what_errors_say_are_left_alone():
    text = 'def f(a: "int" = ..., b: list[1] = ()) -> "int":\n    """1 + 1"""\n    raise ValueError(f"{1}", 2 - a)\n'

    assert mutants_of(text, ["f"]) == ()
    assert not any("strict" in change for change in changes("return zip(a, b, strict=True)") if "keyword" in change)


def test_an_id_survives_edits_elsewhere():
    task = "def f(a):\n    b = a + 1\n    return b + 1, a + 1\n"
    ids = [mutant.id for mutant in mutants_of(task, ["f"])]
    moved = f"# A comment.\ndef g(a):\n    return a - 1\n\n\n{task}"

    assert [mutant.id for mutant in mutants_of(moved, ["g", "f"]) if mutant.place == "f"] == ids
    assert len(set(ids)) == len(ids)


def test_equal_sources_are_one_mutant():
    sources = [mutant.source for mutant in mutants_of("def f(a):\n    return a * 1 * 2 + 0\n", ["f"])]

    assert len(set(sources)) == len(sources)


def test_a_helper_is_judged_by_the_tasks_that_use_it():
    text = (
        "TABLE = {'a': 1}\n"
        "def _deep(a):\n    return TABLE[a] + 1\n"
        "def _helper(a):\n    return _deep(a)\n"
        "def f(a):\n    return _helper(a)\n"
        "def g(a):\n    return f(a) + 1\n"
        "def _unused(a):\n    return a + 1\n"
    )
    judges = {mutant.place: mutant.tasks for mutant in mutants_of(text, ["f", "g"])}

    assert judges == {"TABLE": ("f",), "_deep": ("f",), "_helper": ("f",), "f": ("f",), "g": ("g",)}


# What becomes of them

NAME = "ex03_output_size"
KINDS = COURSE.exercise(NAME).kinds


def ends(**bodies: str) -> dict[str, Outcome]:
    """The outcome of same_padding with each of these bodies."""
    before = "_at_least(1, kernel_size=kernel_size, dilation=dilation)\n    lost"
    assert solution(NAME).count(before) == 1
    made = [
        Mutant(name, "same_padding", ("same_padding",), solution(NAME).replace(before, f"{body}\n    {before}"))
        for name, body in bodies.items()
    ]
    return {outcome.mutant.id: outcome for outcome in try_all(NAME, KINDS, made, cpu_seconds=1)}


def test_a_mutant_is_killed_or_survives_and_none_outlives_its_fork():
    found = ends(
        right="pass",
        wrong="return 0",
        loops="while True: pass",
        fills="b'x' * 2**40",
        leaves="import os; os._exit(0)",
        prints="print('hello')",
    )

    assert {name: outcome.end for name, outcome in found.items()} == {
        "right": End.SURVIVED,
        "wrong": End.KILLED,
        "loops": End.TIMED_OUT,
        "fills": End.KILLED,
        "leaves": End.KILLED,
        "prints": End.SURVIVED,
    }
    assert found["wrong"].by[0].startswith("same_padding")


def test_every_check_can_be_asked():
    source = solution(NAME).replace("return lost // 2", "return lost // 2 + 1")
    (outcome,) = try_all(NAME, KINDS, [Mutant("m", "same_padding", ("same_padding",), source)], every_check=True)

    assert len(outcome.by) > 1


def test_a_mutant_that_does_not_load_is_killed():
    (outcome,) = try_all(NAME, KINDS, [Mutant("m", "_OPTIONS", ("trace_shapes",), "1 / 0")])

    assert outcome.end is End.KILLED


def test_checks_that_cannot_be_loaded_are_our_fault():
    with pytest.raises(GraderFault, match="cannot be tried"):
        try_all("ex99_absent", {"f": "function"}, [Mutant("m", "f", ("f",), "")])


# The list of those that are equivalent


def outcome(name: str, end: End, *by: str) -> Outcome:
    return Outcome(Mutant(name, "f", ("f",), ""), end, by)


def test_the_list_and_the_outcomes_have_to_agree():
    outcomes = [outcome("a", End.SURVIVED), outcome("b", End.KILLED, "f_sum"), outcome("c", End.TIMED_OUT)]
    everything = [found.mutant for found in outcomes]

    assert list(compare(everything, outcomes, {"a": "why"})) == []
    assert list(compare(everything, outcomes, {})) == ["no check notices the mutant a"]
    assert list(compare(everything, outcomes, {"a": "why", "b": "why"})) == [
        "listed as equivalent, but noticed by f_sum, so remove it: b"
    ]
    assert list(compare(everything, outcomes, {"a": "why", "z": "why"})) == [
        "listed as equivalent, but there is no such mutant, so remove it: z"
    ]
    assert list(compare(everything, outcomes[1:], {"a": "why"})) == []  # a was not tried


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[equivalent]]\nmutants = ["a"]\nwhy = "short"', "why"),
        ('[[equivalent]]\nmutants = ["a", "a"]\nwhy = "a reason that is long enough"', "listed twice: a"),
        ('[[same]]\nmutants = ["a"]', "same"),
        ("[[equivalent", "ex99_tiny.toml"),
    ],
)
def test_a_list_that_is_not_as_it_should_be_is_our_fault(tmp_path, text, complaint):
    (tmp_path / "solutions" / "mutants").mkdir(parents=True)
    (tmp_path / "solutions" / "mutants" / "ex99_tiny.toml").write_text(text)
    known = course.Course("", tmp_path, COURSE.budget, ())

    with pytest.raises(GraderFault, match=complaint):
        equivalents(known, "ex99_tiny")
    assert equivalents(known, "ex98_absent") == {}


def test_a_reference_that_is_noticed_itself_is_a_fault(monkeypatch):
    def all_killed(name, kinds, mutants, **_):
        return tuple(Outcome(mutant, End.KILLED, ("f_sum",)) for mutant in mutants)

    monkeypatch.setattr(survivors, "try_all", all_killed)
    siege = besiege(COURSE, COURSE.exercise(NAME), task="same_padding")

    assert siege.faults[0] == "the reference itself is killed: f_sum"
    assert len(siege.outcomes) == siege.count(End.KILLED) > 10


# The proof of every exercise


@pytest.mark.parametrize("name", [e.name for e in COURSE.exercises if set(e.kinds.values()) != {TRAINER}])
def test_a_sample_of_the_mutants_is_noticed(name):
    exercise = COURSE.exercise(name)
    count = len(mutants_of(solution(name), list(exercise.kinds)))
    siege = besiege(COURSE, exercise, step=max(1, count // SAMPLE))

    assert siege.faults == ()
    assert len(siege.outcomes) >= SAMPLE


@pytest.mark.parametrize("name", COURSE.names)
def test_the_page_is_of_todays_sources(name):
    text = (ROOT / "docs" / "kill-matrix.md").read_text("utf-8")

    assert page.written_for(text).get(name) == page.fingerprint(COURSE, name), (
        f"run grade verify --matrix docs/kill-matrix.md {name}"
    )
    assert "NOT PROVED" not in text


# The page and the command


def proved(name: str, *outcomes: Outcome) -> tuple[Proof, Siege]:
    return Proof(name, (("f", "f_sum"), ("f", "f_examples")), (), ()), Siege(name, outcomes, {"a": "it is"}, ())


def test_the_page_counts_and_keeps_the_exercises_that_were_not_asked_for():
    first, second = COURSE.names[:2]
    both = {
        first: proved(first, outcome("a", End.SURVIVED)),
        second: proved(second, outcome("b", End.KILLED, "f_sum"), outcome("c", End.TIMED_OUT)),
    }
    text = page.render(COURSE, both)

    assert f"| {first} | 1 | 1 | 0 | 1 | 0 | 0 | 1 |" in text
    assert f"| {second} | 1 | 1 | 0 | 2 | 1 | 1 | 0 |" in text
    assert "| 1 | f_sum | 0 | 1 | 1 |" in text
    assert "it is\n\n- `a`" in text
    assert page.render(COURSE, {second: both[second]}, text) == text
    assert page.render(COURSE, {first: both[first]}, page.render(COURSE, {second: both[second]})) == text
    assert page.written_for(text) == {name: page.fingerprint(COURSE, name) for name in (first, second)}


def test_a_page_is_about_whole_exercises():
    with pytest.raises(UsageError, match="whole exercises"):
        proofs.prove(("ex03::same_padding",), page=ROOT / "nowhere.md")


def test_an_unlisted_survivor_fails_the_command(monkeypatch, capsys):
    monkeypatch.setattr(survivors, "try_all", lambda *_, **__: (outcome("a", End.SURVIVED),))
    monkeypatch.setattr("sys.argv", ["grade", "verify", "--mutants", "ex03::same_padding"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 1
    assert "no check notices the mutant a" in capsys.readouterr().out
