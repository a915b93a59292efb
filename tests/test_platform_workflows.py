"""`grade release github` and `gitlab`: valid by their platforms' schemas, without secrets, and their own steps run."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from kit import ROOT
from schemas_kit import errors
from secrets_kit import leaks, secrets

from grader import course
from grader.errors import UsageError
from grader.platforms import packing
from grader.platforms.releases import Wish, release

EX = "ex03_output_size"


def made(kind: str, folder: Path, *exercises: str) -> Path:
    known = course.load()
    release(kind, Wish(known, exercises or known.names, folder))
    return folder


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("github", tmp_path_factory.mktemp("github"), EX)


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("gitlab", tmp_path_factory.mktemp("gitlab"), EX)


def staff_workflow(folder: Path) -> dict:
    return yaml.safe_load((folder / "staff/.github/workflows/grade.yml").read_text())


def check_schema(*arguments: str | Path) -> None:
    command = [sys.executable, "-P", "-m", "check_jsonschema", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_of_github_keep_to_its_schema(github: Path) -> None:
    files = sorted(github.rglob(".github/workflows/*.yml"))
    assert len(files) == 2
    check_schema("--builtin-schema", "vendor.github-workflows", *files)


def test_rights_are_the_least_and_no_job_is_given_a_secret(github: Path) -> None:
    workflow = staff_workflow(github)
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["grade"]["permissions"] == {"contents": "read", "packages": "read"}
    assert workflow["jobs"]["publish"]["permissions"] == {}
    for file in github.rglob("*.yml"):
        if "source" not in file.parts:
            assert "secrets" not in yaml.safe_dump(yaml.safe_load(file.read_text()))
    checkout = workflow["jobs"]["grade"]["steps"][0]
    assert checkout["with"]["persist-credentials"] is False
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert not any("github.token" in str(step) for step in steps)


def test_no_expression_stands_in_a_script(github: Path) -> None:
    """What somebody else decides comes as a variable: in a script it would be run."""
    for job in staff_workflow(github)["jobs"].values():
        assert not any("${{" in step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_nothing_hidden_is_in_what_learners_get(kind: str, tmp_path: Path) -> None:
    folder = made(kind, tmp_path)
    given = {str(file): file.read_bytes() for file in (folder / "learner").rglob("*") if file.is_file()}
    assert len(given) == 1
    assert leaks(given, secrets()) == {}


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = made("gitlab", tmp_path, EX)
    (folder / "staff/grade.yml").write_text("mine")
    said = release("gitlab", Wish(course.load(), (EX,), folder))
    assert (folder / "staff/grade.yml").read_text() == "mine"
    assert "staff/grade.yml: left as it is; move it away to have it written anew" in said
    assert "learner/.gitlab-ci.yml: is there already" in said


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(UsageError, match="no folder"):
        made("github", tmp_path / "f", EX)


def test_settings_for_gradescope_are_refused_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gradescope"):
        release("github", Wish(course.load(), (EX,), tmp_path, late="10%/day"))


def test_the_packed_source_is_all_that_pip_needs() -> None:
    files = dict(packing.source(course.load()))
    project = tomllib.loads(files["pyproject.toml"].decode())
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert [need.replace('"', "'").replace(" ", "") for need in project["project"]["dependencies"]] == [
        need.replace('"', "'").replace(" ", "") for need in ours["project"]["dependencies"]
    ]
    assert project["tool"]["hatch"] == ours["tool"]["hatch"]
    assert {
        "grader/cli.py",
        "grader/platforms/templates/Dockerfile",
        "exercises/course.toml",
        f"solutions/{EX}.py",
    } <= {*files}
    assert files["LICENSE"] == (ROOT / "LICENSE").read_bytes()  # a kit that is released from there has it too
    assert not any("__pycache__" in name or name.startswith("tests/") for name in files)


class Runner:
    """A job of GitHub's, as far as a step of a shell sees it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.workspace = place / "work"
        (self.workspace / "submission").mkdir(parents=True)
        tools = place / "bin"
        tools.mkdir()
        # What the image has: `grade` on the PATH.
        (tools / "grade").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m grader "$@"\n')
        (tools / "grade").chmod(0o755)
        self.path = f"{tools}:{os.environ['PATH']}"

    def checkout(self, name: str, source: str) -> None:
        """As actions/checkout leaves it in `path: submission`."""
        (self.workspace / "submission" / ".git").mkdir()
        (self.workspace / "submission" / name).write_text(source)

    def step(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """As a runner starts it: bash with these options, files for summary and output."""
        environment = {
            "PATH": self.path,
            "HOME": str(self.place),
            "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"],
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_STEP_SUMMARY": str(self.place / "summary.md"),
            "GITHUB_OUTPUT": str(self.place / "output.txt"),
        }
        file = self.place / "step.sh"
        file.write_text(script)
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(file)]
        return subprocess.run(
            command, cwd=self.workspace, env=environment | variables, capture_output=True, text=True, timeout=120
        )

    @property
    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in (self.place / "output.txt").read_text().splitlines())


