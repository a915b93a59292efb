"""What a machine can do is found out by trying; what it cannot is said with how to get it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.learner import box, syscalls, walls
from grader.model import Isolation

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the lockdown is Linux's")


@pytest.fixture
def found():
    """What is found, looked for anew."""

    def look() -> walls.Walls:
        walls.here.cache_clear()
        try:
            return walls.here()
        finally:
            walls.here.cache_clear()

    return look


def missing(around: walls.Walls) -> dict[str, str]:
    return dict(around.missing)


def test_without_bubblewrap_it_is_said_which_package_has_it(found, monkeypatch):
    monkeypatch.setattr("grader.learner.walls.shutil.which", lambda name, path: None)
    around = found()

    assert around.names == ("landlock", "seccomp")
    assert around.isolation is Isolation.SANDBOXED
    assert missing(around) == {"bubblewrap": "bwrap is not installed: install the package bubblewrap"}


def test_a_bubblewrap_that_may_not_says_why_and_what_to_switch(found, tmp_path, monkeypatch):
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    around = found()

    assert "bubblewrap" not in around.names
    assert "No permissions to create new namespace" in missing(around)["bubblewrap"]
    assert "user.max_user_namespaces" in missing(around)["bubblewrap"]


def test_a_bubblewrap_that_hangs_is_none(found, tmp_path, monkeypatch):
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\nexec sleep 100\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("grader.learner.walls._PROBE_SECONDS", 0.3)

    assert "cannot be run" in missing(found())["bubblewrap"]


def test_a_program_in_the_current_folder_is_never_run(found, tmp_path, monkeypatch):
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ":.:/usr/bin:/bin")

    assert found().bubblewrap == walls.here().bubblewrap
    assert not (tmp_path / "ran").exists()


def test_an_old_bubblewrap_leaves_no_place_to_write(found, tmp_path, monkeypatch):
    real = walls.here().bubblewrap
    program = tmp_path / "bwrap"
    program.write_text(f'#!/bin/sh\n[ "$1" = --help ] && echo old && exit\nexec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    around = found()

    assert around.bubblewrap == str(program)
    assert not around.sized
    command, place = box.command(around, 3)
    assert place == ""
    assert "--size" not in command


def test_a_kernel_without_landlock_and_a_system_without_libseccomp(found, monkeypatch):
    monkeypatch.setattr("landlockpy.abi_version", lambda: 0)

    def no_library():
        raise syscalls.NoSeccomp("the library libseccomp is not there: install libseccomp2")

    monkeypatch.setattr("grader.learner.syscalls.program", no_library)
    around = found()

    assert around.names == ("bubblewrap",)
    assert around.isolation is Isolation.PROCESS  # a box whose inside may ask the kernel for anything is no sandbox
    assert "5.13" in missing(around)["landlock"]
    assert "libseccomp2" in missing(around)["seccomp"]


def test_other_systems_have_processes_alone(found, monkeypatch):
    monkeypatch.setattr("grader.learner.walls.sys.platform", "darwin")
    around = found()

    assert around.isolation is Isolation.PROCESS
    assert set(missing(around)) == {"bubblewrap", "landlock", "seccomp"}


@pytest.mark.parametrize("error", [ImportError("no"), RuntimeError("Unable to find libseccomp"), OSError("bad ELF")])
def test_whatever_keeps_the_filter_from_being_built_is_a_sentence(error, monkeypatch):
    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "pyseccomp":
                raise error

    monkeypatch.delitem(sys.modules, "pyseccomp", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    syscalls.program.cache_clear()
    with pytest.raises(syscalls.NoSeccomp, match="seccomp"):
        syscalls.program()
    syscalls.program.cache_clear()


def test_no_call_is_both_allowed_and_refused():
    assert not set(syscalls.ALLOWED) & set(syscalls.REFUSED)
    assert len(set(syscalls.ALLOWED)) == len(syscalls.ALLOWED)
    assert len(set(syscalls.REFUSED)) == len(syscalls.REFUSED)


# What a box shows.


def test_packages_are_those_of_torch_and_none_of_ours():
    names = set(box.sight().packages)

    assert {"torch", "numpy", "msgspec", "sympy", "typing_extensions"} <= names
    assert not names & {"grader", "pytest", "hypothesis", "rich", "typer", "torchvision", "platformdirs", "pip"}


def test_no_root_holds_another_package_or_the_project():
    seen = box.sight()
    readable = [Path(path) for path in seen.readable()]
    root = Path(__file__).resolve().parent.parent
    for hidden in (root / "grader" / "checks", root / "solutions", Path(pytest.__file__).resolve().parent):
        assert not [path for path in readable if hidden.is_relative_to(path) or path.is_relative_to(hidden)], hidden


def test_a_hole_is_left_out_and_what_is_in_it_by_right_is_not(tmp_path):
    for name in ("lib/python3/site-packages/secret", "lib/python3/site-packages/torch", "lib/python3/json", "lib/a"):
        (tmp_path / name).mkdir(parents=True)
    lib = tmp_path / "lib"
    hole, torch = lib / "python3/site-packages", lib / "python3/site-packages/torch"
    seen = box.Sight((lib, torch), (hole,), ("torch",), Path("/usr/bin/python3"))
    mounts = box._mounts(seen, "")

    assert seen.readable() == (str(lib / "a"), str(lib / "python3/json"), str(torch))
    assert mounts.index(str(lib)) < mounts.index(str(hole)) < mounts.index(str(torch))
    assert mounts[mounts.index(str(hole)) - 1] == "--tmpfs"


def test_a_project_among_the_libraries_is_a_hole(monkeypatch):
    box.sight.cache_clear()
    monkeypatch.setattr(box, "_PROJECT", Path("/usr/lib"))
    try:
        assert Path("/usr/lib") in box.sight().holes
    finally:
        box.sight.cache_clear()


def test_the_box_of_this_machine_shows_no_more_than_it_should():
    around = walls.here()
    if not around.bubblewrap:
        pytest.skip(missing(around)["bubblewrap"])
    command, _ = box.command(around, 3)
    end = command.index("--")
    program = "import os; print(*sorted(os.listdir('/')), *sorted(os.listdir('/dev')), sep=' ')"
    done = subprocess.run(
        [*command[: end + 1], str(box.sight().interpreter), "-I", "-S", "-c", program],
        capture_output=True, text=True, check=True, env={},
    )  # fmt: skip
    shown = set(done.stdout.split())
    mounted = {Path(root).parts[1] for root in box.sight().roots} | {"lib", "lib32", "lib64"}

    assert shown <= mounted | {"proc", "dev", "wall", "null", "zero", "random", "urandom"}
