"""The strategies: what they promise of shapes, values, dtypes and layouts, and that they shrink to readable tensors."""

from __future__ import annotations

import pytest
import torch
from hypothesis import find, given, settings

from grader.checker import strategies as draw
from grader.checker.check import PROFILE

quick = settings(PROFILE, max_examples=60)
DTYPES = [torch.float32, torch.float64, torch.int64]


def examples(strategy, count=60):
    found = []

    @settings(PROFILE, max_examples=count)
    @given(strategy)
    def collect(value):
        found.append(value)

    collect()
    return found


def smallest(strategy, condition=lambda value: True):
    return find(strategy, condition, settings=settings(PROFILE, max_examples=500))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (2, 3, 4)])
def test_tensors_have_the_shape_and_dtype_and_whole_values(shape, dtype):
    for tensor in examples(draw.tensors(shape, dtype=dtype)):
        assert tensor.shape == shape
        assert tensor.dtype == dtype
        assert torch.equal(tensor, tensor.round()) if dtype.is_floating_point else True


def test_tensors_stay_in_their_range_but_for_the_pattern():
    for tensor in examples(draw.tensors((3, 4), low=-2, high=5)):
        counting = torch.arange(1.0, 13).reshape(3, 4)
        assert torch.equal(tensor, counting) or (tensor.min() >= -2 and tensor.max() <= 5)


def test_a_tensor_shrinks_to_counting():
    assert torch.equal(smallest(draw.tensors((2, 3))), torch.tensor([[1.0, 2, 3], [4, 5, 6]]))


def test_tensors_are_not_all_alike():
    assert len({str(tensor.tolist()) for tensor in examples(draw.tensors((3, 3)))}) > 30


def test_reals_are_no_integers_and_no_float32():
    for tensor in examples(draw.reals((3, 4))):
        assert tensor.dtype == torch.float64
        assert tensor.abs().max() <= 1
        assert not torch.equal(tensor, tensor.round())
        assert not torch.equal(tensor, tensor.float().double())


def test_layouts_change_the_storage_and_nothing_else():
    layouts = examples(draw.layouts(draw.tensors((2, 3, 4, 5))), 200)

    assert {tensor.stride() for tensor in layouts} == {
        (60, 20, 5, 1), (60, 20, 1, 4), (132, 44, 11, 2), (60, 1, 15, 3),
    }  # fmt: skip
    assert all(tensor.shape == (2, 3, 4, 5) for tensor in layouts)
    assert any(not tensor.is_contiguous() for tensor in layouts)
    assert all(tensor.min() >= -3 and tensor.max() <= 120 and tensor.max() != 77 for tensor in layouts)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (0, 2), (1, 1)])
def test_layouts_take_any_shape(shape):
    for tensor in examples(draw.layouts(draw.tensors(shape))):
        assert tensor.shape == shape


def test_a_layout_shrinks_to_contiguous():
    assert smallest(draw.layouts(draw.tensors((2, 2, 2, 2)))).is_contiguous()


def test_sizes_are_within_their_range_and_mostly_not_square():
    found = examples(draw.sizes(2, 6), 100)

    assert {side for size in found for side in size} == {2, 3, 4, 5, 6}
    assert sum(height == width for height, width in found) < len(found) / 4
    assert any(height > width for height, width in found)
    assert any(height < width for height, width in found)
    assert examples(draw.sizes(3, 3)) == [(3, 3)]
    assert smallest(draw.sizes(2, 6)) == (2, 3)


def test_ints_and_pairs_shrink_to_the_low_end():
    assert smallest(draw.ints(2, 9)) == 2
    assert smallest(draw.pairs(1, 3)) == (1, 1)
    assert smallest(draw.int_or_pair(1, 3)) == 1
    assert smallest(draw.int_or_pair(1, 3), lambda value: not isinstance(value, int)) == (1, 1)
    kinds = {type(value) for value in examples(draw.int_or_pair(0, 2))}
    assert kinds == {int, tuple}


def test_a_shape_may_be_drawn():
    assert {tuple(tensor.shape) for tensor in examples(draw.tensors(draw.sizes(1, 2)))} == {(1, 2), (2, 1)}


def test_the_same_tensors_are_drawn_every_time():
    strategy = draw.layouts(draw.reals(draw.sizes(1, 5)))

    assert [t.tolist() for t in examples(strategy)] == [t.tolist() for t in examples(strategy)]


def test_a_seed_gives_the_same_numbers_on_every_machine():
    assert draw._bits(7).integers(-3, 3, size=6, endpoint=True).tolist() == [3, 1, 1, 3, 1, 2]
