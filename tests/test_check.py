"""`@check`, the deck of a check's inputs, and the two ways to run one."""

from __future__ import annotations

import pytest
import torch
from checker_kit import tiny
from hypothesis import given
from hypothesis import strategies as st

from grader.checker import check, deck
from grader.checker import strategies as draw
from grader.checker.check import given_to
from grader.checker.shelf import Shelf
from grader.checker.trial import Trial
from grader.model import Verdict, Visibility


def test_a_check_carries_what_the_course_knows_of_it():
    @check("conv2d", title="Stride", points=2, needs=["plain"], visibility="staff")
    def test_conv2d_stride(learner, reference):
        pass

    spec = test_conv2d_stride.grader_spec
    assert (spec.name, spec.task, spec.title, spec.points) == ("conv2d_stride", "conv2d", "Stride", 2)
    assert (spec.needs, spec.visibility) == (("plain",), Visibility.STAFF)


def test_a_check_is_an_ordinary_function_where_nobody_listens():
    seen = []

    @check("f", title="", points=1, examples=7)
    @given(x=st.integers())
    def test_f(learner, x):
        seen.append((learner, x))

    test_f(learner="L")

    assert {name for name, _ in seen} == {"L"}
    assert len(seen) == 7


def noted(examples=40):
    """A check and the inputs that its body was given."""
    seen = []

    @check("f", title="", points=1, examples=examples)
    @given(x=draw.tensors(draw.sizes(1, 3)), n=st.integers(0, 10**6))
    def test_f(learner, reference, x, n):
        seen.append((tuple(x.shape), x.sum().item(), n))

    return test_f, seen


@pytest.mark.parametrize("examples", [1, 40, 100])
def test_a_deck_holds_the_very_inputs_that_the_engine_draws(examples):
    function, seen = noted(examples)

    drawn = deck.deck_of(function).inputs
    function(learner=None, reference=None)

    assert [(tuple(d["x"].shape), d["x"].sum().item(), d["n"]) for d in drawn] == seen
    assert 0 < len(drawn) <= examples


def test_a_deck_is_drawn_once_and_played_in_copies():
    function, _ = noted()
    first = deck.deck_of(function)
    for drawn in (give() for give in first.draws()):
        drawn["x"].zero_()

    assert deck.deck_of(function) is first
    assert any(give()["x"].any() for give in first.draws())


def test_a_deck_keeps_layouts():
    @check("f", title="", points=1)
    @given(x=draw.layouts(draw.tensors((2, 3, 4, 5))))
    def test_f(learner, x):
        pass

    known = deck.deck_of(test_f)
    kept = [drawn["x"].stride() for drawn in known.inputs]

    assert [give()["x"].stride() for give in known.draws()] == kept
    assert len(set(kept)) == 4


def test_a_deck_too_large_is_not_kept(monkeypatch):
    monkeypatch.setattr(deck, "KEPT_ELEMENTS", 10)
    function, _ = noted()

    assert deck.deck_of(function) is not deck.deck_of(function)


def test_inputs_that_depend_on_answers_make_no_deck():
    @check("f", title="", points=1)
    @given(data=st.data())
    def test_f(learner, data):
        data.draw(st.integers())

    assert deck.deck_of(test_f).inputs is None


def run(text, checks, folder, monkeypatch):
    exercise = tiny(folder, monkeypatch, solution="def f(x):\n    '''f'''\n    return x\n", checks=checks)
    return exercise.trials(f"import torch\ndef f(x):\n    {text}\n")


def test_assumptions_and_drawn_data_work_as_with_the_engine_alone(tmp_path, monkeypatch):
    checks = """
@check("f", title="assumes", points=1)
@given(x=st.integers(0, 50))
def test_assumes(learner, x):
    assume(x % 2)
    expect.equal(learner.f(x), x)

@check("f", title="draws", points=1)
@given(data=st.data())
def test_draws(learner, data):
    x = data.draw(st.integers(0, 50))
    expect.equal(learner.f(x), x)
"""
    for text, verdict, smallest in (
        ("return x", Verdict.PASSED, None),
        ("return x if x < 10 else 0", Verdict.WRONG, "f("),
    ):
        results, trials = run(text, checks, tmp_path, monkeypatch)

        assert {result.verdict for result in results.values()} == {verdict}
        assert len(trials["assumes"].passed) >= 5
        if smallest:
            assert results["assumes"].counterexample.call == "f(11)"
            assert results["draws"].counterexample.call == "f(10)"


