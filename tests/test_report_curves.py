"""Training curves in words, as blocks, as a chart, in JSON and on the page."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from grader.model import Training
from grader.report import curves

FALLS = Training("train(…, seed=0)", tuple(1 / n for n in range(1, 41)), 4, 12.34, 120.0)
BREAKS = Training("train(…, seed=1)", (1.0, 2.0, math.nan, math.inf, 1e300, -1e300), 1, 0.5, math.inf)


def test_a_curve_in_words_and_as_a_row_of_blocks():
    assert curves.said(FALLS) == "loss 1 to 0.025 in 160 steps, 12.3 of 120 s"
    assert curves.line(FALLS).startswith("█▅")
    assert curves.line(FALLS).endswith("▁")
    assert curves.line(BREAKS, plain=True)[2:4] == "!!"
    assert curves.said(replace(FALLS, memory_mb=(1310, 2048))).endswith(
        "in 160 steps, 12.3 of 120 s, 1,310 of 2,048 MB"
    )
    assert curves.said(Training("train()", (), 1, 1.0, 9.0)) == "no loss was backpropagated; 1.0 of 9 s"
    assert curves.line(Training("train()", (), 1, 1.0, 9.0)) == ""


def test_a_chart_has_a_line_a_training_broken_where_there_is_no_number():
    chart = curves.chart([FALLS, BREAKS])

    assert [len(curve.pieces) for curve in chart.curves] == [1, 2]
    assert chart.steps == 160
    assert "broken off" in chart.words
    numbers = [float(n) for curve in chart.curves for p in curve.pieces for n in p.replace(",", " ").split()]
    assert all(0 <= number <= curves.WIDTH for number in numbers)
    assert "<svg" in curves.picture(chart)
    assert curves.chart([Training("train()", (), 1, 1.0, 9.0)]) is None


def test_a_curve_without_any_change_is_drawn_all_the_same():
    flat = Training("train()", (2.0, 2.0), 1, 1.0, 9.0)

    assert curves.chart([flat]).curves[0].pieces[0].count(",") == 2
    assert len(set(curves.line(flat))) == 1


def test_json_and_page_tell_of_a_training():
    from report_samples import SAMPLES
    from test_report_goldens import terminal_text

    from grader.report import html, record

    report = SAMPLES["wrong"]
    task = report.exercises[0].tasks[0]
    checks = (replace(task.checks[0], trainings=(FALLS, BREAKS)), *task.checks[1:])
    first = replace(report.exercises[0], tasks=(replace(task, checks=checks), *report.exercises[0].tasks[1:]))
    told = replace(report, exercises=(first, *report.exercises[1:]))

    (sent,) = [c["trainings"] for e in json.loads(record.render(told))["exercises"] for t in e["tasks"]
               for c in t["checks"] if "trainings" in c]  # fmt: skip
    assert sent[0]["losses"][:2] == [1.0, 0.5]
    assert sent[1]["losses"][2:4] == ["nan", "inf"]
    assert (sent[0]["limit_s"], sent[1]["limit_s"]) == (120.0, None)
    page = html.render(told)
    assert page.count("<polyline") == 3
    assert "train(…, seed=1)" in page
    assert "12.3 of 120 s" in terminal_text(told, 120)
