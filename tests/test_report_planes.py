"""grader/report/planes.py: cutting tensors into planes, and which of their elements differ."""

from __future__ import annotations

from itertools import product
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import tensor

from grader.model import TensorView
from grader.report import planes


def filled(shape: tuple[int, ...], start: int = 0) -> TensorView:
    """A tensor that counts its elements in row-major order."""

    def build(rest: tuple[int, ...], first: int):
        if not rest:
            return float(first)
        stride = 1
        for size in rest[1:]:
            stride *= size
        return [build(rest[1:], first + i * stride) for i in range(rest[0])]

    return tensor(build(shape, start), shape=shape)


@given(st.lists(st.integers(1, 4), max_size=5).map(tuple))
def test_planes_hold_every_element_once_and_in_order(shape: tuple[int, ...]) -> None:
    shown = [cell.value for plane in planes.planes(filled(shape)) for row in plane.rows for cell in row]
    assert shown == [float(i) for i in range(len(shown))]
    assert len(shown) == len(list(product(*map(range, shape))))


def test_planes_are_labelled_by_sample_and_channel() -> None:
    assert [plane.label for plane in planes.planes(filled((2, 2, 1, 3)))] == ["[0, 0]", "[0, 1]", "[1, 0]", "[1, 1]"]


@pytest.mark.parametrize(("shape", "whole"), [((), (1, 1)), ((3,), (1, 3)), ((2, 3), (2, 3))])
def test_few_dimensions_make_one_plane_without_a_label(shape: tuple[int, ...], whole: tuple[int, int]) -> None:
    (plane,) = planes.planes(filled(shape))
    assert (plane.label, plane.whole) == ("", whole)


@pytest.mark.parametrize("view", [TensorView("float32", (0, 3), []), TensorView("float32", (9, 9), None)])
def test_no_elements_make_no_plane(view: TensorView) -> None:
    assert planes.planes(view) == []
    assert planes.unshown(view)


def test_rounding_is_not_marked_where_there_are_mistakes() -> None:
    expected, got = tensor([1.0, 2.0, 3.0]), tensor([1.0000001, 2.5, 3.0])
    assert planes.differing(expected, got) == {(1,)}


def test_rounding_is_marked_where_there_is_nothing_else() -> None:
    assert planes.differing(tensor([1.0, 2.0]), tensor([1.0000001, 2.0])) == {(0,)}


def test_nan_differs_from_numbers_and_not_from_nan() -> None:
    expected, got = tensor([nan, 1.0, inf, inf]), tensor([nan, nan, inf, -inf])
    assert planes.differing(expected, got) == {(1,), (3,)}


def test_tensors_of_different_shapes_are_not_compared() -> None:
    assert planes.differing(filled((2, 3)), filled((3, 2))) == frozenset()


def test_integers_differ_by_one() -> None:
    assert planes.differing(tensor([10**6], "int64"), tensor([10**6 + 1], "int64")) == {(0,)}


def test_truth_values_are_shown_as_such() -> None:
    (plane,) = planes.planes(tensor([True, False], "bool"))
    assert [cell.text for cell in plane.rows[0]] == ["True", "False"]


def test_digits_grow_until_differing_elements_look_different() -> None:
    expected, got = tensor([1.0, 0.123456789], "float64"), tensor([1.0, 0.123456780], "float64")
    digits = planes.digits_apart(expected, got)
    assert planes.number(0.123456789, digits) != planes.number(0.123456780, digits)


def test_minus_zero_is_zero() -> None:
    assert planes.number(-0.0) == "0"


@given(st.integers(1, 20), st.integers(1, 20), st.data())
def test_a_cut_out_shows_the_first_difference(height: int, width: int, data: st.DataObject) -> None:
    spot = (data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1)))
    (plane,) = planes.planes(filled((height, width)), frozenset({spot}))
    cut = planes.window(plane, 8, 8)
    assert cut.differs
    assert cut.rows[spot[0] - cut.top][spot[1] - cut.left].differs
    assert (len(cut.rows), cut.columns) == (min(8, height), min(8, width))
    assert bool(cut.note) == (max(height, width) > 8)


def test_of_many_planes_those_that_differ_are_kept() -> None:
    every = planes.planes(filled((9, 2, 2)), frozenset({(7, 0, 1)}))
    assert [plane.index for plane in planes.interesting(every, 4)] == [(7,)]


def test_of_many_planes_without_a_difference_the_first_are_kept() -> None:
    assert [plane.index for plane in planes.interesting(planes.planes(filled((9, 2, 2))), 2)] == [(0,), (1,)]


@given(st.text(alphabet="ab1.,() "), st.text(alphabet="ab1.,() "))
def test_split_texts_join_again(expected: str, got: str) -> None:
    start, wanted, answered, end = planes.split_difference(expected, got)
    assert (start + wanted + end, start + answered + end) == (expected, got)


def test_texts_are_split_between_words() -> None:
    assert planes.split_difference("(6, 28, 28)", "(6, 27.5, 28)") == ("(6, ", "28", "27.5", ", 28)")


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (-inf, 3.0), (0.0, nan)])
def test_a_scale_without_length_has_one_colour(low: float, high: float) -> None:
    assert planes.share(1.0, low, high) == 0.5


def test_shape_and_type_are_said_to_differ() -> None:
    said = planes.unlike(filled((2, 3)), tensor([[1, 2]], "int64"))
    assert said == "shape (1, 2), expected (2, 3); dtype int64, expected float32"
