"""`grade doctor`: every line is tried, so it has to change where a wall is taken away."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest
from rich.console import Console
from wall_kit import shared_zygote

from grader.doctor import Finding, Health, Wall, examine, render
from grader.learner import walls
from grader.model import Isolation

linux = pytest.mark.skipif(sys.platform != "linux", reason="the lockdown is Linux's")


def shown(health: Health, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    for part in render(health):
        console.print(part)
    return console.file.getvalue()


@linux
def test_behind_every_wall_nothing_is_open():
    heard = []
    health = examine(shared_zygote(walls.here()), heard.append)

    assert [finding for finding in health.findings if not finding.held] == []
    assert heard == list(health.findings)
    assert health.sound
    assert "strangers can be graded here" in shown(health)


@linux
def test_without_user_namespaces_one_thing_is_open_and_said():
    zygote = shared_zygote(replace(walls.here().without_box(), missing=(("bubblewrap", "install it"),)))
    health = examine(zygote)

    assert [finding.what for finding in health.findings if not finding.held] == ["cannot tell whether a file is there"]
    assert health.isolation is Isolation.SANDBOXED
    assert not health.sound
    assert "✗  bubblewrap  install it" in shown(health)
    assert "with 1 thing to know" in shown(health)


@linux
def test_without_walls_the_doors_are_open_and_the_limits_hold():
    health = examine(shared_zygote(walls.NONE))
    held = {finding.what: finding.held for finding in health.findings}

    for what in ("reads no file of yours", "writes to no folder of yours", "reaches no network", "starts no process"):
        assert not held[what]
    for what in ("sees no variable of your environment", "takes no more memory than it may", "does not run for ever",
                 "makes no files without end", "does not fill the disk"):  # fmt: skip
        assert held[what]
    assert not health.sound
    assert "grade no strangers here" in shown(health)


def test_it_can_be_read_on_a_narrow_screen_and_shows_no_control_character():
    finding = Finding("reads no file of yours", False, "\x1b[2Jit can", "see the walls above")
    health = Health(Isolation.PROCESS, (Wall("seccomp", False, "install \x07 it"),), (finding,))
    text = shown(health, 40)

    assert max(map(len, text.splitlines())) <= 40
    assert not [char for char in text if ord(char) < 32 and char != "\n"]
