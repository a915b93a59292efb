"""What a job on GitHub is told: annotations, summary, outputs; and what a learner's text cannot do there."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import HOSTILE, SAMPLES, check, report, task

from grader.collect import Module, Submission
from grader.model import Isolation, Report, Verdict
from grader.platforms import ci, github

FILES = {"ex04_conv": github.File("exercises/ex04_conv.py")}
COMMAND = re.compile(r"::(error|warning|notice)( [a-z]+=[^\n\r]*?)?::[^\n\r]*")


def test_a_command_is_written_as_the_documentation_has_it() -> None:
    assert github.command("error", "100%\r\nb", file="a,b:c.py", line=3) == (
        "::error file=a%2Cb%3Ac.py,line=3::100%25%0D%0Ab"
    )
    assert github.command("notice", "fine") == "::notice::fine"


@settings(deadline=None)
@given(st.text(), st.text())
def test_no_text_ends_a_command_or_begins_another(message: str, title: str) -> None:
    text = github.command("error", message, title=title)
    assert "\n" not in text
    assert "\r" not in text
    assert text.split("::")[1] == f"error title={github._property(title)}"


def annotated(made: Report) -> list[str]:
    return list(github.annotate(made, FILES))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_line_is_one_command_of_ours(name: str) -> None:
    for line in annotated(SAMPLES[name]):
        assert COMMAND.fullmatch(line)
    assert sum(line.startswith("::error") for line in annotated(SAMPLES[name])) <= github.MOST


def test_an_annotation_stands_at_the_line_of_the_learners_file() -> None:
    (line, notice) = annotated(SAMPLES["raised"])
    assert line.startswith("::error file=exercises/ex04_conv.py,line=31,title=ex04_conv%3A%3Aconv2d::")
    assert "not iterable" in line
    assert notice == "::notice title=Exercises::2 of 4 points"


def test_where_no_line_stopped_it_is_the_line_of_the_task() -> None:
    places = {"ex04_conv": github.File("ex04_conv.py", tasks={"conv2d": 7})}
    assert next(github.annotate(SAMPLES["wrong"], places)).startswith("::error file=ex04_conv.py,line=7,title=")


def test_a_cell_of_a_notebook_has_no_line_of_the_file() -> None:
    notebook = {"ex04_conv": github.File("ex04_conv.ipynb", numbered=False)}
    assert next(github.annotate(SAMPLES["raised"], notebook)).startswith("::error file=ex04_conv.ipynb,title=")


def many(number: int) -> Report:
    return report(*(task(check("a", "T", Verdict.WRONG, message="no"), name=f"t{i}") for i in range(number)))


@pytest.mark.parametrize(("failed", "shown"), [(9, 9), (10, 10), (11, 10), (40, 10)])
def test_ten_annotations_are_the_most_and_the_last_says_how_many_are_left(failed: int, shown: int) -> None:
    errors = [line for line in annotated(many(failed)) if line.startswith("::error")]
    assert len(errors) == shown
    assert ("more tasks" in errors[-1]) == (failed > 10)


def test_our_own_fault_is_a_warning_and_no_points_are_said() -> None:
    lines = annotated(SAMPLES["fault"])
    assert [line.split(" ")[0] for line in lines] == ["::warning", "::notice"]
    assert "no grade was given" in lines[-1]
    assert github.outputs(SAMPLES["fault"]) == {"graded": "false"}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_summary_has_no_html_of_a_learner(name: str) -> None:
    text = github.summary(SAMPLES[name])
    bare = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)  # what stands in code is shown as it is
    assert set(re.findall(r"<[^>]*>?", bare)) <= {"<details>", "<summary>", "</summary>", "</details>"}
    assert "http" not in bare
    assert "{{" not in bare


def test_a_summary_names_tasks_points_and_the_mistake() -> None:
    text = github.summary(SAMPLES["course"])
    assert "| ex04_conv::conv2d | ❌ not yet | 2 / 8 |" in text
    assert "| ex05_pool | not handed in | 0 / 41 |" in text
    assert "rotated the kernel" in text


def test_a_summary_keeps_below_a_megabyte() -> None:
    long = report(*(task(check("a", "T", Verdict.WRONG, message="é" * 2000), name=f"t{i}") for i in range(900)))
    text = github.summary(long)
    assert len(text.encode()) <= github.SUMMARY
    assert "more parts" in text
    assert len(github.summary(long, 5000).encode()) <= 5000


class TestHost:
    def test_github_says_where_its_files_are(self) -> None:
        said = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/w", "GITHUB_STEP_SUMMARY": "/s", "GITHUB_OUTPUT": "/o"}
        assert ci.host(said, Path("/here")) == ci.Host(True, Path("/w"), Path("/s"), Path("/o"))

    def test_gitlab_has_its_project(self) -> None:
        assert ci.host({"GITLAB_CI": "true", "CI_PROJECT_DIR": "/p"}, Path("/here")) == ci.Host(False, Path("/p"))

    def test_nobody_is_this_folder_and_writes_no_file(self) -> None:
        assert ci.host({"GITHUB_STEP_SUMMARY": "/s"}, Path("/here")) == ci.Host(False, Path("/here"))


def test_the_points_are_said_in_a_plain_log_without_commands(tmp_path: Path) -> None:
    assert ci.told(ci.Host(False, tmp_path), SAMPLES["wrong"], {}) == "2 of 4 points\n"
    assert "::" not in ci.told(ci.Host(False, tmp_path), SAMPLES["hostile"], {})


def test_a_job_without_a_wall_is_told_so(tmp_path: Path) -> None:
    made = SAMPLES["passed"]
    open_ = replace(made, environment=replace(made.environment, isolation=Isolation.PROCESS))
    assert "Keep secrets out" in ci.told(ci.Host(True, tmp_path), open_, {}).splitlines()[-1]


def test_files_are_named_as_the_checkout_names_them(tmp_path: Path) -> None:
    module = Module(
        "ex04_conv", "exercises/ex04_conv.py", "import torch\n\ndef pad2d():\n    pass\nclass Conv2d:\n    pass\n"
    )
    made = Submission("x", "0" * 64, {"ex04_conv": module}, ())
    below = tmp_path / "hw1"
    below.mkdir()
    around = ci.Host(True, tmp_path)
    lines = {"pad2d": 3, "Conv2d": 5}
    assert ci.files(around, below, made) == {"ex04_conv": github.File("hw1/exercises/ex04_conv.py", tasks=lines)}
    assert ci.files(around, tmp_path.parent, made) == {}


def test_a_learners_text_in_an_annotation_is_one_line_of_data() -> None:
    made = report(task(check("a", "T", Verdict.RAISED, message=HOSTILE, line=2, place="line 2"), diagnosis=HOSTILE))
    (line, _) = annotated(made)
    assert "\n" not in line
    assert line.count("::error") == 1