def test_every_input_is_played_before_the_search_for_the_smallest(tmp_path, monkeypatch):
    checks = """
@check("f", title="t", points=1)
@given(x=st.integers(0, 1000))
def test_all(learner, x):
    expect.equal(learner.f(x), x)
"""
    results, trials = run("return x if x < 300 else 0", checks, tmp_path, monkeypatch)

    trial = trials["all"]
    assert results["all"].counterexample.call == "f(300)"
    assert len(trial.passed) + len(trial.failures) >= 40
    assert all(case.failed for case in (failure.case for failure in trial.failures))
    assert not any(case.failed for case in trial.passed)


def test_a_fault_after_a_wrong_answer_does_not_hide_it(tmp_path, monkeypatch):
    checks = """
@check("f", title="t", points=1)
@given(x=st.integers(0, 1000))
def test_all(learner, x):
    expect.equal(learner.f(x), x)
"""
    text = "f.n = getattr(f, 'n', 0) + 1\n    if f.n > 5: raise SystemExit\n    return 0 if x else 0.5"
    results, _ = run(text, checks, tmp_path, monkeypatch)

    assert results["all"].verdict is Verdict.WRONG


def test_a_trial_of_a_mistake_tells_only_whether_it_passes(tmp_path, monkeypatch):
    exercise = tiny(
        tmp_path, monkeypatch, solution="def f(x):\n    '''f'''\n    return x\n",
        checks="@check('f', title='t', points=1)\n@given(x=st.integers(0, 9))\n"
               "def test_f(learner, x):\n    expect.equal(learner.f(x), x)\n",
    )  # fmt: skip
    _, trials = exercise.trials("def f(x):\n    return x\n")
    function = trials["f"].function

    for text, passes in (("return x", True), ("return x + 1", False), ("raise NotImplementedError", False)):
        learner = exercise.learner(f"def f(x):\n    {text}\n")
        assert Trial(function, {"learner": learner}, exercise.learner).passes() is passes


def test_nothing_drawn_at_random_depends_on_what_ran_before(tmp_path, monkeypatch):
    checks = """
@check("Net", title="t", points=1)
def test_net(learner, reference):
    expect.that(False, str(reference.Net().weight.sum().item()))
"""
    solution = "class Net(nn.Linear):\n    '''Net'''\n    def __init__(self):\n        super().__init__(2, 3)\n"
    exercise = tiny(tmp_path, monkeypatch, solution=solution, checks=checks)
    said = set()
    for seed in range(3):
        torch.manual_seed(seed)
        said.add(exercise.run("x = 1")["net"].message)

    assert len(said) == 1


def test_given_to_is_left_again_after_an_error():
    heard = []
    listener = type("Listener", (), {"run": staticmethod(lambda inner, kwargs: heard.append(kwargs))})()
    function, seen = noted()

    def stopped():
        with given_to(listener):
            function(learner=None, reference=None)
            raise KeyError

    with pytest.raises(KeyError):
        stopped()
    function(learner=None, reference=None)

    assert len(heard) == len(seen) == 40


def on_disk(tmp_path, x=None, **options):
    """A check, and its inputs drawn with a shelf at hand."""
    given_x = draw.layouts(draw.tensors((2, 3, 4, 5))) if x is None else x

    @check("f", title="", points=1)
    @given(x=given_x)
    def test_f(learner, x):
        pass

    shelf = Shelf(tmp_path / "decks")
    with deck.kept_on(shelf):
        return test_f, deck.deck_of(test_f).inputs, shelf


