"""What tests about a GPU share where none is needed: facts of a made-up machine, and when a test has no place here."""

from __future__ import annotations

import sys

import pytest

from grader.learner import gpu

linux = pytest.mark.skipif(sys.platform != "linux", reason="the lockdown is Linux's")
without_gpu = pytest.mark.skipif(not gpu.why_not(gpu.facts()), reason="this machine has a GPU")
META = "meta"
GIGA = 2**30
H200 = gpu.Card("NVIDIA H200", 140 * GIGA)
WITH_GPU = gpu.Facts(
    "linux", "2.14.1+cu130", "13.0", "580.95.05", ("/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm"), (H200,), True
)
