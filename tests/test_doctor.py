"""`grade doctor`: every line is tried, so it has to change where a wall is taken away."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest
from rich.console import Console
from wall_kit import shared_zygote

from grader.doctor import Finding, Health, Wall, examine, gpu_rows, render, try_gpu
from grader.learner import Zygote, gpu, walls
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


H200 = gpu.Facts(
    "linux", "2.14.1+cu130", "13.0", "580.95.05", ("/dev/nvidia0",), (gpu.Card("NVIDIA H200", 140 * 2**30),), True
)


def gpu_shown(found: gpu.Facts, on_gpu: tuple[Finding, ...] = ()) -> str:
    health = Health(Isolation.SANDBOXED, (), (), gpu_rows(found), on_gpu)
    return " ".join(shown(health, 200).split())


def test_a_gpu_is_told_with_driver_memory_and_what_a_worker_on_it_is_worth():
    text = gpu_shown(H200, (Finding("reaches no network", True, "PermissionError"),))

    for words in ("✓ PyTorch 2.14.1+cu130, built for CUDA 13.0", "✓ driver NVIDIA 580.95.05",
                  "✓ GPU NVIDIA H200, 140 GB", "✓ --device cuda isolation: the same walls, and within them the",
                  "Fine for people you trust", "A submission on the GPU … ✓ reaches no network"):  # fmt: skip
        assert words in text


def test_without_a_gpu_nothing_is_wrong_and_what_is_missing_is_said():
    text = gpu_shown(replace(H200, driver="", nodes=(), cards=(), usable=False))

    assert "✓ PyTorch 2.14.1+cu130" in text
    assert "– driver no NVIDIA driver is loaded" in text
    assert "– GPU none that PyTorch can use" in text
    assert "– --device cuda no NVIDIA driver is loaded here: nvidia-smi has to list a GPU" in text
    assert "✗" not in text


def test_a_pytorch_without_cuda_says_which_to_install():
    assert "built without CUDA: install the build with CUDA" in gpu_shown(replace(H200, cuda="", usable=False))


@linux
@pytest.mark.skipif(not gpu.why_not(gpu.facts()), reason="this machine has a GPU")
def test_a_gpu_that_no_worker_can_begin_with_is_a_finding():
    zygote = Zygote(walls.NONE, "cuda").start()
    try:
        (found,) = try_gpu(zygote, lambda finding: None)
    finally:
        zygote.close()

    assert (found.what, found.held) == ("begins with CUDA", False)
    assert "NVIDIA" in found.detail


def test_it_can_be_read_on_a_narrow_screen_and_shows_no_control_character():
    finding = Finding("reads no file of yours", False, "\x1b[2Jit can", "see the walls above")
    health = Health(Isolation.PROCESS, (Wall("seccomp", False, "install \x07 it"),), (finding,))
    text = shown(health, 40)

    assert max(map(len, text.splitlines())) <= 40
    assert not [char for char in text if ord(char) < 32 and char != "\n"]