def test_a_deck_comes_back_from_disk_as_it_was_drawn(tmp_path):
    function, drawn, shelf = on_disk(
        tmp_path,
        st.tuples(
            draw.layouts(draw.tensors((2, 3, 4, 5))),
            draw.reals((2,)).map(lambda x: x.requires_grad_()),
            st.lists(st.dictionaries(st.text(max_size=2), st.floats())),
            st.sampled_from([torch.float64, torch.int64, None, True, "same", torch.empty(2, device="meta")]),
        ),
    )

    back = shelf.take(function)

    assert repr(back) == repr(drawn)
    for one, other in zip(drawn, back, strict=True):
        assert one["x"][0].stride() == other["x"][0].stride()
        assert one["x"][1].requires_grad
        assert other["x"][1].requires_grad
        assert torch.equal(one["x"][1], other["x"][1])


def test_a_deck_from_disk_is_played_without_the_engine(tmp_path, monkeypatch):
    function, drawn, shelf = on_disk(tmp_path)
    monkeypatch.setattr(deck, "_decks", {})
    monkeypatch.setattr(deck, "_draw", lambda *_: pytest.fail("drawn again"))
    seen = []

    with deck.kept_on(shelf):
        assert deck.deal(function, lambda *given: seen.append(given))

    assert [place for _, place, _ in seen] == list(range(len(drawn)))
    assert repr([draw() for _, _, draw in seen]) == repr(drawn)
    known, _, draw = seen[0]
    known.inner(learner=None, **draw())


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-5], lambda data: b"", lambda data: b"x" + data, lambda data: data[:7] + b"\x93\x01"],
    ids=["cut", "empty", "foreign", "malformed"],
)
def test_a_broken_deck_on_disk_is_drawn_anew(change, tmp_path):
    function, _, shelf = on_disk(tmp_path)
    [file] = (tmp_path / "decks").rglob("*.deck")
    file.write_bytes(change(file.read_bytes()))

    assert shelf.take(function) is None


@pytest.mark.parametrize(
    "strategy",
    [
        st.just(2**70),
        st.just(object),
        st.sampled_from([torch.Size([1])]),
        st.builds(lambda t: [t, t], draw.tensors((1,))),
    ],
    ids=["large", "object", "subclass", "twice"],
)
def test_what_a_file_cannot_give_back_is_not_kept(strategy, tmp_path):
    _, drawn, _ = on_disk(tmp_path, strategy)

    assert drawn
    assert not list(tmp_path.rglob("*.deck"))


def test_decks_of_an_earlier_state_of_the_checks_go(tmp_path, monkeypatch):
    on_disk(tmp_path)
    [before] = (tmp_path / "decks").iterdir()
    other = tmp_path / "decks" / "test_check_other-0123"
    other.mkdir()
    monkeypatch.setattr("grader.checker.shelf._state", lambda *_: "later")

    on_disk(tmp_path)

    assert not before.exists()
    assert other.exists()


def test_a_shelf_that_cannot_be_written_costs_nothing(tmp_path):
    (tmp_path / "decks").write_text("in the way")

    assert on_disk(tmp_path)[1]


def test_a_copy_of_an_input_is_what_deepcopy_gives():
    shared = torch.arange(6.0).reshape(2, 3)
    whole = {
        "x": shared,
        "again": shared,
        "turned": shared.mT,
        "wide": torch.zeros(()).expand(2, 2),
        "leaf": torch.ones(2, requires_grad=True),
        "half": torch.ones(4)[:2],
        "nested": {"x": shared, "list": [1, (2.0, "three"), torch.ones(1)]},
        "nothing": None,
        "dtype": torch.float64,
    }
    made = deck.copied(whole)

    assert made.keys() == whole.keys()
    assert made["x"] is made["again"]
    assert made["nested"]["x"] is made["x"]
    assert made["leaf"].requires_grad
    assert made["leaf"].is_leaf
    for name in ("x", "turned", "wide", "leaf", "half"):
        assert torch.equal(made[name], whole[name])
        assert made[name].stride() == whole[name].stride()
        assert made[name].untyped_storage().data_ptr() != whole[name].untyped_storage().data_ptr()
    assert made["nested"]["list"][:2] == [1, (2.0, "three")]
    made["x"].zero_()
    assert shared.sum() == 15
