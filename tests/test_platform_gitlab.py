"""`grade release gitlab`: a pipeline that is valid by its platform's schema, and whose own steps run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from kit import ROOT
from test_platform_workflows import EX, Runner, check_schema, made


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("gitlab", tmp_path_factory.mktemp("gitlab"), EX)


def test_the_pipelines_of_gitlab_keep_to_its_schema(gitlab: Path) -> None:
    schema = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    check_schema(*schema, gitlab / "staff/grade.yml", gitlab / "learner/.gitlab-ci.yml")


def test_the_pipeline_of_gitlab_grades_and_publishes(gitlab: Path, tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    shutil.copy(ROOT / "examples" / "half_right" / f"{EX}.py", runner.workspace)
    pipeline = yaml.safe_load((gitlab / "staff/grade.yml").read_text())
    variables = {"GITHUB_ACTIONS": "", "GITLAB_CI": "true", "CI_PROJECT_DIR": str(runner.workspace), "WHAT": EX}
    done = runner.step("\n".join(pipeline["grade"]["script"]), **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any(line.startswith("::") for line in done.stdout.splitlines())
    score = json.loads((runner.workspace / "grades/result.json").read_text())["score"]
    published = runner.step("\n".join(pipeline["publish"]["script"]), **variables)
    assert published.stdout == f"Points {score:g}/25\n"


@pytest.mark.parametrize("kind", ["link", "file", "folder"])
def test_what_a_learner_keeps_where_grades_are_published_from_is_not_published(
    gitlab: Path, tmp_path: Path, kind: str
) -> None:
    runner = Runner(tmp_path)
    (tmp_path / "bin/grade").write_text("#!/bin/sh\nexit 0\n")
    elsewhere, place = tmp_path / "elsewhere", runner.workspace / "grades"
    elsewhere.mkdir()
    (elsewhere / "result.json").write_text('{"score": 999, "max_score": 999}')
    if kind == "link":
        place.symlink_to(elsewhere)
    elif kind == "file":
        place.write_text("")
    else:
        shutil.copytree(elsewhere, place)
    pipeline = yaml.safe_load((gitlab / "staff/grade.yml").read_text())
    assert runner.step("\n".join(pipeline["grade"]["script"]), WHAT=EX).returncode == 0
    assert (place.is_dir(), place.is_symlink(), list(place.iterdir())) == (True, False, [])
    assert (elsewhere / "result.json").is_file()
