"""Late policies: how much of what was earned is taken off, from a due date and the times of submission."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from grader.errors import UsageError
from grader.text import clean

from .sheets import key, read

UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
EXAMPLES = '"10%/day", "10%/day, at most 50%", "5%/hour, grace 15 minutes"'
COLUMNS = {
    "submission": ("id", "name", "student", "student id", "login"),
    "time": ("submitted", "submitted at", "submission time", "date"),
}
_NUMBER = r"(\d{1,6}(?:\.\d{1,6})?)"
_UNIT = r"(minute|hour|day|week)s?"
_RATE = re.compile(rf"{_NUMBER}\s*%\s*(?:/|per|a|an)\s*{_UNIT}")
_MOST = re.compile(rf"at most {_NUMBER}\s*%")
_GRACE = re.compile(rf"grace {_NUMBER}\s*{_UNIT}")


@dataclass(frozen=True, slots=True)
class Policy:
    """`rate` of what was earned for every `per` begun after the due date, never more than `most`.

    Within `grace` of the due date nothing is taken; after it the time counts from the due date on.
    """

    rate: float
    per: timedelta
    most: float = 1.0
    grace: timedelta = timedelta(0)

    def penalty(self, late: timedelta) -> float:
        """The share that is taken: 0 (in time) to 1."""
        if late <= max(self.grace, timedelta(0)):
            return 0.0
        begun = -(-late // self.per)  # whole microseconds: no rounding error begins another day
        return min(self.rate * begun, self.most, 1.0)


def policy(text: str) -> Policy:
    """Raises UsageError that shows how a policy is written."""
    first, *more = [" ".join(part.split()).casefold() for part in text.split(",")]
    rate = _RATE.fullmatch(first)
    most, grace, understood = 1.0, timedelta(0), rate is not None
    for part in more:
        if hit := _MOST.fullmatch(part):
            most = float(hit[1]) / 100
        elif hit := _GRACE.fullmatch(part):
            grace = float(hit[1]) * UNITS[hit[2]]
        else:
            understood = False
    if rate is None or not understood or float(rate[1]) > 100 or most > 1:
        raise UsageError(f"--late {clean(text, 200, keep_newlines=False)!r}: cannot be understood; write {EXAMPLES}")
    return Policy(float(rate[1]) / 100, UNITS[rate[2]], most, grace)


def due(text: str) -> datetime:
    """A moment with its zone: an offset, or a place, whose clock may change until the last of a class is in.

    Raises UsageError, also where no time zone is said: an hour could cost somebody a grade.
    """
    found = _moment(text)
    when, _, place = text.strip().rpartition(" ")
    if found is None and when and (named := _moment(when)) is not None and named.tzinfo is None:
        zone = _zone(place)
        if zone is None:
            shown = clean(place, 100, keep_newlines=False)
            raise UsageError(
                f"--due: there is no time zone {shown!r} here; write a place as in Europe/Berlin, or +01:00. Where "
                "this machine knows no place at all: pip install tzdata"
            )
        found = named.replace(tzinfo=zone)
    if found is None or found.tzinfo is None:
        shown = clean(text, 100, keep_newlines=False)
        raise UsageError(
            f"--due {shown!r}: write date, time and zone, as in 2026-11-20T23:59+01:00, …23:59Z or "
            "'2026-11-20 23:59 Europe/Berlin'"
        )
    return found


def times(file: Path, until: datetime) -> dict[str, datetime]:
    """Name of a submission, or id of a student, as sheets.key writes it -> when it was handed in, in UTC.

    A time without a zone is in that of the due date. Raises UsageError that names file, line and what to do.
    """
    found: dict[str, datetime] = {}
    for line in read(file, COLUMNS, ("submission", "time")):
        name, text = line.cells["submission"], line.cells["time"]
        moment = _in_utc(text, until)
        if not name:
            raise line.wrong("says not whose time this is; name the submission or the student's id")
        if moment is None:
            raise line.wrong(f"{text!r} is no time; write it as 2026-11-20 23:59 or 2026-11-20T23:59:00+01:00")
        if key(name) in found:
            raise line.wrong(f"{name!r} is there twice; leave out the line that does not count")
        found[key(name)] = moment
    return found


def hours(late: timedelta) -> float:
    """Rounded up to the hundredth, worked out in whole microseconds."""
    return -(-late // (UNITS["hour"] / 100)) / 100


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def _in_utc(text: str, until: datetime) -> datetime | None:
    """Two times of one place would be subtracted as its clock shows them, whatever that did in between."""
    moment = _moment(text)
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=until.tzinfo)).astimezone(UTC)
    except OverflowError:  # the first day of all years
        return None


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not known here, or no name at all
        return None
