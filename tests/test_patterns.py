"""What wrong answers have in common: said where all agree and several tell, and silent everywhere else."""

from __future__ import annotations

import pytest
import torch

from grader.checker.compare import Mismatch
from grader.checker.patterns import in_words, of_faults
from grader.errors import LearnerRaised, LearnerRefused, LearnerTimedOut


def wrong(kind, *pairs):
    found = []
    for got, want in pairs:
        found.append(Mismatch(kind, "", want, got))
    return found


def images():
    bits = torch.Generator().manual_seed(3)
    return [torch.randint(-9, 10, (1, 2, 4 + i, 4 + i), generator=bits).float() for i in range(3)]


def border(x):
    y = x.clone()
    y[..., 0, :] += 1
    y[..., -1] -= 2
    return y


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (lambda x: -x, "wrong sign"),
        (lambda x: x + 5, "5 too large"),
        (lambda x: x - 1, "1 too small"),
        (lambda x: x + x.numel() / 7, "off by the same amount"),
        (lambda x: x * 3, "same factor"),
        (lambda x: x / x.numel(), "same factor"),
        (lambda x: x.mT, "last two axes swapped"),
        (lambda x: x.flip(-1, -2), "turned by 180°"),
        (lambda x: torch.zeros_like(x), "Every value is 0"),
        (border, "at the border"),
        (lambda x: x * x, None),
        (lambda x: x.flip(-1), None),
        (lambda x: x.roll(1, -1), "shifted by one to the right"),
        (lambda x: x.roll(-1, -2), "shifted by one up"),
        (lambda x: x.roll((1, 1), (-1, -2)), "shifted by one down and to the right"),
        (lambda x: x.roll(2, -1), None),
        (lambda x: x.roll(1, 1), None),
        (lambda x: (x * 1.003).half().float(), "for rounding"),
        (lambda x: x * 1.01 + x**2 / 999, None),
        (lambda x: torch.where(x > 0, -x, x), None),
    ],
)
def test_a_pattern_is_told_where_every_answer_has_it(turn, words):
    said = in_words(wrong("value", *((turn(x), x) for x in images())))

    assert said is None if words is None else words in said


def test_nothing_is_told_from_a_single_answer_or_from_different_patterns():
    x, y, z = images()

    assert in_words(wrong("value", (-x, x))) is None
    assert in_words(wrong("value", (-x, x), (-x, x))) is None
    assert in_words(wrong("value", (-x, x), (y + 1, y), (z.mT, z))) is None
    assert in_words(wrong("value", (-x, x), (-y, y)) + wrong("shape", (z[0], z))) is None
    assert in_words(wrong("property", (None, None), (None, None))) is None
    assert in_words([]) is None


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([((2, 5), (2, 4)), ((3, 7), (3, 6))], "always 1 too large along axis 1"),
        (
            [((2, 3, 4), (2, 5, 5)), ((1, 3, 8), (1, 5, 9))],
            "always 2 too small along axis 1 and 1 too small along axis 2",
        ),
        ([((2, 4, 6), (2, 6, 4)), ((2, 3, 5), (2, 5, 3))], "height comes before width"),
        ([((4, 6), (2, 4, 6)), ((3, 5), (1, 3, 5))], "too few dimensions"),
        ([((2, 1, 4), (2, 4)), ((2, 1, 3), (2, 3))], "an axis of length 1 was left over"),
        ([((2, 5, 4), (2, 4)), ((2, 6, 3), (2, 3))], "an axis was not summed"),
        ([((2, 5), (2, 4))], "Work the output size out on paper"),
        ([((2, 5), (2, 4)), ((2, 8), (2, 3))], "Work the output size out on paper"),
    ],
)
def test_what_is_wrong_with_shapes(pairs, words):
    tensors = [(torch.zeros(got), torch.zeros(want)) for got, want in pairs]

    assert words in in_words(wrong("shape", *tensors))


