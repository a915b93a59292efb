"""The plots of a class page: SVG that is as high and as wide as what it counts."""

from __future__ import annotations

import re

from grader.classview import plots


def test_a_histogram_draws_a_bar_a_bin_as_high_as_its_count():
    drawn = plots.histogram([0, 2, 4], "three bins")
    heights = [float(found) for found in re.findall(r'class="column"[^>]* height="([\d.]+)"', drawn)]

    assert heights == [0.0, 60.0, 120.0]
    assert 'aria-label="three bins"' in drawn


def test_a_stacked_bar_has_the_widths_of_its_shares():
    drawn = plots.stacked([("passed", 3), ("failed", 1), ("todo", 0)], "x", width=80)

    assert "<title>x</title>" in drawn
    assert re.findall(r'class="(\w+)" x="([\d.]+)"[^>]* width="([\d.]+)"', drawn) == [
        ("passed", "0.0", "60.0"),
        ("failed", "60.0", "20.0"),
    ]


def test_words_in_a_plot_are_escaped():
    assert "<b>" not in plots.scatter([(0.5, 0.5, True, "<b>")], "<b>")
