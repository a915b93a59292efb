"""Comparison and expectation: what passes, what does not, and the words for it."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from grader.checker import compare, expect
from grader.checker.compare import Mismatch, close, equal
from grader.checker.describe import described
from grader.errors import LearnerRaised, LearnerTodo
from grader.worker.wire import OpaqueV

nan, inf = math.nan, math.inf


def words(got, want, how=close, **options):
    with pytest.raises(Mismatch) as caught:
        how(got, want, **options)
    return caught.value


# equal


@pytest.mark.parametrize(
    "value",
    [0, -0.0, 8, True, None, "same", [], (), {}, nan, inf, [(1, 2.0), {"a": [None, nan]}], torch.tensor([1.0, nan])],
)
def test_a_value_equals_itself(value):
    equal(value, value)


def test_zero_and_minus_zero_are_the_same_number():
    equal(-0.0, 0.0)
    close(torch.tensor([-0.0]), torch.tensor([0.0]))


@pytest.mark.parametrize(
    ("got", "want", "kind", "text"),
    [
        (8.0, 8, "type", "expected the int 8, got the float 8.0: the value is right, but it has to be an int. Divide"),
        (8, 8.0, "type", "expected the float 8.0, got the int 8: the value is right, but it has to be a float"),
        (True, 1, "type", "expected the int 1, got True: the value is right, but it has to be an int"),
        (1, True, "type", "expected True, got the int 1: the value is right, but it has to be a bool"),
        (7, 8, "value", "expected the int 8, got the int 7"),
        ("8", 8, "type", "expected the int 8, got the string '8'"),
        (None, 8, "type", "expected the int 8, got None"),
        (torch.tensor(8), 8, "type", "got an int64 tensor of shape () that holds 8: a tensor with one element is not"),
        ([3, 2], (3, 2), "type", "expected the tuple (3, 2), got the list [3, 2]: it has to be a tuple"),
        ((3,), (3, 2), "value", "expected the tuple (3, 2), got the tuple (3,)"),
        ([], [1], "value", "expected the list [1], got an empty list"),
        (
            [(1, 2), (3, 9)],
            [(1, 2), (3, 4)],
            "value",
            "[1][1] of the result is wrong: expected the int 4, got the int 9",
        ),
        ({"a": 1}, {"a": 2}, "value", "['a'] of the result is wrong: expected the int 2, got the int 1"),
        (0.1 + 0.2, 0.3, "value", "expected the float 0.3, got the float 0.30000000000000004"),
        (nan, 1.0, "value", "expected the float 1.0, got the float nan"),
        (OpaqueV("numpy.int64", "np.int64(8)"), 8, "type", "expected the int 8, got an int64 from numpy (np.int64(8))"),
        (OpaqueV("int", "an int of more than 64 bits"), 8, "type", "got an int of more than 64 bits"),
        (OpaqueV("ex03.Size", "8"), 8, "type", "got a Size from ex03 (8)"),
    ],
)
def test_what_differs_is_said_with_both_values(got, want, kind, text):
    found = words(got, want, equal)

    assert text in found.message
    assert found.kind == kind


def test_an_innermost_difference_is_the_one_that_is_told():
    found = words([1, [2, (3, 4.0)]], [1, [2, (3, 4)]], equal)

    assert found.where == "at [1][1][1]: expected the int 4, got the float 4.0"


# close


def test_the_frame_comes_before_the_values():
    x = torch.zeros(2, 3)

    assert words(torch.ones(3, 2), x).kind == "shape"
    assert words(torch.ones(2, 3).double(), x).kind == "dtype"
    assert words(torch.ones(2, 3, device="meta"), x).kind == "device"
    assert words(torch.ones(2, 3), x).kind == "value"


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (torch.zeros(1), torch.tensor(0.0)),
        (torch.zeros(1, 3), torch.zeros(2, 3)),
        (torch.zeros(0, 3), torch.zeros(3, 0)),
        (torch.zeros(0), torch.zeros(1, 0)),
    ],
)
def test_shapes_that_broadcast_are_not_the_same_shape(got, want):
    assert words(got, want).kind == "shape"


@pytest.mark.parametrize("got", [0, 0.0, None, True, "x", [], OpaqueV("x.T", "?"), (torch.zeros(2),)])
def test_what_is_no_tensor_is_told_to_be_one(got):
    found = words(got, torch.zeros(2, 3))

    assert found.kind == "type"
    assert found.message.startswith("expected the result to be a float32 tensor of shape (2, 3), got ")
    assert "OpaqueV" not in found.message


def test_empty_tensors_agree_in_shape_and_dtype():
    close(torch.zeros(0, 3), torch.zeros(0, 3))

    assert words(torch.zeros(0, 3).double(), torch.zeros(0, 3)).kind == "dtype"


@pytest.mark.parametrize(
    ("got", "want", "kind"),
    [
        ([nan, 1], [0.0, 1], "nan"),
        ([inf, 1], [0.0, 1], "nan"),
        ([0.0, 1], [nan, 1], "value"),
        ([inf, 1], [-inf, 1], "value"),
        ([nan, 1], [inf, 1], "value"),
        ([1e30, 1], [inf, 1], "value"),
        ([nan, nan], [nan, 1], "nan"),
    ],
)
def test_nan_and_infinity_never_pass_for_something_else(got, want, kind):
    assert words(torch.tensor(got, dtype=torch.float32), torch.tensor(want)).kind == kind


def test_nan_and_infinity_agree_with_themselves():
    close(torch.tensor([nan, inf, -inf, 1]), torch.tensor([nan, inf, -inf, 1]))


def test_integers_and_bools_have_to_be_exact():
    big = 2**53 + 1
    close(torch.tensor([big, 1]), torch.tensor([big, 1]))

    assert words(torch.tensor([big - 1, 1]), torch.tensor([big, 1])).kind == "value"
    assert words(torch.tensor([True, False]), torch.tensor([True, True])).kind == "value"


def test_complex_numbers_are_compared_in_both_parts():
    close(torch.tensor([1 + 2j]), torch.tensor([1 + 2j]))

    assert words(torch.tensor([1 + 3j]), torch.tensor([1 + 2j])).kind == "value"


def test_the_words_say_where_how_many_and_enough_digits():
    want = torch.zeros(2, 3, dtype=torch.float64)
    got = want.clone()
    got[1, 2] = 5

    assert "first at [1, 2]: expected 0, got 5; it alone differs" in words(got, want).message
    assert "first at [0, 0]: expected 0, got 1; 6 of 6 elements differ" in words(want + 1, want).message
    assert "expected 1, got 1.00000001" in words(want + 1 + 1e-8, want + 1).message
    assert words(torch.tensor(2.0), torch.tensor(1.0)).where == "expected 1, got 2"


def test_several_values_are_compared_one_by_one():
    x = torch.ones(2)
    close((x, None, x), (x, None, x))
    close([x, x], (x, x))
    close({"a": x, "b": 0.5}, {"b": 0.5, "a": x})

    assert words((x, x), (x, None)).message == "expected None, got a float32 tensor of shape (2,)"
    assert words((x, None), (x, x)).message.startswith("expected the result[1] to be a float32 tensor of shape (2,)")
    assert words(x, (x, x)).message == "expected the result to be 2 values, got a float32 tensor of shape (2,)"
    assert words((x,), (x, x)).kind == "type"
    assert words({"a": x}, {"b": x}).message.endswith("it lacks ['b'] and has ['a'] besides")


def test_floats_are_close_as_what_they_come_from():
    close(0.1 + 0.2, 0.3)
    close(nan, nan)

    assert words(0.31, 0.3).message == "expected the result to be 0.3, got 0.31"
    assert words(nan, 0.3).kind == "nan"
    assert words(1, 1.0).kind == "type"


def test_a_long_answer_is_not_dumped():
    for value in ([list(range(1000))] * 1000, (torch.zeros(99, 99),) * 50, "x" * 5000, {i: i for i in range(999)}):
        assert len(described(value)) < 400
    assert described((torch.zeros(2, 3), None)) == "the tuple (float32[2, 3], None)"


def test_hostile_text_is_escaped():
    assert "\x1b" not in described(OpaqueV("a\x1b[31m.T", "\x1b[2J"))


# How tight is the bound? Measured with algorithms that are right and add in another order.


def through_fft(x, weight):
    """Cross-correlation as a product of spectra, in the dtype of x."""
    size = [x.shape[-2] + weight.shape[-2] - 1, x.shape[-1] + weight.shape[-1] - 1]
    spectrum = torch.fft.rfft2(x, s=size)[:, None] * torch.fft.rfft2(weight.flip(-1, -2), s=size)[None]
    full = torch.fft.irfft2(spectrum.sum(2), s=size)
    kh, kw = weight.shape[-2:]
    return full[..., kh - 1 : x.shape[-2], kw - 1 : x.shape[-1]]


def one_by_one(x, weight):
    """The same sum, the largest terms first, one addition at a time."""
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    terms = (windows[:, None] * weight[None, :, :, None, None]).movedim(2, -1).flatten(4)
    terms = terms.gather(-1, terms.abs().argsort(-1, descending=True))
    total = torch.zeros_like(terms[..., 0])
    for i in range(terms.shape[-1]):
        total = total + terms[..., i]
    return total


def inputs(kind, dtype, seed, channels=3, size=12):
    bits = torch.Generator().manual_seed(seed)
    shapes = (2, channels, size, size - 3), (4, channels, 3, 5)
    if kind == "reals":
        return [torch.rand(shape, generator=bits, dtype=torch.float64).mul(2).sub(1).to(dtype) for shape in shapes]
    return [torch.randint(-3, 4, shape, generator=bits).to(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["reals", "integers"])
@pytest.mark.parametrize("algorithm", [through_fft, one_by_one])
def test_right_algorithms_use_less_than_a_tenth_of_the_bound(algorithm, kind, dtype):
    for seed in range(10):
        x, weight = inputs(kind, dtype, seed, channels=1 + seed % 5)
        want = F.conv2d(x.double(), weight.double())
        allowed = compare.bound(want.to(dtype), terms=weight[0].numel())
        worst = (algorithm(x, weight).double() - want).abs().max().item()

        assert worst < allowed / 10


@pytest.mark.parametrize("terms", [1, 64, 4096])
def test_a_float32_buffer_does_not_pass_for_float64(terms):
    for seed in range(10):
        x, weight = inputs("reals", torch.float64, seed)
        want = F.conv2d(x, weight)
        buffered = F.conv2d(x.float(), weight.float()).double()

        assert words(buffered, want, terms=terms).kind == "value"
        assert words(want.float().double(), want, terms=terms).kind == "value"


def test_a_bound_in_float32_does_not_hide_a_missing_term():
    for seed in range(10):
        x, weight = inputs("reals", torch.float32, seed)
        fewer = weight.clone()
        fewer[..., 0, 0] = 0

        assert words(F.conv2d(x, fewer), F.conv2d(x, weight)).kind == "value"


def test_a_magnitude_may_be_given():
    close(torch.tensor([1.0]), torch.tensor([0.0]), magnitude=1e6)

    assert words(torch.tensor([1e-3]), torch.tensor([0.0]), magnitude=1e-3).kind == "value"


# expect


def raising(error):
    def function(*args, **kwargs):
        raise error

    return function


def raised(type_name, text, *bases):
    return LearnerRaised(f"{type_name}: {text}", type_name=type_name, text=text, bases=(*bases, "Exception"))


def test_a_value_error_has_to_name_what_is_wrong():
    expect.value_error(raising(raised("ValueError", "Kernel size too large", "ValueError")), about=["kernel_size"])
    expect.value_error(raising(raised("Mine", "padding -1", "ValueError")), about=["stride", "padding"])

    for function, text in [
        (raising(raised("ValueError", "no", "ValueError")), "the ValueError should name the argument (stride)"),
        (
            raising(raised("IndexError", "stride", "IndexError")),
            "expected a ValueError that names stride, got IndexError",
        ),
        (lambda: 5, "should raise a ValueError that names stride"),
        (lambda: OpaqueV("x.T", "stride"), "should raise a ValueError that names stride"),
    ]:
        with pytest.raises(Mismatch, match="stride") as caught:
            expect.value_error(function, about=["stride"])
        assert text in caught.value.message


def test_what_is_not_written_yet_is_no_wrong_error():
    with pytest.raises(LearnerTodo):
        expect.value_error(raising(LearnerTodo("not written yet")), about=["x"])


@pytest.mark.parametrize("condition", [False, 0, None, [], torch.tensor(False), OpaqueV("x.T", "an object")])
def test_only_a_yes_is_a_yes(condition):
    with pytest.raises(Mismatch, match="because"):
        expect.that(condition, "because")


def test_a_yes_passes():
    expect.that(True, "")
    expect.that(torch.tensor(True), "")


@pytest.mark.parametrize(
    "body",
    ["x.add_(1)", "x.unsqueeze_(0)", "items[0] = 5", "items.append(1)", "table['a'] = 2", "table.pop('b')",
     "table.setdefault('c', 3)", "table['t'].zero_()", "items[0] = 3.0",
     "import torch; table['t'] = torch.ones(2, device='meta')"],
)  # fmt: skip
def test_a_changed_argument_is_noticed(body, tmp_path, monkeypatch):
    from checker_kit import tiny

    exercise = tiny(tmp_path, monkeypatch, solution="def f(x, items, table):\n    '''f'''\n", checks="")
    arguments = (torch.tensor([1.0, nan]), [3, 4], {"a": 1, "b": None, "t": torch.ones(2)})
    learner = exercise.learner(f"def f(x, items, table):\n    {body}\n")

    with pytest.raises(Mismatch, match="changed one of its arguments"):
        expect.unchanged(learner.f, *arguments)
    expect.unchanged(exercise.learner("def f(x, items, table):\n    pass\n").f, *arguments)
