"""Forty submissions in a row, every second one hostile: the honest half gets exactly what it gets alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from grader import course
from grader.collect import Module, Submission
from grader.learner import Zygote
from grader.pipeline import Wanted
from grader.report import record

from .attack import Attack, attacks
from .scene import Scene
from .throwaway import ROOT

HALF = 20
STYLES = 5  # of each exercise
TASKS = 3  # of each exercise
EXERCISES = ("ex01_motivation", "ex02_filters", "ex03_output_size")
_TIME = re.compile(r'"duration_s": [0-9.e-]+')
# Half-right ones: a right module with something turned around.
_TURNS = ((" + 1", " + 2"), (" - 1", " - 0"), ("//", "*"), ("2 *", "3 *"), ("(1", "(2"), (" * ", " + "))


def honest() -> list[Submission]:
    """Right ones in several styles, and ones with a mistake: as many as there are hostile ones."""
    found: list[tuple[str, str]] = []
    for exercise in EXERCISES:
        right = [ROOT / "solutions" / f"{exercise}.py", *sorted((ROOT / "tests" / "right" / exercise).glob("*.py"))]
        found += [(exercise, path.read_text("utf-8")) for path in right[:STYLES]]
    whole = [(exercise, text) for exercise, text in found if exercise == EXERCISES[-1]]
    for number in range(HALF - len(found)):
        exercise, text = whole[number % len(whole)]
        old, new = _TURNS[number % len(_TURNS)]
        head, middle, tail = text.rpartition(old)
        found.append((exercise, f"{head}{new if middle else ''}{tail}"))
    return [_submission(number, *one) for number, one in enumerate(found[:HALF])]


def _submission(number: int, exercise: str, text: str) -> Submission:
    return Submission(f"s{number}", f"{number:064x}", {exercise: Module(exercise, f"{exercise}.py", text)}, ())


def problems(scene: Scene) -> list[str]:
    """Where the honest half got something else in company than alone; "" nowhere."""
    good = honest()
    company = _graded(scene, good, _hostile())
    alone = _graded(_afresh(scene), good, [])
    found = [_difference(one, company, alone) for one in good if company[one.name] != alone[one.name]]
    for one in good[::7]:  # and each of these with a zygote that has never seen another
        if _graded(_afresh(scene), [one], [])[one.name] != alone[one.name]:
            found.append(f"{one.name}: another report where it is the first")
    scores = {json.loads(text)["score"] for text in alone.values()}
    if len(good) != HALF or len(scores) < 3:
        found.append(f"{len(good)} honest ones with {len(scores)} scores show nothing")
    return found


def _difference(one: Submission, company: dict[str, str], alone: dict[str, str]) -> str:
    pairs = zip(company[one.name].splitlines(), alone[one.name].splitlines(), strict=False)
    line = next((f"{there.strip()} and alone {here.strip()}" for there, here in pairs if there != here), "its length")
    return f"{one.name} ({', '.join(one.modules)}): in company {line}"


def _hostile() -> list[Attack]:
    """From every family, the ones that run a module."""
    plain = [attack for attack in attacks() if attack.build is None]
    step = max(1, len(plain) // HALF)
    return plain[::step][:HALF]


def _afresh(scene: Scene) -> Scene:
    zygote = Zygote(scene.zygote.walls).start()
    return replace(scene, zygote=zygote, grader=replace(scene.grader, zygote=zygote))


def _graded(scene: Scene, good: list[Submission], bad: list[Attack]) -> dict[str, str]:
    """Name -> its report without durations, the hostile ones in between."""
    known = course.load()
    patient = replace(scene.grader, course=known)  # a busy machine must not be what makes the difference
    found = {}
    for number, one in enumerate(good):
        if number < len(bad):
            scene.grade(bad[number])
        (exercise,) = one.modules
        tasks = [task.name for task in known.exercise(exercise).tasks]
        report = patient.grade(one, wanted=Wanted({exercise: frozenset(tasks[:TASKS])}))
        found[one.name] = _TIME.sub('"duration_s": 0', record.render(report))
    if not bad:
        scene.zygote.close()
    return found
