"""What Gradescope says of a submission (submission_metadata.json) and what the staff decided (settings.json) -> terms.

Times are those of the submission, never of the clock here: a submission that is graded again is no later for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from grader.errors import GraderFault, UsageError
from grader.marks import late
from grader.model import Json
from grader.text import clean

from .gradescope import Terms

_LIMIT = re.compile(r"(\d{1,4})\s*(?:/|per|in|every)\s*(?:(\d{1,4})\s*)?(minute|hour|day|week)s?")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `number` submissions are graded within `span`."""

    number: int
    span: timedelta


@dataclass(frozen=True, slots=True)
class Settings:
    """What `grade release gradescope` was told; the staff may change settings.json in the zip."""

    exercises: tuple[str, ...] = ()
    late: str | None = None
    limit: str | None = None
    seconds: float = 540.0  # of Gradescope's 600, with time to write that there is no grade
    allow_unsandboxed: bool = False


@dataclass(frozen=True, slots=True)
class Earlier:
    """A submission before this one. `score` is None where there is none; `tests` is what was said of it."""

    moment: datetime
    score: float | None
    counted: bool
    tests: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Metadata:
    created: datetime
    due: datetime | None
    earlier: tuple[Earlier, ...] = ()


def limit(text: str) -> Limit:
    """Raises UsageError that shows how a limit is written."""
    found = _LIMIT.fullmatch(" ".join(text.split()).casefold())
    if found is None or int(found[1]) == 0 or found[2] == "0":
        shown = clean(text, 100, keep_newlines=False)
        raise UsageError(f"--limit {shown!r}: cannot be understood; write 5/day, 3 per hour or 1 per 30 minutes")
    return Limit(int(found[1]), int(found[2] or 1) * late.UNITS[found[3]])


def settings(text: str) -> Settings:
    """Raises GraderFault: with settings that cannot be read nobody is graded."""
    try:
        found = json.loads(text)
        made = Settings(
            tuple(str(name) for name in found["exercises"]),
            found.get("late"),
            found.get("limit"),
            float(found["seconds"]),
            found.get("allow_unsandboxed") is True,
        )
        if made.late is not None:
            late.policy(made.late)
        if made.limit is not None:
            limit(made.limit)
    except (UsageError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GraderFault(f"settings.json cannot be used: {clean(str(error), 300, keep_newlines=False)}") from error
    return made


def metadata(text: str) -> Metadata:
    """Raises GraderFault where it is not what the platform's documentation says."""
    try:
        found = json.loads(text)
        earlier = [_earlier(entry) for entry in found.get("previous_submissions") or ()]
        return Metadata(_moment(found["created_at"]), _due(found), tuple(sorted(earlier, key=lambda one: one.moment)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GraderFault(f"submission_metadata.json cannot be read ({type(error).__name__})") from error


def _due(found: Mapping[str, Json]) -> datetime | None:
    """Of a group, the latest due date that one of them has; their own where they were given more time."""
    own = [
        dates["due_date"]
        for user in (found.get("users") or ())  # type: ignore[union-attr]
        if isinstance(user, dict) and isinstance(dates := user.get("assignment"), dict) and dates.get("due_date")
    ]
    assignment = found.get("assignment")
    general = assignment.get("due_date") if isinstance(assignment, dict) else None
    moments = [_moment(date) for date in own or [general] if date]
    return max(moments, default=None)


def _earlier(entry: Mapping[str, Json]) -> Earlier:
    """Those that we did not grade, or that our fault ended, count for nobody's limit."""
    results = entry.get("results")
    extra = results.get("extra_data") if isinstance(results, dict) else None
    skipped = isinstance(extra, dict) and extra.get("counted") is False
    failed = entry.get("autograder_error") is True
    score = entry.get("score")
    number = float(score) if isinstance(score, int | float | str) and str(score) != "" and not failed else None
    told = results.get("tests") if isinstance(results, dict) else None
    tests = tuple(told) if isinstance(told, list) else ()
    return Earlier(_moment(entry["submission_time"]), number, not skipped and not failed, tests)


def _moment(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def refusal(known: Metadata, wanted: Settings) -> tuple[Earlier, str] | None:
    """Over the limit: the submission whose points stand, and why. None where this submission is graded."""
    if wanted.limit is None:
        return None
    most = limit(wanted.limit)
    counted = [one for one in known.earlier if one.counted and known.created - most.span < one.moment <= known.created]
    standing = [one for one in known.earlier if one.counted and one.score is not None]
    if len(counted) < most.number or not standing:
        return None
    again = counted[-most.number].moment + most.span
    return standing[-1], (
        f"Not graded: of your submissions {wanted.limit} are graded, and that many were. The points of your last "
        f"graded submission stand: {standing[-1].score:g}. From {again:%Y-%m-%d %H:%M %Z} on the next one is graded."
    )


def terms(known: Metadata, wanted: Settings) -> Terms:
    """What is taken off for being late, and the sentence that says so."""
    if wanted.late is None or known.due is None or known.created <= known.due:
        return Terms()
    behind = known.created - known.due
    penalty = late.policy(wanted.late).penalty(behind)
    if penalty == 0:
        return Terms(notes=(f"Handed in {late.hours(behind):g} hours late: within the grace, nothing is taken off.",))
    said = f"Handed in {late.hours(behind):g} hours late: {penalty:.0%} of your points are taken off ({wanted.late})."
    return Terms(penalty, (said,))
