"""What the learner's commands print. Everything else of this room returns values."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from grader import course as courses
from grader.collect.files import shown

from . import init, reset, show
from .hints import next_hint
from .solution import solution_of


def show_page(what: str) -> int:
    Console().print(show.page(courses.load(), what), highlight=False)
    return 0


def give_hint(what: str) -> int:
    Console().print(next_hint(courses.load(), Path.cwd(), what), highlight=False)
    return 0


def give_solution(what: str, *, spoil: bool) -> int:
    console = Console()
    solution = solution_of(courses.load(), Path.cwd(), what, spoil=spoil)
    if console.is_terminal:
        console.print(solution, highlight=False)
    else:  # whole lines, so that what is written to a file is Python
        console.print(Text(solution.plain), soft_wrap=True, highlight=False, end="")
    return 0


def put_back(what: str) -> int:
    done = reset.put_back(courses.load(), Path.cwd(), what)
    if done.backup is None:
        said = [f"{done.what} in {done.file} is as it was given already; nothing was changed."]
    else:
        said = [f"{done.what} in {done.file} is as it was given.", f"What you had is in {done.backup}"]
    for line in said:
        Console().print(Text(line), soft_wrap=True, highlight=False)
    return 0


def make_workspace(folder: Path) -> int:
    made = init.make(courses.load(), folder)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    place = shown(folder)
    if made.made:
        console.print(f"Made in {place}: {_summary(made.made)}")
    if made.left:
        console.print("Left alone:" if made.made else f"Left alone, so that nothing is new in {place}:")
        for name, why in made.left.items():
            console.print(f"  {name}: {why}")
    go = "" if folder.resolve() == Path.cwd() else f"cd {place}, then "
    console.print(f"Next: {go}grade")
    return 0


def _summary(names: tuple[str, ...]) -> str:
    """Many modules are one word."""
    modules = [name for name in names if name.startswith("exercises/")]
    others = [name for name in names if name not in modules]
    said = [f"{len(modules)} exercises" if len(modules) > 1 else modules[0]] if modules else []
    return ", ".join([*said, *others])
