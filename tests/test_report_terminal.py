"""grader/report/terminal.py: any width, no colour needed, nothing of a learner's taken for markup or command."""

from __future__ import annotations

import io
import re

import pytest
from report_samples import HOSTILE, SAMPLES, check, report, task
from rich.console import Console
from test_report_goldens import terminal_text

from grader.model import Verdict
from grader.report import terminal


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", SAMPLES)
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    text = terminal_text(SAMPLES[name], width)
    text = re.sub(r"(?s)To see it again.*?\n(Score:|No grade)", "", text)  # it is to be pasted, so never broken
    assert max(map(len, text.split("\n"))) <= width


@pytest.mark.parametrize("width", [30, 80, 200])
def test_no_line_begins_like_a_command_to_a_ci_log(width: int) -> None:
    lines = [line.strip() for line in terminal_text(SAMPLES["hostile"], width).split("\n")]
    assert [line for line in lines if line.startswith("::") or "##[" in line] == []


def test_no_control_character_of_a_learner_reaches_the_terminal() -> None:
    text = terminal_text(SAMPLES["hostile"])
    assert [char for char in text if (ord(char) < 32 and char != "\n") or char in "\x7f\x9b\u202e"] == []


def test_markup_of_a_learner_is_text() -> None:
    assert "[bold red]markup[/]" in terminal_text(SAMPLES["hostile"], 200)


def test_colours_are_escape_codes_of_ours_alone() -> None:
    stream = io.StringIO()
    terminal.render(SAMPLES["hostile"], Console(file=stream, width=100, force_terminal=True, color_system="truecolor"))
    assert "\x1b[" in stream.getvalue()
    assert "\x1b]" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()


def test_differing_elements_are_marked_without_colour() -> None:
    assert "-12 [-13]  [2]" in terminal_text(SAMPLES["wrong"])


def test_expected_and_got_stand_side_by_side_where_they_fit() -> None:
    lines = terminal_text(SAMPLES["wrong"]).split("\n")
    assert any("expected" in line and "got" in line and "float32" in line for line in lines)


def test_expected_and_got_stand_below_each_other_in_a_narrow_terminal() -> None:
    lines = terminal_text(SAMPLES["wrong"], 50).split("\n")
    assert not any("expected  float32" in line and "got  float32" in line for line in lines)


def test_differing_texts_are_pointed_at() -> None:
    lines = terminal_text(SAMPLES["texts"]).split("\n")
    (place,) = [i for i, line in enumerate(lines) if "[(6, 27.5, 28)]" in line]
    assert lines[place + 1].index("^") == lines[place].index("27.5")


def test_one_counterexample_is_drawn_for_a_task() -> None:
    again = [each for each in SAMPLES["wrong"].exercises[0].tasks[0].checks if each.counterexample]
    assert terminal_text(report(task(*again, *again))).count("Call: ") == 1


def test_a_missing_exercise_is_one_line() -> None:
    lines = [line for line in terminal_text(SAMPLES["course"]).split("\n") if "ex05_pool" in line]
    assert lines == ["ex05_pool · Activation, pooling, flattening · not in this submission (0 / 41)"]


def test_a_check_that_did_not_run_names_what_to_fix_first() -> None:
    text = terminal_text(SAMPLES["not_run"], 120)
    assert text.count("not run yet: it runs once “Any weights, any image” passes") == 2


def test_our_fault_shows_no_score() -> None:
    text = terminal_text(SAMPLES["fault"])
    assert "Score:" not in text
    assert "No grade was given" in text


def test_a_terminal_without_unicode_gets_plain_signs() -> None:
    text = terminal_text(SAMPLES["course"], 80, encoding="ascii")
    assert "+ passed" in text
    assert "| Any weights, any image" in text


def test_every_verdict_is_said_in_words() -> None:
    for verdict in Verdict:
        if verdict not in {Verdict.PASSED, Verdict.TODO, Verdict.NOT_RUN}:
            text = terminal_text(report(task(check("a", "Title", verdict))))
            assert "Title" in text
            assert "Next step" in text


def test_long_output_is_cut_with_a_note() -> None:
    assert "more lines" in terminal_text(SAMPLES["hostile"])
    assert HOSTILE not in terminal_text(SAMPLES["hostile"])