@pytest.mark.parametrize(
    ("kind", "pairs", "words"),
    [
        ("type", [(8.0, 8), (3.0, 3)], "divide with //"),
        ("type", [(None, 8), (None, 3)], "gives None back"),
        ("type", [(None, 8), ("a", 3)], "not the kind of object"),
        ("value", [(9, 8), (4, 3)], "1 too large"),
        ("value", [(9, 8), (2, 3)], None),
        ("value", [(True, False), (True, False)], None),
        ("value", [("a", "b"), ("c", "d")], None),
        ("dtype", [(torch.zeros(2).double(), torch.zeros(2))] * 2, "dtype changes"),
        ("nan", [(torch.tensor([torch.nan]), torch.zeros(1))], "NaN"),
        ("error", [(5, "ValueError about x")], "not refused"),
        ("error", [("IndexError: no", "ValueError about x")], "not with a ValueError"),
        ("gradient", [(None, None)], "no gradient flows back"),
    ],
)
def test_what_is_wrong_with_other_answers(kind, pairs, words):
    said = in_words(wrong(kind, *pairs))

    assert said is None if words is None else words in said


def reals(*shape, seed=1):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 1


def test_a_narrower_dtype_on_the_way_is_rounding():
    singles = [(x.float().double(), x) for x in (reals(2, 3), reals(4, seed=2), reals(1, seed=3))]
    far = [(x + 1e-3 * x**2, x) for x in (reals(2, 3), reals(4, seed=2))]

    assert "but for rounding" in in_words(wrong("value", *singles))
    assert in_words(wrong("value", *far)) is None


def test_whole_numbers_for_what_is_none_are_rounding():
    floors = [(x.floor(), x) for x in (3 * reals(2, 3), 3 * reals(4, seed=2))]

    assert "rounded to whole numbers" in in_words(wrong("value", *floors))
    assert "rounded" not in str(in_words(wrong("value", *((x.floor() + 2, x) for _, x in floors))))


def test_answers_that_cannot_tell_neither_make_a_pattern_nor_break_one():
    x, y, z = images()
    single = (x[..., :1, :1] + 7, x[..., :1, :1])
    shifted = [(image.roll(1, -1), image) for image in (x, y)]

    assert "at the border" in in_words(wrong("value", (border(x), x), (border(y), y), single))
    assert in_words(wrong("value", (border(x), x), single, single)) is None
    assert "shifted" in in_words(wrong("value", *shifted, single))
    assert in_words(wrong("value", *shifted, single, (z + 1, z))) is None


def test_a_shift_that_could_be_another_is_none():
    stripes = torch.arange(6.0).expand(1, 1, 6, 6)
    more = torch.arange(7.0).expand(1, 1, 7, 7) * 2

    assert in_words(wrong("value", (stripes.roll((1, 1), (-1, -2)), stripes), (more.roll(1, -1), more))) is None
    assert "towards the end" in in_words(wrong("value", *((x.roll(1), x) for x in (reals(5), reals(4, seed=2)))))


def test_swapped_axes_are_told_across_square_results_and_others():
    wide = torch.arange(6.0).reshape(1, 2, 3)
    square = images()[0]

    assert "axes swapped" in in_words(wrong("shape", (wide.mT, wide)) + wrong("value", (square.mT, square)))
    assert in_words(wrong("shape", (wide.mT, wide)) + wrong("value", (square + 1, square))) is None


def test_a_few_results_that_are_no_numbers_are_not_what_the_others_have_in_common():
    x, y, z = images()
    endless = wrong("nan", (x * torch.inf, x))

    assert "NaN or infinite" in in_words(endless + wrong("value", (y * y, y)))
    assert in_words(endless + wrong("value", (y * y, y), (z * z, z))) is None


def test_what_stands_beside_wrong_answers_does_not_hide_what_they_have_in_common():
    x, y, _ = images()
    beside = wrong("error", (5, "ValueError about x")) + wrong("property", (None, None))

    assert "wrong sign" in in_words(wrong("value", (-x, x), (-y, y)) + beside)
    assert in_words(beside) is None
    assert "where the input is" in in_words(wrong("device", (x, x)))


def test_what_ends_in_no_answer_is_raised_or_forbidden():
    one, other = (LearnerRaised("", line, type_name="IndexError", text="") for line in (3, 4))
    refused = LearnerRefused("", 5)

    assert "an exception, every time at the same line" in of_faults([one, one])
    assert "an exception; the input" in of_faults([one, other])
    assert "ready-made" in of_faults([refused, refused])
    assert of_faults([refused, one]) is None
    assert of_faults([one, LearnerRaised("", None, type_name="RuntimeError", text="")]) is None
    assert of_faults([LearnerTimedOut("")]) is None
