"""What `grade watch` shows: one screen a verdict, the progress line on top, the keys at the bottom.

On a terminal each screen takes the place of the one before; in a pipe they follow each other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.status import Status
from rich.table import Table
from rich.text import Text

from grader.model import CheckResult, ExerciseResult, Report
from grader.model import Status as State
from grader.report import terminal, words

KEYS = (("n", "next"), ("h", "hint"), ("r", "run again"), ("s", "solution"), ("q", "quit"))


@dataclass(frozen=True, slots=True)
class Progress:
    """Points of the course so far, of all of them."""

    earned: float
    of: float
    tasks: int
    of_tasks: int


@dataclass(slots=True)
class Screen:
    """`kit`: examples alone are checked here, no points are given and no solution can be shown."""

    console: Console
    kit: bool = False
    _status: Status | None = field(default=None, init=False)

    @contextlib.contextmanager
    def busy(self, doing: str) -> Iterator[None]:
        """A line at the bottom that says what is going on."""
        if not self.console.is_terminal:
            yield
            return
        with self.console.status(Text(doing), spinner_style="cyan") as self._status:
            try:
                yield
            finally:
                self._status = None

    def doing(self, text: str) -> None:
        if self._status is not None:
            self._status.update(Text(text[: self.console.width - 4]))

    def first(self, exercise: ExerciseResult, check: CheckResult, progress: Progress) -> None:
        """The first check that fails, as soon as it does; the others still run."""
        self._begin(progress)
        title = Text(f"{self._symbol(State.FAILED)} {exercise.name}::{check.spec.task}", "bold red")
        detail = [item for part in terminal.check_detail(check, exercise) for item in (part, Text())]
        self._print(title, terminal.Barred(Group(*detail), "red"))

    def verdict(self, report: Report, progress: Progress, took: float, ahead: str | None) -> None:
        """All of a run. `ahead`: the task that n leads to."""
        self._begin(progress)
        names = max(len(task.name) for exercise in report.exercises for task in exercise.tasks)
        symbols = words.ASCII_SYMBOLS if self.console.options.ascii_only else words.SYMBOLS
        shown = False
        for exercise in report.exercises:
            self._print(terminal.overview(exercise, symbols, names))
            for task in exercise.tasks:
                if task.status in {State.FAILED, State.FAULT} and not shown and not exercise.missing:
                    self._print(Text(), terminal.task_detail(exercise, task, symbols[task.status]))
                    shown = True  # one thing at a time: the others are a line each above
        everything = all(task.status is State.PASSED for exercise in report.exercises for task in exercise.tasks)
        if everything:
            then = f" Press n for {ahead}." if ahead else " That was the last one."
            self._print(Text(), Text(f"Passed. Well done!{then}", "bold green"))
        if all(task.status is State.EXAMPLES for exercise in report.exercises for task in exercise.tasks):
            then = f" Press n for {ahead}." if ahead else ""
            self._print(Text(), Text(f"The examples pass.{then}", "bold cyan"), Text(words.ELSEWHERE))
        self._print(Text(), Text(f"graded in {took:.2g} s" if self.console.is_terminal else "graded", "dim"))
        self.keys()

    def say(self, *parts: RenderableType) -> None:
        """Below what is there."""
        self._print(Rule(style="dim"), *parts)

    def keys(self) -> None:
        if not self.console.is_terminal:
            return
        line = Text(" ")
        for key, does in KEYS if not self.kit else [pair for pair in KEYS if pair[0] != "s"]:
            line.append(f" {key} ", "reverse").append(f" {does}   ", "dim")
        self._print(line)

    def _begin(self, progress: Progress) -> None:
        """A new screen. In a pipe the progress is a line of its own."""
        self.console.clear()
        text = f"{words.points(progress.earned)} / {words.points(progress.of)} points"
        text += f" · {progress.tasks} of {progress.of_tasks} tasks"
        done, of = progress.earned, progress.of
        if self.kit:
            text = f"examples pass in {progress.tasks} of {progress.of_tasks} tasks"
            done, of = progress.tasks, progress.of_tasks
        if not self.console.is_terminal:
            self._print(Text(text))
            return
        bar = Table.grid(padding=(0, 2, 0, 0))
        width = max(10, self.console.width - len(text) - 3)
        bar.add_row(ProgressBar(of, done, width=width), Text(text, "bold"))
        self._print(bar, Text())

    def _symbol(self, state: State) -> str:
        return (words.ASCII_SYMBOLS if self.console.options.ascii_only else words.SYMBOLS)[state]

    def _print(self, *parts: Any) -> None:
        for part in parts:
            self.console.print(part, highlight=False)
