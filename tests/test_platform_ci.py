"""`grade ci` in this process: what goes to the log, to the job's files and to files that were asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from report_samples import SAMPLES

from grader import course
from grader.errors import GraderFault, UsageError
from grader.model import Report
from grader.platforms import ci

Job = Callable[[Report], tuple[int, list[str]]]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    (folder / "exercises").mkdir(parents=True)
    (folder / "exercises" / "ex04_conv.py").write_text("def conv2d():\n    pass\n")
    monkeypatch.chdir(folder)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def on_github(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, file in (("GITHUB_STEP_SUMMARY", "summary.md"), ("GITHUB_OUTPUT", "output.txt")):
        monkeypatch.setenv(name, str(checkout.parent / file))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(checkout))
    return checkout.parent


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Job:
    """Runs `grade ci` with a report that was made before; gives exit code and lines of the log."""

    def run(report: Report, **targets: str) -> tuple[int, list[str]]:
        monkeypatch.setattr(ci, "graded", lambda *_, **__: report)
        code = ci.run(course.load(), ci.Job({}, None, targets))
        return code, capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize("name", SAMPLES)
def test_no_line_of_a_report_is_a_command_to_the_runner(name: str, on_github: Path, job: Job) -> None:
    _, lines = job(SAMPLES[name])
    token = lines[0].removeprefix("::stop-commands::")
    end = lines.index(f"::{token}::")
    assert not any(line.lstrip().startswith(("::", "##[")) for line in lines[1:end])
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines[end + 1 :])


def test_the_token_is_another_one_each_time(on_github: Path, job: Job) -> None:
    assert job(SAMPLES["passed"])[1][0] != job(SAMPLES["passed"])[1][0]


@pytest.mark.parametrize(("name", "code"), [("passed", 0), ("wrong", 1), ("fault", 3)])
def test_it_ends_with_the_code_of_grade_run(name: str, code: int, checkout: Path, job: Job) -> None:
    assert job(SAMPLES[name])[0] == code


def test_outside_of_github_nothing_is_a_command_and_no_file_is_written(checkout: Path, job: Job) -> None:
    _, lines = job(SAMPLES["hostile"])
    assert not any(line.startswith("::") for line in lines)
    assert lines[-1].endswith("points")
    assert [path.name for path in checkout.parent.iterdir()] == ["checkout"]


def test_summary_and_outputs_are_appended_to_what_is_there(on_github: Path, job: Job) -> None:
    (on_github / "summary.md").write_text("before\n")
    job(SAMPLES["wrong"])
    assert (on_github / "summary.md").read_text().startswith("before\n## Exercises: 2 of 4 points")
    assert "graded=true\nscore=2\nmax_score=4\nresult=" in (on_github / "output.txt").read_text()


def test_an_annotation_names_the_file_below_the_checkout(on_github: Path, job: Job) -> None:
    _, lines = job(SAMPLES["wrong"])
    assert any(line.startswith("::error file=exercises/ex04_conv.py,line=1,") for line in lines)


def test_an_annotation_names_the_file_as_its_repository_does_wherever_that_was_checked_out(
    on_github: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`path: submission` of actions/checkout: GitHub finds no submission/exercises/ in the repository."""
    monkeypatch.setenv("GITHUB_WORKSPACE", str(on_github))
    (on_github / ".git").mkdir()  # somebody else's
    (on_github / "checkout" / ".git").mkdir()
    _, lines = job(SAMPLES["wrong"])
    assert any(line.startswith("::error file=exercises/ex04_conv.py,line=1,") for line in lines)


def test_a_summary_that_is_nearly_full_stays_below_its_limit(on_github: Path, job: Job) -> None:
    (on_github / "summary.md").write_text("x" * (2**20 - 5000))
    job(SAMPLES["course"])
    assert (on_github / "summary.md").stat().st_size < 2**20


def test_our_fault_has_no_points_anywhere_and_tells_no_learner_what_broke(on_github: Path, job: Job) -> None:
    code, lines = job(SAMPLES["fault"], json=str(on_github / "r.json"), gradescope=str(on_github / "g.json"))
    assert code == 3
    assert (on_github / "output.txt").read_text().splitlines()[0] == "graded=false"
    assert "score=" not in (on_github / "output.txt").read_text()
    assert json.loads((on_github / "r.json").read_text())["score"] is None
    told = "\n".join(lines) + (on_github / "summary.md").read_text() + (on_github / "g.json").read_text()
    assert "KeyError" not in told


def test_a_format_that_takes_no_fault_ends_the_command_after_the_summary(
    on_github: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL"):
        monkeypatch.setenv(name, "x")
    with pytest.raises(GraderFault, match="Classroom 50"):
        job(SAMPLES["fault"], classroom50=str(on_github / "result.json"))
    assert not (on_github / "result.json").exists()
    assert "no grade" in (on_github / "summary.md").read_text()


def test_a_file_that_cannot_be_written_is_a_usage_error(on_github: Path, job: Job) -> None:
    (on_github / "taken").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        job(SAMPLES["passed"], json=str(on_github / "taken" / "r.json"))
