"""What run_autograder starts. Two processes of ours: the one that Gradescope starts, as root, and one that grades.

The first reads what the platform says, starts the second as a user without any right, and alone writes results.json.
The second reads the submission and has the learner's code run behind the wall as ever; what it finds comes by a pipe.
From the first moment there is a results.json that says "no grade", so that whatever happens, nobody gets a zero for it.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path

from grader.collect import Submission, collect
from grader.errors import GraderError, GraderFault
from grader.model import Isolation, Json
from grader.text import clean
from grader.workspace import write_text

from . import gradescope
from .gradescope_terms import Metadata, Settings, metadata, refusal, settings, terms

ROOT = Path("/autograder")
USER = "cnn-grader"  # made by setup.sh
SHARE = 0.7  # of the seconds that there are, for a learner's answers; the rest is ours


def supervise(root: Path) -> str:
    """Grade what lies in `root`; returns what was written to results.json."""
    began = time.monotonic()
    target = root / "results" / "results.json"
    write_text(target, gradescope.no_grade("it was stopped from outside: out of time, memory or disk"))
    try:
        text = _result(root)
    except GraderError as error:
        text = gradescope.no_grade(clean(str(error), 500, keep_newlines=False))
    except Exception as error:
        sys.excepthook(type(error), error, error.__traceback__)  # the staff's log, not the learner's page
        text = gradescope.no_grade(f"{type(error).__name__}; the log has more")
    made = json.loads(text)
    made["execution_time"] = round(time.monotonic() - began, 1)
    written = gradescope.written(made)
    write_text(target, written)
    return written


def _result(root: Path) -> str:
    wanted = settings((root / "source" / "settings.json").read_text("utf-8"))
    told = (root / "submission_metadata.json").read_text("utf-8")
    over = refusal(metadata(told), wanted)
    if over is None:
        return _checked(_ask(root, told, wanted.seconds))
    standing, why = over
    return gradescope.not_graded(standing.score or 0.0, standing.tests, why)


def _ask(root: Path, told: str, seconds: float) -> str:
    """Have a process without rights grade. Raises GraderFault where it does not answer in time, or ends."""
    command = [sys.executable, "-P", "-m", __spec__.name, str(root), "grade"]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(root / "cache"),
        "XDG_CACHE_HOME": str(root / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    options: dict[str, object] = {"cwd": "/", "env": environment, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with _start(command, options) as process:
        try:
            answer, _ = process.communicate(told.encode(), timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise GraderFault(f"grading took longer than the {seconds:g} seconds of settings.json") from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        raise GraderFault(f"the process that grades ended with {process.returncode}; the log has more")
    return answer.decode("utf-8")


def _start(command: list[str], options: dict[str, object]) -> subprocess.Popen[bytes]:
    """As a user who may nothing, where we are root and there can be another: not in a user namespace of one user."""
    if os.geteuid() == 0:
        who = next((found for name in (USER, "nobody") if (found := _account(name)) is not None), None)
        if who is not None:
            rights = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
            try:
                return _popen(command, {**options, **rights})
            except OSError as error:
                sys.stderr.write(f"grading as root, behind the wall all the same: {error}\n")
    return _popen(command, options)


def _popen(command: list[str], options: dict[str, object]) -> subprocess.Popen[bytes]:
    made = subprocess.Popen(command, start_new_session=True, **options)  # type: ignore[call-overload]
    return made  # type: ignore[no-any-return]


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _checked(text: str) -> str:
    """A result has points, or it says that there are none."""
    try:
        made: Json = json.loads(text)
    except ValueError as error:
        raise GraderFault("the process that grades gave no result") from error
    if not isinstance(made, dict) or "output" not in made or ("tests" in made) != ("score" in made):
        raise GraderFault("the process that grades gave half a result")
    return text


def grade(root: Path, told: str) -> str:
    """The second process: results.json as text. Raises GraderFault where strangers cannot be graded here."""
    from grader import course
    from grader.platforms.grading import graded

    wanted, known = settings((root / "source" / "settings.json").read_text("utf-8")), course.load()
    about: Metadata = metadata(told)
    chosen = dict.fromkeys(wanted.exercises or known.names)
    only = next(iter(chosen)) if len(chosen) == 1 else None
    submission = _collected(root / "submission", known.names, only)
    report = graded(known, submission, chosen, seconds=wanted.seconds * SHARE)
    _guarded(report.environment.isolation, wanted)
    return gradescope.render(report, terms(about, wanted))


def _collected(folder: Path, names: tuple[str, ...], only: str | None) -> Submission:
    """A folder that was zipped whole is alone in there: then it is the submission."""
    submission = collect(folder, names, only)
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__MACOSX"))]
    if not submission.modules and len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink():
        return collect(entries[0], names, only)
    return submission


def _guarded(isolation: Isolation, wanted: Settings) -> None:
    if isolation is not Isolation.SANDBOXED and not wanted.allow_unsandboxed:
        raise GraderFault(
            "a submission cannot be locked down here (neither namespaces nor Landlock and seccomp), and hidden checks "
            "lie beside it; see the log of setup.sh, or decide otherwise with allow_unsandboxed in settings.json"
        )


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    if sys.argv[2:] != ["grade"]:
        supervise(root)
        return
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever is printed from here on goes to the staff's log and never into the result
    text = grade(root, sys.stdin.read())
    with os.fdopen(answer, "w", encoding="utf-8") as out:
        out.write(text)


if __name__ == "__main__":
    main()
