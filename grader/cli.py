"""The `grade` command: arguments, exit codes, where output goes. Every decision is made elsewhere.

torch and pytest are imported inside the commands that grade, so that `grade status` and a usage error answer at once.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from . import kit, teacher
from .arguments import Device, One, OneTask, OutFile, Reader, What
from .errors import GraderFault, UsageError
from .text import clean

USAGE, FAULT, INTERRUPTED = 2, 3, 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    help="Grades exercises on convolutional neural networks. Without a command: the map of the course.",
)


def main() -> None:
    """The console script: every end is one of the exit codes that the README lists."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console that cannot show a sign shows its number
            stream.reconfigure(errors="backslashreplace")
    try:
        kit.hide(app)
        result = app(standalone_mode=False)
    except UsageError as error:
        _complain(f"grade: {error}", USAGE)
    except (KeyboardInterrupt, typer.Abort):
        _complain("grade: stopped", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(USAGE)
    except GraderFault as error:
        _complain(f"grade: our own fault, no grade is given: {error}\n{_report_it()}", FAULT)
    except Exception as error:
        message = getattr(error, "format_message", None)  # typer's own usage errors, whichever click it brings along
        if message is not None:
            _complain(f"grade: {message()} (grade --help lists what there is)", USAGE)
        _complain(f"{traceback.format_exc()}\ngrade: our own fault, no grade is given. {_report_it()}", FAULT)
    sys.exit(result if isinstance(result, int) else 0)


def _complain(text: str, code: int) -> None:
    sys.stderr.write(clean(text, 20_000) + "\n")
    sys.exit(code)


def _report_it() -> str:
    return "Please send us this text, the command and, if you may, the submission."


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> int | None:
    kit.refuse(context.invoked_subcommand)
    return status() if context.invoked_subcommand is None else None


@app.command()
def status() -> int:
    """The map: every exercise with points, state and the next step."""
    from .commands import status_of

    return status_of(Path.cwd())


@app.command()
def show(what: One) -> int:
    """What an exercise or a task asks: statement, signature, examples, points, what is forbidden."""
    from .desk import front

    return front.show_page(what)


@app.command()
def hint(what: One) -> int:
    """The next hint; of an exercise, for its first task that has not passed."""
    from .desk import front

    return front.give_hint(what)


@app.command()
def solution(
    what: OneTask,
    spoil: Annotated[bool, typer.Option("--spoil", help="Also before it has passed; that is noted.")] = False,
) -> int:
    """How we wrote a task, once yours has passed."""
    from .desk import front

    return front.give_solution(what, spoil=spoil)


@app.command()
def reset(what: One) -> int:
    """Put the stub back, of an exercise or of one task; what you had is kept in .grade/backups."""
    from .desk import front

    return front.put_back(what)


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made where it is not there.")]) -> int:
    """Make a folder to work in: stubs, a README, settings for editors. Overwrites nothing."""
    from .desk import front

    return front.make_workspace(folder)


@app.command()
def run(
    what: What = None,
    submission: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A folder, .py, .ipynb or .zip; this folder without it.")
    ] = None,
    json: OutFile = None,
    html: OutFile = None,
    junit: OutFile = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Run in this process so that breakpoint() works. Not the graded mode.")
    ] = False,
    audience: Reader = "staff",
    device: Device = "cpu",
) -> int:
    """Grade: what is right, what is wrong, and why."""
    from .commands import Run, grade

    targets = {"json": json, "html": html, "junit": junit}
    return grade(Run(tuple(what or ()), submission, targets, debug, audience, device))


@app.command()
def ci(
    what: What = None,
    submission: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A folder, .py, .ipynb or .zip; this folder without it.")
    ] = None,
    json: Annotated[str | None, typer.Option(metavar="FILE", help="Where to write it.")] = None,
    junit: Annotated[str | None, typer.Option(metavar="FILE", help="Where to write it.")] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=FILE", help="classroom50, github-classroom, gradescope, prairielearn, exercism; repeatable."
        ),
    ] = None,
    audience: Reader = "learner",
    device: Device = "cpu",
) -> int:
    """Grade in a CI job: its summary, annotations, JUnit, and the exit code of grade run."""
    from .commands import grade_in_ci

    return grade_in_ci(
        tuple(what or ()), submission, {"json": json, "junit": junit}, tuple(also or ()), audience, device
    )


@app.command()
def watch(what: What = None) -> int:
    """Grade again on every save: what you touched, within a second. Keys: next, hint, run again, solution, quit."""
    from .commands import keep_watch

    return keep_watch(tuple(what or ()))


@app.command()
def batch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Every child is a submission.")],
    out: Annotated[Path, typer.Option(metavar="OUT", help="Where grades, results and feedback go.")],
    only: Annotated[list[str] | None, typer.Option(metavar="WHAT", help="Only this; may be given again.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; as many as there are cores without it.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Grade what was graded before too.")] = False,
    db: Annotated[str | None, typer.Option(metavar="URL", help="A database in place of OUT/grades.db.")] = None,
    budget: Annotated[
        float | None, typer.Option(min=1, metavar="SECONDS", help="What a submission's answers may take together.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Grade on this dask.distributed cluster, not on this machine.")
    ] = None,
    allow_unsandboxed: Annotated[
        bool, typer.Option("--allow-unsandboxed", help="Also where submissions cannot be locked down.")
    ] = False,
    audience: Reader = "learner",
    device: Device = "cpu",
) -> int:
    """Grade a class. The same command goes on where it was stopped; what has not changed is not graded again."""
    from .commands import grade_class

    return grade_class(
        folder, out, tuple(only or ()), jobs, again, db, budget, allow_unsandboxed, dask, audience, device
    )


@app.command()
def verify(
    what: What = None,
    mutants: Annotated[
        bool, typer.Option("--mutants", help="Also change the references mechanically: the checks have to notice.")
    ] = False,
    matrix: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --mutants, write the page of the kill matrix there.")
    ] = None,
) -> int:
    """Prove the checks: stubs earn nothing, references everything, every known mistake is caught and named."""
    from .proofs import prove

    return prove(tuple(what or ()), mutants=mutants, page=matrix)


@app.command()
def doctor() -> int:
    """What this machine can enforce against a learner's code, tried out, and how to get what is missing."""
    from .proofs import examine_machine

    return examine_machine()


@app.command()
def release(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="For whom: learner, nbgrader, github, gitlab or gradescope.")
    ],
    what: What = None,
    *,
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Made where it is not there; FILE.zip for gradescope.")
    ],
    modules: Annotated[
        bool, typer.Option("--modules", help="nbgrader: hand out .py files to be filled in, and no cells for it.")
    ] = False,
    late: Annotated[str | None, typer.Option(metavar="POLICY", help='gradescope: "10%/day, at most 50%".')] = None,
    limit: Annotated[str | None, typer.Option(metavar="N/TIME", help='gradescope: "5/day" are graded.')] = None,
) -> int:
    """Write the exercises for learners or a platform. Overwrites nothing; nothing hidden is in what learners get."""
    from .commands import write_release

    return write_release(kind, tuple(what or ()), to, modules=modules, late=late, limit=limit)


teacher.add(app)
