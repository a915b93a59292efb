"""An autograder as it lies on Gradescope: /autograder, root, run_autograder; in a root that is thrown away."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from kit import ROOT
from schemas_kit import errors
from test_platform_gradescope import EX, told

from grader import course
from grader.platforms.gradescope_terms import Settings
from grader.platforms.gradescope_zip import packed

# A thief and a forger: it looks for what is not its own, then answers like the half-right attempt.
THIEF = """
import os

FOUND = []
for path in ("/autograder/source/settings.json", "/autograder/submission_metadata.json", "/autograder/results"):
    try:
        FOUND.append(open(path).read() if not path.endswith("results") else os.listdir(path))
    except OSError as error:
        FOUND.append(type(error).__name__)
try:
    open("/autograder/results/results.json", "w").write('{"score": 100}')
    FOUND.append("forged")
except OSError as error:
    FOUND.append(type(error).__name__)
"""


def lay_out(place: Path, text: str, *, owner: int) -> None:
    """What Gradescope and setup.sh leave in /autograder; a venv of ours in place of the one that is installed there."""
    (place / "a.zip").write_bytes(packed(course.load(), Settings((EX,), late="10%/day")))
    with zipfile.ZipFile(place / "a.zip") as archive:
        archive.extractall(place / "source")
    shutil.copy(place / "source" / "run_autograder", place / "run_autograder")
    (place / "run_autograder").chmod(0o755)
    for name in ("submission", "results", "cache", "venv/bin"):
        (place / name).mkdir(parents=True)
    (place / "submission" / f"{EX}.py").write_text(text)
    (place / "submission" / f"{EX}.py").chmod(0o600)
    (place / "submission_metadata.json").write_text(told(timedelta(hours=5)))
    (place / "submission_metadata.json").chmod(0o600)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = place / "venv" / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (place / "venv" / "bin" / "python").symlink_to(Path(sys.base_prefix) / "bin" / version)
    (place / "venv" / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    # The grader of the zip, and then whatever else is installed here.
    installed = Path(pytest.__file__).parent.parent
    (packages / "grader.pth").write_text(f"/autograder/source/package\n{installed}\n")
    if os.geteuid() == 0:
        os.chown(place / "cache", owner, owner)
    place.chmod(0o755)


def throw_away(place: Path, *, fallback: bool) -> list[str]:
    """A root of memory: the system's programs, this Python and /autograder; no home, no network, no project."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        pytest.skip("needs the program bwrap (package bubblewrap)")
    command = [bwrap, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--die-with-parent",
               "--tmpfs", "/", "--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc", "--dev", "/dev",
               "--proc", "/proc", "--perms", "1777", "--tmpfs", "/tmp"]  # fmt: skip
    if fallback or os.geteuid() != 0:
        command += ["--unshare-user", "--uid", "0", "--gid", "0", *(["--disable-userns"] if fallback else [])]
    else:
        command += ["--cap-add", "ALL"]
    for name in ("bin", "sbin", "lib", "lib64"):
        path = Path("/") / name
        if path.is_symlink():
            command += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            command += ["--ro-bind", str(path), str(path)]
    for needed in {sys.base_prefix, sys.prefix}:
        if not Path(needed).is_relative_to("/usr"):
            for parent in reversed(Path(needed).parents[:-1]):  # others than root have to get there too
                command += ["--perms", "0755", "--dir", str(parent)]
            command += ["--ro-bind", needed, needed]
    return [*command, "--bind", str(place), "/autograder", "--clearenv", "--setenv", "PATH", os.defpath, "--"]


@pytest.mark.skipif(sys.platform != "linux", reason="Gradescope is Linux")
@pytest.mark.parametrize("fallback", [False, True], ids=["namespaces", "as in Docker"])
def test_run_autograder_grades_as_root_in_the_layout_of_the_platform(tmp_path: Path, fallback: bool) -> None:
    """`fallback`: nobody can make a user namespace, and there is no user but root."""
    other = os.geteuid() == 0 and not fallback
    owner = pwd.getpwnam("nobody").pw_uid if other else 0
    place = tmp_path / "autograder"
    place.mkdir()
    attempt = (ROOT / "examples" / "half_right" / f"{EX}.py").read_text()
    said = "def trace_shapes(input_shape, layers):\n    raise ValueError(str(FOUND))\n"
    lay_out(place, attempt + THIEF + said, owner=owner)
    around = throw_away(place, fallback=fallback)
    attempt_to = subprocess.run([*around, "true"], capture_output=True, text=True, timeout=30)
    if attempt_to.returncode != 0:
        pytest.skip(f"this machine makes no namespace for us: {attempt_to.stderr[-200:]}")
    done = subprocess.run([*around, "/autograder/run_autograder"], capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stdout + done.stderr
    text = (place / "results" / "results.json").read_text()
    assert errors("gradescope-results", text) == []
    result = json.loads(text)
    assert "score" in result, result["output"] + done.stderr
    assert sum(test["score"] for test in result["tests"]) == pytest.approx(16)
    assert result["score"] == pytest.approx(14.4)  # five hours late
    assert "5 hours late" in result["output"]
    assert result["extra_data"]["isolation"] == "sandboxed"
    assert not fallback or result["extra_data"]["walls"] == ["landlock", "seccomp"]
    assert 0 < result["execution_time"] < 300
    found = next(
        test["output"]
        for test in result["tests"]
        if "FileNotFoundError" in test["output"] or "PermissionError" in test["output"]
    )
    assert "forged" not in found
    assert "10%/day" not in found
    assert "example.edu" not in text
    assert list((place / "results").iterdir()) == [place / "results" / "results.json"]
    if os.geteuid() == 0:
        assert other != ("grading as root" in done.stderr)
        kept = [path for path in (place / "cache").rglob("*") if path.is_file()]
        assert {path.stat().st_uid for path in kept} == {owner}, done.stderr
        assert (place / "results" / "results.json").stat().st_uid == 0