def scripts(job: dict) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


HOSTILE_MODULE = """
print("::error::forged")
print("##[error]forged")
print("::stop-commands::x")


def conv_output_size(*args, **kwargs):
    print("::set-output name=score::25")
    raise ValueError("::add-mask::secret\\n::error::forged")
"""


def test_the_steps_of_the_workflow_grade_and_publish(github: Path, tmp_path: Path) -> None:
    """End to end: the steps' own scripts, in a shell, with the variables that the runner sets."""
    jobs = staff_workflow(github)["jobs"]
    (grade_step,), (publish,) = scripts(jobs["grade"]), scripts(jobs["publish"])
    runner = Runner(tmp_path)
    runner.checkout(f"{EX}.py", (ROOT / "examples" / "half_right" / f"{EX}.py").read_text())
    done = runner.step(grade_step, WHAT=EX)

    assert done.returncode == 0, done.stdout + done.stderr
    result = (runner.workspace / "grades/result.json").read_text()
    assert errors("grade-1", result) == []
    score, most = json.loads(result)["score"], json.loads(result)["max_score"]
    assert (runner.outputs["graded"], float(runner.outputs["score"])) == ("true", score)
    classic = base64.b64decode(runner.outputs["result"]).decode()
    assert errors("github-classroom-result", classic) == []
    assert f"{score:g} of {most:g} points" in (tmp_path / "summary.md").read_text()
    lines = done.stdout.splitlines()
    assert any(line.startswith(f"::error file={EX}.py,line=") for line in lines)
    said = runner.step(publish, GRADED="true", SCORE=runner.outputs["score"], MAX_SCORE=runner.outputs["max_score"])
    assert f"::notice title=Autograding complete::Points {score:g}/{most:g}" in said.stdout
    report = next(line for line in said.stdout.splitlines() if "Autograding report" in line)
    assert json.loads(report.split("::")[2]) == {"totalPoints": score, "maxPoints": most}


def test_a_hostile_submission_says_nothing_to_the_runner(github: Path, tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.checkout(f"{EX}.py", HOSTILE_MODULE)
    (script,) = scripts(staff_workflow(github)["jobs"]["grade"])
    done = runner.step(script, WHAT=EX)

    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    token = lines[0].removeprefix("::stop-commands::")
    assert len(token) == 32
    end = lines.index(f"::{token}::")
    assert not any(line.lstrip().startswith(("::", "##[")) for line in lines[1:end])
    commands = [line for line in lines[end + 1 :] if line]
    assert all(line.startswith((f"::error file={EX}.py,", "::notice title=Exercises::")) for line in commands)
    assert "Points" not in done.stdout
    assert float(runner.outputs["score"]) == 0


@pytest.mark.parametrize(
    ("graded", "score", "most"),
    [
        ("false", "", ""),
        ("true", "", "3"),
        ("true", '3"} ::error::x', "3"),
        ("true", "3\n::error::x", "3"),
        ("", "1", "2"),
    ],
)
def test_what_is_no_number_is_not_published(github: Path, tmp_path: Path, graded: str, score: str, most: str) -> None:
    (script,) = scripts(staff_workflow(github)["jobs"]["publish"])
    done = Runner(tmp_path).step(script, GRADED=graded, SCORE=score, MAX_SCORE=most)
    assert done.returncode == 1
    assert done.stdout.count("::") == 2
    assert "No grade was given" in done.stdout


@pytest.mark.parametrize(("code", "end"), [(0, 0), (1, 0), (5, 0), (2, 2), (3, 3)])
def test_a_step_fails_where_there_is_no_grade(github: Path, gitlab: Path, tmp_path: Path, code: int, end: int) -> None:
    runner = Runner(tmp_path)
    (tmp_path / "bin/grade").write_text(f"#!/bin/sh\nexit {code}\n")
    (script,) = scripts(staff_workflow(github)["jobs"]["grade"])
    assert runner.step(script, WHAT="").returncode == end
    pipeline = yaml.safe_load((gitlab / "staff/grade.yml").read_text())
    assert runner.step("\n".join(pipeline["grade"]["script"]), WHAT="").returncode == end


@pytest.mark.parametrize(("code", "end"), [(0, 0), (1, 0), (5, 0), (2, 2), (3, 3)])
def test_the_autograder_of_classroom50_ends_well_where_there_is_a_grade(
    github: Path, tmp_path: Path, code: int, end: int
) -> None:
    runner = Runner(tmp_path)
    (tmp_path / "bin/grade").write_text(f'#!/bin/sh\necho "$@"\nexit {code}\n')
    done = runner.step(f'"{sys.executable}" "{github}/staff/classroom50/autograder.py"')
    assert done.stdout == f"ci {EX} --also classroom50=result.json --junit junit.xml\n"
    assert done.returncode == end
