"""The shapes: what is drawn agrees with what is said about it, and a seed gives the same bytes everywhere."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kit import ROOT

from grader.datasets import outlines, shapes, stream, tensors
from grader.datasets.shapes import GROUND, SCENE, SINGLE, Kind, Scenes, scenes
from grader.references import load

KINDS = st.sampled_from([SINGLE, SCENE])
SEEDS = st.integers(0, 2**256)
few = settings(max_examples=25, deadline=None)
GOLDEN = json.loads((ROOT / "datasets" / "golden.json").read_text("utf-8"))
golden = load(ROOT / "datasets" / "golden.py", "golden")


@pytest.mark.parametrize("kind", [SINGLE, SCENE], ids=lambda kind: kind.name)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_seed_gives_the_bytes_it_always_gave(kind: Kind, split: str) -> None:
    assert golden.fingerprint(kind, split) == GOLDEN[shapes.VERSION][f"{kind.name}/{split}"]


def test_the_stream_is_what_numpy_promises_and_not_what_it_may_change() -> None:
    """Philox-4x64-10 worked out by hand from its paper (Salmon et al. 2011), key by SHA-256."""
    secret = stream.key("shapes", 1)
    digest = hashlib.sha256(b"shapes\x001").digest()
    assert secret == int.from_bytes(digest[:16], "little")
    assert stream.words(secret, 5, 2, 6).tolist() == [philox(secret, place)[:6] for place in (5, 6)]


def philox(key: int, stream: int) -> list[int]:
    """The first eight words of a stream: numpy counts a block up before it gives it."""
    ones = 2**64 - 1
    out = []
    for block in (1, 2):
        counter, keys = [block, stream, 0, 0], [key & ones, key >> 64]
        for _ in range(10):
            one, other = counter[0] * 0xD2E7470EE14C6C93, counter[2] * 0xCA5A826395121157
            counter = [
                (other >> 64) ^ counter[1] ^ keys[0],
                other & ones,
                (one >> 64) ^ counter[3] ^ keys[1],
                one & ones,
            ]
            keys = [(keys[0] + 0x9E3779B97F4A7C15) & ones, (keys[1] + 0xBB67AE8584CAA73B) & ones]
        out += counter
    return out


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1), st.integers(-9, 9), st.integers(0, 300))
def test_numbers_are_drawn_from_the_whole_range_and_no_further(raw: list[int], low: int, more: int) -> None:
    drawn = stream.between(np.array([0, *raw, 2**64 - 1], np.uint64), low, low + more)
    assert (drawn[0], drawn[-1]) == (low, low + more)
    assert drawn.min() == low
    assert drawn.max() == low + more


@few
@given(KINDS, SEEDS)
def test_a_box_holds_what_can_be_seen_of_its_object_and_nothing_more(kind: Kind, seed: int) -> None:
    made = scenes(kind, 6, seed)
    for (picture, place), (x1, y1, x2, y2) in zip(places(made), made.boxes.tolist(), strict=True):
        ys, xs = np.nonzero(made.owner[picture] == place)
        assert (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) == (x1, y1, x2, y2)


def places(made: Scenes) -> list[tuple[int, int]]:
    """(picture, number in the picture) of every object."""
    seen = np.bincount(made.picture, minlength=len(made.images)).tolist()
    return [(picture, place) for picture, count in enumerate(seen) for place in range(count)]


@few
@given(KINDS, SEEDS)
def test_mask_owner_and_classes_say_the_same(kind: Kind, seed: int) -> None:
    made = scenes(kind, 6, seed)
    wanted = np.zeros_like(made.masks)
    for (picture, place), shape in zip(places(made), made.shape.tolist(), strict=True):
        wanted[picture][made.owner[picture] == place] = 1 + shape
    assert np.array_equal(made.masks, wanted)
    assert set(np.unique(made.owner)) <= {*range(kind.most), GROUND}


@few
@given(SEEDS)
def test_every_picture_has_an_object_and_no_more_than_its_kind_allows(seed: int) -> None:
    counts = np.bincount(scenes(SCENE, 30, seed).picture, minlength=30)
    assert counts.min() >= 1
    assert counts.max() <= SCENE.most


def test_the_later_of_two_objects_lies_in_front_and_neither_is_hidden() -> None:
    made = scenes(SCENE, 400, 3)
    overlapping = 0
    for start in range(len(made.shape) - 1):
        if made.picture[start] == made.picture[start + 1]:
            behind, front = made.boxes[start], made.boxes[start + 1]
            corner, opposite = np.maximum(behind[:2], front[:2]), np.minimum(behind[2:], front[2:])
            overlapping += bool((corner < opposite).all())
    assert overlapping > 40
    whole = shapes._in_front(drawn := squares((0, 0), (7, 0)), np.ones((1, 2), bool))
    assert np.array_equal(whole[0, 1], drawn[0, 1])
    assert np.array_equal(whole[0, 0], drawn[0, 0] & ~drawn[0, 1])


def squares(*corners: tuple[int, int]) -> outlines.Mask:
    """One picture of squares of 10 × 10 pixels, the first one behind."""
    out = np.zeros((1, len(corners), 20, 20), bool)
    for place, (x, y) in enumerate(corners):
        out[0, place, y : y + 10, x : x + 10] = True
    return out


@pytest.mark.parametrize(("shift", "stays"), [(5, False), (6, True), (0, False), (10, True)])
def test_an_object_is_left_out_where_less_than_three_fifths_of_it_can_be_seen(shift: int, stays: bool) -> None:
    seen = shapes._in_front(squares((0, 0), (shift, 0)), np.ones((1, 2), bool)).any((2, 3))
    assert seen.tolist() == [[stays, True]]


def test_what_is_left_out_hides_nothing() -> None:
    seen = shapes._in_front(squares((0, 0), (4, 0), (5, 0)), np.ones((1, 3), bool)).sum((2, 3))
    assert seen.tolist() == [[0, 0, 100]]
    absent = np.array([[True, True, False]])
    assert shapes._in_front(squares((0, 0), (7, 0), (0, 0)), absent).sum((2, 3)).tolist() == [[70, 100, 0]]


@few
@given(KINDS, SEEDS, st.integers(0, 300))
def test_a_picture_is_the_same_alone_as_among_many(kind: Kind, seed: int, first: int) -> None:
    many = scenes(kind, 5, seed, first=first)
    for place in range(5):
        one, chosen = scenes(kind, 1, seed, first=first + place), many.picture == place
        assert np.array_equal(one.images[0], many.images[place])
        assert np.array_equal(one.owner[0], many.owner[place])
        assert np.array_equal(one.boxes, many.boxes[chosen])
        assert np.array_equal(one.shape, many.shape[chosen])


def test_pictures_are_drawn_in_chunks_that_leave_no_trace() -> None:
    size = shapes._CHUNK
    made, tail = scenes(SINGLE, 2 * size + 3, 8), scenes(SINGLE, 3, 8, first=2 * size)
    assert np.array_equal(made.images[2 * size :], tail.images)
    assert np.array_equal(made.boxes[2 * size :], tail.boxes)
    assert made.picture.tolist() == list(range(2 * size + 3))


@few
@given(KINDS, SEEDS, SEEDS)
def test_another_seed_and_another_split_is_another_set(kind: Kind, one: int, other: int) -> None:
    made = {scenes(kind, 1, seed, split).images.tobytes() for seed in {one, other} for split in ("train", "test")}
    assert len(made) == 2 * len({one, other})


def test_no_two_pictures_of_a_set_are_the_same() -> None:
    assert len({image.tobytes() for image in scenes(SINGLE, 500, 1).images}) == 500


def test_the_splits_come_from_one_distribution() -> None:
    """Brightness, share of each class and area: what could tell them apart differs by chance alone (4 sigma)."""
    sides = [scenes(SCENE, 1500, 7, split) for split in ("train", "test")]
    for measure in (
        lambda made: made.images.mean((1, 2, 3)),
        lambda made: (made.owner != GROUND).mean((1, 2)),
        *(lambda made, shape=shape: made.shape == shape for shape in range(3)),
    ):
        one, other = (np.asarray(measure(made), float) for made in sides)
        spread = np.sqrt(one.var() / len(one) + other.var() / len(other))
        assert abs(one.mean() - other.mean()) < 4 * spread


def test_area_tells_no_class() -> None:
    made = scenes(SINGLE, 3000, 2)
    area = (made.owner != GROUND).sum((1, 2))
    means = [area[made.shape == shape].mean() for shape in range(3)]
    assert max(means) / min(means) < 1.1


def test_every_class_is_as_frequent_as_the_others() -> None:
    share = np.bincount(scenes(SINGLE, 3000, 2).shape) / 3000
    assert share == pytest.approx([1 / 3] * 3, abs=4 * (2 / 9 / 3000) ** 0.5)


def test_shapes_are_what_they_are_called() -> None:
    """A circle, a square on its side and a triangle that points up, drawn large: pixels counted by hand."""
    centre, radius = np.array([[160, 160]]), np.array([64])  # the middle of 20 pixels, 4 pixels
    circle, square, triangle = (
        outlines.covered(20, np.array([shape]), radius, centre, outlines.UPRIGHT[[shape]])[0] for shape in range(3)
    )
    assert circle.sum(1).tolist() == [0] * 6 + [4, 6, 8, 8, 8, 8, 6, 4] + [0] * 6
    assert np.array_equal(circle, circle.T)
    assert 46 <= square.sum() <= 54  # half its diagonal is 5 pixels, so its sides are 7.1
    assert square[7:13, 7:13].all()
    assert [int(row) for row in triangle.sum(1) if row] == sorted(int(row) for row in triangle.sum(1) if row)


@few
@given(st.integers(0, 2), st.integers(60, 160), st.integers(0, 63))
def test_a_shape_stays_within_its_reach(shape: int, radius: int, direction: int) -> None:
    """Else it would be cut where it touches the border of the picture."""
    one, size, turned = (np.array([value]) for value in (shape, radius, direction))
    pixels = outlines.covered(32, one, size, np.array([[256, 256]]), turned)
    y, x = np.nonzero(pixels[0])
    far = np.sqrt(((x * 16 + 8 - 256) ** 2 + (y * 16 + 8 - 256) ** 2).max())
    assert far <= radius * outlines.REACH[shape] / 4 + 1


def test_tensors_are_as_pytorch_wants_them() -> None:
    images, labels = tensors.classification(7, 1)
    assert (images.shape, images.dtype, labels.shape, labels.dtype) == (
        (7, 3, 32, 32),
        torch.float32,
        (7,),
        torch.int64,
    )
    images, masks = tensors.segmentation(5, 1)
    assert (images.shape, masks.shape, masks.dtype) == ((5, 3, 64, 64), (5, 64, 64), torch.int64)
    assert float(images.min()) >= 0
    assert float(images.max()) <= 1
    same, boxes, labels = tensors.detection(5, 1)
    assert torch.equal(same, images)
    assert [len(one) for one in boxes] == [len(one) for one in labels]
    for one, mask, kind in zip(boxes, masks, labels, strict=True):
        assert (one.shape, one.dtype, kind.dtype) == ((len(kind), 4), torch.float32, torch.int64)
        assert set(mask.unique().tolist()) == {0, *(kind + 1).tolist()}


def test_a_set_of_nothing_is_empty() -> None:
    images, boxes, labels = tensors.detection(0, 1)
    assert (images.shape, boxes, labels) == ((0, 3, 64, 64), [], [])
    images, masks = tensors.segmentation(0, 1)
    assert (images.shape, masks.shape, masks.dtype) == ((0, 3, 64, 64), (0, 64, 64), torch.int64)


@pytest.mark.parametrize("wrong", [{"count": -1}, {"seed": -1}, {"first": -1}], ids=str)
def test_what_makes_no_sense_is_named(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        scenes(SINGLE, **({"count": 1, "seed": 1} | wrong))


def test_the_generator_needs_no_torch_and_nothing_of_ours_torchvision() -> None:
    script = "import sys; from grader.datasets import files, shapes; print('torch' in sys.modules);"
    script += "from grader.datasets import digits, downloads, tensors; print('torchvision' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]
