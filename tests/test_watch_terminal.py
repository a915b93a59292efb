"""`grade watch` on a terminal of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kit import ROOT

EXERCISE = "ex03_output_size"


def stub(folder: Path, name: str = EXERCISE) -> Path:
    shutil.copy(ROOT / "exercises" / f"{name}.py", folder)
    return folder / f"{name}.py"


def solution(exercise: str = EXERCISE) -> str:
    return (ROOT / "solutions" / f"{exercise}.py").read_text("utf-8")


class Terminal:
    """`grade watch` on a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        import pty

        self.fd, theirs = pty.openpty()
        grade = Path(sys.executable).with_name("grade")
        self.process = subprocess.Popen(
            [grade, "watch", *arguments], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
            env={**os.environ, "COLUMNS": "90", "LINES": "50", "TERM": "xterm"}, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.text, self.read = "", 0

    def until(self, pattern: str, seconds: float = 120) -> str:
        """The last screen, once the pattern is on what came since the last time."""
        import select

        ends = time.monotonic() + seconds
        while not re.search(pattern, self.text[self.read :]):
            assert time.monotonic() < ends, f"{pattern!r} did not come: {self.text[-3000:]}"
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self.fd, 2**16).decode("utf-8", "replace")
                except OSError:
                    pytest.fail(f"it has ended: {self.text[-3000:]}")
        self.read = len(self.text)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text.split("\x1b[2J")[-1]).replace("\r", "")

    def press(self, key: str) -> None:
        os.write(self.fd, key.encode())

    def close(self) -> int:
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()
            os.close(self.fd)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_a_save_gets_its_verdict(tmp_path):
    file = stub(tmp_path)
    terminal = Terminal(tmp_path, "ex03")
    assert "to do" in terminal.until("quit")

    file.write_text(solution())
    assert "6 of 74 tasks" in terminal.until("Passed.*\n(.*\n)*.*quit")

    file.write_text(solution().replace("return room // stride + 1", "return room // stride + 2", 1))
    assert "Every value is 1 too large" in terminal.until("too large(.*\n)*.*quit")

    beside = tmp_path / "new"
    beside.write_text(solution().replace("def conv_output_size(", "def conv_output_size(("))
    beside.replace(file)
    screen = terminal.until("SyntaxError(.*\n)*.*quit")
    assert re.search(r"    def conv_output_size\(\(.*\n.* {10}\^", screen)

    file.write_text(solution().replace("    return room // stride + 1", "    while True: pass", 1))
    terminal.until("·")
    file.write_text(solution())
    terminal.until("Passed.*\n(.*\n)*.*quit")

    terminal.press("q")
    assert terminal.close() == 0
