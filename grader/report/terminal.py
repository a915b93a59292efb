"""Report -> what a learner reads in the terminal.

What lives here: layout. Tensors are drawn in blocks.py, sentences come from words.py. Nothing is parsed as markup:
every string that came from a submission is a `Text`, cleaned first. What a task shows stands behind a bar, so that no
line of it can begin with something that a CI log takes for a command. A snippet to paste has none: every line of it
is ours, and what it quotes stands in Python literals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from grader.model import CheckResult, Counterexample, ExerciseResult, Report, Status, TaskResult, Verdict

from . import blocks, curves, words

STYLES = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.TODO: "dim",
    Status.FAULT: "bold magenta",
    Status.EXAMPLES: "cyan",
}
STATE_WIDTH, NAME_WIDTH, POINTS_WIDTH = 13, 28, 8  # columns of the overview; the diagnosis has the rest of the line
PRINTED_LINES = 12  # of a check's output; the learner has the rest in their own terminal
PASTED_LINES = 16  # of a snippet that is still shown here; the page has it in any case


class Paste(Text):
    """Text to paste elsewhere: no bar before it, no line of it broken or cut."""


class Barred:
    """Anything with a vertical bar before each of its lines."""

    def __init__(self, content: RenderableType, style: str = "dim") -> None:
        self.content = content
        self.style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        bar = Segment("| " if options.ascii_only else "│ ", Style.parse(self.style))
        inner = options.update(width=max(20, options.max_width - 2))
        for segments in console.render_lines(self.content, inner, pad=False):
            yield bar
            yield from segments
            yield Segment.line()


def render(report: Report, console: Console) -> None:
    """Write the report to the console, at its width and with the colours it has."""
    for part in renderables(report, ascii_only=console.options.ascii_only):
        console.print(part, highlight=False, soft_wrap=isinstance(part, Paste))


def renderables(report: Report, *, ascii_only: bool = False) -> Iterator[RenderableType]:
    """The report from top to bottom: overview, each task that did not pass, score, next step."""
    symbols = words.ASCII_SYMBOLS if ascii_only else words.SYMBOLS
    yield header(report)
    names = max((len(task.name) for exercise in report.exercises for task in exercise.tasks), default=0)
    for exercise in report.exercises:
        yield overview(exercise, symbols, names)
    for exercise in report.exercises:
        if not exercise.missing:
            for task in exercise.tasks:
                if task.status in {Status.FAILED, Status.FAULT}:
                    yield Text()
                    yield task_detail(exercise, task, symbols[task.status])
                    yield from snippet(words.leading(task))
    yield Text()
    yield closing(report)


def header(report: Report) -> RenderableType:
    """Whose work this is, how it was run, and what was left out of it."""
    env = report.environment
    how = f"{env.wall} · {env.device} · Python {env.python} · torch {env.torch} · grader {env.grader}"
    name = Text.assemble("Submission  ", (words.line(report.submission), "bold"), no_wrap=True, overflow="ellipsis")
    notes = [Barred(Text(words.line(note)), "yellow") for note in report.notes]
    return Group(name, Text(f"{how} · seed {env.seed}", "dim"), *notes, Text())


def overview(exercise: ExerciseResult, symbols: dict[Status, str], names: int) -> RenderableType:
    """An exercise's tasks, a line each: state, points, diagnosis. One that is missing is one dim line.

    `names` is the width of the longest task name of the report, so that the columns of all exercises align.
    """
    title = words.line(exercise.title)
    if exercise.missing:
        worth = words.points(exercise.max_score)
        return Text(f"{exercise.name} · {title} · not in this submission (0 / {worth})", "dim")
    faulty = any(task.status is Status.FAULT for task in exercise.tasks)
    head = Text(f"{exercise.name} · {title}", "bold")
    head.append(f"  {'no grade' if faulty else words.earned(exercise)}", "not bold")
    table = Table.grid(padding=(0, 2, 0, 0))
    for width in (STATE_WIDTH + 4 * words.in_a_kit(exercise), min(names, NAME_WIDTH)):
        table.add_column(width=width, no_wrap=True, overflow="ellipsis")
    table.add_column(min_width=POINTS_WIDTH, no_wrap=True, justify="right")
    table.add_column()  # the only one that may shrink; its text is cut, not wrapped
    for task in exercise.tasks:
        style = STYLES[task.status]
        earned = "no grade" if task.status is Status.FAULT else words.earned(task)
        state = Text(f"  {symbols[task.status]} {words.STATES[task.status]}", style)
        said = words.line(task.diagnosis, 300) if task.diagnosis else ""
        about = Text(said, "dim", no_wrap=True, overflow="ellipsis")
        table.add_row(state, Text(task.name), Text(earned), about)
    plain = symbols is words.ASCII_SYMBOLS
    runs = [training for task in exercise.tasks for training in curves.trained(task)]
    curves_of = [
        Text(f"    {words.line(run.call)}  {curves.line(run, plain=plain)}  {curves.said(run)}", "dim") for run in runs
    ]
    return Group(head, table, *curves_of)


def task_detail(exercise: ExerciseResult, task: TaskResult, symbol: str) -> RenderableType:
    """One check drawn in full, the diagnosis, the other failing checks in a line each, and what to do next."""
    style = STYLES[task.status]
    title = Text(f"{symbol} {words.full_name(exercise, task)}", f"bold {style}")
    if task.status is not Status.FAULT:
        title.append(f"   {words.earned(task)} points", "not bold default")
    shown = words.leading(task)
    parts: list[RenderableType] = []
    if shown is not None:
        parts += check_detail(shown, exercise)
    if task.diagnosis:
        said = Text(words.block(task.diagnosis))
        parts += [Panel(said, title="What this looks like", title_align="left", box=box.ROUNDED, border_style="cyan")]
    if shown is not None and shown.printed.strip():
        parts += [printed(shown)]
    others = [check for check in words.failing(task) if check is not shown]
    if others:
        said_already = {shown.message} if shown is not None else set()
        parts += [Group(Text("Also:", "bold"), *other_lines(others, exercise, said_already))]
    parts += [Text.assemble(("Next step: ", "bold"), f"{words.next_step(task)}.")]
    spaced = [item for part in parts for item in (Text(), part)]
    return Group(title, Barred(Group(*spaced[1:]), style))


def check_detail(check: CheckResult, exercise: ExerciseResult) -> list[RenderableType]:
    """Title, verdict and message; then the counterexample."""
    said = Text.assemble((words.line(check.spec.title), "bold"), "\n", (words.VERDICTS[check.verdict], "italic"))
    if check.place is not None:
        said.append(f" ({words.line(check.place)} of your file)", "italic")
    if check.verdict is Verdict.NOT_RUN:
        said.append(f": {words.waiting_for(check, exercise)}")
    elif check.message:
        said.append(f"\n{words.block(check.message)}")
    if check.excerpt:
        said.append("".join(f"\n    {words.line(text)}" for text in check.excerpt.split("\n")), "cyan")
    return [said, *counterexample(check.counterexample, check.message or "")] if check.counterexample else [said]


def counterexample(example: Counterexample, message: str) -> list[RenderableType]:
    """The call, its inputs, expected and got side by side, and where they differ unless `message` said so."""
    parts: list[RenderableType] = [Text.assemble(("Call: ", "bold"), words.block(example.call))]
    if example.inputs:
        parts.append(blocks.row([(words.line(name), value) for name, value in example.inputs], example.window))
    if example.expected is not None or example.got is not None:
        parts.append(blocks.comparison(example.expected, example.got, say=example.where is None))
    if example.where and example.where not in message:
        parts.append(Text(words.block(example.where), "italic"))
    return parts


def snippet(check: CheckResult | None) -> Iterator[RenderableType]:
    """Python that shows the failure again, where it is short."""
    text = check.counterexample.snippet if check is not None and check.counterexample is not None else None
    lines = [] if text is None else words.block(text).rstrip("\n").split("\n")
    if 0 < len(lines) <= PASTED_LINES and not any(line.lstrip().startswith("::") or "##[" in line for line in lines):
        yield Text("\nTo see it again, paste this into Python in the folder of your file:", "bold")
        yield Paste("\n".join(lines))


def printed(check: CheckResult) -> RenderableType:
    """What the learner's code wrote, quoted."""
    lines = words.block(check.printed).rstrip("\n").split("\n")
    quoted = [Padding(Barred(Text(line)), (0, 0, 0, 2)) for line in lines[:PRINTED_LINES]]
    if len(lines) > PRINTED_LINES:
        quoted.append(Padding(Text(f"… {len(lines) - PRINTED_LINES} more lines", "dim"), (0, 0, 0, 2)))
    return Group(Text("Your code printed:", "bold"), *quoted)


def other_lines(
    checks: Iterable[CheckResult], exercise: ExerciseResult, said_already: set[str | None]
) -> Iterator[RenderableType]:
    """Failing checks that are not drawn: title and what each says, which is not said twice."""
    for check in checks:
        if check.verdict is Verdict.NOT_RUN:
            said = f"not run yet: {words.waiting_for(check, exercise)}"
        elif check.message in said_already and check.message:
            said = "the same"
        else:
            said = words.line(check.message, 200) if check.message else words.VERDICTS[check.verdict]
        said_already.add(check.message)
        yield bullet(Text.assemble(words.line(check.spec.title), (f" · {said}", "dim")))


def bullet(text: Text) -> RenderableType:
    """A list item whose further lines are indented."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(" -", text)
    return table


def closing(report: Report) -> RenderableType:
    """The score and the next step; no score where the fault is ours."""
    after = Text(words.closing(report), "magenta" if report.faulty else "default")
    if report.faulty:
        return after
    return Group(Text(words.tally(report), "bold"), after)
