"""The same submission gives the same JSON, byte for byte apart from durations: twice, and from anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from kit import ROOT

GRADE = [sys.executable, "-P", "-m", "grader"]
HOSTILE_SETTINGS = {"PYTEST_ADDOPTS": "--maxfail=1 -x", "HYPOTHESIS_STORAGE_DIRECTORY": "h", "CI": "true"}


def graded(folder: Path, **environment: str) -> str:
    command = [*GRADE, "run", "ex03", "--submission", str(ROOT / "examples" / "half_right"), "--json", "-"]
    env = {**os.environ, **environment}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    data = json.loads(done.stdout)
    for exercise in data["exercises"]:
        for task in exercise["tasks"]:
            for check in task["checks"]:
                check["duration_s"] = 0.0
    return json.dumps(data, indent=1)


def test_a_second_run_from_another_folder_with_another_environment_says_the_same(tmp_path, tmp_path_factory):
    (tmp_path / "conftest.py").write_text("raise SystemExit('not ours')")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\n")
    (tmp_path / "hypothesis.py").write_text("raise SystemExit('not ours')")
    (tmp_path / "torch.py").write_text("raise SystemExit('not ours')")

    cache = tmp_path_factory.mktemp("cache")
    first = graded(ROOT, XDG_CACHE_HOME=str(cache))  # inputs drawn
    again = graded(tmp_path, XDG_CACHE_HOME=str(cache), **HOSTILE_SETTINGS)  # inputs kept

    assert first == again
    assert list(cache.rglob("*.deck"))
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"conftest.py", "pytest.ini", "hypothesis.py", "torch.py"}, "grading leaves nothing behind"
