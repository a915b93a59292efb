"""Every reader of strangers' bytes, fuzzed: a few thousand cases each, the same ones every time. More: tests/fuzz."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fuzz.__main__ import TARGETS
from kit import ROOT


@pytest.mark.parametrize("target", TARGETS)
def test_a_reader_of_strangers_bytes_keeps_what_it_promises(target, tmp_path):
    command = [sys.executable, "-m", "tests.fuzz", target, "--suite", "--findings", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)

    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr
