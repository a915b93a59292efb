"""Three questions to every attack: has it earned what it did not answer, has it taken anything, has it done harm?"""

from __future__ import annotations

import functools
import html
import io
import json
import re
import time
from dataclasses import dataclass

from rich.console import Console

from grader.errors import UsageError
from grader.model import Report, TaskResult
from grader.report import html as page
from grader.report import junit, record, terminal
from grader.text import clean

from . import renderings
from .attack import Attack
from .scene import Scene
from .throwaway import ROOT

SECONDS = 60.0  # for one attack, however many checks it makes wait
HONEST_EVERY = 4  # after so many attacks an honest submission has to earn its full marks
_LINE = 40  # a line of ours this long, word for word, is no coincidence
_SIGNS = re.compile(r"^(?:GOT|REFUSED) .*$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What became of one attack. `problems` is empty where all is as it should be."""

    attack: Attack
    verdicts: tuple[str, ...]
    score: float
    came_home_with: str
    problems: tuple[str, ...]
    seconds: float


def judge(attack: Attack, scene: Scene, *, fallback: bool) -> Outcome:
    """Grade it, and look at the report and at the host."""
    started = time.monotonic()
    try:
        report = scene.grade(attack)
    except UsageError as error:
        return _turned_away(attack, scene, clean(f"grade: {error}", 20_000), started)  # as the command says it
    except Exception as error:
        problem = f"the run was stopped by {type(error).__name__}: {error}"
        return Outcome(attack, (), 0.0, "", (problem, *_aftermath(scene)), time.monotonic() - started)
    task = report.exercises[0].tasks[0]
    verdicts = {check.verdict.value for check in task.checks if check.spec.points}
    said = _said(report)
    problems = []
    if report.faulty:
        problems.append(f"our own fault: {[check.message for check in task.checks][:2]}")
    if task.score != attack.earns:
        problems.append(f"it earned {task.score:g} points, not {attack.earns:g}")
    if verdicts - attack.verdicts - ({"passed"} if attack.earns else set()) - {"not_run"}:
        problems.append(f"its verdicts are {sorted(verdicts)}, not among {sorted(attack.verdicts)}")
    problems += [*_leaks(said, scene), *renderings.problems(report, attack.absent)]
    gets = attack.gets_in_fallback if fallback and attack.gets_in_fallback is not None else attack.gets
    home = _came_home_with(task)
    for got in (line for line in home if line.startswith("GOT")):
        if not gets or not re.fullmatch(gets, got.removeprefix("GOT ")):
            problems.append(f"it got something: {got[:200]}")
    if attack.says and attack.says not in said:
        problems.append(f"the learner is not told {attack.says!r}")
    if (took := time.monotonic() - started) > SECONDS:
        problems.append(f"it took {took:.0f} seconds")
    problems += _aftermath(scene)
    shown = "; ".join(dict.fromkeys(home)) or _first_message(task) or "; ".join(report.notes[:1])
    return Outcome(attack, tuple(sorted(verdicts)), task.score, shown, tuple(problems), took)


def _turned_away(attack: Attack, scene: Scene, said: str, started: float) -> Outcome:
    problems = [] if "turned_away" in attack.verdicts else [f"it was turned away: {said}"]
    problems += [*_leaks(said, scene), *renderings.problems_of_text(said, attack.absent)]
    if attack.says not in said:
        problems.append(f"the learner is not told {attack.says!r}")
    problems += _aftermath(scene)
    return Outcome(attack, ("turned_away",), 0.0, said, tuple(problems), time.monotonic() - started)


def _aftermath(scene: Scene) -> list[str]:
    problems = [*scene.harm()]
    scene.judged += 1
    if (problems or scene.judged % HONEST_EVERY == 0) and (short := scene.honest()):
        problems.append(f"the honest one after it earned {short}")
    return problems


def _came_home_with(task: TaskResult) -> list[str]:
    return [line for check in task.checks for line in _SIGNS.findall(check.printed or "")]


def _first_message(task: TaskResult) -> str:
    return next((check.message for check in task.checks if check.spec.points and check.message), "")


def _said(report: Report) -> str:
    """All that anybody can read of it, in every format, as it is written and as it is meant."""
    console = Console(file=io.StringIO(), width=200, force_terminal=False)
    terminal.render(report, console)
    out = console.file.getvalue()  # type: ignore[attr-defined]
    texts = [record.render(report), page.render(report), junit.render(report), out]
    return "\n".join([*texts, html.unescape(texts[1]), json.dumps(record.record(report), ensure_ascii=False)])


def _leaks(said: str, scene: Scene) -> list[str]:
    found = [f"the secret of {whose} is in the report" for secret, whose in scene.canaries.items() if secret in said]
    ours = _ours()
    for place in range(len(said) - _LINE + 1):  # by its beginning: thousands of searches through a report take long
        if any(said.startswith(line, place) for line in ours.get(said[place : place + _LINE], ())):
            found.append(f"a line of ours is in the report: {said[place : place + 60]}")
            break
    return found


@functools.cache
def _ours() -> dict[str, tuple[str, ...]]:
    """Long lines of hidden checks, references and mistakes that no stub or statement has too, by their beginnings."""
    hidden = [*(ROOT / "grader" / "checks").glob("test_*.py"), *(ROOT / "solutions").rglob("*.py")]
    public = "\n".join(path.read_text("utf-8") for path in (ROOT / "exercises").glob("*.py"))
    lines = {line.strip() for path in hidden for line in path.read_text("utf-8").splitlines()}
    # Titles and sentences of diagnosis are written for the learner.
    shown = ("@check(", "@misconception(", '"', "title=", "###")
    found: dict[str, tuple[str, ...]] = {}
    for line in lines:
        if len(line) >= _LINE and line not in public and not line.startswith(shown):
            found[line[:_LINE]] = (*found.get(line[:_LINE], ()), line)
    return found
