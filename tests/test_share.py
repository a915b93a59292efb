"""A measured figure below the threshold earns a share of the points, and nothing else does."""

from __future__ import annotations

import math

import pytest

from grader.checker import expect
from grader.checker.compare import Mismatch
from grader.model import CheckResult, CheckSpec, Verdict


@pytest.mark.parametrize(
    ("value", "share"), [(0.6, 0.0), (0.5, 0.0), (0.775, 0.5), (0.949, 0.997), (math.nan, 0.0), (-math.inf, 0.0)]
)
def test_below_full_marks_a_linear_share_is_earned(value, share):
    with pytest.raises(Mismatch, match=r"accuracy is .*; all points from 0\.95, none at 0\.6 or below") as found:
        expect.reaches("accuracy", value, full=0.95, none=0.60)

    assert found.value.share == pytest.approx(share, abs=1e-3)


def test_full_marks_are_silent_and_a_scale_upside_down_is_our_own_mistake():
    expect.reaches("accuracy", 0.95, full=0.95, none=0.60)
    with pytest.raises(ValueError, match="no share between"):
        expect.reaches("accuracy", 0.7, full=0.5, none=0.6)


def test_a_share_earns_points_only_with_a_wrong_answer():
    spec = CheckSpec("x", "t", "reaches", 8.0)

    assert CheckResult(spec, Verdict.WRONG, share=0.333).score == 2.66
    assert CheckResult(spec, Verdict.PASSED, share=0.5).score == 8.0
    assert CheckResult(spec, Verdict.DIED, share=0.5).score == 0.0
