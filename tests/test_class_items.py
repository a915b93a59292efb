"""Item analysis against numbers worked out by hand, and against Pearson's correlation computed the long way."""

from __future__ import annotations

import random
import statistics

import pytest
from marks_kit import row

from grader.classview.items import FEW, Flag, Items
from grader.marks import Edits, mark


def items(*rows):
    made = Items()
    for one in rows:
        for exercise in mark(one, Edits()).exercises:
            made.add(exercise)
    return {item.name: item for item in made.found.values()}


def test_difficulty_is_the_share_that_passed():
    found = items(row("a", "+++"), row("b", "+-+"), row("c", "+.~"), row("d", "+d+"))

    assert [found[name].difficulty for name in ("plain", "stride", "bias")] == [1.0, 0.25, 0.75]


def test_discrimination_by_hand():
    # bias (1 point) passed: 1 1 0 0; the rest, plain (2) + stride (3), earned: 5 2 2 0.
    # Means 1/2 and 9/4; covariance (2.5 * .5 + -.25 * .5 * ...) = (2.75 - .25 + .25 + 2.25) / 2 / 4 = 5/8;
    # variances 1/4 and (2.75**2 + 2 * .25**2 + 2.25**2) / 4 = 51/16; so r = 5/8 / sqrt(51/64) = 5 / sqrt(51).
    found = items(row("a", "+++"), row("b", "+-+"), row("c", "+--"), row("d", "---"))

    assert found["bias"].discrimination == pytest.approx(5 / 51**0.5)


def test_a_check_is_not_correlated_with_its_own_points():
    # stride is worth more than the rest; without its points, the rest is 3 for everybody but one who failed stride.
    found = items(row("a", "+++"), row("b", "+++"), row("c", "+-+"), row("d", "+-+"))

    assert found["stride"].discrimination is None  # the rest does not vary
    assert found["plain"].discrimination is None  # nor does this check


def test_a_check_passed_by_those_who_do_worse_has_a_negative_one():
    found = items(row("a", "++-"), row("b", "++-"), row("c", "--+"), row("d", "--+"))

    assert found["bias"].discrimination == pytest.approx(-1.0)


def test_sums_give_what_the_long_way_gives():
    chance = random.Random(3)
    signs = ["".join(chance.choice("+-") for _ in range(3)) for _ in range(60)]
    found = items(*(row(str(index), sign) for index, sign in enumerate(signs)))
    for place, (name, points) in enumerate((("plain", 2.0), ("stride", 3.0), ("bias", 1.0))):
        passed = [float(sign[place] == "+") for sign in signs]
        totals = [2 * (s[0] == "+") + 3 * (s[1] == "+") + (s[2] == "+") for s in signs]
        rest = [total - points * one for total, one in zip(totals, passed, strict=True)]

        assert found[name].discrimination == pytest.approx(statistics.correlation(passed, rest))


def test_missing_exercises_and_faults_of_ours_say_nothing_about_a_check():
    found = items(row("a", "+++"), row("b", None), row("c", "!++"))

    assert {name: item.count for name, item in found.items()} == {"plain": 1, "stride": 1, "bias": 1, "zeros": 3}


def test_flags():
    signs = ["+-+", "+--"] * (FEW // 2)
    found = items(*(row(str(index), sign) for index, sign in enumerate(signs)))
    against = items(*(row(str(index), sign) for index, sign in enumerate(["++-", "--+"] * FEW)))
    weak = items(*(row(str(index), sign) for index, sign in enumerate(["+++", "++-", "--+", "---"] * FEW)))

    assert [found[name].flag for name in ("plain", "stride", "bias")] == [Flag.EVERYBODY, Flag.NOBODY, None]
    assert (against["bias"].flag, weak["bias"].flag, weak["plain"].flag) == (Flag.AGAINST, Flag.WEAK, None)


def test_few_submissions_flag_nothing():
    found = items(*(row(str(index), "---") for index in range(FEW - 1)))

    assert [item.flag for item in found.values()] == [None] * 4
