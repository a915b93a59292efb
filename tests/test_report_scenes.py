"""Boxes as pictures: one scale for all, words for each, nothing where there is nothing to draw."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from report_samples import tensor

from grader.model import Chosen, Counterexample, Drawn
from grader.report.scenes import scenes


def boxes(*rows, drawn=Drawn.CORNERS):
    return replace(tensor([list(map(float, row)) for row in rows]), drawn=drawn)


A, B = boxes((0, 0, 4, 2)), boxes((2, 1, 8, 2), (0, 0, 1, 1))


def test_all_boxes_that_were_given_lie_in_one_picture():
    (scene,) = scenes(Counterexample("iou(a, b)", (("a", A), ("b", B), ("t", "0.5"))))

    assert scene.name == "a and b"
    assert [(box.x, box.y, box.width, box.height, box.kind) for box in scene.outlines] == [
        (0, 0, 130, 65, "first"), (65, 32.5, 195, 32.5, "second"), (0, 0, 32.5, 32.5, "second")]  # fmt: skip
    assert scene.words == (
        "boxes of a and b: a[0] from (0, 0) to (4, 2); b[0] from (2, 1) to (8, 2); b[1] from (0, 0) to (1, 1)"
    )


def test_what_was_kept_stands_beside_what_should_be():
    example = Counterexample("nms(boxes)", (("boxes", B),), "[0]", "[0, 1]", chosen=Chosen((0,), (0, 1)))
    expected, got = scenes(example)

    assert [box.kind for box in expected.outlines] == ["first", "aside"]
    assert [box.kind for box in got.outlines] == ["first", "first"]
    assert (expected.name, got.name) == ("expected: keep 0", "got: kept 0, 1")
    assert "1 from (0, 0) to (1, 1), left out" in expected.words


def test_expected_and_got_share_the_scale_of_what_was_given():
    centred = boxes((2, 1, 4, 2), drawn=Drawn.CENTRES)
    given, expected, got = scenes(Counterexample("decode(x)", (("x", centred),), A, boxes((0, 0, 8, 4))))

    assert [scene.width for scene in (given, expected, got)] == [260, 260, 260]
    assert [scene.outlines[0].width for scene in (given, expected, got)] == [130, 130, 260]


def test_nothing_is_drawn_of_what_are_no_boxes_or_too_many_or_endless():
    assert scenes(Counterexample("f(x)", (("x", tensor([[1.0, 2.0, 3.0, 4.0]])),), "[0]", "[1]")) == []
    assert scenes(Counterexample("f(x)", (("x", boxes(*[(0, 0, 1, 1)] * 40)),))) == []
    assert scenes(Counterexample("f(x)", (("x", boxes((0, 0, inf, 1))),))) == []
    assert scenes(Counterexample("f(x)", (("x", replace(A, values=None)),))) == []
