"""What several commands of `grade` are given: arguments and options, with the words of their help."""

from __future__ import annotations

from typing import Annotated

import typer

What = Annotated[list[str] | None, typer.Argument(help="Exercises (ex04) or tasks (ex04::conv2d); all without any.")]
One = Annotated[str, typer.Argument(metavar="WHAT", help="An exercise (ex04) or a task (ex04::conv2d).")]
OneTask = Annotated[str, typer.Argument(metavar="TASK", help="A task (ex04::conv2d, or conv2d alone).")]
Reader = Annotated[
    str, typer.Option(metavar="WHO", help="For whom the feedback is: learner, after_due, after_published or staff.")
]
Device = Annotated[
    str, typer.Option("--device", metavar="cpu|cuda", help="Where a learner's tensors live: the CPU, or an NVIDIA GPU.")
]
OutFile = Annotated[str | None, typer.Option(metavar="FILE", help="Where to write it; - is stdout.")]
