"""A summary -> one HTML page that needs nothing else: every plot drawn inside, one small script of ours for the table.

The script sorts and filters what is there already; without it the page reads the same. The page's policy names the
script by its hash, so that no other runs, whatever a learner wrote.
"""

from __future__ import annotations

import base64
import hashlib
import statistics
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

import grader.report
from grader.model import Status, Verdict
from grader.report import words

from . import plots
from .alike import Likeness
from .items import LOW, Flag, Item
from .summary import STATUSES, ExerciseView, Summary, TaskView

LONGEST = 2000  # characters of one text
FIRST = 12  # of a list that are seen at once
LISTED = 200  # lines of a list that could grow with the class
ROWS = 5000  # submissions that the table shows; a browser sorts so many at once
HERE = Path(__file__).parent


def render(
    summary: Summary,
    title: str,
    titles: Mapping[str, str],
    changes: Sequence[tuple[str, str, str, Sequence[str]]] = (),
    likeness: Likeness | None = None,
) -> str:
    """`titles`: of the exercises. `changes` in force: when, who, why, what. `likeness` None: nobody looked."""
    script = (HERE / "report.js").read_text("utf-8")
    names = [name for name in titles if name in summary.exercises]
    names += [name for name in summary.exercises if name not in titles]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            summary=summary,
            title=title,
            titles=titles,
            exercises=[summary.exercises[name] for name in names],
            changes=changes,
            likeness=likeness,
            files={entry.name: entry.file for entry in summary.entries},
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(HERE), FileSystemLoader(Path(grader.report.__file__).parent)]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    functions = (
        words.points, link, percent, number, facts, distribution, stand, verdicts, spread, flagged, items_of, seconds,
        mean_of,
    )  # fmt: skip
    made.globals.update({function.__name__: function for function in functions})
    made.globals.update({"FIRST": FIRST, "LISTED": LISTED, "ROWS": ROWS, "LOW": LOW, "Flag": Flag})
    return made


def _harmless(value: object) -> object:
    """Applied to everything the template writes: no control character, no line of the page that is a learner's."""
    return value if isinstance(value, Markup) else words.line(str(value), LONGEST)


def link(file: str) -> str:
    """To the feedback of a submission, beside the page."""
    return f"feedback/{quote(file, safe='')}.html"


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def seconds(value: float) -> str:
    return f"{value:.1f}"


def mean_of(view: ExerciseView | TaskView) -> str:
    """Mean points, as a share of what there is."""
    return percent(view.mean / view.max_score if view.mean is not None and view.max_score > 0 else None)


def facts(summary: Summary) -> list[tuple[str, str]]:
    """(what, how much), the first lines a teacher reads."""
    shares = summary.shares
    found = [("submissions", str(len(summary.entries))), ("graded", str(len(shares)))]
    if shares:
        found += [
            ("mean", percent(statistics.fmean(shares))),
            ("median", percent(statistics.median(shares))),
            ("standard deviation", percent(statistics.pstdev(shares))),
            ("full points", str(sum(share >= 1 - 1e-9 for share in shares))),
        ]
    for words_, listed in (("could not be read", summary.unreadable), ("no grade, our fault", summary.faults)):
        if listed:
            found.append((words_, str(len(listed))))
    return found


def distribution(summary: Summary) -> Markup:
    shares = summary.shares
    words_ = f"Histogram of the scores of {len(shares)} graded submissions"
    if shares:
        words_ += f": mean {percent(statistics.fmean(shares))}, median {percent(statistics.median(shares))}"
    return plots.histogram(summary.bins, words_)


def stand(task: TaskView) -> Markup:
    """How many passed, failed, left it, as a bar."""
    names = {Status.PASSED: "passed", Status.FAILED: "not yet", Status.TODO: "to do", Status.FAULT: "our fault"}
    told = ", ".join(f"{task.states[status]} {names[status]}" for status in STATUSES if task.states[status])
    return plots.stacked([(status.value, task.states[status]) for status in STATUSES], f"{task.name}: {told}")


def verdicts(item: Item) -> Markup:
    counts = [(verdict.value, item.verdicts[verdict]) for verdict in Verdict]
    told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts if count)
    return plots.stacked(counts, f"{item.name}: {told}", width=120)


def spread(summary: Summary) -> Markup:
    """Nothing, where no check has a place."""
    points = [
        (item.difficulty, item.discrimination, item.flag is not None, f"{item.exercise}::{item.name}")
        for item in summary.items.found.values()
        if item.difficulty is not None and item.discrimination is not None
    ]
    told = f"Each of {len(points)} checks by the share that passed it and by its correlation with the rest"
    return plots.scatter(points, told) if points else Markup("")


def flagged(summary: Summary) -> list[Item]:
    """What a teacher should look at, in the order of Flag."""
    order = list(Flag)
    found = [item for item in summary.items.found.values() if item.flag is not None]
    return sorted(found, key=lambda item: order.index(item.flag or Flag.WEAK))


def items_of(summary: Summary, exercise: str) -> list[Item]:
    return [item for item in summary.items.found.values() if item.exercise == exercise]
