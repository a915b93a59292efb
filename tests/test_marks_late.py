"""Late policies, worked out by hand, and the files that times come from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from grader.errors import UsageError
from grader.marks import late

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DUE = datetime(2026, 11, 20, 23, 59, tzinfo=timezone(HOUR))


@pytest.mark.parametrize(
    ("policy", "after", "taken"),
    [
        ("10%/day", -HOUR, 0.0),
        ("10%/day", timedelta(0), 0.0),
        ("10%/day", timedelta(microseconds=1), 0.1),
        ("10%/day", DAY, 0.1),
        ("10%/day", DAY + timedelta(microseconds=1), 0.2),
        ("10%/day", 30 * DAY, 1.0),
        ("10%/day, at most 50%", 30 * DAY, 0.5),
        ("10 % per day , At most 35 %", 4 * DAY, 0.35),
        ("5%/hour, grace 15 minutes", 15 * MINUTE, 0.0),
        ("5%/hour, grace 15 minutes", 16 * MINUTE, 0.05),
        ("5%/hour, grace 2 hours", 3 * HOUR, 0.15),
        ("50%/week, at most 60%, grace 1 day", 8 * DAY, 0.6),
        ("2.5%/minutes", 3 * MINUTE, 0.075),
        ("100%/day", MINUTE, 1.0),
        ("0%/day", 9 * DAY, 0.0),
    ],
)
def test_a_policy_takes_what_it_says(policy, after, taken):
    assert late.policy(policy).penalty(after) == pytest.approx(taken, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    ["", "10%", "10/day", "-1%/day", "101%/day", "10%/fortnight", "10%/day, at most 200%", "10%/day; at most 50%",
     "10%/day, at most 50%, and more", "nan%/day", "10%/day, grace 1e9 days", "9" * 5000 + "%/day"],
)  # fmt: skip
def test_what_is_no_policy_is_told_how_one_is_written(text):
    with pytest.raises(UsageError, match='cannot be understood; write "10%/day"'):
        late.policy(text)


def test_a_due_date_says_its_zone():
    assert late.due("2026-11-20T23:59+01:00") == DUE
    assert late.due("2026-11-20 23:59Z") == datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
    for text in ("2026-11-20T23:59", "tomorrow", "", "soon Europe/Berlin", "2026-11-20T23:59+01:00 Europe/Berlin"):
        with pytest.raises(UsageError, match="date, time and zone"):
            late.due(text)
    for zone in ("Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "Europe", "x\x00y"):
        with pytest.raises(UsageError, match="there is no time zone"):
            late.due(f"2026-11-20 23:59 {zone}")


@pytest.mark.parametrize(
    ("due", "handed_in", "taken"),
    [
        ("2026-03-27 23:59 Europe/Berlin", "2026-03-30 00:30", 0.2),  # 47 h 31 min: a Sunday of 23 hours lies between
        ("2026-03-27T23:59+01:00", "2026-03-30 00:30+02:00", 0.2),
        ("2026-03-27 23:59 Europe/Berlin", "2026-03-27T22:59:00Z", 0.0),
        ("2026-03-27 23:59 Europe/Berlin", "2026-03-27T22:59:01Z", 0.1),
        ("2026-10-24 23:59 Europe/Berlin", "2026-10-25 23:30", 0.2),  # 24 h 31 min: a Sunday of 25 hours
        ("2026-10-24 23:59 Europe/Berlin", "2026-10-25 02:30", 0.1),
        ("2026-11-20 23:59 UTC", "2026-11-21 00:59+01:00", 0.0),
    ],
)
def test_a_place_whose_clock_changes_costs_nobody_an_hour(tmp_path, due, handed_in, taken):
    file, until = tmp_path / "times.csv", late.due(due)
    file.write_text(f"submission,time\nada,{handed_in}\n", "utf-8")
    behind = late.times(file, until)["ada"] - until

    assert late.policy("10%/day").penalty(behind) == pytest.approx(taken)


def test_times_without_a_zone_are_in_that_of_the_due_date(tmp_path):
    file = tmp_path / "times.csv"
    file.write_text("Submission;Submitted at\nAda;2026-11-21 00:30\nbob;2026-11-20T23:00:00Z\n", "utf-8")

    assert late.times(file, DUE) == {
        "ada": datetime(2026, 11, 21, 0, 30, tzinfo=timezone(HOUR)),
        "bob": datetime(2026, 11, 20, 23, 0, tzinfo=UTC),
    }


def test_names_are_found_however_an_umlaut_is_written(tmp_path):
    file = tmp_path / "times.csv"
    file.write_text("submission,time\nJo\u0308rg,2026-11-21 00:30\n", "utf-8")

    assert list(late.times(file, DUE)) == ["j\u00f6rg"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("submission,time\nada,soon\n", "line 2: 'soon' is no time; write it as 2026-11-20 23:59"),
        ("submission,time\nada,0001-01-01T00:00+14:00\n", "line 2: '0001-01-01T00:00+14:00' is no time"),
        ("submission,time\n,2026-11-20\n", "line 2: says not whose time this is"),
        ("submission,time\nada,2026-11-20\n\nADA,2026-11-21\n", "line 4: 'ADA' is there twice"),
        ("submission\nada\n", "line 1: no column is called 'time' (there are: submission)"),
    ],
)
def test_times_that_cannot_be_used_are_told_with_their_line(tmp_path, text, told):
    file = tmp_path / "times.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(UsageError) as error:
        late.times(file, DUE)

    assert "times.csv" in str(error.value)
    assert told in str(error.value)


def test_hours_are_rounded_up_to_the_hundredth():
    after = (MINUTE, HOUR, 66 * MINUTE, 90 * MINUTE, HOUR + timedelta(microseconds=1))
    assert [late.hours(each) for each in after] == [0.02, 1.0, 1.1, 1.5, 1.01]
