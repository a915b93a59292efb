"""Records docs/walk.md: a newcomer's way through ex03, with the real commands on a real terminal.

    python docs/walk/record.py

Every picture is what the terminal showed, as SVG. The learner's edits are the ones below, in their order.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
GRADE = Path(sys.executable).with_name("grade")
WIDTH, LINES = 90, 60
DONE = r"Next step(.*\n)*.*quit"
EXERCISE = "exercises/ex03_output_size.py"
# Rich's own form without its web font: a page of ours asks nobody for anything.
SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, monospace; }}
.{unique_id}-title {{ font: bold 18px ui-sans-serif, sans-serif; }} {styles}</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g></svg>
"""


@dataclass
class Step:
    """A picture: its file's name, the command or what was done, and what is said about it."""

    name: str
    title: str
    says: str
    screen: str = ""


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.fd, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": str(LINES)}
        self.process = subprocess.Popen(
            [str(GRADE), *arguments], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.text = ""

    def until(self, pattern: str) -> str:
        """What the terminal shows once this has come since the last time."""
        begin, ends = len(self.text), time.monotonic() + 120
        while not re.search(pattern, self.text[begin:]):
            if time.monotonic() > ends:
                raise SystemExit(f"{pattern!r} did not come: {self.text[-2000:]}")
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self.fd, 2**16).decode()
                except OSError:  # it has ended
                    break
        return self.text.split("\x1b[2J")[-1]

    def press(self, key: str) -> None:
        os.write(self.fd, key.encode())

    def end(self) -> str:
        shown = self.until(r"(?!)")  # never: until it ends
        self.process.wait()
        os.close(self.fd)
        return shown


def clean(screen: str) -> str:
    """Without lines that were written and taken back: spinners."""
    lines = [line.rpartition("\r")[2] for line in screen.replace("\r\n", "\n").split("\n")]
    kept = [line for line in lines if "\x1b[2K" not in line]
    return re.sub(r"\x1b\[(?:\?25[hl]|[0-9;]*[HAJK])", "", "\n".join(kept)).strip("\n")


def draw(step: Step) -> None:
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    console.print(Text.from_ansi(clean(step.screen)), highlight=False)
    svg = console.export_svg(title=step.title, theme=MONOKAI, code_format=SVG, unique_id=f"walk-{step.name}")
    (HERE / f"{step.name}.svg").write_text(svg, "utf-8")


def edit(folder: Path, source: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        if old not in source:
            raise SystemExit(f"{old!r} is not there any more: change this script")
        source = source.replace(old, new, 1)
    (folder / EXERCISE).write_text(source, "utf-8")
    return source


TODO = "    raise NotImplementedError\n"
FORMULA = "    return (size + 2 * padding - kernel_size) // stride + 1\n"
DILATED = """    reach = dilation * (kernel_size - 1) + 1
    return (size + 2 * padding - reach) // stride + 1
"""
STRICT = """    arguments = {"size": size, "kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    for name, value in arguments.items():
        if value < 1:
            raise ValueError(f"{name} has to be at least 1")
    if padding < 0:
        raise ValueError("padding has to be at least 0")
    reach = dilation * (kernel_size - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError("kernel_size: no window fits into size")
    return (size + 2 * padding - reach) // stride + 1
"""
HALF = "    return kernel_size // 2\n"


def walk(folder: Path) -> list[Step]:
    steps: list[Step] = []

    def add(name: str, title: str, says: str, screen: str) -> None:
        steps.append(Step(f"{len(steps) + 1:02}-{name}", title, says, screen))

    place = folder / "cnn"
    add("init", "grade init cnn", "A folder to work in.", Terminal(folder, "init", "cnn").end())
    add("map", "grade", "The map says what there is and where to begin.", Terminal(place).end())
    task = "ex03::conv_output_size"
    add(
        "show", f"grade show {task}", "What a task asks, without opening the file.", Terminal(place, "show", task).end()
    )
    stub = (place / EXERCISE).read_text("utf-8")
    watch = Terminal(place, "watch", "ex03")
    add("watch", "grade watch ex03", "This stays open beside the editor: every save is graded.", watch.until("quit"))

    source = edit(place, stub, (TODO, FORMULA))
    says = "The formula from memory. The mistake has a name, and below it stands the smallest input that shows it."
    add("mistake", "saved: (size + 2 * padding - kernel_size) // stride + 1", says, watch.until(DONE))
    watch.press("h")
    add("hint", "h", "Stuck? One hint at a time; it is remembered which ones you have seen.", watch.until("quit"))
    source = edit(place, source, (FORMULA, DILATED))
    says = "Values are right now. What is left are arguments that make no sense."
    add("better", "saved: reach = dilation * (kernel_size - 1) + 1", says, watch.until(DONE))
    source = edit(place, source, (DILATED, STRICT))
    add("passed", "saved: with ValueErrors", "Passed; n leads to the next task.", watch.until("Press n(.*\n)*.*quit"))
    watch.press("n")
    watch.until("to do(.*\n)*.*quit")
    source = edit(place, source, (TODO, HALF))
    says = "A second mistake, in the second task: the spread of the kernel is forgotten here too."
    add("second", "saved: return kernel_size // 2", says, watch.until(DONE))

    edit(place, (ROOT / "solutions" / Path(EXERCISE).name).read_text("utf-8"))
    says = "Some hours later: all tasks of the exercise have been written, and the last save passes them all."
    add("all", "saved: everything", says, watch.until("Passed(.*\n)*.*quit"))
    watch.press("q")
    watch.end()
    add("after", "grade", "The map again.", Terminal(place).end())
    says = "Once a task has passed, there is our way of writing it to compare with."
    add("solution", "grade solution same_padding", says, Terminal(place, "solution", "same_padding").end())
    return steps


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        steps = walk(Path(folder))
    for old in HERE.glob("*.svg"):
        old.unlink()
    lines = [
        "# A walk through ex03",
        "",
        "From an empty folder to all points of an exercise, as a newcomer sees it. Every picture is what the terminal",
        "showed; `python docs/walk/record.py` records them anew.",
    ]
    for step in steps:
        draw(step)
        lines += ["", f"{step.says}", "", f"![The terminal after: {step.title}](walk/{step.name}.svg)"]
    (HERE.parent / "walk.md").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
